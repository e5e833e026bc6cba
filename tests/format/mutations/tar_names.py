"""The tar of a layout of another tool: names of entries."""

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .material import named, one_image
from .tar_rules import layout, with_entry

NUL = "after that NUL there are only NULs."
PREFIX = "the 155 bytes from there on are a prefix"
NO_PREFIX = "Otherwise these 155 bytes are all NUL."
NOT_UTF_8 = "A name that is not UTF-8 belongs to nothing in a layout"
DOT = "One leading `./` is left off."
SLASH = "One trailing `/` is left off the name of anything but a file"
PARTS = "What is left has no empty part and no part `.` or `..`"
MATTER = "The names that matter are `oci-layout`"
SLASH_OF_FILE = "a file's name does not end with `/`."
FILES = "At the first three kinds there are files only"
SEVERAL = "A name of several kinds follows the rule of each."
HARD_LINK = "In a layout of another tool a hard link may have the name of a blob."
WHOLE = "only a directory may have `.` or `./` as its whole name."
KINDS = {"file": b"0", "directory": b"5", "link": b"2", "hard-link": b"1", "device": b"3", "fifo": b"6"}
GNU = b"ustar  \0"


def cases():
    yield from of_bytes()
    yield from of_prefixes()
    yield from of_parts()
    yield from of_names_that_matter()
    yield from of_utf_8()
    yield from of_blobs()


def of_blobs():
    """Names that blobs would have, of what is none."""
    names = "The names that matter are `oci-layout`, those that end in `.json`, those of blobs"
    for label, name, good in (
        ("sha256", "blobs/sha256/" + "0" * 64, ""),
        ("short", "blobs/sha256/" + "0" * 63, "file directory"),
        ("long", "blobs/sha256/" + "0" * 65, "file directory"),
        ("upper-case", "blobs/sha256/" + "0" * 63 + "A", "file directory"),
        ("upper-case-algorithm", "blobs/SHA256/" + "0" * 64, "file directory"),
        ("sha384", "blobs/sha384/" + "0" * 64, "file directory"),
        ("sha512-of-64", "blobs/sha512/" + "0" * 64, "file directory"),
        ("below-blob", "blobs/sha256/" + "0" * 64 + "/x", "file directory"),
        ("below-x", "x/blobs/sha256/" + "0" * 64, "file directory link hard-link device fifo"),
        ("with-dot", "./blobs/sha256/" + "0" * 64, ""),
    ):
        for kind in ("directory", "link", "fifo", "file"):
            # A file would be a blob, and does not hash to its name.
            expected = ACCEPT if kind in good.split() else REFUSE
            yield Case(f"tar-blob-name-{label}-of-{kind}", names, with_entry(name, kind=KINDS[kind]), expected)
    slash = "blobs/sha256/" + "0" * 64 + "/"
    yield Case("tar-blob-name-with-slash-of-directory", names, with_entry(slash, kind=b"5"), REFUSE)
    for label, name in (("usual", "x/"), ("blob", slash), ("index.json", "index.json/"), ("blobs", "blobs/")):
        yield Case(f"tar-old-file-with-slash-{label}", SLASH_OF_FILE, with_entry(name, kind=b"\0"), REFUSE)
        yield Case(f"tar-file-with-slash-{label}", SLASH_OF_FILE, with_entry(name, kind=b"0"), REFUSE)


def of_bytes():
    yield Case("tar-name-of-100", "**Name**: the first 100 bytes up to the first NUL", with_entry("x" * 100), ACCEPT)
    for label, at, raw, expected in (
        ("nul-and-text", 0, b"x\0y", REFUSE),
        ("nul-and-last-byte", 99, b"y", REFUSE),
        ("nul-and-nuls", 0, b"x\0\0", ACCEPT),
        ("nul-first-and-text", 0, b"\0x", REFUSE),
    ):
        yield Case(f"tar-name-{label}", NUL, with_entry("x", patches={at: raw}), expected)
    hidden = b"oci-layout\0hidden"
    yield Case("tar-name-hidden-after-nul", NUL, with_entry("x", b"", patches={0: hidden}), REFUSE)


def of_prefixes():
    for label, quote, name, patches, expected in (
        ("sound", PREFIX, "y", {345: b"x"}, ACCEPT),
        ("of-155", PREFIX, "y", {345: b"x" * 155}, ACCEPT),
        ("with-nul-and-text", PREFIX, "y", {345: b"x\0y"}, REFUSE),
        ("with-last-byte", PREFIX, "y", {345: b"x", 499: b"y"}, REFUSE),
        ("nul-first", NO_PREFIX, "y", {346: b"x"}, REFUSE),
        ("nul-first-and-last", NO_PREFIX, "y", {499: b"x"}, REFUSE),
        ("in-gnu-header", NO_PREFIX, "y", {257: GNU, 345: b"x"}, REFUSE),
        ("in-gnu-header-time", NO_PREFIX, "y", {257: GNU, 345: b"14717322334\0"}, REFUSE),
        ("gnu-header-without", NO_PREFIX, "y", {257: GNU}, ACCEPT),
        ("in-old-header", NO_PREFIX, "y", {257: bytes(8), 345: b"x"}, REFUSE),
        ("old-header-without", NO_PREFIX, "y", {257: bytes(8)}, ACCEPT),
        ("in-other-version", NO_PREFIX, "y", {263: b"01", 345: b"x"}, REFUSE),
        ("with-dots", PARTS, "y", {345: b"x/.."}, REFUSE),
        ("with-slash-at-the-end", PARTS, "y", {345: b"x/"}, REFUSE),
        ("with-slash-first", PARTS, "y", {345: b"/x"}, REFUSE),
        ("with-dot-first", DOT, "y", {345: b"./x"}, ACCEPT),
        ("that-is-a-dot", DOT, "y", {345: b"."}, ACCEPT),
        ("without-name", SLASH, "", {345: b"x"}, REFUSE),
    ):
        yield Case(f"tar-prefix-{label}", quote, with_entry(name, patches=patches), expected)
    yield Case("tar-prefix-without-name-of-directory", SLASH, with_entry("", kind=b"5", patches={345: b"x"}), ACCEPT)
    yield Case("tar-prefix-of-blobs", PREFIX, blobs_by_prefix(None), ACCEPT)
    yield Case("tar-prefix-of-blobs-in-gnu-headers", NO_PREFIX, blobs_by_prefix(GNU), REFUSE)
    yield Case(
        "tar-prefix-makes-index.json",
        "`oci-layout`, `index.json` and `bundle.json` stand once.",
        with_entry("index.json", b"", patches={345: b"."}),
        REFUSE,
    )
    yield Case("tar-prefix-makes-another-name", PREFIX, with_entry("index.json", b"", patches={345: b"x"}), ACCEPT)


def blobs_by_prefix(magic):
    """A layout whose blobs stand in the prefix and the name together."""

    def build():
        box, image = one_image()
        blobs = b""
        for digest, data in box.blobs.items():
            patches = {345: b"blobs/sha256", **({257: magic} if magic else {})}
            blobs += foreign.entry(digest.split(":")[1], data, patches=patches)
        documents = b"".join(foreign.entry(name, data) for name, data in foreign.documents([named(image)]).items())
        return blobs + documents + bytes(1024)

    return build


def of_parts():
    for label, name, good in (
        ("empty", "", ""),
        ("dot", ".", "directory"),
        ("dot-slash", "./", "directory"),
        ("slash", "/", ""),
        ("two-slashes", "//", ""),
        ("leading-slash", "/x", ""),
        ("leading-dot", "./x", "file directory link hard-link device fifo"),
        ("two-leading-dots", "././x", ""),
        ("dot-slash-slash", ".//x", ""),
        ("trailing-slash", "x/", "directory link hard-link device fifo"),
        ("two-trailing-slashes", "x//", ""),
        ("trailing-dot", "x/.", ""),
        ("dots", "..", ""),
        ("dots-first", "../x", ""),
        ("dots-after-dot", "./../x", ""),
        ("dots-inside", "x/../y", ""),
        ("dots-last", "x/..", ""),
        ("dot-inside", "x/./y", ""),
        ("two-slashes-inside", "x//y", ""),
        ("three-dots", "x/.../y", "file directory link hard-link device fifo"),
        ("hidden", ".x", "file directory link hard-link device fifo"),
        ("backslash", "x\\..\\y", "file directory link hard-link device fifo"),
        ("space", " ", "file directory link hard-link device fifo"),
        ("two-dots-and-slash", "././", ""),
        ("dot-after-dot", "./.", ""),
    ):
        quote = {"leading-dot": DOT, "two-dots-and-slash": WHOLE, "dot-after-dot": WHOLE}.get(label, PARTS)
        quote = SLASH if "trailing-slash" in label else quote
        for kind, raw in KINDS.items():
            expected = ACCEPT if kind in good.split() else REFUSE
            yield Case(f"tar-parts-{label}-of-{kind}", quote, with_entry(name, kind=raw), expected)


def of_names_that_matter():
    of_several = ("blobs/sha256/x.json", "blobs/x.json", "blobs.json", "blobs-of-others/.json")
    for name, good in (
        ("more.json", "file"),
        ("x/more.json", "file"),
        ("x/.json", "file"),
        ("oci-layout/x", "file directory link hard-link device fifo"),
        ("x/oci-layout", "file directory link hard-link device fifo"),
        ("index.json/x", "file directory link hard-link device fifo"),
        ("INDEX.JSON", "file directory link hard-link device fifo"),
        ("index.jsonx", "file directory link hard-link device fifo"),
        ("blobs", "file directory"),
        ("blobs/x", "file directory"),
        ("blobs/sha256", "file directory"),
        ("blobs/sha256/x.json", "file"),
        ("blobs/x.json", "file"),
        ("blobs.json", "file"),
        ("blobs-of-others/.json", "file"),
        ("blobs/x.json/y", "file directory"),
        ("blobs/oci-layout", "file directory"),
        ("blobs-of-others", "file directory"),
        ("x/blobs", "file directory link hard-link device fifo"),
        ("Blobs", "file directory link hard-link device fifo"),
    ):
        for kind, raw in KINDS.items():
            expected = ACCEPT if kind in good.split() else REFUSE
            label = name.replace("/", "-")
            yield Case(
                f"tar-matters-{label}-of-{kind}",
                SEVERAL if name in of_several else FILES if expected == REFUSE else MATTER,
                with_entry(name, kind=raw),
                expected,
            )
    for name in ("oci-layout", "index.json", "bundle.json"):
        for kind in ("directory", "link", "hard-link", "device", "fifo"):
            yield Case(f"tar-matters-{name}-of-{kind}", FILES, with_entry(name, kind=KINDS[kind]), REFUSE)
        slash = name + "/"
        yield Case(f"tar-matters-{name}-of-directory-with-slash", FILES, with_entry(slash, kind=b"5"), REFUSE)
    yield Case("tar-matters-blob-as-link", FILES, blob_as(b"2"), REFUSE)
    yield Case("tar-matters-blob-as-hard-link", HARD_LINK, blob_as(b"1"), ACCEPT)


def blob_as(kind):
    """A link of this type to a blob has the name of that blob."""

    def build():
        box, image = one_image()
        path = "blobs/" + next(iter(box.blobs)).replace(":", "/")
        return foreign.tar(box, [named(image)], after=foreign.entry(path, kind=kind, patches={157: path.encode()}))

    return build


def of_utf_8():
    for label, name, kind in (
        ("file", b"\xff", b"0"),
        ("latin-1", b"\xe9.json", b"2"),
        ("blobs", b"blobs/\xff", b"2"),
        ("directory", b"x\xff/", b"5"),
        ("dots", b"../\xff", b"0"),
        ("slash-at-the-end", b"\xff/", b"0"),
        ("surrogate", b"\xed\xa0\x80.json", b"2"),
        ("overlong", b"..\xc0\xaf.json", b"2"),
    ):
        yield Case(f"tar-not-utf-8-{label}", NOT_UTF_8, with_entry(name, kind=kind), ACCEPT)
    yield Case(
        "tar-not-utf-8-with-size",
        "Directories, links, devices and FIFOs have size 0.",
        with_entry(b"\xff", b"x", kind=b"2"),
        REFUSE,
    )
    yield Case("tar-utf-8", NOT_UTF_8, lambda: layout(before=foreign.entry("é😀/ſ")), ACCEPT)
    yield Case("tar-utf-8-link-named-json", FILES, with_entry("é.json", kind=b"2"), REFUSE)
