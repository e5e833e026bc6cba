"""Layouts of other tools: what has to be there, gzip, and the names of entries."""

import bz2
import gzip
import lzma
import zlib

from page.digests import path_of

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import all_kinds, NAME, named, one_image

BUNDLE_JSON = "Where a tar has an entry with the name `bundle.json`, however its headers say so"
UNPACKED = "A file that begins as gzip does (`1f 8b`, RFC 1952) is unpacked first"
MEMBERS = "It has one member or several, and nothing after the last."
EITHER = "Either may come as [gzip](#gzip)."
ONCE = "What comes out is not unpacked again."
GROWS = "A reader may stop where, after the first 64 MiB, more than 100 times"
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
    yield from of_gzip()
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


def moved():
    """A sound bundle, but `bundle.json` comes last."""
    box, image = one_image()
    draft = sound(box, {NAME: image})
    draft.change_entries = lambda entries: entries.append(entries.pop(2))
    return draft.file()


def of_gzip():
    whole = layout()
    box, image = one_image()
    bundle = sound(box, {NAME: image}).file()
    packed = gzip.compress(whole, mtime=0)
    half = len(whole) // 2 + 77
    for label, quote, data, expected in (
        ("layout", EITHER, packed, ACCEPT),
        ("bundle", EITHER, gzip.compress(bundle, mtime=0), ACCEPT),
        ("bundle-that-is-none", UNPACKED, gzip.compress(bundle + bytes(512), mtime=0), REFUSE),
        ("two-members", MEMBERS, gzip.compress(whole[:half], mtime=0) + gzip.compress(whole[half:], mtime=5), ACCEPT),
        (
            "bundle-in-three-members",
            MEMBERS,
            b"".join(gzip.compress(part, mtime=0) for part in (bundle[:1], bundle[1:999], bundle[999:])),
            ACCEPT,
        ),
        ("empty-member-first", MEMBERS, gzip.compress(b"", mtime=0) + packed, ACCEPT),
        ("empty-member-last", MEMBERS, packed + gzip.compress(b"", mtime=0), ACCEPT),
        ("nothing", UNPACKED, gzip.compress(b"", mtime=0), REFUSE),
        ("only-magic", UNPACKED, b"\x1f\x8b", REFUSE),
        ("cut-off", UNPACKED, packed[:-1], REFUSE),
        ("cut-off-in-data", UNPACKED, packed[: len(packed) // 2], REFUSE),
        ("cut-off-in-second-member", MEMBERS, packed + packed[:5], REFUSE),
        ("wrong-checksum", UNPACKED, packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:], REFUSE),
        ("wrong-length", UNPACKED, packed[:-1] + bytes([packed[-1] ^ 1]), REFUSE),
        ("other-method", UNPACKED, packed[:2] + b"\x07" + packed[3:], REFUSE),
        ("with-name", UNPACKED, named_gzip(whole), ACCEPT),
        ("stored", UNPACKED, gzip.compress(whole, 0, mtime=0), ACCEPT),
        ("zeros-after", MEMBERS, packed + bytes(512), REFUSE),
        ("text-after", MEMBERS, packed + b"text", REFUSE),
        ("twice", ONCE, gzip.compress(packed, mtime=0), REFUSE),
        ("of-zlib", UNPACKED, zlib.compress(whole), REFUSE),
    ):
        yield Case(f"gzip-{label}", quote, lambda data=data: data, expected)
    growing = lambda: gzip.compress(layout(before=foreign.entry("zeros", bytes(16 * 1024 * 1024))), mtime=0)
    yield Case("gzip-that-grows-700-times", GROWS, growing, ACCEPT)
    uncompressed = "It is an uncompressed tar whose content is an OCI image layout"
    for label, pack in (
        ("bzip2", bz2.compress),
        ("xz", lzma.compress),
        ("lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    ):
        yield Case(f"packed-by-{label}", uncompressed, lambda pack=pack: pack(bundle), REFUSE)


def named_gzip(data):
    packer = zlib.compressobj(wbits=-15)
    body = packer.compress(data) + packer.flush()
    header = b"\x1f\x8b\x08\x08" + bytes(4) + b"\0\xff" + b"layout.tar\0"
    return header + body + zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")


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
