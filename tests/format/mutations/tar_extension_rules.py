"""The tar of a layout of another tool: extension headers."""

from .case import ACCEPT, Case, REFUSE
from .foreign import entry
from .tar_rules import layout

LIKE_OTHERS = "**Extension headers** are headers like others"
FOLLOWS = "They change the entry that follows."
LONG_NAME = "`L` holds the name of the entry: 1 to 4 096 bytes"
NO_RULE = "but no rule for names is for theirs."
LONG_LINK = "`K` holds a link target, 4 097 bytes at most, and is ignored."
RECORDS = "`x` and `g` hold PAX records, 64 KiB of them at most."
RECORD = "A record is `LENGTH KEY=VALUE` and a line feed"
NO_OTHER = "There is no other byte between, before or after records"
TWICE = "No key stands twice in one header."
NUL = "A key contains no NUL, and neither does a value"
PATH = "`path` is the name of the entry, 1 to 4 096 bytes."
SIZE = "`size` is its size in decimal digits"
NEITHER = "A `g` has neither of them."
SPARSE = "mean a sparse file, and are refused."
OTHERS = "Other keys are ignored."
TOGETHER = "Before one entry there is one `x`, or one `L`, or one `K`"
BETWEEN = "Between them and their entry nothing else stands: no `g`, and not the end of the archive."
GLOBAL = "A `g` may stand anywhere else, also several in a row."


def record(key, value):
    """A PAX record, with its length."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return b"%d" % length + body


def pax(*records, kind=b"x"):
    return entry("PaxHeaders/x", b"".join(records), kind)


def long_name(name):
    return entry("././@LongLink", name, b"L")


def long_link(target=b"target\0"):
    return entry("././@LongLink", target, b"K")


COMMENT = record(b"comment", b"text")


def before(*parts):
    return lambda: layout(before=b"".join(parts))


def cases():
    yield from of_long_names()
    yield from of_headers()
    yield from of_records()
    yield from of_keys()
    yield from of_sizes()
    yield from of_orders()


def of_long_names():
    x = entry("x")
    for label, name, expected in (
        ("usual", b"y" * 200 + b"\0", ACCEPT),
        ("without-nul", b"y" * 200, ACCEPT),
        ("one-byte", b"y", ACCEPT),
        ("of-4096", b"y" * 4096, ACCEPT),
        ("of-4096-and-nul", b"y" * 4096 + b"\0", ACCEPT),
        ("of-4097", b"y" * 4097, REFUSE),
        ("of-4097-and-nul", b"y" * 4097 + b"\0", REFUSE),
        ("empty", b"", REFUSE),
        ("only-nul", b"\0", REFUSE),
        ("two-nuls", b"y\0\0", REFUSE),
        ("nul-inside", b"y\0z", REFUSE),
        ("nul-inside-and-at-end", b"y\0z\0", REFUSE),
        ("huge", b"y" * 100000, REFUSE),
    ):
        yield Case(f"long-name-{label}-of-layout", LONG_NAME, before(long_name(name), x), expected)
    for label, target, expected in (
        ("usual", b"y" * 200 + b"\0", ACCEPT),
        ("without-nul", b"y" * 200, ACCEPT),
        ("nul-inside", b"y\0z", ACCEPT),
        ("of-4096-and-nul", b"y" * 4096 + b"\0", ACCEPT),
        ("of-4098", b"y" * 4097 + b"\0", REFUSE),
        ("empty", b"", ACCEPT),
        ("of-4097-without-nul", b"y" * 4097, ACCEPT),
    ):
        yield Case(f"long-link-{label}", LONG_LINK, before(long_link(target), entry("x", kind=b"2")), expected)
    yield Case("long-link-before-file", LONG_LINK, before(long_link(), x), ACCEPT)


def of_headers():
    """Fields of extension headers."""
    for kind, data in ((b"L", b"y\0"), (b"K", b"y\0"), (b"x", COMMENT), (b"g", COMMENT)):
        name = kind.decode()
        after = entry("x")
        for label, patches, expected in (
            ("mode-wrong", {100: b"rw-r--r-"}, REFUSE),
            ("uid-wrong", {108: b"x"}, REFUSE),
            ("device-wrong", {329: b"x"}, REFUSE),
            ("mtime-nul", {136: bytes(12)}, ACCEPT),
            ("size-base-256", {124: b"\x80" + bytes(10) + bytes([len(data)])}, ACCEPT),
            ("size-too-large", {124: b"\x80\0\0\0\x7f" + b"\xff" * 7}, REFUSE),
            ("name-dots", {0: b"../../x"}, ACCEPT),
            ("name-none", {0: bytes(100)}, ACCEPT),
            ("name-json", {0: b"index.json\0"}, ACCEPT),
            ("name-slash", {0: b"/x/\0"}, ACCEPT),
            ("name-not-utf-8", {0: b"\xff"}, ACCEPT),
            ("name-nul-inside", {0: b"x\0y"}, ACCEPT),
            ("prefix-in-gnu-header", {257: b"ustar  \0", 345: b"x"}, ACCEPT),
        ):
            made = entry("././@LongLink", data, kind, patches)
            quote = NO_RULE if expected == ACCEPT and 0 in patches or 345 in patches else LIKE_OTHERS
            yield Case(f"extension-{name}-{label}", quote, before(made, after), expected)
        yield Case(
            f"extension-{name}-checksum",
            LIKE_OTHERS,
            before(entry("x", data, kind, checksum=b"0000000\0"), after),
            REFUSE,
        )
        yield Case(
            f"extension-{name}-dirty-padding",
            LIKE_OTHERS,
            before(entry("x", data, kind, padding=b"x" * (512 - len(data))), after),
            REFUSE,
        )


def of_records():
    x = entry("x")
    for label, quote, data, expected in (
        ("one", RECORD, COMMENT, ACCEPT),
        ("two", RECORD, COMMENT + record(b"mtime", b"1.5"), ACCEPT),
        ("none", NO_OTHER, b"", ACCEPT),
        ("equals-in-value", RECORD, record(b"comment", b"a=b=c"), ACCEPT),
        ("empty-value", RECORD, record(b"comment", b""), ACCEPT),
        ("empty-key", RECORD, record(b"", b"text"), ACCEPT),
        ("space-in-key", RECORD, record(b"a b", b"text"), ACCEPT),
        ("line-feed-in-value", RECORD, record(b"comment", b"a\nb"), ACCEPT),
        ("not-utf-8", RECORD, record(b"comm\xff", b"\xfe"), ACCEPT),
        ("zero-first", RECORD, b"0" + COMMENT, REFUSE),
        ("zero-first-and-counted", RECORD, b"021 comment=12345678\n", ACCEPT),
        ("many-zeros-first", RECORD, b"0" * 37 + b"50 comment=x\n", ACCEPT),
        ("many-zeros-first-and-not-counted", RECORD, b"0" * 37 + b"13 comment=x\n", REFUSE),
        ("zeros-alone-as-length", RECORD, b"000 comment=text\n", REFUSE),
        ("value-of-line-feeds", RECORD, record(b"comment", b"\n\n"), ACCEPT),
        ("key-of-line-feed", RECORD, record(b"a\nb", b"x"), ACCEPT),
        ("key-of-spaces", RECORD, record(b" ", b"x"), ACCEPT),
        ("nothing-but-equals", RECORD, b"4 =\n", ACCEPT),
        ("empty-key-twice", TWICE, record(b"", b"x") + record(b"", b"y"), REFUSE),
        ("empty-record", RECORD, b"3 \n" + COMMENT, REFUSE),
        ("length-of-two-records", RECORD, b"34" + COMMENT[2:] + COMMENT, REFUSE),
        ("carriage-return", RECORD, b"18 comment=text\r\n", REFUSE),
        ("length-in-hex", RECORD, b"1a comment=text-of-16\n", REFUSE),
        ("two-spaces-after-length", RECORD, b"17  comment=text\n", ACCEPT),
        ("key-twice-with-other-between", TWICE, COMMENT + record(b"x", b"y") + COMMENT, REFUSE),
        ("path-and-comment-twice", TWICE, record(b"mtime", b"1") + record(b"mtime", b"1"), REFUSE),
        ("nul-in-empty-key", NUL, record(b"\0", b"x"), REFUSE),
        ("nul-in-libarchive-key", NUL, record(b"LIBARCHIVE.\0", b"x"), REFUSE),
        ("nul-in-other-schily", NUL, record(b"SCHILY.acl.access", b"x\0"), REFUSE),
        ("nul-in-size", NUL, record(b"size", b"0\0"), REFUSE),
        ("no-length", RECORD, b" comment=text\n", REFUSE),
        ("no-space", RECORD, b"16comment=text\n", REFUSE),
        ("tab", RECORD, b"16\tcomment=text\n", REFUSE),
        ("plus", RECORD, b"+17 comment=text\n", REFUSE),
        ("hex", RECORD, b"0x10 comment=text\n", REFUSE),
        ("too-short", RECORD, b"15 comment=text\n", REFUSE),
        ("too-long", RECORD, b"17 comment=text\n", REFUSE),
        ("length-0", RECORD, b"0 comment=text\n", REFUSE),
        ("length-only", RECORD, b"3 \n", REFUSE),
        ("huge-length", RECORD, b"9" * 30 + b" comment=text\n", REFUSE),
        ("no-equals", RECORD, b"15 commenttext\n", REFUSE),
        ("no-line-feed", RECORD, b"16 comment=text!", REFUSE),
        ("cut-off", RECORD, COMMENT[:-3], REFUSE),
        ("nul-after", NO_OTHER, COMMENT + b"\0", REFUSE),
        ("line-feed-after", NO_OTHER, COMMENT + b"\n", REFUSE),
        ("space-before", NO_OTHER, b" " + COMMENT, REFUSE),
        ("line-feed-between", NO_OTHER, COMMENT + b"\n" + record(b"x", b"y"), REFUSE),
        ("text", NO_OTHER, b"text", REFUSE),
        ("key-twice", TWICE, COMMENT + COMMENT, REFUSE),
        ("path-twice", TWICE, record(b"path", b"x") + record(b"path", b"x"), REFUSE),
        ("key-in-other-letters", TWICE, COMMENT + record(b"COMMENT", b"x"), ACCEPT),
        ("nul-in-key", NUL, record(b"com\0ment", b"x"), REFUSE),
        ("nul-in-value", NUL, record(b"comment", b"x\0"), REFUSE),
        ("nul-in-path", NUL, record(b"path", b"x\0"), REFUSE),
        ("nul-in-xattr", NUL, record(b"SCHILY.xattr.user.x", b"\0\1\0"), ACCEPT),
        ("nul-in-xattr-key", NUL, record(b"SCHILY.xattr.\0", b"x"), REFUSE),
        ("nul-in-libarchive", NUL, record(b"LIBARCHIVE.x", b"\0"), ACCEPT),
        ("nul-in-almost-xattr", NUL, record(b"SCHILY.xattr", b"\0"), REFUSE),
        ("nul-in-lower-case-xattr", NUL, record(b"schily.xattr.x", b"\0"), REFUSE),
        ("of-64-kib", RECORDS, record(b"comment", b"x" * (65536 - 15)), ACCEPT),
        ("of-more-than-64-kib", RECORDS, record(b"comment", b"x" * (65536 - 14)), REFUSE),
    ):
        for kind in (b"x", b"g"):
            if kind == b"g" and (b"path" in data or b"size" in data):
                continue
            yield Case(f"pax-{kind.decode()}-{label}", quote, before(pax(data, kind=kind), x), expected)


def of_keys():
    x = entry("x")
    for key in (
        b"GNU.sparse.major",
        b"GNU.sparse.name",
        b"GNU.sparse",
        b"GNU.sparseX",
        b"SCHILY.realsize",
        b"SCHILY.filetype",
        b"GNU.sparse.",
    ):
        for kind in (b"x", b"g"):
            yield Case(
                f"pax-{kind.decode()}-{key.decode()}", SPARSE, before(pax(record(key, b"1"), kind=kind), x), REFUSE
            )
    for key, value in (
        (b"mtime", b"x"),
        (b"uid", b"-1"),
        (b"linkpath", b"../x"),
        (b"GNU.other", b"1"),
        (b"SCHILY.realsize2", b"1"),
        (b"SCHILY.dev", b"1"),
        (b"hdrcharset", b"BINARY"),
        (b"SCHILY.filetype2", b"1"),
        (b"gnu.sparse.major", b"1"),
        (b"x.GNU.sparse", b"1"),
        (b"path2", b""),
        (b"size ", b"x"),
        (b"Path", b""),
        (b"Size", b"x"),
    ):
        for kind in (b"x", b"g"):
            yield Case(
                f"pax-{kind.decode()}-ignored-{key.decode()}",
                OTHERS,
                before(pax(record(key, value), kind=kind), x),
                ACCEPT,
            )
    for label, value, expected in (
        ("usual", b"y", ACCEPT),
        ("of-4096", b"y" * 4096, ACCEPT),
        ("of-4097", b"y" * 4097, REFUSE),
        ("empty", b"", REFUSE),
    ):
        yield Case(f"pax-path-{label}", PATH, before(pax(record(b"path", value)), x), expected)
    yield Case("pax-g-path", NEITHER, before(pax(record(b"path", b"y"), kind=b"g"), x), REFUSE)
    yield Case("pax-g-size", NEITHER, before(pax(record(b"size", b"0"), kind=b"g"), x), REFUSE)


def of_sizes():
    data = b"data"
    for label, value, stated, expected in (
        ("same", b"4", 4, ACCEPT),
        ("header-0", b"4", 0, ACCEPT),
        ("header-other", b"4", 3, REFUSE),
        ("header-larger", b"4", 5, REFUSE),
        ("zero", b"0", 4, REFUSE),
        ("zeros-first", b"0004", 4, ACCEPT),
        ("many-zeros-first", b"0" * 100 + b"4", 4, ACCEPT),
        ("many-zeros-first-header-0", b"0" * 100 + b"4", 0, ACCEPT),
        ("zeros", b"0" * 30, 0, REFUSE),
        ("underscore", b"0_4", 4, REFUSE),
        ("arabic-digit", b"\xd9\xa4", 4, REFUSE),
        ("empty", b"", 4, REFUSE),
        ("plus", b"+4", 4, REFUSE),
        ("minus", b"-4", 4, REFUSE),
        ("space", b" 4", 4, REFUSE),
        ("point", b"4.0", 4, REFUSE),
        ("hex", b"0x4", 4, REFUSE),
        ("2-to-63", b"9223372036854775808", 0, REFUSE),
        ("2-to-64-and-4", b"18446744073709551620", 4, REFUSE),
        ("2-to-63-less-1", b"9223372036854775807", 0, REFUSE),
    ):
        yield Case(
            f"pax-size-{label}",
            SIZE,
            before(pax(record(b"size", value)), entry("x", data, size=stated)),
            expected,
        )
    for label, value, expected in (("0", b"0", ACCEPT), ("4", b"4", REFUSE)):
        made = pax(record(b"size", value)) + entry("x", b"" if value == b"0" else data, kind=b"5", size=0)
        yield Case(
            f"pax-size-{label}-of-directory",
            "Directories, links, devices and FIFOs have size 0.",
            before(made),
            expected,
        )
    yield Case("pax-size-hides-an-entry", SIZE, hidden, ACCEPT)


def hidden():
    """An `index.json` that is data of another file, by the size of the PAX record."""
    inner = entry("index.json", b"{}")
    return layout(before=pax(record(b"size", b"%d" % len(inner))) + entry("x", inner, size=0))


def of_orders():
    x, x_again = entry("x"), entry("y")
    parts = {"x": pax(COMMENT), "g": pax(COMMENT, kind=b"g"), "L": long_name(b"z\0"), "K": long_link()}
    good = {"x", "L", "K", "LK", "KL", "g", "gg", "gx", "gL", "gK"}
    for first in parts:
        yield Case(f"extensions-{first}", TOGETHER, before(parts[first], x), ACCEPT)
        at_end = lambda first=first: layout(after=parts[first])
        quote, expected = (GLOBAL, ACCEPT) if first == "g" else (BETWEEN, REFUSE)
        yield Case(f"extensions-{first}-at-end", quote, at_end, expected)
        for second in parts:
            both = first + second
            quote = GLOBAL if first == "g" else BETWEEN if second == "g" else TOGETHER
            expected = ACCEPT if both in good else REFUSE
            yield Case(f"extensions-{both}", quote, before(parts[first], parts[second], x), expected)
            between = before(parts[first], x, parts[second], x_again)
            yield Case(f"extensions-{first}-entry-{second}", quote, between, ACCEPT)
            for third in "xgLK":
                if both in good and len({first, second, third}) == 3:
                    expected = ACCEPT if both + third in ("gLK", "gKL") else REFUSE
                    three = before(parts[first], parts[second], parts[third], x)
                    yield Case(f"extensions-{both}{third}", BETWEEN if third == "g" else quote, three, expected)
    yield Case("extensions-gg-at-end", GLOBAL, lambda: layout(after=parts["g"] * 2), ACCEPT)
    for label, quote, before_it, expected in (
        ("LKg", BETWEEN, "LKg", REFUSE),
        ("LKL", TOGETHER, "LKL", REFUSE),
        ("KLK", TOGETHER, "KLK", REFUSE),
        ("gggx", GLOBAL, "gggx", ACCEPT),
        ("gKLg", BETWEEN, "gKLg", REFUSE),
    ):
        made = before(*(parts[kind] for kind in before_it), x)
        yield Case(f"extensions-in-a-row-{label}", quote, made, expected)
    after = lambda: layout(after=parts["g"] + entry("x") + parts["g"] * 2)
    yield Case("extensions-g-at-the-end-and-before", GLOBAL, after, ACCEPT)
    for kind in "xLK":
        lone = lambda kind=kind: layout(after=parts["g"] + parts[kind])
        yield Case(f"extensions-g{kind}-at-end", BETWEEN, lone, REFUSE)
    zero = lambda: layout(after=parts["x"], end=bytes(512))
    yield Case("extensions-x-before-one-block-of-zeros", BETWEEN, zero, REFUSE)
    yield Case("extensions-x-before-the-end-of-the-file", BETWEEN, lambda: layout(after=parts["x"], end=b""), REFUSE)
    yield Case(
        "extensions-in-many-headers",
        TOGETHER,
        before(*[parts["x"] + entry(f"x{number}") for number in range(20)]),
        ACCEPT,
    )
