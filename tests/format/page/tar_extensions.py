"""Extension headers: what stands before an entry and changes it."""

import re

from .refusal import Refused, refuse_unless
from .tar_header import LARGEST_SIZE

LONGEST_NAME = 4096
LARGEST_RECORDS = 64 * 1024
LENGTH = re.compile(rb"([0-9]+) ")
DIGITS = re.compile(rb"[0-9]+")
OPAQUE = (b"SCHILY.xattr.", b"LIBARCHIVE.")


class Extensions:
    """The extension headers before one entry."""

    def __init__(self):
        self.before_entry = ""  # the types of those that belong to the entry to come
        self.name = None
        self.link = None  # where a link leads
        self.size = None

    def take(self, kind, size, read):
        """Takes an extension header of this type; `read` gives its data."""
        self.check_place(kind)
        if kind == "K":
            refuse_unless(size <= LONGEST_NAME + 1, "K: a link target of more than 4 096 bytes")
            self.link = read().removesuffix(b"\0")
        elif kind == "L":
            refuse_unless(size <= LONGEST_NAME + 1, "L: a name of more than 4 096 bytes")
            self.name = long_name(read())
        else:
            refuse_unless(size <= LARGEST_RECORDS, f"{kind}: more than 64 KiB of records")
            records = records_of(read())
            if kind == "g":
                refuse_unless(b"path" not in records and b"size" not in records, "g: with path or size")
            else:
                self.name = path_of(records)
                self.size = size_of(records)
                self.link = records.get(b"linkpath")

    def check_place(self, kind):
        if kind == "g":
            refuse_unless(not self.before_entry, "g between an extension header and its entry")
        else:
            together = "".join(sorted(self.before_entry + kind))
            refuse_unless(together in ("x", "L", "K", "KL"), f"{kind} after {self.before_entry}")
            self.before_entry += kind

    def check_end(self):
        refuse_unless(not self.before_entry, "the end stands between an extension header and its entry")


def long_name(data):
    name = data[:-1] if data.endswith(b"\0") else data
    refuse_unless(b"\0" not in name, "L: a NUL within the name")
    check_length(name, "L")
    return name


def check_length(name, where):
    refuse_unless(1 <= len(name) <= LONGEST_NAME, f"{where}: a name of {len(name)} bytes")


def records_of(data):
    """The PAX records, by key."""
    records = {}
    at = 0
    while at < len(data):
        found = LENGTH.match(data, at)
        if not found:
            raise Refused("a PAX record without a length")
        digits = found[1].lstrip(b"0") or b"0"
        end = at + int(digits) if len(digits) <= 20 else len(data) + 1
        refuse_unless(found.end() < end <= len(data), "a PAX record whose length is wrong")
        record = data[found.end() : end]
        refuse_unless(record.endswith(b"\n"), "a PAX record does not end with a line feed")
        key, equals, value = record[:-1].partition(b"=")
        refuse_unless(equals, "a PAX record without =")
        refuse_unless(key not in records, f"PAX key {key!r} stands twice")
        check_record(key, value)
        records[key] = value
        at = end
    return records


def check_record(key, value):
    refuse_unless(b"\0" not in key, "a NUL in a PAX key")
    refuse_unless(b"\0" not in value or key.startswith(OPAQUE), f"a NUL in the value of PAX key {key!r}")
    sparse = key.startswith(b"GNU.sparse") or key in (b"SCHILY.realsize", b"SCHILY.filetype")
    refuse_unless(not sparse, "a sparse file")


def path_of(records):
    path = records.get(b"path")
    if path is not None:
        check_length(path, "path")
    return path


def size_of(records):
    raw = records.get(b"size")
    if raw is None:
        return None
    refuse_unless(DIGITS.fullmatch(raw), "PAX size is not decimal digits")
    digits = raw.lstrip(b"0") or b"0"
    refuse_unless(len(digits) <= 19 and int(digits) <= LARGEST_SIZE, "PAX size of more than 2^63 - 1")
    return int(digits)
