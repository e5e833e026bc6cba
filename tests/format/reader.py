#!/usr/bin/env python3
"""Says of each FILE whether docs/format.md accepts it: a bundle, a layout of another tool, either as gzip or zstd, or
a directory."""

import contextlib
import mmap
import os
import sys
import tempfile
import zlib

from page.bundle import check_bundle_directory, check_bundle_tar
from page.directory import read_directory
from page.layout import check_layout
from page.refusal import Refused, refuse_unless
from page.tar_read import read_tar
from page.zstd import begins_as_zstd, unpacked as unpacked_zstd

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
OTHERWISE_PACKED = (
    *(b"BZh%d" % number for number in range(1, 10)),
    b"\xfd7zXZ",
    b"\x04\x22\x4d\x18",
    b"7z\xbc\xaf",
    b"PK\x03\x04",
)
TEXT = (b"{", b"[", b"<html")
STEP = 64 * 1024  # of packed bytes; unpacked they can be a thousand times as many


def check(path):
    """Returns what the file is, or raises `Refused`."""
    if os.path.isdir(path):
        contents = read_directory(path)
        if "bundle.json" in contents.documents:
            check_bundle_directory(contents, path)
            return "bundle in a directory"
        check_layout(contents)
        return "layout in a directory"
    with opened(path) as data:
        contents = read_tar(data)
        if "bundle.json" in contents.documents:
            check_bundle_tar(contents, data)
            return "bundle"
        check_layout(contents)
        return "layout"


@contextlib.contextmanager
def opened(path):
    """The bytes of the tar, unpacked if they are gzip or zstd."""
    with open(path, "rb") as file:
        head = file.read(6)
        refuse_unless(not head.startswith(OTHERWISE_PACKED), "packed otherwise")
        unpack = unpacker(head[:4])
        file.seek(0)
        if not unpack:
            with mapped(file) as data:
                refuse_unless(not data[:5].startswith(TEXT), "a text")
                yield data
        else:
            with tempfile.TemporaryFile() as unpacked:
                unpack(file, unpacked)
                unpacked.flush()
                with mapped(unpacked) as data:
                    refuse_unless(data[: len(GZIP)] != GZIP and data[:4] != ZSTD, "packed twice")
                    refuse_unless(not data[:5].startswith(TEXT), "a text")
                    yield data


def mapped(file):
    if os.fstat(file.fileno()).st_size == 0:
        return contextlib.nullcontext(b"")
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def unpacker(head):
    """How a file is unpacked that begins so; None if it is not."""
    if head.startswith(GZIP):
        return unpack_gzip
    return unpack_zstd if begins_as_zstd(head) else None


def unpack_zstd(packed, unpacked):
    for content in unpacked_zstd(packed.read()):
        unpacked.write(content)


def unpack_gzip(packed, unpacked):
    """Unpacks gzip members until the file ends; there is nothing else between or after them."""
    waiting = packed.read(STEP)
    while waiting:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            refuse_unless(waiting, "gzip: cut off")
            try:
                unpacked.write(member.decompress(waiting))
            except zlib.error as error:
                raise Refused(f"gzip: {error}") from error
            if not member.eof:
                waiting = packed.read(STEP)
        waiting = member.unused_data or packed.read(STEP)


def verdict(path):
    """`("ACCEPT", what it is)` or `("REFUSE", the reason)`."""
    try:
        return "ACCEPT", check(path)
    except Refused as refused:
        return "REFUSE", str(refused)


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: reader.py FILE...")
    refused = False
    for path in sys.argv[1:]:
        word, reason = verdict(path)
        refused |= word == "REFUSE"
        print(f"{word}  {path}  {reason}")
    sys.exit(3 if refused else 0)


if __name__ == "__main__":
    main()
