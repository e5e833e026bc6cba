"""Volumes: what is in which, what `bundle.json` says of that, and parts."""

from page import volumes
from page.bundle_form import Form, Root
from page.plan import Plan
from page.descriptors import descriptor

from . import foreign
from .case import ACCEPT, Case, REFUSE, Tree
from .draft import Entry, sound
from .material import Box, named, one_image

SIZE = 30_000
LENGTH = "files that are no longer than a *size* in bytes"
EACH = "Each is an image layout by itself"
NOT_DIVIDED = "would be no longer than the size is not divided"
KEYS = "`volume` has the keys `count`"
TABLE = "`table` has a key for each config and other blob"
NUMBER = "The value is the number of the volume that has the blob."
CUT = "For a blob that is cut it is an object"
ENTRIES = "A volume has the entries of lines 1 to 6"
PARTS = "**Parts** stand at `parts/ALGORITHM/HEX/NNN`"
SUM = "Right after each part stands its checksum"
NO_FOLDERS = "There are no directory entries for parts."
FOLLOWS = "**Which volume has what** follows"
NO_DIVISION = "There is no division where the room is less"
CHECKED = "A volume is checked by itself, and each of its parts"
ELSEWHERE = "What it has not, another volume has"
DIRECTORY = "In a directory a volume is refused."
MATTER = "The names that matter are"


def several():
    """Images that share a layer, one with layers that are longer than a volume; one was left out."""
    box = Box()
    shared = box.layer("shared", 6_000)
    away = box.layer("away", 500, urls=["https://example.org/layer"])
    images = {
        f"quay.io/org/{label}:1": box.image(label, [shared, box.layer(label, 9_000), box.layer(label + " small", 300)])
        for label in "abc"
    }
    large = [box.layer("large", 60_000), box.layer("large too", 70_000, "sha512")]
    images["quay.io/org/large:1"] = box.image("large", [shared, away, *large])
    return box, images, [box.leave_out(away)]


def form_of(number, size):
    box, images, left_out = several()
    draft = sound(box, images, left_out=left_out)
    plan = Plan([descriptor(root, "root") for root in draft.index["manifests"]], box.blobs.get)
    names = {value["digest"]: name for name, value in images.items()}
    roots = [Root(names[root["digest"]], root["digest"]) for root in draft.index["manifests"]]
    return box, draft, Form(roots, plan, left_out, (number, size))


def draft_of(number=1, size=SIZE, change_bundle=None, change_entries=None):
    """A volume in the making: `change_bundle` has its `bundle.json`, `change_entries` the entries after the
    directories, as a list."""
    box, draft, form = form_of(number, size)

    def bundle(document):
        document.update(table=dict(form.table), volume={"count": form.count, "number": number, "size": size})
        if change_bundle:
            change_bundle(document)

    def entries(all_entries):
        first = next(at for at, entry in enumerate(all_entries) if entry.path.startswith("blobs/sha") and entry.data)
        found = []
        for path, digest, part in form.entries():
            data = box.blobs[digest]
            if part:
                data = data[part[1] : part[1] + part[2]]
            found.append(Entry(path, data))
            if part:
                found.append(Entry(path + ".sha256", volumes.sum_line([data], part[0])))
        if change_entries:
            found = change_entries(found) or found
        return all_entries[:first] + found

    draft.change_bundle, draft.change_entries = bundle, entries
    return draft


def with_part(algorithm="sha256"):
    """The number of the first volume that has a part."""
    _, _, form = form_of(1, SIZE)
    cut = [digest for digest, there in form.table.items() if type(there) is dict and digest.startswith(algorithm)]
    return form.table[cut[0]]["volumes"][0]


def bundle(label, quote, change, number=1, size=SIZE):
    def changed(document):
        return change(document)

    return Case(
        "volume-json-" + label, quote, lambda: draft_of(number, size, change_bundle=changed).file(), REFUSE
    )


def entries(label, quote, change, number=None):
    return Case(
        "volume-entries-" + label,
        quote,
        lambda: draft_of(number or with_part(), change_entries=change).file(),
        REFUSE,
    )


def cases():
    yield from of_sound_ones()
    yield from of_bundle_json()
    yield from of_entries()
    yield Case("volume-in-directory", DIRECTORY, in_directory, REFUSE)
    yield from of_names()


def of_sound_ones():
    _, _, form = form_of(1, SIZE)
    for number in range(1, form.count + 1):
        quote = (ELSEWHERE, EACH, LENGTH, FOLLOWS)[number % 4]
        yield Case(f"volume-sound-{number}", quote, lambda number=number: draft_of(number).file(), ACCEPT)
    for size in (24_000, 35_555, 47_111, 90_000):
        yield Case(f"volume-sound-of-{size}", FOLLOWS, lambda size=size: draft_of(2, size).file(), ACCEPT)


def cut_of(document, at=0):
    """The table entry of one of the blobs that are cut."""
    return [there for there in document["table"].values() if type(there) is dict][at]


def first_whole(document):
    return next(digest for digest, there in document["table"].items() if type(there) is int)


def set_cut(change):
    def changed(document):
        digest = next(digest for digest, there in document["table"].items() if type(there) is dict)
        document["table"][digest] = change(dict(document["table"][digest]))

    return changed


def of_bundle_json():
    for label, change in (
        ("count-more", lambda d: d["volume"].update(count=d["volume"]["count"] + 1)),
        ("count-less", lambda d: d["volume"].update(count=d["volume"]["count"] - 1)),
        ("count-1", lambda d: d["volume"].update(count=1)),
        ("count-0", lambda d: d["volume"].update(count=0)),
        ("count-10000", lambda d: d["volume"].update(count=10_000)),
        ("count-of-millions", lambda d: d["volume"].update(count=4_000_000_000)),
        ("count-too-large", lambda d: d["volume"].update(count=2**32)),
        ("number-0", lambda d: d["volume"].update(number=0)),
        ("number-after-last", lambda d: d["volume"].update(number=d["volume"]["count"] + 1)),
        ("number-of-another", lambda d: d["volume"].update(number=2)),
        ("no-size", lambda d: d["volume"].pop("size")),
        ("more", lambda d: d["volume"].update(more=1)),
    ):
        yield bundle(label, KEYS, change)
    for label, change in (
        ("size-more", lambda d: d["volume"].update(size=SIZE + 512)),
        ("size-less", lambda d: d["volume"].update(size=SIZE - 512)),
    ):
        yield bundle(label, LENGTH, change)
    yield bundle("size-of-all", NOT_DIVIDED, lambda d: d["volume"].update(size=10_000_000))
    yield bundle("size-0", NO_DIVISION, lambda d: d["volume"].update(size=0))
    yield bundle("size-tiny", NO_DIVISION, lambda d: d["volume"].update(size=9_000))
    yield bundle("size-immense", NOT_DIVIDED, lambda d: d["volume"].update(size=2**63))
    for label, change in (
        ("no-table", lambda d: d.pop("table")),
        ("table-empty", lambda d: d.update(table={})),
        ("table-lacks-one", lambda d: d["table"].pop(first_whole(d))),
        ("table-has-one-more", lambda d: d["table"].update({"sha256:" + "0" * 64: 1})),
        ("table-has-a-manifest", lambda d: d["table"].update({form_of(1, SIZE)[2].blobs()[0]: 1})),
        ("table-has-what-was-left-out", lambda d: d["table"].update({d["absent"][0]["digest"]: 1})),
        ("table-is-an-array", lambda d: d.update(table=[digest for digest in d["table"]])),
    ):
        yield bundle(label, TABLE, change)
    for label, number in (("0", 0), ("after-last", 99), ("another", 2), ("text", "1"), ("large", 2**40)):
        yield bundle("in-volume-" + label, NUMBER, lambda d, number=number: d["table"].update({first_whole(d): number}))
    yield bundle(
        "in-two-volumes",
        NUMBER,
        lambda d: d["table"].update({first_whole(d): {"bytes": 5_000, "volumes": [1, 2]}}),
    )
    for label, change in (
        ("reversed", lambda cut: {**cut, "volumes": cut["volumes"][::-1]}),
        ("lacks-a-part", lambda cut: {**cut, "volumes": cut["volumes"][:-1]}),
        ("one-part", lambda cut: {**cut, "volumes": cut["volumes"][:1]}),
        ("no-part", lambda cut: {**cut, "volumes": []}),
        ("a-part-twice", lambda cut: {**cut, "volumes": [*cut["volumes"], cut["volumes"][-1]]}),
        ("volume-0", lambda cut: {**cut, "volumes": [0, *cut["volumes"][1:]]}),
        ("volume-after-last", lambda cut: {**cut, "volumes": [*cut["volumes"][:-1], 99]}),
        ("byte-more", lambda cut: {**cut, "bytes": cut["bytes"] + 1}),
        ("byte-less", lambda cut: {**cut, "bytes": cut["bytes"] - 1}),
        ("block-less", lambda cut: {**cut, "bytes": cut["bytes"] - 512}),
        ("bytes-0", lambda cut: {**cut, "bytes": 0}),
        ("bytes-immense", lambda cut: {**cut, "bytes": 2**63}),
        ("whole", lambda cut: cut["volumes"][0]),
        ("more-keys", lambda cut: {**cut, "more": 1}),
        ("array", lambda cut: [cut["bytes"], cut["volumes"]]),
    ):
        yield bundle("cut-" + label, CUT, set_cut(change))
        yield bundle("cut-there-" + label, CUT, set_cut(change), number=with_part())
    yield Case("bundle-json-table-of-one", "| `table` | object |", one_with_table, REFUSE)


def one_with_table():
    box, image = one_image()
    draft = sound(box, {"quay.io/org/one:1": image})
    draft.change_bundle = lambda document: document.update(table={image["digest"]: 1})
    return draft.file()


def part_at(found):
    return next(at for at, entry in enumerate(found) if entry.path.startswith("parts/"))


def renamed(entry, path):
    return Entry(path, entry.data)


def of_part(change, offset=0):
    """Changes the entry of a part, or the one after it."""

    def changed(found):
        at = part_at(found) + offset
        found[at] = change(found[at])

    return changed


def of_entries():
    for algorithm in ("sha256", "sha512"):
        number = with_part(algorithm)

        def case(label, quote, change, number=number, algorithm=algorithm):
            return entries(f"{algorithm}-{label}", quote, change, number)

        def flip(entry):
            return Entry(entry.path, entry.data[:1000] + bytes([entry.data[1000] ^ 1]) + entry.data[1001:])

        yield case("part-flipped", CHECKED, of_part(flip))
        yield case("part-shorter", CHECKED, of_part(lambda entry: Entry(entry.path, entry.data[:-1])))
        yield case("part-longer", CHECKED, of_part(lambda entry: Entry(entry.path, entry.data + b"x")))
        yield case("part-empty", CHECKED, of_part(lambda entry: Entry(entry.path)))
        yield case("part-002", PARTS, of_part(lambda entry: renamed(entry, entry.path[:-1] + "2")))
        yield case("part-1", PARTS, of_part(lambda entry: renamed(entry, entry.path[:-3] + "1")))
        yield case("part-0001", PARTS, of_part(lambda entry: renamed(entry, entry.path[:-3] + "0001")))
        yield case("part-as-blob", PARTS, of_part(lambda entry: renamed(entry, entry.path.replace("parts", "blobs")[:-4])))
        yield case("part-twice", ENTRIES, lambda found: found.insert(part_at(found), found[part_at(found)]))
        yield case("part-gone", ENTRIES, lambda found: found.pop(part_at(found)) and None)
        yield case("sum-gone", SUM, lambda found: found.pop(part_at(found) + 1) and None)
        yield case("sum-twice", SUM, lambda found: found.insert(part_at(found), found[part_at(found) + 1]))
        yield case("sum-first", SUM, lambda found: swap(found, part_at(found)))
        for label, change in (
            ("of-other", lambda data: b"0" * 64 + data[64:]),
            ("upper", lambda data: data[:64].upper() + data[64:]),
            ("one-space", lambda data: data.replace(b"  ", b" ")),
            ("star", lambda data: data.replace(b"  ", b" *")),
            ("no-line-feed", lambda data: data[:-1]),
            ("two-lines", lambda data: data + data),
            ("other-name", lambda data: data[:-2] + b"9\n"),
            ("empty", lambda data: b""),
        ):
            yield case(
                "sum-" + label, SUM, of_part(lambda entry, change=change: Entry(entry.path, change(entry.data)), 1)
            )
        yield case("folder", NO_FOLDERS, lambda found: found.insert(part_at(found), Entry("parts/", is_directory=True)))
        yield case(
            "folders",
            NO_FOLDERS,
            lambda found: found.insert(
                part_at(found), Entry(found[part_at(found)].path.rpartition("/")[0] + "/", is_directory=True)
            ),
        )
    yield entries("without-a-manifest", EACH, lambda found: found[1:], 1)
    yield entries("without-a-blob", ENTRIES, lambda found: found[:-1], 1)
    yield entries("blobs-swapped", ENTRIES, lambda found: swap(found, len(found) - 2), 1)
    yield entries("with-a-blob-of-another", ENTRIES, with_another, 1)


def swap(found, at):
    found[at], found[at + 1] = found[at + 1], found[at]


def with_another(found):
    box, _, form = form_of(1, SIZE)
    other = next(digest for digest, there in form.table.items() if type(there) is int and there != 1)
    found.append(Entry("blobs/" + other.replace(":", "/"), box.blobs[other]))


def in_directory():
    return Tree({entry.path: entry.data for entry in draft_of(1).entries() if not entry.path.endswith("/")})


def of_names():
    """In a layout of another tool, `parts` may be a name like others, but nothing that leads elsewhere."""
    for label, kind, expected in (("file", b"0", ACCEPT), ("link", b"2", REFUSE), ("hard-link", b"1", REFUSE), ("fifo", b"6", REFUSE)):
        for name in ("parts", "parts/sha256/" + "0" * 64 + "/001"):

            def build(name=name, kind=kind):
                box, image = one_image()
                return foreign.entry(name, kind=kind, patches={157: b"oci-layout"} if kind in b"12" else None) + foreign.tar(
                    box, [named(image)]
                )

            yield Case(f"parts-{label}-{'deep' if '/' in name else 'top'}", MATTER, build, expected)
