"""bundle.json, what was left out, and the identity that covers it."""

from page.bundle_form import LEFT_OUT
from page.digests import digest_of
from page.json_write import written

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import Box, LAYER, NAME, one_image

ABSENT = "| `absent` | array |"
ELEMENT = "An element of `absent` has the keys"
EXACTLY = "`absent` is exactly what is missing"
REASON = "| `nondistributable` |"
NO_OTHER = "There are no other keys and no other reasons."
ANNOTATION = "is pinned by the annotation `io.oci-bundle.left-out`"
FOR_GOOD = "What is left out *for good* is in no file of the bundle."
LIST = "Its value is the digest (sha256) of this list"
URLS = ["https://example.org/layer"]


def three_away():
    """An image whose config and two of its layers were left out."""
    box = Box()
    config = box.config("config", urls=URLS)
    layers = [box.layer("a", 100, urls=URLS), box.layer("b", 200, "sha512", urls=URLS), box.layer("c")]
    image = box.image("one", layers, config)
    return sound(box, {NAME: image}, left_out=[box.leave_out(one) for one in (config, *layers[:2])])


def with_bundle(change, make=three_away):
    """`bundle.json` is changed and nothing else: the annotation still is that of what is missing."""

    def build():
        draft = make()
        draft.change_bundle = change
        return draft.file()

    return build


def with_absent(change, make=three_away):
    """The list of what was left out is changed, and the annotation with it."""

    def build():
        draft = make()
        change(draft.absent)
        draft.index["annotations"] = {LEFT_OUT: digest_of(written(draft.absent))}
        return draft.file()

    return build


def with_annotation(value, make=three_away):
    def build():
        draft = make()
        draft.index["annotations"] = {LEFT_OUT: value(draft.absent)}
        return draft.file()

    return build


def whole():
    box, image = one_image()
    return sound(box, {NAME: image})


def cases():
    yield Case("left-out-three", REASON, lambda: three_away().file(), ACCEPT)
    yield from of_keys()
    yield from of_elements()
    yield from of_annotation()
    yield from of_what_may()


def of_keys():
    version = "A reader refuses a version that it does not know."
    first = "It looks at `formatVersion` before anything else"
    for label, quote, change in (
        ("version-2", version, lambda document: document.update(formatVersion=2)),
        ("version-0", version, lambda document: document.update(formatVersion=0)),
        ("version-2-and-more", first, lambda document: document.update(formatVersion=2, index=7, more=[])),
        ("no-version", "| `formatVersion` | integer |", lambda document: document.pop("formatVersion")),
        ("no-index", "| `index` | string |", lambda document: document.pop("index")),
        ("other-index", "| `index` | string |", lambda document: document.update(index="sha256:" + "0" * 64)),
        ("bare-index", "| `index` | string |", lambda document: document.update(index=document["index"][7:])),
        (
            "upper-case-index",
            "| `index` | string |",
            lambda document: document.update(index="sha256:" + document["index"][7:].upper()),
        ),
        ("no-volume", "| `volume` | object |", lambda document: document.pop("volume")),
        ("two-volumes", "| `volume` | object |", lambda document: document.update(volume={"count": 2, "number": 1})),
        (
            "second-volume",
            "| `volume` | object |",
            lambda document: document.update(volume={"count": 1, "number": 2}),
        ),
        ("volume-0", "| `volume` | object |", lambda document: document.update(volume={"count": 1, "number": 0})),
        ("more-in-volume", "| `volume` | object |", lambda document: document["volume"].update(more=1)),
        ("unknown-key", NO_OTHER, lambda document: document.update(more=1)),
        (
            "unknown-key-first",
            "every new key in `bundle.json` is such a change",
            lambda document: document.update(aaa=""),
        ),
        ("media-type", NO_OTHER, lambda document: document.update(mediaType="x/y")),
    ):
        yield Case(f"bundle-json-{label}", quote, with_bundle(change), REFUSE)
    yield Case(
        "bundle-json-empty-absent", ABSENT, with_bundle(lambda document: document.update(absent=[]), whole), REFUSE
    )
    yield Case("bundle-json-no-absent", ABSENT, with_bundle(lambda document: document.pop("absent")), REFUSE)
    sha512 = with_bundle_index(lambda data: digest_of(data, "sha512"))
    yield Case("bundle-json-index-by-sha512", "| `index` | string |", sha512, REFUSE)
    pins = "The digest of a bundle is the sha256 of its `index.json`."
    yield Case("bundle-json-index-of-other-text", pins, with_bundle_index(lambda data: digest_of(data + b"\n")), REFUSE)


def with_bundle_index(digest):
    def build():
        draft = three_away()
        draft.change_bundle = lambda document: document.update(index=digest(draft.index_bytes()))
        return draft.file()

    return build


def of_elements():
    for label, quote, change in (
        ("one-less", EXACTLY, lambda absent: absent.pop()),
        ("none", EXACTLY, lambda absent: absent.clear()),
        ("one-twice", EXACTLY, lambda absent: absent.insert(1, absent[0])),
        ("one-more", EXACTLY, lambda absent: absent.append({**absent[2], "digest": "sha512:" + "f" * 128})),
        ("one-of-the-rest", EXACTLY, lambda absent: absent.insert(0, {**absent[0], "digest": "sha256:" + "0" * 64})),
        ("reversed", ABSENT, lambda absent: absent.reverse()),
        ("swapped", ABSENT, lambda absent: absent.insert(0, absent.pop(1))),
        ("other-size", ELEMENT, lambda absent: absent[0].update(size=absent[0]["size"] + 1)),
        ("no-size", ELEMENT, lambda absent: absent[0].pop("size")),
        ("no-digest", ELEMENT, lambda absent: absent[0].pop("digest")),
        ("no-reason", ELEMENT, lambda absent: absent[0].pop("reason")),
        ("more-keys", ELEMENT, lambda absent: absent[0].update(urls=URLS)),
        ("other-reason", NO_OTHER, lambda absent: absent[0].update(reason="unwanted")),
        ("empty-reason", NO_OTHER, lambda absent: absent[0].update(reason="")),
        ("upper-case-reason", NO_OTHER, lambda absent: absent[0].update(reason="Nondistributable")),
    ):
        yield Case(f"absent-{label}", quote, with_absent(change), REFUSE)
        yield Case(f"absent-{label}-unpinned", quote, with_bundle(copied(change)), REFUSE)
    for label, change in (
        ("all-twice", lambda absent: absent.extend([dict(one) for one in absent])),
        ("one-once-more-at-the-end", lambda absent: absent.append(dict(absent[0]))),
        ("one-there-instead-of-one", lambda absent: absent[0].update(digest="sha256:" + "0" * 64)),
        ("sizes-swapped", swapped_sizes),
        ("size-in-text", lambda absent: absent[0].update(size=str(absent[0]["size"]))),
        ("media-type-too", lambda absent: absent[0].update(mediaType="x")),
        ("reason-of-two", lambda absent: absent[0].update(reason=["nondistributable"])),
        ("upper-case-digest", lambda absent: absent[0].update(digest="sha256:" + absent[0]["digest"][7:].upper())),
        ("digest-without-algorithm", lambda absent: absent[0].update(digest=absent[0]["digest"][7:])),
    ):
        yield Case(f"absent-{label}", EXACTLY, with_absent(change), REFUSE)
    for label, digest in there():
        yield Case(f"absent-and-{label}-there", EXACTLY, with_absent(inserted(digest)), REFUSE)
    yield Case("absent-by-hex", 'By digest" compares', with_absent(by_hex, two_algorithms), REFUSE)


def swapped_sizes(absent):
    absent[0]["size"], absent[1]["size"] = absent[1]["size"], absent[0]["size"]


def there():
    """What is there of the image from which three were left out."""
    draft = three_away()
    yield "manifest", draft.blobs[0]
    yield "layer", draft.blobs[1]
    yield "index.json", digest_of(draft.index_bytes())


def inserted(digest):
    """The element that would be right if this were missing, in its place by digest."""

    def change(absent):
        absent.append({"digest": digest, "reason": "nondistributable", "size": 300})
        absent.sort(key=lambda element: element["digest"])

    return change


def copied(change):
    """Changes the list in `bundle.json` alone, and not the annotation, which is right."""

    def change_bundle(document):
        document["absent"] = [dict(element) for element in document["absent"]]
        change(document["absent"])

    return change_bundle


def two_algorithms():
    box = Box()
    layers = [box.layer(str(number), 64, ("sha256", "sha512")[number % 2], urls=URLS) for number in range(6)]
    image = box.image("one", layers)
    return sound(box, {NAME: image}, left_out=[box.leave_out(layer) for layer in layers])


def by_hex(absent):
    before = list(absent)
    absent.sort(key=lambda element: element["digest"].split(":")[1])
    assert absent != before


def of_annotation():
    indented = lambda absent: written(absent).replace(b",", b", ")
    for label, quote, value in (
        ("of-digests", LIST, lambda absent: digest_of(written([element["digest"] for element in absent]))),
        ("of-two", FOR_GOOD, lambda absent: digest_of(written(absent[:2]))),
        ("of-none", LIST, lambda absent: digest_of(b"[]")),
        ("of-reversed", LIST, lambda absent: digest_of(written(absent[::-1]))),
        ("of-text-with-spaces", LIST, lambda absent: digest_of(indented(absent))),
        ("of-text-with-line-feed", LIST, lambda absent: digest_of(written(absent) + b"\n")),
        ("by-sha512", LIST, lambda absent: digest_of(written(absent), "sha512")),
        ("bare", LIST, lambda absent: digest_of(written(absent))[7:]),
        ("empty", ANNOTATION, lambda absent: ""),
        ("of-bundle-json-without", LIST, lambda absent: digest_of(b'"absent":' + written(absent))),
        ("of-digests-alone", LIST, lambda absent: digest_of("".join(one["digest"] for one in absent).encode())),
        ("of-largest-first", LIST, lambda absent: digest_of(written(sorted(absent, key=lambda one: -one["size"])))),
        ("upper-case", LIST, lambda absent: "sha256:" + digest_of(written(absent))[7:].upper()),
        ("and-a-space", ANNOTATION, lambda absent: digest_of(written(absent)) + " "),
        ("the-list-itself", ANNOTATION, lambda absent: written(absent).decode()),
    ):
        yield Case(f"left-out-annotation-{label}", quote, with_annotation(value), REFUSE)
    yield Case("left-out-no-annotation", ANNOTATION, no_annotation, REFUSE)
    for label, key in (("upper-case", LEFT_OUT.upper()), ("without-prefix", "left-out"), ("longer", LEFT_OUT + "s")):
        yield Case(f"left-out-annotation-by-key-{label}", ANNOTATION, by_key(key, True), REFUSE)
        yield Case(f"left-out-annotation-also-by-key-{label}", ANNOTATION, by_key(key, False), REFUSE)
    yield Case("left-out-annotation-of-root", ANNOTATION, of_root, REFUSE)
    none = "Where there are none, `index.json` has no `annotations`."
    yield Case("left-out-annotation-for-none", none, with_annotation(lambda absent: digest_of(b"[]"), whole), REFUSE)
    yield Case("left-out-annotation-empty-for-none", none, with_annotation(lambda absent: "", whole), REFUSE)
    take = "So nobody can take a layer out of a bundle, or claim that one was"
    yield Case("left-out-taken-out", take, taken_out, REFUSE)
    yield Case("left-out-put-back", take, put_back, REFUSE)
    yield Case("left-out-claimed", take, claimed, REFUSE)


def no_annotation():
    draft = three_away()
    del draft.index["annotations"]
    return draft.file()


def by_key(key, alone):
    """The annotation stands under another key, or under another key too."""
    draft = three_away()
    value = draft.index["annotations"][LEFT_OUT]
    draft.index["annotations"] = {key: value} if alone else {LEFT_OUT: value, key: value}
    return draft.file


def of_root():
    draft = three_away()
    draft.index["manifests"][0]["annotations"].update(draft.index.pop("annotations"))
    return draft.file()


def one_with_urls():
    box = Box()
    layer = box.layer("a", urls=URLS)
    return box, layer, box.image("one", [layer, box.layer("b")])


def taken_out():
    """A layer with `urls` is taken out and stands in `absent`, but the digest of the bundle is the old one."""
    box, layer, image = one_with_urls()
    draft = sound(box, {NAME: image})
    draft.blobs.remove(layer["digest"])
    draft.absent = [{"digest": layer["digest"], "reason": "nondistributable", "size": layer["size"]}]
    return draft.file()


def put_back():
    """A layer that was left out is there again, but the digest of the bundle is the old one."""
    box, layer, image = one_with_urls()
    draft = sound(box, {NAME: image}, left_out=[layer["digest"]])
    draft.blobs = sound(box, {NAME: image}).blobs
    draft.absent = []
    return draft.file()


def claimed():
    box, layer, image = one_with_urls()
    draft = sound(box, {NAME: image}, left_out=[layer["digest"]])
    draft.blobs = sound(box, {NAME: image}).blobs
    return draft.file()


def of_what_may():
    """Which content may be left out."""
    for label, urls, place, expected in (
        ("layer", URLS, "layer", ACCEPT),
        ("layer-without-urls", None, "layer", REFUSE),
        ("layer-with-empty-urls", [], "layer", REFUSE),
        ("layer-with-an-empty-url", [""], "layer", ACCEPT),
        ("config", URLS, "config", ACCEPT),
        ("config-without-urls", None, "config", REFUSE),
        ("entry", URLS, "entry", ACCEPT),
        ("entry-without-urls", None, "entry", REFUSE),
        ("blob", URLS, "blob", ACCEPT),
        ("manifest", URLS, "manifest", REFUSE),
        ("manifest-also-layer", URLS, "both", REFUSE),
        ("layer-elsewhere-with-urls", URLS, "elsewhere", ACCEPT),
        ("layer-of-nothing", URLS, "nothing", ACCEPT),
        ("layer-with-urls-in-subject-only", URLS, "subject", REFUSE),
        ("layer-by-one-of-two-algorithms", URLS, "two algorithms", ACCEPT),
    ):
        yield Case(f"may-be-left-out-{label}", REASON, left_out_at(place, urls), expected)


def left_out_at(place, urls):
    """A bundle from which something is missing and said to be, whether it may be or not."""

    def build():
        box = Box()
        more = {} if urls is None else {"urls": urls}
        away = box.image("away", []) if place in ("manifest", "both") else box.config("away")
        away = box.add(b"", LAYER) if place == "nothing" else away
        entry = {**away, **more}
        layer = {**entry, "mediaType": "application/x"}
        if place in ("manifest", "entry", "both"):
            image = box.index([entry if place == "manifest" else {**away, "mediaType": layer["mediaType"], **more}])
            if place == "both":
                image = box.index([away, box.image("other", [layer])])
        elif place == "config":
            image = box.image("one", [box.layer("l")], entry)
        elif place == "blob":
            image = box.image("one", blobs=[layer])
        elif place == "elsewhere":
            image = box.index([box.image("one", [{**away, "mediaType": "application/x"}]), box.image("two", [layer])])
        elif place == "subject":
            image = box.image("one", [{**away, "mediaType": "application/x"}], subject=layer)
        elif place == "two algorithms":
            image = box.image("one", [layer, box.add(box.blobs[away["digest"]], "application/x", "sha512", **more)])
        else:
            image = box.image("one", [layer])
        draft = sound(box, {NAME: image})
        draft.blobs.remove(away["digest"])
        draft.absent = [{"digest": away["digest"], "reason": "nondistributable", "size": away["size"]}]
        draft.index["annotations"] = {LEFT_OUT: digest_of(written(draft.absent))}
        return draft.file()

    return build
