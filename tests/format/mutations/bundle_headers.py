"""Header bytes: every field, every byte between fields, padding and the end."""

from page import tar_write

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .foreign import entry
from .material import all_kinds, Box, NAME

ROWS = {
    "name": (0, 100, "| 0 | 100 | name |"),
    "mode": (100, 8, "| 100 | 8 | mode |"),
    "uid": (108, 8, "| 108 | 8 | uid |"),
    "gid": (116, 8, "| 116 | 8 | gid |"),
    "size": (124, 12, "| 124 | 12 | size |"),
    "mtime": (136, 12, "| 136 | 12 | mtime |"),
    "type": (156, 1, "| 156 | 1 | type |"),
    "magic": (257, 6, "| 257 | 6 | magic |"),
    "version": (263, 2, "| 263 | 2 | version |"),
}
ZERO = "All bytes not in this table are zero."
CHECKSUM = "| 148 | 8 | checksum |"
LONG = "is preceded by a GNU long name"
PADDING = "Data follows its header at once, and zeros fill its last block."
END = "Two blocks of zeros end the file."
AFTER = "The file has no byte after them"
NO_PAX = "There are no PAX headers, no links, no sparse files"


def everything():
    return sound(*all_kinds())


def changed(change):
    def build():
        draft = everything()
        draft.change_entries = change
        return draft.file()

    return build


def patched(number, offset, new, header=-tar_write.BLOCK):
    return changed(lambda entries: entries[number].patch(offset, new, header))


def long_named(entries):
    """The number of the first entry with a long name."""
    return next(number for number, one in enumerate(entries) if len(one.head) > tar_write.BLOCK)


def cases():
    long = long_named(everything().entries())
    for label, number, header in (
        ("file", 1, -512),
        ("directory", 4, -512),
        ("long", long, 0),
        ("after-long", long, -512),
        ("blob", 7, -512),
    ):
        yield from of_fields(label, number, header)
        yield from of_zeros(label, number, header)
    yield from of_checksums()
    yield from of_forms()
    yield from of_long_names(long)
    yield from of_padding_and_end()
    yield from of_other_headers()


def of_fields(label, number, header):
    """The first and the last byte of each field, changed; the checksum is right."""
    for field, (offset, length, quote) in ROWS.items():
        for at in {offset, offset + length - 1}:

            def change(entries, at=at):
                start = header % len(entries[number].head)
                old = entries[number].head[start + at]
                entries[number].patch(at, bytes([old ^ 1]), header)

            yield Case(f"header-{label}-{field}-byte-{at}", quote, changed(change), REFUSE)


def of_zeros(label, number, header):
    for at in (157, 200, 256, 265, 296, 297, 328, 329, 336, 337, 344, 345, 499, 500, 511):
        yield Case(f"header-{label}-not-zero-{at}", ZERO, patched(number, at, b"0", header), REFUSE)


def of_checksums():
    for label, form in (
        ("six-digits-nul-space", b"%06o\0 "),
        ("space-first", b" %06o\0"),
        ("eight-digits", b"%08o"),
        ("seven-digits-space", b"%07o "),
        ("one-more", None),
    ):

        def change(entries, form=form):
            head = entries[7].head
            value = int(head[148:155], 8)
            new = form % value if form else b"%07o\0" % (value + 1)
            entries[7].head = head[:148] + new + head[156:]

        yield Case(f"header-checksum-{label}", CHECKSUM, changed(change), REFUSE)


def of_forms():
    """Other ways to write the same, which tar programs do."""
    size = "below 8 GiB (8 589 934 592): eleven octal digits and NUL"
    for label, quote, offset, new in (
        ("mode-of-others", ROWS["mode"][2], 100, b"0000600\0"),
        ("mode-of-gnu", ROWS["mode"][2], 100, b"0100644\0"),
        ("mode-short", ROWS["mode"][2], 100, b"000644 \0"),
        ("uid-base-256", ROWS["uid"][2], 108, b"\x80\0\0\0\0\0\0\0"),
        ("uid-nul", ROWS["uid"][2], 108, bytes(8)),
        ("uid-1000", ROWS["uid"][2], 108, b"0001750\0"),
        ("gid-nul", ROWS["gid"][2], 116, bytes(8)),
        ("gid-spaces", ROWS["gid"][2], 116, b"      0\0"),
        ("mtime-nul", ROWS["mtime"][2], 136, bytes(12)),
        ("mtime-1", ROWS["mtime"][2], 136, b"00000000001\0"),
        ("mtime-space", ROWS["mtime"][2], 136, b"00000000000 "),
        ("type-nul", ROWS["type"][2], 156, b"\0"),
        ("type-7", ROWS["type"][2], 156, b"7"),
        ("magic-gnu", ROWS["magic"][2], 257, b"ustar  \0"),
        ("magic-none", ROWS["magic"][2], 257, bytes(8)),
        ("version-nul", ROWS["version"][2], 263, bytes(2)),
        ("owner", ZERO, 265, b"root"),
        ("devmajor", ZERO, 329, b"0000000\x000000000\0"),
    ):
        for number in (2, 8):
            yield Case(f"header-{label}-of-{number}", quote, patched(number, offset, new), REFUSE)

    def base_256(entries):
        entries[7].patch(124, b"\x80\0\0\0" + len(entries[7].data).to_bytes(8, "big"))

    def twelve_digits(entries):
        entries[7].patch(124, b"%012o" % len(entries[7].data))

    def spaces(entries):
        entries[7].patch(124, b"%11o\0" % len(entries[7].data))

    yield Case("header-size-base-256", size, changed(base_256), REFUSE)
    yield Case("header-size-base-256-again", "From there on, base-256", changed(base_256), REFUSE)
    yield Case("header-size-twelve-digits", size, changed(twelve_digits), REFUSE)
    yield Case("header-size-spaces", size, changed(spaces), REFUSE)
    yield Case("header-directory-size", "Directories have size 0.", patched(3, 124, b"00000000001\0"), REFUSE)
    for number, name in (
        (0, b"./oci-layout"),
        (2, b"./bundle.json"),
        (3, b"./blobs/"),
        (3, b"blobs\0"),
        (4, b"blobs/sha256\0"),
    ):
        label = name.rstrip(b"\0").decode().replace("/", "-")
        yield Case(f"header-name-{label}", ROWS["name"][2], patched(number, 0, name), REFUSE)


def of_long_names(long):
    sound_512 = lambda: sha512_first().file()
    yield Case("long-name-sound", LONG, sound_512, ACCEPT)
    yield Case("long-name-of-three-blocks", "Header and long name together are 1 536 bytes.", sound_512, ACCEPT)
    for label, quote, make in (
        ("without-nul", LONG, lambda path, data: entry_of(b"././@LongLink", path, path)),
        ("two-nuls", LONG, lambda path, data: entry_of(b"././@LongLink", path + b"\0\0", path)),
        ("other-name", LONG, lambda path, data: entry_of(b"@LongLink", path + b"\0", path)),
        ("mode-0", LONG, lambda path, data: entry_of(b"././@LongLink", path + b"\0", path, mode=0)),
        ("pax", NO_PAX, lambda path, data: pax(path) + tar_write.header(path, b"0", len(data), 0o644)),
        ("prefix", NO_PAX, with_prefix),
        ("more-padding", "and zeros up to a whole block", lambda path, data: longer(path, data)),
        ("dirty-padding", "and zeros up to a whole block", lambda path, data: dirty(path, data)),
        ("other-entry", "The header of the entry itself follows.", lambda path, data: other_header(path, data)),
        ("no-entry-name", "the first 100 bytes of a longer one", lambda path, data: empty_name(path, data)),
    ):

        def change(entries, make=make):
            one = entries[long]
            one.head = make(one.path.encode(), one.data)
            if len(one.head) == 2 * tar_write.BLOCK:
                one.head += tar_write.header(one.path.encode(), b"0", len(one.data), 0o644)

        yield Case(f"long-name-{label}", quote, changed(change), REFUSE)
    short = changed(lambda entries: entries[7].__setattr__("head", short_with_long_name(entries[7])))
    yield Case("long-name-for-a-short-one", LONG, short, REFUSE)
    twice = changed(lambda entries: entries[long].__setattr__("head", entries[long].head[:1024] + entries[long].head))
    yield Case("long-name-twice", LONG, twice, REFUSE)


def sha512_first():
    box = Box()
    image = box.image("one", [box.layer("long", 10, "sha512")], algorithm="sha512")
    return sound(box, {NAME: image})


def entry_of(name, data, path, mode=0o644):
    """A long name header with its data, and nothing after it."""
    head = tar_write.header(name, b"L", len(data), mode)
    return head + data + tar_write.padding(len(data))


def pax(path):
    record = b" path=" + path + b"\n"
    length = len(record) + 3
    data = b"%d%s" % (length, record)
    assert len(data) == length
    return tar_write.header(b"PaxHeader", b"x", len(data), 0o644) + data + tar_write.padding(len(data))


def with_prefix(path, data):
    block = bytearray(tar_write.header(b"", b"0", len(data), 0o644))
    prefix, name = path[:12], path[13:]
    if len(name) > 100:
        # A sha512 path has no place to be divided: ustar cannot hold it, so this is a name cut in two.
        prefix, name = path[:50], path[50:]
    block[0 : len(name)] = name
    block[345 : 345 + len(prefix)] = prefix
    return tar_write.with_checksum(block)


def longer(path, data):
    named = path + b"\0"
    return (
        tar_write.header(b"././@LongLink", b"L", len(named), 0o644)
        + named.ljust(1024, b"\0")[:1024]
        + tar_write.head(path.decode(), len(data))[1024:]
    )


def dirty(path, data):
    head = bytearray(tar_write.head(path.decode(), len(data)))
    head[1023] = 1
    return bytes(head)


def other_header(path, data):
    head = tar_write.head(path.decode(), len(data))[:1024]
    return head + tar_write.header(b"something else", b"0", len(data), 0o644)


def empty_name(path, data):
    head = tar_write.head(path.decode(), len(data))[:1024]
    return head + tar_write.header(b"", b"0", len(data), 0o644)


def short_with_long_name(one):
    path = one.path.encode()
    return entry_of(b"././@LongLink", path + b"\0", path) + one.head


def of_padding_and_end():
    draft = everything()
    whole = draft.file()
    for number, one in enumerate(draft.entries()):
        if one.padding:
            for at in (0, -1):

                def change(entries, number=number, at=at):
                    padding = bytearray(entries[number].padding)
                    padding[at] = 1
                    entries[number].padding = bytes(padding)

                yield Case(
                    f"padding-of-{number:02}-at-{'start' if at == 0 else 'end'}", PADDING, changed(change), REFUSE
                )
    yield Case("block-between-entries", "Nothing else stands between entries.", between(bytes(512)), REFUSE)
    yield Case("blocks-between-entries", "Nothing else stands between entries.", between(bytes(1024)), REFUSE)
    two_blocks = changed(lambda entries: setattr(entries[7], "head", entries[7].head + bytes(512)))
    yield Case("header-of-two-blocks", "Every header is one block of 512 bytes.", two_blocks, REFUSE)
    yield Case("block-after-data", PADDING, after_data, REFUSE)
    for label, quote, end in (
        ("none", END, b""),
        ("one", END, bytes(512)),
        ("almost-two", END, bytes(1023)),
        ("three", END, bytes(1536)),
        ("two-and-a-byte", AFTER, bytes(1025)),
        ("ten-kib", AFTER, bytes(-len(whole[:-1024]) % 10240 + 10240)),
        ("a-byte-that-is-not-zero", AFTER, bytes(1024) + b"x"),
        ("a-second-one", AFTER, bytes(1024) + whole),
        ("dirty", END, bytes(1000) + b"x" + bytes(23)),
    ):
        yield Case(f"end-{label}", quote, lambda end=end: whole[:-1024] + end, REFUSE)
    for blocks in range(0, len(whole) // 512 - 1, 3):
        yield Case(f"cut-off-at-block-{blocks:03}", AFTER, lambda blocks=blocks: whole[: blocks * 512], REFUSE)
    for at in range(100, len(whole), 1501):
        yield Case(f"cut-off-at-byte-{at:05}", "**Offsets.", lambda at=at: whole[:at], REFUSE)
    yield Case("end-only", END, lambda: bytes(1024), REFUSE)


def between(blocks):
    def change(entries):
        entries[4].padding += blocks

    return changed(change)


def after_data():
    draft = everything()

    def change(entries):
        # A block of its own for data that fills none.
        entries[7].padding += bytes(512)

    draft.change_entries = change
    return draft.file()


def of_other_headers():
    comment = b"20 comment=nothing.\n"
    additions = {
        "pax-of-an-entry": entry("x", comment, b"x"),
        "pax-of-all": entry("g", comment, b"g"),
        "long-link": entry("././@LongLink", b"target\0", b"K"),
        "symbolic-link": entry("link", kind=b"2"),
        "hard-link": entry("link", kind=b"1"),
        "sparse": entry("sparse", kind=b"S"),
        "device": entry("device", kind=b"3"),
    }
    for label, addition in additions.items():
        for number in (0, 3, 9):

            def change(entries, addition=addition, number=number):
                entries[number].head = addition + entries[number].head

            yield Case(f"other-header-{label}-before-{number}", NO_PAX, changed(change), REFUSE)
