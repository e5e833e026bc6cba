"""Layouts of other tools: what has to be there, and the names of entries."""

from page.digests import path_of

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import all_kinds, NAME, named, one_image

BUNDLE_JSON = "Where a tar has an entry with the name `bundle.json`, however its headers say so"
THERE = "There is an `oci-layout` of at most 4 KiB"
ENTRIES = "Entries of `index.json` may have any keys, and stand in any order"
COUNTS = "each counts if it is not empty."
HAS_A_HOST = "A text *has a host* if it contains a `/`"
FIRST = "The name is the first annotation if it has a host"
IS_REFERENCE = "It is a Reference."
SAME = "If both have a host, both are References, and the same once normalised."
TAG = "Otherwise the entry has no name, and the second annotation is a *tag*"
ONE_DIGEST = "One name, once normalised, stands for one digest."
ANY_TAG = "So `Foo/bar` is a tag here, though nobody can type it as a name."


def layout(**more):
    box, images, referrers, _ = all_kinds()
    return foreign.tar(box, [named(image, name) for name, image in images.items()] + referrers, **more)


def cases():
    yield Case(
        "layout-sound", "A tar without `bundle.json`, or a directory, is read as an image layout", layout, ACCEPT
    )
    yield from of_documents()
    yield from of_entries()
    yield from of_names()


def of_documents():
    box, image = one_image()
    for label, drop in (("oci-layout", "oci-layout"), ("index.json", "index.json")):

        def build(drop=drop):
            entries = [foreign.entry(name, data) for name, data in foreign.documents([image]).items() if name != drop]
            entries += [foreign.entry(path_of(digest), data) for digest, data in box.blobs.items()]
            return b"".join(entries) + bytes(1024)

        yield Case(f"layout-without-{label}", THERE, build, REFUSE)
    yield Case("layout-with-nothing", THERE, lambda: foreign.entry("x", b"y") + bytes(1024), REFUSE)
    docker = lambda: layout(after=foreign.entry("manifest.json", b"[]") + foreign.entry("repositories", b"{}"))
    yield Case(
        "layout-with-files-of-docker", "Anything else is ignored, also if its name stands twice.", docker, ACCEPT
    )
    yield Case("layout-with-bundle.json-of-nothing", BUNDLE_JSON, with_bundle_json(b"{}"), REFUSE)
    yield Case("layout-with-bundle.json-empty", BUNDLE_JSON, with_bundle_json(b""), REFUSE)
    yield Case(
        "layout-with-bundle.json-below",
        BUNDLE_JSON,
        lambda: layout(after=foreign.entry("x/bundle.json", b"")),
        ACCEPT,
    )
    yield Case("layout-with-sound-bundle.json", BUNDLE_JSON, repacked(b""), REFUSE)
    yield Case("layout-with-sound-bundle.json-in-dot", BUNDLE_JSON, repacked(b"./"), REFUSE)
    yield Case("bundle-packed-anew-with-bundle.json-in-prefix", BUNDLE_JSON, in_prefix, REFUSE)
    hidden = foreign.entry("bundle.json", patches={0: b"x\0\0\0\0\0\0\0\0\0\0"})
    yield Case("layout-with-bundle.json-hidden", BUNDLE_JSON, lambda: layout(after=hidden), ACCEPT)
    folded = foreign.entry("Bundle.json", b"") + foreign.entry("bundle.JSON", b"")
    yield Case("layout-with-bundle.json-of-other-letters", BUNDLE_JSON, lambda: layout(after=folded), ACCEPT)
    twice = lambda: layout(after=foreign.entry("bundle.json") * 2)
    yield Case("layout-with-bundle.json-twice", BUNDLE_JSON, twice, REFUSE)
    yield Case("bundle-with-sound-text-first", BUNDLE_JSON, moved, REFUSE)


def with_bundle_json(data):
    return lambda: layout(after=foreign.entry("bundle.json", data))


def repacked(prefix):
    """A sound bundle, unpacked and packed again by another tool."""

    def build():
        box, image = one_image()
        entries = sound(box, {NAME: image}).entries()
        kinds = {True: b"5", False: b"0"}
        return b"".join(
            foreign.entry(prefix + one.path.encode(), one.data, kinds[one.path.endswith("/")]) for one in entries
        ) + bytes(10240)

    return build


def in_prefix():
    """A sound bundle, but the name of one entry is divided between the prefix and the name."""
    box, image = one_image()
    draft = sound(box, {NAME: image})
    draft.change_entries = lambda entries: entries[2].patch(345, b".")
    return draft.file()


def moved():
    """A sound bundle, but `bundle.json` comes last."""
    box, image = one_image()
    draft = sound(box, {NAME: image})
    draft.change_entries = lambda entries: entries.append(entries.pop(2))
    return draft.file()


def of_entries():
    box, image = one_image()
    second = box.image("two")
    for label, roots in (
        ("platform", [{**image, "platform": {"architecture": "amd64", "os": "linux"}}]),
        ("any-keys", [{**image, "more": [None], "artifactType": "x", "urls": ["x"]}]),
        ("any-order", [named(second, "b.c/d:1"), named(image, "a.b/c:1")]),
        ("several-times", [image, image, named(image), named(image), named(image, "a.b/c:1")]),
        ("no-names", [image, second]),
        ("other-annotations", [{**image, "annotations": {"a": "b", "SIZE": "c"}}]),
    ):
        yield Case(f"entries-{label}", ENTRIES, lambda roots=roots: foreign.tar(box, roots), ACCEPT)


def of_names():
    for label, quote, first, second, expected in (
        ("both-empty", COUNTS, "", "", ACCEPT),
        ("first-empty", COUNTS, "", "a.b/c:d", ACCEPT),
        ("first-empty-second-wrong", COUNTS, "", "a.b/C:d", REFUSE),
        ("second-empty", COUNTS, "a.b/c:d", "", ACCEPT),
        ("second-a-tag", FIRST, "a.b/c:d", "d", ACCEPT),
        ("second-another-tag", FIRST, "a.b/c:d", "other", ACCEPT),
        ("second-short", FIRST, "docker.io/library/c:d", "library/c:d", ACCEPT),
        ("first-short", FIRST, "c:d", "a.b/c:d", ACCEPT),
        ("first-short-second-wrong", FIRST, "c:d", "a.b/C:d", REFUSE),
        ("only-second", FIRST, None, "a.b/c:d", ACCEPT),
        ("only-second-wrong", IS_REFERENCE, None, "a.b/C:d", REFUSE),
        ("only-first-wrong", IS_REFERENCE, "a.b/C:d", None, REFUSE),
        ("wrong-with-tag", IS_REFERENCE, "a.b/C:d", "d", REFUSE),
        ("two-names", SAME, "a.b/c:d", "a.b/c:e", REFUSE),
        ("two-hosts", SAME, "a.b/c:d", "a.c/c:d", REFUSE),
        ("second-no-reference", SAME, "a.b/c:d", "a.b/C:d", REFUSE),
        ("tag", TAG, None, "1.2", ACCEPT),
        ("tag-of-both", TAG, "1.2", "1.2", ACCEPT),
        ("tag-with-spaces", TAG, None, "no tag at all", ACCEPT),
        ("tag-not-ascii", TAG, None, "é", ACCEPT),
        ("tag-with-slash", ANY_TAG, None, "a/B:c", ACCEPT),
        ("tag-of-300", TAG, None, "x" * 300, ACCEPT),
        ("digest-as-tag", TAG, None, "@sha256:" + "0" * 64, ACCEPT),
        ("dot-after-slash", HAS_A_HOST, "library/C.d", None, ACCEPT),
        ("colon-after-slash", HAS_A_HOST, "library/C:d", None, ACCEPT),
        ("dot-without-slash", HAS_A_HOST, "A.b", None, ACCEPT),
        ("dot", HAS_A_HOST, "a./C", None, REFUSE),
        ("colon", HAS_A_HOST, ":/c", None, REFUSE),
        ("localhost", HAS_A_HOST, "localhost/C", None, REFUSE),
        ("upper-case-localhost", HAS_A_HOST, "Localhost/C", None, ACCEPT),
        ("brackets", HAS_A_HOST, "[x]/C", None, ACCEPT),
        ("slash-first", HAS_A_HOST, "/C.d", None, ACCEPT),
    ):
        yield Case(f"entry-name-{label}", quote, one_named(first, second), expected)
    yield Case("entry-name-of-two-images", ONE_DIGEST, two_named("a.b/c:d", "a.b/c:d"), REFUSE)
    yield Case(
        "entry-name-of-two-images-by-second", ONE_DIGEST, two_named("a.b/c:d", "a.b/c:d", second_only=True), REFUSE
    )
    yield Case("entry-tag-of-two-images", TAG, two_named("latest", "latest"), ACCEPT)
    yield Case("entry-name-of-two-digests", ONE_DIGEST, two_named("a.b/c", "a.b/c:latest"), REFUSE)


def one_named(first, second):
    def build():
        box, image = one_image()
        both = {"io.containerd.image.name": first, "org.opencontainers.image.ref.name": second}
        return foreign.tar(
            box, [{**image, "annotations": {key: value for key, value in both.items() if value is not None}}]
        )

    return build


def two_named(first, second, second_only=False):
    def build():
        box, image = one_image()
        other = named(box.image("two"), second)
        if second_only:
            del other["annotations"]["io.containerd.image.name"]
        return foreign.tar(box, [named(image, first), other])

    return build
