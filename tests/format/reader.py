#!/usr/bin/env python3
"""Says of each FILE whether docs/format.md accepts it: a bundle, a layout of another tool, either as gzip, or a
directory."""

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

GZIP = b"\x1f\x8b"
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
    """The bytes of the tar, unpacked if they are gzip."""
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP
        file.seek(0)
        if not packed:
            with mapped(file) as data:
                yield data
        else:
            with tempfile.TemporaryFile() as unpacked:
                unpack(file, unpacked)
                unpacked.flush()
                with mapped(unpacked) as data:
                    refuse_unless(data[: len(GZIP)] != GZIP, "gzip in gzip")
                    yield data


def mapped(file):
    if os.fstat(file.fileno()).st_size == 0:
        return contextlib.nullcontext(b"")
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def unpack(packed, unpacked):
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
