"""Files put together without a thought, from parts that matter: extension headers, names, and JSON of any types.

All are made from a seed, so they are always the same ones, and the reader alone decides.
"""

import json
import random

from page.descriptors import DOCKER_IMAGE, OCI_IMAGE, OCI_INDEX
from page.json_read import KEYS_WITH_A_MEANING

from . import foreign
from .case import Case
from .foreign import entry
from .material import Box, named, one_image, text
from .tar_extension_rules import long_link, long_name, pax, record

EXTENSIONS = "Before one entry there is one `x`, or one `L`, or one `K`"
NAMES = "The name of an image is a Reference"
TYPES = "Keys with a meaning have values of these types"

DIGEST = one_image()[1]["digest"]
KEYS = (b"path", b"size", b"comment", b"", b"SCHILY.xattr.x", b"LIBARCHIVE.y", b"GNU.sparse.x", b"linkpath", b"\xff")
TEXTS = (b"x", b"0", b"4", b"00", b"", b"\0", b"../x", b"./y", b"y/", b"index.json", b"bundle.json", b"\xff", b"a=b\n")
HOSTS = ("a.b", "A.b:443", "localhost", "[::1]", "[::ffff:1.2.3.4]:80", "docker.io", "index.docker.io", "r:443", "R:5")
PARTS = ("a", "B", "/", "/c", "/c.d", "/c__d", "-", "_", ":t", ":T.-", "@" + DIGEST, "@sha256:" + "0" * 64, "x" * 128)
VALUES = (None, 1, -1, 1.5, 2**53, 2**53 + 1, "", "x", [], {}, [None], True, DIGEST, OCI_IMAGE, OCI_INDEX, DOCKER_IMAGE)
VALUES += (OCI_IMAGE.upper(), ["x"], [""], {"a": "b"}, {"a": None}, {"SIZE": "x"}, [{"SIZE": "x"}])


def cases():
    for label, sentence, make in (
        ("extensions", EXTENSIONS, extensions),
        ("names", NAMES, names),
        ("types", TYPES, types),
    ):
        for number in range(50):
            build = lambda make=make, seed=f"{label} {number}": make(random.Random(seed))
            yield Case(f"blind-{label}-{number:02}", sentence, build, None)


def extensions(chance):
    """A few headers in a row, and then an entry that may be theirs, before or after all others."""
    out = b"".join(extension(chance) for _ in range(chance.randrange(1, 4)))
    out += entry(chance.choice(TEXTS), chance.choice((b"", b"data")), chance.choice((b"0", b"0", b"5", b"2")))
    box, image = one_image()
    return foreign.tar(box, [named(image)], **{chance.choice(("before", "before", "after")): out})


def extension(chance):
    kind = chance.choice("xxxgLK-")
    if kind == "L":
        return long_name(chance.choice(TEXTS) + chance.choice((b"", b"\0")))
    if kind == "K":
        return long_link(chance.choice(TEXTS))
    if kind == "-":
        return entry(b"x", kind=chance.choice((b"0", b"5", b"2", b"6")))
    records = bytearray()
    for _ in range(chance.randrange(3)):
        records += record(chance.choice(KEYS), chance.choice(TEXTS))
    if records and chance.random() < 0.3:
        records[chance.randrange(len(records))] = chance.choice(b"0123456789 =\n\0x")
    return pax(bytes(records), kind=kind.encode())


def name(chance):
    host = chance.choice(HOSTS) + "/" if chance.random() < 0.8 else ""
    return host + "".join(chance.choice(PARTS) for _ in range(chance.randrange(1, 5)))


def names(chance):
    """An entry of a layout with two annotations, which may be the same."""
    first = name(chance)
    second = chance.choice((first, first, name(chance), "", "latest"))
    both = {"io.containerd.image.name": first, "org.opencontainers.image.ref.name": second}
    box, image = one_image()
    return foreign.tar(box, [{**image, "annotations": both}])


def types(chance):
    """An image, an index or an `index.json` in which one or two values are others."""
    box = Box()
    inner = box.image("inner", [box.layer("l", 50)], subject=box.image("s", []))
    platform = {"os": "linux", "architecture": "amd64"}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{**inner, "platform": platform}, box.layer("x")]}
    where = chance.choice(("image", "index", "index.json"))
    if where == "image":
        image = box.add(text(mistyped(json.loads(box.blobs[inner["digest"]]), chance)), OCI_IMAGE)
        return foreign.tar(box, [named(image)])
    if where == "index":
        return foreign.tar(box, [named(box.add(text(mistyped(index, chance)), OCI_INDEX))])
    roots = [named(box.add(text(index), OCI_INDEX)), named(inner, "quay.io/b:1"), inner]
    return foreign.tar(box, [], index=text(mistyped({"schemaVersion": 2, "manifests": roots}, chance)))


def mistyped(document, chance):
    """Takes members and elements away, adds some, and changes some, all in the document itself."""
    for _ in range(chance.randrange(1, 3)):
        place = chance.choice(list(places(document)))
        if isinstance(place, list):
            place.append(json.loads(json.dumps(chance.choice([*place, *VALUES]))))
        elif place and chance.random() < 0.3:
            del place[chance.choice(list(place))]
        else:
            key = chance.choice([*place, *place, *KEYS_WITH_A_MEANING, "Size", "URLS", "\u017fize"])
            place[key] = chance.choice(VALUES)
    return document


def places(value):
    """All objects and arrays of a document."""
    if isinstance(value, (dict, list)):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from places(inner)
