"""One header block of a tar, read by the rules of "The tar"."""

import functools
import re
from typing import NamedTuple

from .refusal import Refused, refuse_unless

OCTAL = re.compile(rb" *([0-7]+)[ \0]*")
LARGEST_SIZE = 2**63 - 1

FILE, DIRECTORY, LINK, DEVICE, EXTENSION = "file", "directory", "link", "device or FIFO", "extension header"
HARD_LINK = "hard link"
KINDS = {
    b"0": FILE,
    b"\0": FILE,
    b"1": HARD_LINK,
    b"2": LINK,
    b"3": DEVICE,
    b"4": DEVICE,
    b"5": DIRECTORY,
    b"6": DEVICE,
    b"L": EXTENSION,
    b"K": EXTENSION,
    b"x": EXTENSION,
    b"g": EXTENSION,
}


class Header(NamedTuple):
    """What a header says, but for its name: that is nothing where an extension header has another."""

    type: bytes
    kind: str
    size: int


@functools.lru_cache(maxsize=64)
def read_header(block):
    """Reads a block of 512 bytes. Blocks that are the same are common in files that are made to take time."""
    check_checksum(block)
    for offset, length, largest, field in (
        (100, 8, 0o7777777, "mode"),
        (108, 8, 2**32 - 1, "uid"),
        (116, 8, 2**32 - 1, "gid"),
        (136, 12, 2**40, "mtime"),
    ):
        value = number_or_nothing(block[offset : offset + length], field)
        refuse_unless(value <= largest, f"{field} is too large")
    for offset, field in ((329, "devmajor"), (337, "devminor")):
        raw = block[offset : offset + 8]
        if any(raw):
            octal(raw, field)
    size = size_of(block[124:136])
    kind = KINDS.get(block[156:157])
    refuse_unless(kind, f"an entry of type {block[156:157]!r}")
    return Header(block[156:157], kind, size)


def octal(raw, field):
    found = OCTAL.fullmatch(raw)
    if not found:
        raise Refused(f"{field} is not octal: {raw!r}")
    return int(found[1], 8)


def check_checksum(block):
    stated = octal(block[148:156], "checksum")
    actual = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    refuse_unless(stated == actual, "the checksum of a header is wrong")


def number_or_nothing(raw, field):
    """Octal, or all NUL, or the byte 80 and a big-endian number in the rest."""
    if not any(raw):
        return 0
    if raw[0] == 0x80:
        return int.from_bytes(raw[1:], "big")
    return octal(raw, field)


def size_of(raw):
    if raw.startswith(b"\x80\0\0\0"):
        size = int.from_bytes(raw[4:], "big")
    else:
        size = octal(raw, "size")
    refuse_unless(size <= LARGEST_SIZE, "size of more than 2^63 - 1")
    return size


@functools.lru_cache(maxsize=64)
def name_of(block):
    """The name in a header, as bytes."""
    name = up_to_nul(block[0:100], "name")
    if block[257:265] == b"ustar\x0000" and block[345]:
        return up_to_nul(block[345:500], "prefix") + b"/" + name
    refuse_unless(not any(block[345:500]), "something in the place of the prefix")
    return name


def link_of(block):
    """Where a link leads by its header, as bytes."""
    return up_to_nul(block[157:257], "link name")


def up_to_nul(raw, field):
    text, _, rest = raw.partition(b"\0")
    refuse_unless(not any(rest), f"{field}: something after its NUL")
    return text
