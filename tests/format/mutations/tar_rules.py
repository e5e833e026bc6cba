"""The tar of a layout of another tool: fields of headers, types, data and the end."""

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .foreign import entry
from .material import named, one_image

END = "From its first byte to the end of the file there are only zeros"
CUT_OFF = "A file without such a block is refused: it was cut off."
OCTAL = "**Octal fields** hold spaces (or none)"
CHECKSUM = "**Checksum** (offset 148, 8 bytes)"
NUMBERS = "**mode, uid, gid, mtime** (offsets 100"
LARGEST = "At most octal 7777777 for the mode"
DEVICES = "**devmajor, devminor** (offsets 329"
SIZE = "**Size** (offset 124, 12 bytes)"
WITHIN = "The data of an entry, rounded up to whole blocks, lies within the file."
FILLED = "The bytes that fill its last block are zero."
TYPE = "**Type** (offset 156)"
OTHER_TYPE = "Any other type is refused: sparse files above all."
NO_SIZE = "Directories, links, devices and FIFOs have size 0."
ONCE = "`oci-layout`, `index.json` and `bundle.json` stand once."
SEVERAL = "A blob may stand several times, in one size."
IGNORED = "Anything else is ignored, also if its name stands twice."


def layout(**more):
    """A layout with one image, in a tar."""
    box, image = one_image()
    return foreign.tar(box, [named(image)], **more)


def with_entry(*arguments, **more):
    """A layout with this entry before all others."""
    return lambda: layout(before=entry(*arguments, **more))


def patched(offset, new):
    """A layout with a file in whose header these bytes are so."""
    return with_entry("x", b"data", patches={offset: new})


def cases():
    yield from of_octal()
    yield from of_numbers()
    yield from of_sizes()
    yield from of_checksums()
    yield from of_types()
    yield from of_data()
    yield from of_ends()
    yield from of_repetition()
    ignored = {
        "linkname": (157, b"target"),
        "magic": (257, b"strange!"),
        "owner": (265, b"\xff\xfe"),
        "last-bytes": (500, b"123456789012"),
    }
    for label, (offset, new) in ignored.items():
        yield Case(
            f"tar-field-{label}-ignored", "A tar is read block by block, 512 bytes each.", patched(offset, new), ACCEPT
        )


def of_octal():
    for label, raw, expected in (
        ("usual", b"0000644\0", ACCEPT),
        ("space-after", b"0000644 ", ACCEPT),
        ("spaces-before", b"    644\0", ACCEPT),
        ("spaces-and-nuls-after", b"644 \0 \0 ", ACCEPT),
        ("one-digit", b"0\0\0\0\0\0\0\0", ACCEPT),
        ("no-end", b"00000644", ACCEPT),
        ("digit-at-the-end", b"       4", ACCEPT),
        ("no-digit", b"       \0", REFUSE),
        ("spaces-only", b"        ", REFUSE),
        ("nul-first", b"\x00000644\0", REFUSE),
        ("eight", b"0000648\0", REFUSE),
        ("letter", b"00006a4\0", REFUSE),
        ("minus", b"-000644\0", REFUSE),
        ("plus", b"+000644\0", REFUSE),
        ("digit-after-space", b"644 1\0\0\0", REFUSE),
        ("digit-after-nul", b"644\x001\0\0\0", REFUSE),
        ("tab", b"\t000644\0", REFUSE),
        ("prefix", b"0o00644\0", REFUSE),
    ):
        for offset in (100, 108, 116):
            yield Case(f"octal-{label}-at-{offset}", OCTAL, patched(offset, raw), expected)
        yield Case(f"octal-{label}-at-136", OCTAL, patched(136, raw[:1] + raw[:1] * 4 + raw[1:]), expected)
        yield Case(f"octal-{label}-at-329", DEVICES, patched(329, raw), expected)
        yield Case(f"octal-{label}-at-337", DEVICES, patched(337, raw), expected)


def of_numbers():
    for label, offset, length in (("mode", 100, 8), ("uid", 108, 8), ("gid", 116, 8), ("mtime", 136, 12)):
        largest = {"mode": 0o7777777, "uid": 2**32 - 1, "gid": 2**32 - 1, "mtime": 2**40}[label]
        base_256 = lambda value, length=length: b"\x80" + value.to_bytes(length - 1, "big")
        yield Case(f"number-{label}-nul", NUMBERS, patched(offset, bytes(length)), ACCEPT)
        yield Case(f"number-{label}-base-256", NUMBERS, patched(offset, base_256(0o644)), ACCEPT)
        yield Case(f"number-{label}-base-256-zero", NUMBERS, patched(offset, base_256(0)), ACCEPT)
        yield Case(f"number-{label}-base-256-largest", LARGEST, patched(offset, base_256(largest)), ACCEPT)
        yield Case(f"number-{label}-base-256-too-large", LARGEST, patched(offset, base_256(largest + 1)), REFUSE)
        yield Case(
            f"number-{label}-base-256-far-too-large", LARGEST, patched(offset, b"\x80" + b"\xff" * (length - 1)), REFUSE
        )
        yield Case(f"number-{label}-negative", NUMBERS, patched(offset, b"\xff" * length), REFUSE)
        yield Case(f"number-{label}-base-256-of-81", NUMBERS, patched(offset, b"\x81" + bytes(length - 1)), REFUSE)
    yield Case("number-mode-octal-largest", LARGEST, patched(100, b"07777777"), ACCEPT)
    yield Case("number-mode-octal-too-large", LARGEST, patched(100, b"10000000"), REFUSE)
    yield Case("number-uid-octal-largest", LARGEST, patched(108, b"77777777"), ACCEPT)
    yield Case("number-mtime-octal-largest", LARGEST, patched(136, b"777777777777"), ACCEPT)
    for offset in (329, 337):
        yield Case(f"number-device-nul-at-{offset}", DEVICES, patched(offset, bytes(8)), ACCEPT)
        yield Case(f"number-device-base-256-at-{offset}", DEVICES, patched(offset, b"\x80\0\0\0\0\0\0\x01"), REFUSE)
        old = {offset: b"\xff" * 8, 257: bytes(8)}
        in_old_header = with_entry("x", b"", patches=old)
        yield Case(f"number-device-in-old-header-at-{offset}", DEVICES, in_old_header, REFUSE)


def of_sizes():
    data = b"x" * 100
    for label, raw, expected in (
        ("octal", b"00000000144\0", ACCEPT),
        ("twelve-digits", b"000000000144", ACCEPT),
        ("spaces", b"        144 ", ACCEPT),
        ("base-256", b"\x80" + bytes(10) + b"\x64", ACCEPT),
        ("base-256-of-ten-bytes", b"\x80\0\0\1" + bytes(7) + b"\x64", REFUSE),
        ("base-256-of-81", b"\x81" + bytes(10) + b"\x64", REFUSE),
        ("negative", b"\xff" * 12, REFUSE),
        ("2-to-63", b"\x80\0\0\0\x80" + bytes(7), REFUSE),
        ("2-to-63-less-1", b"\x80\0\0\0\x7f" + b"\xff" * 7, REFUSE),
        ("2-to-64-less-100", b"\x80\0\0\0" + b"\xff" * 7 + b"\x9c", REFUSE),
        ("nul", bytes(12), REFUSE),
        ("minus", b"-0000000144\0", REFUSE),
        ("decimal", b"00000000900\0", REFUSE),
    ):
        yield Case(f"size-{label}", SIZE, with_entry("x", data, patches={124: raw}), expected)
    blob = with_blob_header(lambda size: {124: b"\x80\0\0\0" + size.to_bytes(8, "big")})
    yield Case("size-of-blob-base-256", SIZE, blob, ACCEPT)


def with_blob_header(patches):
    def build():
        box, image = one_image()
        digest, data = next(iter(box.blobs.items()))
        before = entry("blobs/" + digest.replace(":", "/"), data, patches=patches(len(data)))
        return foreign.tar(box, [named(image)], before=before)

    return build


def of_checksums():
    right = entry("x")[148:156]
    value = int(right[:7], 8)
    for label, raw, expected in (
        ("usual", b"%06o\0 " % value, ACCEPT),
        ("seven-digits", b"%07o\0" % value, ACCEPT),
        ("eight-digits", b"%08o" % value, ACCEPT),
        ("spaces", b"%8o" % value, ACCEPT),
        ("spaces-after", b"%o" % value + b" " * (8 - len("%o" % value)), ACCEPT),
        ("one-more", b"%07o\0" % (value + 1), REFUSE),
        ("one-less", b"%07o\0" % (value - 1), REFUSE),
        ("nul", bytes(8), REFUSE),
        ("blank", b" " * 8, REFUSE),
        ("base-256", b"\x80" + value.to_bytes(7, "big"), REFUSE),
        ("with-zeros-for-itself", b"%07o\0" % (value - 256), REFUSE),
        ("text", b"checksum", REFUSE),
    ):
        yield Case(f"checksum-{label}", CHECKSUM, with_entry("x", checksum=raw), expected)
    signed = entry(b"\xe9")
    value = int(signed[148:155], 8)
    yield Case("checksum-of-signed-bytes", CHECKSUM, with_entry(b"\xe9", checksum=b"%07o\0" % (value - 256)), REFUSE)
    yield Case("checksum-of-unsigned-bytes", CHECKSUM, with_entry(b"\xe9", checksum=b"%07o\0" % value), ACCEPT)


def of_types():
    known = b"0\x00123456xgLK"
    for number in range(256):
        kind = bytes([number])
        if kind in known or (number > 127 and number % 8):
            continue
        yield Case(f"type-{number:02x}", OTHER_TYPE, with_entry("x", kind=kind), REFUSE)
    for label, kind in (
        ("file", b"0"),
        ("old-file", b"\0"),
        ("hard-link", b"1"),
        ("link", b"2"),
        ("character", b"3"),
        ("block", b"4"),
        ("directory", b"5"),
        ("fifo", b"6"),
    ):
        yield Case(f"type-{label}", TYPE, with_entry("x", kind=kind), ACCEPT)
        if kind not in b"0\0":
            yield Case(f"type-{label}-with-size", NO_SIZE, with_entry("x", b"data", kind=kind), REFUSE)
            yield Case(f"type-{label}-with-size-and-no-data", NO_SIZE, with_entry("x", b"", kind=kind, size=5), REFUSE)
    yield Case("type-old-file-for-blobs", TYPE, old_files, ACCEPT)


def old_files():
    box, image = one_image()
    whole = foreign.tar(box, [named(image)])
    blobs = b"".join(entry("blobs/" + digest.replace(":", "/"), data, b"\0") for digest, data in box.blobs.items())
    return blobs + whole


def of_data():
    yield Case("data-dirty-first", FILLED, with_entry("x", b"data", padding=b"\1" + bytes(507)), REFUSE)
    yield Case("data-dirty-last", FILLED, with_entry("x", b"data", padding=bytes(507) + b"\1"), REFUSE)
    yield Case(
        "data-dirty-of-link-target",
        FILLED,
        with_entry("././@LongLink", b"target\0", b"K", padding=bytes(504) + b"\1"),
        REFUSE,
    )
    whole = layout()
    for label, data in (
        ("in-header", whole[:300]),
        ("after-header", whole[:512]),
        ("in-end", whole[:-1024] + bytes(511)),
        ("before-end", whole[:-1024]),
        ("in-padding", whole[:-1024][:-1]),
    ):
        yield Case(f"cut-off-{label}", CUT_OFF, lambda data=data: data, REFUSE)
    for blocks in range(1, len(whole) // 512 - 1):
        yield Case(f"cut-off-after-block-{blocks:02}", WITHIN, lambda blocks=blocks: whole[: blocks * 512], REFUSE)
    beyond = entry("x", b"data", size=513)
    yield Case("data-beyond-the-file", WITHIN, lambda: whole[:-1024] + beyond, REFUSE)
    yield Case("data-not-filled-up", WITHIN, lambda: whole[:-1024] + entry("x", b"data", padding=b""), REFUSE)


def of_ends():
    whole = layout(end=b"")
    for label, quote, end, expected in (
        ("one-block", "**End**: the first header block of zeros.", bytes(512), ACCEPT),
        ("two-blocks", END, bytes(1024), ACCEPT),
        ("ten-kib", END, bytes(10240), ACCEPT),
        ("no-whole-block", END, bytes(1023), ACCEPT),
        ("block-and-a-byte", END, bytes(513), ACCEPT),
        ("one-mib", END, bytes(1024 * 1024), ACCEPT),
        ("one-mib-and-a-byte", END, bytes(1024 * 1024 + 1), REFUSE),
        ("two-mib", END, bytes(2 * 1024 * 1024), REFUSE),
        ("one-after-a-block", END, bytes(512) + b"\1", REFUSE),
        ("one-in-second-block", END, bytes(1023) + b"\1", REFUSE),
        ("entry-after", END, bytes(512) + entry("x"), REFUSE),
        ("archive-after", END, bytes(1024) + layout(), REFUSE),
        ("none", CUT_OFF, b"", REFUSE),
        ("almost-a-block", CUT_OFF, bytes(511), REFUSE),
    ):
        yield Case(f"tar-end-{label}", quote, lambda end=end: whole + end, expected)
    yield Case("tar-end-in-the-middle", END, lambda: layout(before=bytes(512)), REFUSE)
    yield Case("tar-empty", "So is an empty one.", lambda: b"", REFUSE)
    yield Case("tar-of-zeros", END, lambda: bytes(1024), REFUSE)
    yield Case("tar-of-text", CHECKSUM, lambda: b"text" * 512, REFUSE)


def of_repetition():
    box, image = one_image()
    for name, data in foreign.documents([named(image)]).items():
        yield Case(f"twice-{name}", ONCE, with_entry(name, data), REFUSE)
        yield Case(f"twice-{name}-empty", ONCE, with_entry(name), REFUSE)
        yield Case(f"twice-{name}-with-dot", ONCE, with_entry("./" + name, data), REFUSE)
    digest, data = next(iter(box.blobs.items()))
    path = "blobs/" + digest.replace(":", "/")
    yield Case("twice-blob", SEVERAL, with_entry(path, data), ACCEPT)
    yield Case("twice-blob-with-dot", SEVERAL, with_entry("./" + path, data), ACCEPT)
    yield Case("twice-blob-of-other-size", SEVERAL, with_entry(path, data + b"\0"), REFUSE)
    yield Case("twice-blob-empty", SEVERAL, with_entry(path), REFUSE)
    yield Case("twice-blob-damaged", SEVERAL, with_entry(path, data[:-1] + b"\0"), REFUSE)
    of_blobs = "At the first three kinds there are files only"
    yield Case("twice-blob-as-directory", of_blobs, with_entry(path + "/", kind=b"5"), REFUSE)
    for name, kind in (
        ("x", b"0"),
        ("x", b"5"),
        ("x", b"2"),
        ("blobs/sha256/x", b"0"),
        ("blobs", b"0"),
        ("x.json", b"0"),
    ):
        label = name.replace("/", "-") + "-" + kind.decode()
        both = lambda name=name, kind=kind: layout(before=entry(name, kind=kind) + entry(name, kind=kind))
        yield Case(f"twice-other-{label}", IGNORED, both, ACCEPT)
