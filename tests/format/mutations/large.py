"""Limits that only large content reaches.

Where gzip takes less time than to write it all, it is gzip. None grows more than a hundred times, where a reader may
stop.
"""

import random
import zlib

from page.bundle_form import CONTAINERD_NAME, REF_NAME
from page.descriptors import OCI_IMAGE, OCI_INDEX
from page.json_write import written

from . import foreign
from .case import ACCEPT, Case, Pieces, REFUSE
from .draft import of_image, sound
from .material import Box, LAYER, NAME, named, one_image

MIB = 1024 * 1024
INDEX = "and an `index.json` of at most 64 MiB."
BUNDLE_INDEX = "An OCI image index of at most 64 MiB."
MANIFEST = "A manifest is a document of at most 32 MiB"
CONTENT = "more than 1 000 000 pieces of content"
BY_ROOT = "more than 5 000 000 pieces of content where each root is counted"
FILES = "There are 1 000 003 entries of the type file at most"


def packed(pieces):
    """The gzip of these bytes, which are never there all at once."""
    packer = zlib.compressobj(level=1, wbits=31)
    return b"".join(packer.compress(piece) for piece in pieces) + packer.flush()


def cases():
    for label, size, expected in (("64-mib", 64 * MIB, ACCEPT), ("64-mib-and-a-byte", 64 * MIB + 1, REFUSE)):
        yield Case(f"large-index.json-of-{label}", INDEX, lambda size=size: layout_with_index(size), expected)
    yield Case("large-index.json-of-bundle", BUNDLE_INDEX, bundle_with_large_index, REFUSE)
    for label, size, expected in (("32-mib", 32 * MIB, ACCEPT), ("32-mib-and-a-byte", 32 * MIB + 1, REFUSE)):
        yield Case(f"large-manifest-of-{label}", MANIFEST, lambda size=size: layout_with_manifest(size), expected)
        yield Case(
            f"large-manifest-of-{label}-in-bundle", MANIFEST, lambda size=size: bundle_with_manifest(size), expected
        )
    for more, expected in ((0, ACCEPT), (1, REFUSE)):
        yield Case(f"large-pieces-{1_000_000 + more}", CONTENT, lambda more=more: pieces(more), expected)
        yield Case(f"large-files-{1_000_003 + more}", FILES, lambda more=more: files(more), expected)
    yield Case("large-by-root-5000000", BY_ROOT, lambda: by_root(0), ACCEPT)
    yield Case("large-by-root-5000001", BY_ROOT, lambda: by_root(1), REFUSE)
    names = [f"quay.io/org/one:{number}" for number in range(1001)]
    tags = [f"{number}" for number in range(1001)]
    for label, roots, expected in (
        ("one-manifest", names[:1000], ACCEPT),
        ("one-manifest-and-more", names, REFUSE),
        ("one-manifest-and-one-twice", [*names[:1000], names[0]], ACCEPT),
        ("one-manifest-and-one-written-otherwise", [*names[:999], "quay.io/org/a", "quay.io/org/a:latest"], ACCEPT),
        ("one-manifest-of-one-name", names[:1] * 1001, ACCEPT),
        ("one-manifest-without-names", [None] * 1001, ACCEPT),
        ("one-manifest-with-tags", tags[:1000], ACCEPT),
        ("one-manifest-with-tags-and-more", tags, REFUSE),
        ("one-manifest-with-tags-and-one-twice", [*tags[:1000], tags[0]], ACCEPT),
        ("one-manifest-with-tags-and-without", [*tags[:999], None, None, ""], ACCEPT),
        ("one-manifest-with-tags-and-without-and-more", [*tags[:1000], None], REFUSE),
        ("one-manifest-with-names-and-tags", [*names[:500], *tags[:500]], ACCEPT),
        ("one-manifest-with-names-and-tags-and-more", [*names[:500], *tags[:501]], REFUSE),
        ("one-manifest-with-names-tags-and-without", [*names[:500], *tags[:500], None], REFUSE),
        ("one-manifest-with-tags-as-of-references", ["t", *[f"t:{number}" for number in range(1000)]], REFUSE),
    ):
        yield Case(f"large-by-root-{label}", BY_ROOT, lambda roots=roots: one_manifest(roots), expected)
    for label, firsts, expected in (
        ("one-tag-beside-other-texts", tags, ACCEPT),
        ("other-texts-without-tag", tags, ACCEPT),
        ("one-tag-beside-names", names, REFUSE),
    ):
        roots = [(first, "" if "without" in label else "latest") for first in firsts]
        yield Case(f"large-by-root-{label}", BY_ROOT, lambda roots=roots: one_manifest(roots), expected)


def white_space(size):
    """White space, of which one byte in twenty is one of four."""
    mixed = bytes(b" \t\r\n"[byte & 3] for byte in random.Random("white space").randbytes(MIB // 20))
    part = b"".join(mixed[at : at + 205] + b" " * 3891 for at in range(0, 256 * 204, 204))
    return (part * (size // len(part) + 1))[:size]


def spaced(data, size):
    """The document with white space after it, up to this size."""
    return data + white_space(size - len(data))


def layout_with_index(size):
    box, image = one_image()
    return packed([foreign.tar(box, [], index=spaced(foreign.index_of([named(image)]), size))])


def layout_with_manifest(size):
    box, image = one_image()
    manifest = box.add(spaced(box.blobs.pop(image["digest"]), size), OCI_IMAGE)
    return packed([foreign.tar(box, [manifest])])


def bundle_with_manifest(size):
    box = Box()
    config = box.config("c")
    image = box.image("one", [], config)
    manifest = box.add(spaced(box.blobs[image["digest"]], size), OCI_IMAGE)
    return packed([of_image(box, manifest, [config]).file()])


def bundle_with_large_index():
    """One image with so many names that the index, in its one form, has more than 64 MiB."""
    box, image = one_image()
    draft = sound(box, {NAME: image})
    root = written(draft.index["manifests"][0])
    name = "quay.io/" + "x" * 240 + ":%06d"
    root = root.replace(b"%", b"%%").replace(NAME.encode(), name.encode())
    roots = b",".join(root % (number, number) for number in range(64 * MIB // 740))
    index = draft.index_bytes()
    index = index[: index.index(b"[") + 1] + roots + index[index.rindex(b"]") :]
    assert len(index) > 64 * MIB
    draft.index_bytes = lambda: index
    return packed([draft.file()])


def absent_entries(first, count, media_type="a"):
    """Descriptors, as text, of content that is not there and need not be."""
    form = '{"mediaType":"%s","digest":"sha256:%064x","size":0,"urls":["x"]}'
    return ",".join(form % (media_type, number) for number in range(first, first + count))


def index_text(entries):
    return ('{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' % (OCI_INDEX, entries)).encode()


def pieces(more):
    """Four indexes of at most 32 MiB each, which lead to 1 000 000 pieces of content together, and maybe more."""
    box = Box()
    left = 1_000_000 - 5 + more
    parts = []
    first = 0
    while left:
        count = min(left, 250_000)
        parts.append(box.add(index_text(absent_entries(first, count)), OCI_INDEX))
        first += count
        left -= count
    root = box.index(parts)
    assert len(box.blobs) == 5
    return foreign.tar(box, [named(root)])


def files(more):
    """A layout among so many files that nobody cares for."""
    box, image = one_image()
    usual = foreign.tar(box, [named(image)], end=b"")
    others = 1_000_003 - len(box.blobs) - len(foreign.documents([])) + more
    # What is counted are files, also those whose names are ignored; a directory and a record about it are not.
    kinds = foreign.entry("x") + foreign.entry("y", kind=b"\0") + foreign.entry(b"\xff") + foreign.entry("z/x.json")
    folder = foreign.entry("PaxHeader", b"16 comment=text\n", b"x") + foreign.entry("folder", kind=b"5")

    def parts():
        yield usual + folder * 10
        for _ in range(others // 1000):
            yield kinds * 250
        yield kinds * (others % 1000 // 4) + foreign.entry("x") * (others % 4)
        yield folder * 10 + bytes(1024)

    return Pieces(parts())


def by_root(more):
    """1000 roots: each is an index of one shared index, which leads to 4 998 layers, so 5 000 pieces each."""
    box = Box()
    shared = box.add(index_text(absent_entries(0, 5000 - 2)), OCI_INDEX)
    roots = [box.index([shared], annotations={"number": str(number)}) for number in range(1000)]
    if more:
        layer = {"mediaType": LAYER, "digest": "sha256:" + "f" * 64, "size": 0, "urls": ["x"]}
        roots[0] = box.index([shared, layer])
    return packed([foreign.tar(box, roots)])


def one_manifest(names):
    """One manifest with 5 000 pieces of content, itself included, as a root with each of these in both annotations, or
    without any where it is None, or with these two."""
    box = Box()
    shared = box.add(index_text(absent_entries(0, 5000 - 1)), OCI_INDEX)
    return packed([foreign.tar(box, [called(shared, name) for name in names])])


def called(root, name):
    if name is None:
        return root
    if isinstance(name, str):
        return named(root, name)
    first, second = name
    return {**root, "annotations": {CONTAINERD_NAME: first, REF_NAME: second}}
