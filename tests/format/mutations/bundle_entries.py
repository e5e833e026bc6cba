"""Entries of a bundle: none may be missing, moved, twice or more."""

from page.digests import digest_of, path_of

from .case import ACCEPT, Case, REFUSE
from .draft import Entry, sound
from .material import all_kinds, Box, NAME, noise, one_image

ORDER_OF = {
    "oci-layout": 'exactly `{"imageLayoutVersion"',
    "index.json": "| `index.json` | the roots |",
    "bundle.json": "what the layout has no place for",
    "blobs/": "| 4 | `blobs/` | directory |",
    "blobs/sha256/": "`sha256` before `sha512` |",
    "blobs/sha512/": "`sha256` before `sha512` |",
}
NO_OTHERS = "There are no other entries."
NO_BUNDLE_JSON = "A layout that another tool made has no `bundle.json`"
FORM = "All its bytes follow from its content"


def everything():
    return sound(*all_kinds())


def changed(change):
    """A builder: a bundle of everything, whose entries were changed."""

    def build():
        draft = everything()
        draft.change_entries = change
        return draft.file()

    return build


def cases():
    yield Case("bundle-sound", FORM, lambda: everything().file(), ACCEPT)
    yield Case("bundle-sound-one-image", "A bundle is one file that holds", one, ACCEPT)
    yield from of_the_layout_file()
    entries = everything().entries()
    for number, one_entry in enumerate(entries):
        quote = ORDER_OF.get(one_entry.path) or kind_of(number)
        label = f"{number:02}-{one_entry.path[:16].replace('/', '-')}"
        if one_entry.path == "bundle.json":
            # What is left is a layout, and no longer called a bundle.
            yield Case(f"entry-missing-{label}", NO_BUNDLE_JSON, changed(without(number)), ACCEPT)
        else:
            yield Case(f"entry-missing-{label}", quote, changed(without(number)), REFUSE)
        if number + 1 < len(entries):
            yield Case(f"entry-swapped-{label}", quote, changed(swapped(number)), REFUSE)
        yield Case(
            f"entry-twice-{label}", "Each blob stands once" if number > 5 else NO_OTHERS, changed(twice(number)), REFUSE
        )
    yield from of_paths()
    yield from more_entries()


def one():
    box, image = one_image()
    return sound(box, {NAME: image}).file()


def kind_of(number):
    """The row of the table for an entry of the bundle of everything, by its place."""
    documents_and_directories, manifests, configs = 6, 9, 5
    if number < documents_and_directories + manifests:
        return "| 6 | manifests | breadth-first |"
    if number < documents_and_directories + manifests + configs:
        return "| 7 | configs | by digest |"
    return "all other blobs, layers above all"


def without(number):
    return lambda entries: entries.pop(number) and None


def swapped(number):
    def change(entries):
        entries[number], entries[number + 1] = entries[number + 1], entries[number]

    return change


def twice(number):
    return lambda entries: entries.insert(number, entries[number])


def of_the_layout_file():
    quote = ORDER_OF["oci-layout"]
    for label, data in (
        ("line-feed", b'{"imageLayoutVersion":"1.0.0"}\n'),
        ("space", b'{"imageLayoutVersion": "1.0.0"}'),
        ("escape", b'{"imageLayoutVersion":"1.0.\\u0030"}'),
        ("key", b'{"imageLayoutVersion":"1.0.0","more":1}'),
        ("version", b'{"imageLayoutVersion":"1.0.1"}'),
        ("empty", b""),
    ):

        def build(data=data):
            draft = everything()
            draft.oci_layout = data
            return draft.file()

        yield Case(f"oci-layout-{label}", quote, build, REFUSE)


def of_paths():
    """A blob somewhere else than where it has to be."""
    for label, change in (
        ("without-blobs", lambda path: path.removeprefix("blobs/")),
        ("without-algorithm", lambda path: path.replace("sha256/", "")),
        ("in-folders", lambda path: path[:15] + "/" + path[15:]),
        ("upper-case", lambda path: path[:13] + path[13:].upper()),
        ("with-colon", lambda path: path.replace("256/", "256:")),
        ("with-ending", lambda path: path + ".tar"),
        ("with-two-slashes", lambda path: path.replace("256/", "256//")),
    ):

        def moved(entries, change=change):
            entries[-1] = Entry(change(entries[-1].path), entries[-1].data)

        yield Case(f"blob-{label}", "A blob stands at `blobs/ALGORITHM/HEX`.", changed(moved), REFUSE)


def more_entries():
    extra = noise("extra", 40)
    additions = {
        "file": Entry("README", b"text"),
        "directory": Entry("more/", is_directory=True),
        "directory-of-blobs": Entry("blobs/sha384/", is_directory=True),
        "blob": Entry(path_of(digest_of(extra)), extra),
        "json": Entry("manifest.json", b"[]"),
        "root-directory": Entry("./", is_directory=True),
    }
    for label, addition in additions.items():
        for place in (0, 3, 4, 6, 12, None):

            def change(entries, addition=addition, place=place):
                entries.insert(len(entries) if place is None else place, addition)

            yield Case(f"more-{label}-at-{place}", NO_OTHERS, changed(change), REFUSE)
    yield Case("more-directory-sha512-unused", ORDER_OF["blobs/sha512/"], unused_algorithm, REFUSE)
    yield Case(
        "directory-for-what-was-left-out",
        "The directories of line 5 are those of all digests in the plan",
        left_out_512(True),
        ACCEPT,
    )
    yield Case(
        "no-directory-for-what-was-left-out",
        "The directories of line 5 are those of all digests in the plan",
        left_out_512(False),
        REFUSE,
    )
    yield Case("left-out-has-an-entry", "has no entry.", left_out_and_there, REFUSE)


def unused_algorithm():
    box, image = one_image()
    draft = sound(box, {NAME: image})
    draft.algorithms = ["sha256", "sha512"]
    return draft.file()


def left_out_512(with_directory):
    def build():
        box = Box()
        away = box.layer("away", 99, "sha512", urls=["https://example.org/"])
        image = box.image("one", [away])
        draft = sound(box, {NAME: image}, left_out=[box.leave_out(away)])
        assert draft.algorithms == ["sha256", "sha512"]
        draft.algorithms = draft.algorithms if with_directory else ["sha256"]
        return draft.file()

    return build


def left_out_and_there():
    box = Box()
    away = box.layer("away", 99, urls=["https://example.org/"])
    image = box.image("one", [away])
    draft = sound(box, {NAME: image}, left_out=[away["digest"]])
    draft.blobs.append(away["digest"])
    return draft.file()
