"""Layouts of other tools: the annotation `kind`, hauler's own index, and entries with a fault beside others."""

from page.bundle_form import LARGEST_INDEX

from . import foreign
from .case import ACCEPT, Case, Fifo, Folder, Link, REFUSE
from .draft import sound
from .foreign import entry
from .material import Box, NAME, named, one_image, text

KIND = "The annotation `kind` of an entry says what it is of an image that has the same name"
OTHER_TAG = "`sigs`, `atts` and `sboms` have another tag than the image then"
NO_NAME = "Where it goes on with what begins with `referrers`, the entry has no name."
HAULER = "What hauler lists in `hauler-index.json` beside `index.json`"
WHOLE = "A layout with such an entry is refused as a whole by whoever asks for a verdict about the file."
COSIGN, OF_HAULER = "dev.cosignproject.cosign/", "dev.hauler/"
OTHER = "quay.io/org/two:1"
INDEX = "application/vnd.oci.image.index.v1+json"
AS_ONE = "both together have at least one entry"
HAS_NO_IMAGE = "without an image of the name, an entry is called what it says"


def cases():
    yield from of_kinds()
    yield from of_tags()
    yield from of_hauler_index()
    yield from of_hauler_index_in_directories()
    yield from of_faults()


def of_kinds():
    """An image and something else with the same name, of this kind."""
    for label, quote, kind, expected, guess in (
        ("sigs", KIND, COSIGN + "sigs", ACCEPT, ""),
        ("atts", KIND, COSIGN + "atts", ACCEPT, ""),
        ("sboms", KIND, COSIGN + "sboms", ACCEPT, ""),
        ("hauler-sigs", KIND, OF_HAULER + "sigs", ACCEPT, ""),
        ("hauler-atts", KIND, OF_HAULER + "atts", ACCEPT, ""),
        ("hauler-sboms", KIND, OF_HAULER + "sboms", ACCEPT, ""),
        ("referrers", NO_NAME, COSIGN + "referrers", ACCEPT, ""),
        ("hauler-referrers", NO_NAME, OF_HAULER + "referrers", ACCEPT, ""),
        ("referrers-and-more", NO_NAME, OF_HAULER + "referrers/sha256/" + "0" * 64, ACCEPT, ""),
        ("referrers-of-sigs", NO_NAME, OF_HAULER + "referrers/sigs", ACCEPT, ""),
        ("referrers-and-letters", NO_NAME, OF_HAULER + "referrersx", ACCEPT, ""),
        ("image", KIND, COSIGN + "image", REFUSE, ""),
        ("image-index", KIND, COSIGN + "imageIndex", REFUSE, ""),
        ("hauler-image", KIND, OF_HAULER + "image", REFUSE, ""),
        ("none", KIND, None, REFUSE, ""),
        ("empty", KIND, "", REFUSE, ""),
        ("bare-sigs", KIND, "sigs", REFUSE, ""),
        ("bare-referrers", NO_NAME, "referrers", REFUSE, ""),
        ("of-another", KIND, "dev.example/sigs", REFUSE, ""),
        ("of-upper-case-tool", KIND, COSIGN.upper() + "sigs", REFUSE, ""),
        ("of-upper-case", KIND, COSIGN + "Sigs", REFUSE, ""),
        ("with-space", KIND, COSIGN + "sigs ", REFUSE, ""),
        ("after-a-space", KIND, " " + COSIGN + "sigs", REFUSE, ""),
        ("one-letter-less", KIND, COSIGN + "sig", REFUSE, ""),
        ("deeper", KIND, COSIGN + "x/sigs", REFUSE, ""),
        ("after-letters", KIND, COSIGN + "xsigs", REFUSE, ""),
        ("not-after-slash", KIND, "dev.haulersigs", REFUSE, ""),
        ("tool-and-nothing", KIND, COSIGN, REFUSE, ""),
    ):
        for order, first in (("", False), ("-first", True)):
            yield Case(f"kind-{label}{order}", quote, beside([(NAME, kind)], first), expected, guess)


def beside(others, first=False, images=((NAME, None),), hauler=False):
    """Entries of different content: images by their names, and others, each a name and a kind."""

    def build():
        box = Box()
        roots = [called(box.image(f"image {number}"), *image) for number, image in enumerate(images)]
        more = [called(box.image(f"other {number}"), *other) for number, other in enumerate(others)]
        if hauler:
            return foreign.tar(box, roots, after=entry("hauler-index.json", foreign.index_of(more)))
        return foreign.tar(box, more + roots if first else roots + more)

    return build


def called(descriptor, name, kind):
    more = {} if kind is None else {"kind": kind}
    return named(descriptor, name, **more) if name else {**descriptor, "annotations": more}


def of_tags():
    digest = Box().image("image 0")["digest"].replace(":", "-")
    repository = NAME.partition(":")[0]
    sigs, atts, sboms, referrers = (COSIGN + word for word in ("sigs", "atts", "sboms", "referrers"))
    for label, quote, others, expected, guess in (
        ("all", KIND, [(NAME, kind) for kind in (sigs, atts, sboms, referrers)], ACCEPT, ""),
        ("two-sigs", OTHER_TAG, [(NAME, sigs), (NAME, sigs)], REFUSE, ""),
        ("sigs-of-both-tools", OTHER_TAG, [(NAME, sigs), (NAME, OF_HAULER + "sigs")], REFUSE, ""),
        ("two-referrers", NO_NAME, [(NAME, referrers), (NAME, referrers)], ACCEPT, ""),
        ("sigs-and-that-tag", OTHER_TAG, [(NAME, sigs), (f"{repository}:{digest}.sig", None)], REFUSE, ""),
        ("atts-and-that-tag", OTHER_TAG, [(NAME, atts), (f"{repository}:{digest}.att", None)], REFUSE, ""),
        ("sboms-and-that-tag", OTHER_TAG, [(NAME, sboms), (f"{repository}:{digest}.sbom", None)], REFUSE, ""),
        ("sigs-and-tag-of-atts", OTHER_TAG, [(NAME, sigs), (f"{repository}:{digest}.att", None)], ACCEPT, ""),
        ("sigs-and-tag-of-another", OTHER_TAG, [(NAME, sigs), ("quay.io/x:" + digest + ".sig", None)], ACCEPT, ""),
        ("sigs-and-two-images", "One name, once normalised, stands for one digest.", [(NAME, None)], REFUSE, ""),
        ("sigs-of-another-name", KIND, [(OTHER, sigs)], ACCEPT, HAS_NO_IMAGE),
        ("two-sigs-of-another-name", KIND, [(OTHER, sigs)] * 2, REFUSE, HAS_NO_IMAGE),
        ("sigs-and-atts-of-another-name", KIND, [(OTHER, sigs), (OTHER, atts)], REFUSE, HAS_NO_IMAGE),
        ("referrers-of-another-name", NO_NAME, [(OTHER, referrers)] * 2, ACCEPT, ""),
        ("sigs-without-name", KIND, [(None, sigs)] * 2, ACCEPT, ""),
        ("sigs-of-tags", KIND, [("latest", sigs)] * 2, ACCEPT, ""),
        ("name-that-is-none", "It is a Reference.", [("quay.io/Org/one:1", sigs)], REFUSE, ""),
        ("referrers-of-name-that-is-none", "It is a Reference.", [("quay.io/Org/one:1", referrers)], REFUSE, ""),
    ):
        others = [(NAME, sigs), *others] if label == "sigs-and-two-images" else others
        yield Case(f"kinds-{label}", quote, beside(others), expected, guess)
    short = beside([("docker.io/one", sigs)], images=[("docker.io/library/one:latest", None)])
    yield Case("kinds-normalised", KIND, short, ACCEPT)
    for word in ("image", "imageIndex"):
        with_kind = beside([(NAME, sigs)], images=[(NAME, COSIGN + word)])
        yield Case(f"kinds-of-{word}-with-kind", KIND, with_kind, ACCEPT)
    yield Case("kinds-same-content", OTHER_TAG, same_content, ACCEPT)
    first = Box().image("image 0")["digest"]
    for word in ("sigs", "referrers"):
        held = beside([(f"{NAME}@{first}", COSIGN + word)])
        quote = "If it holds a digest, that is the digest of the entry."
        yield Case(f"kinds-with-digest-of-image-{word}", quote, held, REFUSE)
    both = beside([(NAME, sigs)], images=[(f"{NAME}@{first}", None)])
    yield Case("kinds-of-image-with-tag-and-digest", KIND, both, ACCEPT)
    yield Case("kinds-of-one-image-by-two-names", OTHER_TAG, two_names, REFUSE)
    reversed_places = beside([(NAME, None)], images=[(NAME, sigs)], hauler=True)
    yield Case("kinds-of-image-in-hauler-index", KIND, reversed_places, ACCEPT)
    by_digest = "quay.io/org/one@" + Box().image("image 0")["digest"]
    yield Case(
        "kinds-of-image-by-digest", KIND, beside([(by_digest, sigs)], images=[(by_digest, None)]), REFUSE,
        "a digest in the name is that of the entry, and not of the image",
    )
    yield Case("kinds-in-hauler-index", KIND, beside([(NAME, sigs), (NAME, atts)], hauler=True), ACCEPT)
    of_wrong_type = lambda: one_root(annotations={"kind": 1})
    yield Case("kinds-that-are-numbers", "| Descriptor | `annotations` | object of strings |", of_wrong_type, REFUSE)


def one_root(**keys):
    box, image = one_image()
    return foreign.tar(box, [{**image, **keys}])


def same_content():
    """The signature stands there under the tag that it has, too."""
    box = Box()
    image, signature = box.image("one"), box.image("signature")
    tag = "quay.io/org/one:" + image["digest"].replace(":", "-") + ".sig"
    return foreign.tar(box, [named(image), named(signature, NAME, kind=COSIGN + "sigs"), named(signature, tag)])


def two_names():
    """One image by two names of one repository, each with another signature: both have the same tag."""
    box = Box()
    image, first, second = (box.image(label) for label in ("one", "first", "second"))
    other = NAME + ".1"
    signatures = [named(first, NAME, kind=COSIGN + "sigs"), named(second, other, kind=COSIGN + "sigs")]
    return foreign.tar(box, [named(image), named(image, other), *signatures])


def with_hauler_index(data):
    return lambda: foreign.tar(*one(), after=entry("hauler-index.json", data))


def one():
    box, image = one_image()
    return box, [named(image)]


def of_hauler_index():
    _, image = one_image()
    two = Box().image("two")
    for label, data, expected, guess in (
        ("same", foreign.index_of([named(image)]), ACCEPT, ""),
        ("other-name", foreign.index_of([named(image, "quay.io/org/two:1")]), ACCEPT, ""),
        ("of-missing", foreign.index_of([named(two, "quay.io/org/two:1")]), REFUSE, ""),
        ("of-no-manifest", foreign.index_of([{**image, "mediaType": "text/plain"}]), REFUSE, ""),
        ("other-size", foreign.index_of([{**image, "size": image["size"] + 1}]), REFUSE, ""),
        ("no-json", b"x", REFUSE, ""),
        ("nothing", b"", REFUSE, ""),
        ("array", b"[]", REFUSE, ""),
        ("other-media-type", foreign.index_of([named(image)], mediaType="x"), REFUSE, ""),
        ("media-type", foreign.index_of([named(image)], mediaType=INDEX), ACCEPT, ""),
        ("key-of-other-letters", foreign.index_of([{**image, "Size": 1}]), REFUSE, ""),
        ("without-manifests", b"{}", ACCEPT, AS_ONE),
        ("of-no-entry", foreign.index_of([]), ACCEPT, AS_ONE),
        ("name-that-is-none", foreign.index_of([named(image, "quay.io/Org/one:1")]), REFUSE, ""),
    ):
        yield Case(f"hauler-index-{label}", HAULER, with_hauler_index(data), expected, guess)
    yield Case("hauler-index-of-second-image", HAULER, beside([("quay.io/org/two:1", None)], hauler=True), ACCEPT)
    yield Case("hauler-index-same-name", HAULER, beside([(NAME, None)], hauler=True), REFUSE)
    below = entry("x/hauler-index.json", b"x") + entry("Hauler-Index.json", b"x")
    yield Case("hauler-index-elsewhere", HAULER, lambda: foreign.tar(*one(), after=below), ACCEPT)
    wrong = entry("./hauler-index.json", b"x")
    yield Case("hauler-index-with-dot", HAULER, lambda: foreign.tar(*one(), after=wrong), REFUSE)
    folder = entry("hauler-index.json/", kind=b"5")
    yield Case("hauler-index-of-folder", "At the first three kinds", lambda: foreign.tar(*one(), after=folder), REFUSE)
    box, image = one_image()
    yield Case("hauler-index-alone", HAULER, lambda: alone(None), REFUSE)
    yield Case("hauler-index-beside-empty-index", HAULER, lambda: alone(foreign.index_of([])), ACCEPT, AS_ONE)
    yield Case("hauler-index-beside-index-without-manifests", HAULER, lambda: alone(b"{}"), ACCEPT, AS_ONE)
    yield Case("hauler-index-beside-index-that-is-no-json", HAULER, lambda: alone(b"x"), REFUSE)
    both = lambda: foreign.tar(box, [], after=entry("hauler-index.json", foreign.index_of([])))
    yield Case("hauler-index-and-index-of-no-entry", "Its `manifests` has at least one entry.", both, REFUSE)
    twice = entry("hauler-index.json", foreign.index_of([named(image)])) * 2
    yield Case("hauler-index-twice", HAULER, lambda: foreign.tar(*one(), after=twice), REFUSE, "it stands once")
    large = foreign.index_of([named(image)])
    large = large[:-1] + b" " * (LARGEST_INDEX + 1 - len(large)) + b"}"
    yield Case("hauler-index-too-large", HAULER, with_hauler_index(large), REFUSE)
    yield Case("hauler-index-largest", HAULER, with_hauler_index(large.replace(b" ", b"", 1)), ACCEPT)
    yield Case("hauler-index-in-bundle", "There are no other entries.", in_bundle, REFUSE)


def alone(index):
    box, image = one_image()
    hauler = entry("hauler-index.json", foreign.index_of([named(image)]))
    if index is not None:
        return foreign.tar(box, [], index=index, after=hauler)
    whole = foreign.tar(box, [], index=foreign.index_of([named(image)]))
    return whole.replace(entry("index.json", foreign.index_of([named(image)])), hauler)


def in_bundle():
    box, image = one_image()
    draft = sound(box, {NAME: image})
    draft.end = entry("hauler-index.json", foreign.index_of([named(image)])) + draft.end
    return draft.file()


def of_hauler_index_in_directories():
    for label, thing, expected, guess in (
        ("sound", foreign.index_of([named(one_image()[1], "quay.io/org/two:1")]), ACCEPT, ""),
        ("no-json", b"x", REFUSE, ""),
        ("folder", Folder(), REFUSE, "it is a plain file"),
        ("fifo", Fifo(), REFUSE, "it is a plain file"),
        ("link", Link("index.json"), REFUSE, "it is a plain file"),
        ("dead-link", Link("nowhere"), REFUSE, "it is a plain file"),
    ):
        yield Case(f"hauler-index-in-directory-{label}", HAULER, in_directory(thing), expected, guess)
        of_bundle = in_directory_of_bundle(thing)
        yield Case(f"hauler-index-in-directory-of-bundle-{label}", "What lies elsewhere is ignored.", of_bundle, ACCEPT)


def in_directory(thing):
    def build():
        tree = foreign.tree(*one())
        tree["hauler-index.json"] = thing
        return tree

    return build


def in_directory_of_bundle(thing):
    def build():
        box, image = one_image()
        tree = foreign.tree_of_draft(sound(box, {NAME: image}))
        tree["hauler-index.json"] = thing
        return tree

    return build


def of_faults():
    """One sound entry, and one that is not."""
    for label, change in (
        ("missing-manifest", lambda box, image: box.leave_out(image) and image),
        ("damaged-manifest", lambda box, image: damage(box, image["digest"]) or image),
        ("damaged-layer", lambda box, image: damage(box, box.layer("other")["digest"]) or image),
        ("missing-layer", lambda box, image: box.leave_out(box.layer("other")) and image),
        ("wrong-name", lambda box, image: {**image, "annotations": {"io.containerd.image.name": "a.b/C:d"}}),
        ("wrong-size", lambda box, image: {**image, "size": image["size"] + 1}),
        ("no-manifest-type", lambda box, image: {**image, "mediaType": "text/plain"}),
        ("no-digest", lambda box, image: {"mediaType": image["mediaType"], "size": image["size"]}),
        ("of-schema-1", lambda box, image: box.add(text({"schemaVersion": 1, "fsLayers": []}), image["mediaType"])),
        ("no-json", lambda box, image: box.add(b"{", image["mediaType"])),
        ("null", lambda box, image: None),
        ("number", lambda box, image: 1),
    ):
        for order, step in (("", 1), ("-first", -1)):
            yield Case(f"one-fault-{label}{order}", WHOLE, faulty(change, step), REFUSE)


def damage(box, digest):
    box.blobs[digest] = box.blobs[digest][:-1] + b"?"


def faulty(change, step):
    def build():
        box, image = one_image()
        other = named(box.image("other"), "quay.io/org/other:1")
        return foreign.tar(box, [named(image), change(box, other)][::step])

    return build
