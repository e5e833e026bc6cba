"""The tar of a layout of another tool: names that extension headers give.

They follow the rules of all names, and what stands in the header of the entry itself does not matter.
"""

from page.digests import path_of

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .foreign import entry
from .material import Box, named, one_image
from .tar_extension_rules import before, FOLLOWS, long_name, PATH, pax, record
from .tar_rules import layout

BUNDLE_JSON = "Where a tar has an entry with the name `bundle.json`, however its headers say so"
NOTHING = "Where `L` or `path` gives an entry its name, nothing is asked of the name and prefix in its header."


def cases():
    box, image = one_image()
    for label, make in (("L", lambda name: long_name(name + b"\0")), ("path", lambda name: pax(record(b"path", name)))):
        for what, name, kind, expected in (
            ("dots", b"../x", b"0", REFUSE),
            ("slash-first", b"/x", b"0", REFUSE),
            ("slash-last", b"x/", b"0", REFUSE),
            ("slash-last-of-directory", b"x/", b"5", ACCEPT),
            ("dot-first", b"./x", b"0", ACCEPT),
            ("json-link", b"x.json", b"2", REFUSE),
            ("json-folder", b"x.json/", b"5", REFUSE),
            ("slash-last-of-device", b"x/", b"3", ACCEPT),
            ("slash-last-of-fifo", b"x/", b"6", ACCEPT),
            ("blob-folder", b"blobs/sha256/" + b"0" * 64 + b"/", b"5", REFUSE),
            ("blob-folder-of-sha512", b"blobs/sha512/" + b"0" * 128, b"5", REFUSE),
            ("upper-case-blob-folder", b"blobs/sha256/" + b"A" * 64, b"5", ACCEPT),
            ("bundle.json", b"bundle.json", b"0", REFUSE),
            ("bundle.json-with-dot", b"./bundle.json", b"0", REFUSE),
            ("bundle.json-folder", b"bundle.json/", b"5", REFUSE),
            ("bundle.json-below", b"x/bundle.json", b"0", ACCEPT),
            ("not-utf-8-bundle.json", b"\xff/bundle.json", b"2", ACCEPT),
            ("dots-not-utf-8", b"../\xff", b"0", ACCEPT),
            ("dot-twice", b"././x", b"0", REFUSE),
            ("dot-of-file", b".", b"0", REFUSE),
            ("not-utf-8", b"\xff", b"0", ACCEPT),
            ("dot-of-directory", b"./", b"5", ACCEPT),
        ):
            yield Case(f"named-by-{label}-{what}", FOLLOWS, before(make(name), entry("x", kind=kind)), expected)
        index = entry("x", foreign.index_of([named(image)]))
        blobs = b"".join(entry(path_of(digest), data) for digest, data in box.blobs.items())
        whole = blobs + entry("oci-layout", foreign.OCI_LAYOUT) + make(b"index.json") + index + bytes(1024)
        yield Case(f"named-by-{label}-index.json", FOLLOWS, lambda whole=whole: whole, ACCEPT)
        instead = lambda make=make: layout(before=make(b"x") + entry("index.json", b"{}"))
        yield Case(f"named-by-{label}-and-not-index.json", FOLLOWS, instead, ACCEPT)
        other = lambda make=make: layout(before=make(b"x") + entry("bundle.json", b"{}"))
        yield Case(f"named-by-{label}-and-not-bundle.json", BUNDLE_JSON, other, ACCEPT)
        folder = lambda make=make: layout(before=make(b"x/") + entry("bundle.json", kind=b"5"))
        yield Case(f"named-by-{label}-and-not-bundle.json-of-folder", BUNDLE_JSON, folder, ACCEPT)
        for what, patches in (
            ("dots", {0: b"../x"}),
            ("slash", {0: b"x/"}),
            ("nothing", {0: bytes(100)}),
            ("not-utf-8", {0: b"\xff"}),
            ("nul", {0: b"x\0y"}),
            ("prefix", {257: b"ustar  \0", 345: b"x"}),
            ("prefix-and-nul", {345: b"x\0y"}),
            ("prefix-after-nul", {346: b"x"}),
        ):
            made = lambda make=make, patches=patches: layout(before=make(b"y") + entry("x", patches=patches))
            yield Case(f"named-by-{label}-header-{what}", NOTHING, made, ACCEPT)
    yield Case("named-by-path-sha512", PATH, sha512_by_path, ACCEPT)


def sha512_by_path():
    box = Box()
    layer = box.layer("long", 10, "sha512")
    image = box.image("one", [layer])
    data = box.blobs.pop(layer["digest"])
    path = path_of(layer["digest"]).encode()
    return foreign.tar(box, [named(image)], before=pax(record(b"path", path)) + entry(path[:100], data))
