"""Gzip around a bundle or a layout: members, their headers and their ends."""

import bz2
import gzip
import lzma
import zlib

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .layout_rules import layout
from .material import NAME, one_image

UNPACKED = "A file that begins as gzip does (`1f 8b`, RFC 1952) is unpacked first"
MEMBERS = "It has one member or several, and nothing after the last."
EITHER = "Either may come as [gzip](#gzip)."
ONCE = "What comes out is not unpacked again, and is refused where it begins as gzip does, or with"
LONG = "A reader may refuse a file name or comment of more than 65 535 bytes in the header of a member."
OTHERWISE_PACKED = "What begins as bzip2 (`BZh1` to `BZh9`), xz"
OF_TEXT = "What begins as a JSON document"
READ = "A tar without `bundle.json`, or a directory, is read as an image layout"
GROWS = "A reader may stop where, after the first 64 MiB, more than 100 times"

TEXT, HEADER_CHECKSUM, EXTRA, FILE_NAME, COMMENT = 1, 2, 4, 8, 16


def cases():
    whole = layout()
    box, image = one_image()
    bundle = sound(box, {NAME: image}).file()
    for label, quote, data, expected in (
        *of_files(whole, bundle),
        *of_members(whole, bundle),
        *of_headers(whole),
        *of_deflate(whole),
    ):
        yield Case(f"gzip-{label}", quote, lambda data=data: data, expected)
    growing = lambda: gzip.compress(layout(before=foreign.entry("zeros", bytes(16 * 1024 * 1024))), mtime=0)
    yield Case("gzip-that-grows-700-times", GROWS, growing, ACCEPT)
    uncompressed = "It is an uncompressed tar whose content is an OCI image layout"
    for label, pack, statuses in (
        ("bzip2", bz2.compress, (2,)),
        ("xz", lzma.compress, (2,)),
        ("lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE), (2, 3)),
    ):
        made = lambda pack=pack: pack(bundle)
        yield Case(f"packed-by-{label}", uncompressed, made, REFUSE, statuses=statuses)
    for label, name in (
        ("bzip2", b"BZh91AY&SY"),
        ("xz", b"\xfd7zXZ"),
        ("lz4", b"\x04\x22\x4d\x18"),
        ("zip", b"PK\x03\x04"),
        ("7z", b"7z\xbc\xaf\x27\x1c"),
        ("lzip", b"LZIP"),
        ("lzma", b"\x5d"),
        ("compress", b"\x1f\x9d"),
        ("json", b"{}"),
        ("html", b"<html>"),
    ):
        begins = lambda name=name: foreign.entry(name) + whole
        if label in ("json", "html"):
            yield Case(f"named-as-{label}-begins", OF_TEXT, begins, REFUSE)
        elif label in ("bzip2", "xz", "lz4", "zip", "7z"):
            yield Case(f"named-as-{label}-begins", OTHERWISE_PACKED, begins, REFUSE, statuses=(2,))
        else:
            yield Case(f"named-as-{label}-begins", READ, begins, ACCEPT)


def member(data, flags=0, more=b"", deflated=None, checksum=None, size=None):
    """A gzip member; `more` is what its header has after the ten bytes that each has."""
    header = b"\x1f\x8b\x08" + bytes([flags]) + b"\x01\x02\x03\x04\x02\xff" + more
    if flags & HEADER_CHECKSUM:
        header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    end = zlib.crc32(data) if checksum is None else checksum, len(data) if size is None else size
    return header + (deflate(data) if deflated is None else deflated) + b"".join(x.to_bytes(4, "little") for x in end)


def deflate(data, flush=None):
    packer = zlib.compressobj(wbits=-15)
    if flush is None:
        return packer.compress(data) + packer.flush()
    parts = (packer.compress(data[at : at + 700]) + packer.flush(flush) for at in range(0, len(data), 700))
    return b"".join(parts) + packer.flush()


def of_files(whole, bundle):
    packed = member(whole)
    yield "layout", EITHER, packed, ACCEPT
    yield "bundle", EITHER, member(bundle), ACCEPT
    yield "bundle-that-is-none", UNPACKED, member(bundle + bytes(512)), REFUSE
    yield "bundle-packed-anew-by-tar", UNPACKED, member(bundle[:-1024] + bytes(10240)), REFUSE
    yield "nothing", UNPACKED, member(b""), REFUSE
    yield "only-magic", UNPACKED, b"\x1f\x8b", REFUSE
    yield "half-of-magic", UNPACKED, b"\x1f", REFUSE
    yield "cut-off", UNPACKED, packed[:-1], REFUSE
    yield "cut-off-in-data", UNPACKED, packed[: len(packed) // 2], REFUSE
    yield "cut-off-in-header", UNPACKED, packed[:7], REFUSE
    yield "of-zlib", UNPACKED, zlib.compress(whole), REFUSE
    yield "by-a-name-that-begins-so", UNPACKED, foreign.entry(b"\x1f\x8b\x08") + whole, REFUSE
    yield "magic-and-layout", UNPACKED, b"\x1f\x8b" + whole, REFUSE
    yield "twice", ONCE, member(packed), REFUSE
    yield "twice-of-bundle", ONCE, member(member(bundle)), REFUSE
    yield "twice-divided", ONCE, member(packed[:1]) + member(packed[1:]), REFUSE
    yield "twice-of-damaged", ONCE, member(packed[:-1]), REFUSE
    yield "of-magic", ONCE, member(b"\x1f\x8b"), REFUSE
    yield "of-a-name-that-begins-so", ONCE, member(foreign.entry(b"\x1f\x8b\x08") + whole), REFUSE
    yield "of-a-name-that-begins-as-another-method", ONCE, member(foreign.entry(b"\x1f\x8b\x07") + whole), REFUSE
    yield "of-a-name-that-begins-almost-so", ONCE, member(foreign.entry(b"\x1f\x8c\x08") + whole), ACCEPT
    yield "of-a-name-that-goes-on-so", ONCE, member(foreign.entry(b"x\x1f\x8b\x08") + whole), ACCEPT
    yield "of-bzip2", ONCE, member(bz2.compress(whole)), REFUSE


def of_members(whole, bundle):
    packed, none = member(whole), member(b"")
    half = len(whole) // 2 + 77
    parts = [bundle[at : at + 7] for at in range(0, len(bundle), 7)]
    for label, data, expected in (
        ("two-members", member(whole[:half]) + gzip.compress(whole[half:], mtime=5), ACCEPT),
        ("bundle-in-three-members", member(bundle[:1]) + member(bundle[1:999]) + member(bundle[999:]), ACCEPT),
        ("bundle-in-many-members", b"".join(map(member, parts)), ACCEPT),
        ("empty-members-between", none.join(map(member, (bundle[:512], bundle[512:]))), ACCEPT),
        ("empty-member-first", none + packed, ACCEPT),
        ("empty-member-last", packed + none, ACCEPT),
        ("empty-members-only", none * 3, REFUSE),
        ("damaged-empty-member-last", packed + member(b"", checksum=1), REFUSE),
        ("damaged-first-member", member(whole[:half], checksum=1) + member(whole[half:]), REFUSE),
        ("wrong-length-of-second-member", member(whole[:half]) + member(whole[half:], size=1), REFUSE),
        ("cut-off-in-second-member", packed + packed[:5], REFUSE),
        ("second-member-of-other-magic", packed + b"\x1f\x8c" + none[2:], REFUSE),
        ("second-member-of-other-method", packed + none[:2] + b"\x07" + none[3:], REFUSE),
        ("two-halves-of-which-one-is-packed", member(whole[:half]) + whole[half:], REFUSE),
        ("zeros-after", packed + bytes(512), REFUSE),
        ("one-zero-after", packed + b"\0", REFUSE),
        ("one-byte-of-magic-after", packed + b"\x1f", REFUSE),
        ("magic-after", packed + b"\x1f\x8b", REFUSE),
        ("text-after", packed + b"text", REFUSE),
        ("line-feed-after", packed + b"\n", REFUSE),
        ("zero-between", member(whole[:half]) + b"\0" + member(whole[half:]), REFUSE),
        ("two-layouts", packed + packed, REFUSE),
    ):
        yield label, MEMBERS, data, expected


def of_headers(whole):
    packed = member(whole)
    wrong = bytearray(member(whole, HEADER_CHECKSUM))
    wrong[10] ^= 1
    for label, data, expected in (
        ("other-method", packed[:2] + b"\x07" + packed[3:], REFUSE),
        ("marked-as-text", member(whole, TEXT), ACCEPT),
        ("with-name", member(whole, FILE_NAME, b"layout.tar\0"), ACCEPT),
        ("with-name-of-nothing", member(whole, FILE_NAME, b"\0"), ACCEPT),
        ("with-name-of-other-letters", member(whole, FILE_NAME, b"\xe9/\xff\0"), ACCEPT),
        ("with-name-without-end", member(b"", FILE_NAME, b"layout.tar"), REFUSE),
        ("with-comment", member(whole, COMMENT, b"text\nof two lines\0"), ACCEPT),
        ("with-extra-field", member(whole, EXTRA, b"\x06\0AB\x02\0xy"), ACCEPT),
        ("with-empty-extra-field", member(whole, EXTRA, b"\0\0"), ACCEPT),
        ("with-largest-extra-field", member(whole, EXTRA, b"\xff\xffAB\xfb\xff" + bytes(0xFFFB)), ACCEPT),
        ("with-extra-field-cut-off", member(whole, EXTRA, b"\xff\xff")[:5000], REFUSE),
        ("with-header-checksum", member(whole, HEADER_CHECKSUM), ACCEPT),
        ("with-wrong-header-checksum", bytes(wrong), REFUSE),
        ("with-everything", member(whole, 31, b"\x04\0AB\0\0name\0comment\0"), ACCEPT),
        ("with-everything-in-second-member", packed + member(b"", 31, b"\x04\0AB\0\0name\0comment\0"), ACCEPT),
        ("with-reserved-bit-5", member(whole, 32), REFUSE),
        ("with-reserved-bit-6", member(whole, 64), REFUSE),
        ("with-reserved-bit-7", member(whole, 128), REFUSE),
        ("with-reserved-bit-in-second-member", packed + member(b"", 32), REFUSE),
    ):
        yield label, UNPACKED, data, expected
    # Beyond these a reader may do either. The NUL is the end of the name, and not a part of it.
    longest = b"x" * 65535 + b"\0"
    for label, data in (
        ("with-longest-name", member(whole, FILE_NAME, longest)),
        ("with-longest-comment", member(whole, COMMENT, longest)),
        ("with-longest-of-both", member(whole, FILE_NAME | COMMENT, longest * 2)),
        ("with-longest-of-both-in-second-member", packed + member(b"", FILE_NAME | COMMENT, longest * 2)),
    ):
        yield label, LONG, data, ACCEPT


def of_deflate(whole):
    packed = member(whole)
    stored = bytearray(member(b"text", deflated=b"\x01\x04\0\xfb\xfftext"))
    assert gzip.decompress(stored) == b"text"
    stored[13] ^= 1
    for label, data, expected in (
        ("wrong-checksum", packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:], REFUSE),
        ("wrong-length", packed[:-1] + bytes([packed[-1] ^ 1]), REFUSE),
        ("length-of-nothing", member(whole, size=0), REFUSE),
        ("checksum-of-nothing", member(whole, checksum=0), REFUSE),
        ("stored", gzip.compress(whole, 0, mtime=0), ACCEPT),
        ("best", gzip.compress(whole, 9, mtime=0), ACCEPT),
        ("flushed", member(whole, deflated=deflate(whole, zlib.Z_SYNC_FLUSH)), ACCEPT),
        ("fully-flushed", member(whole, deflated=deflate(whole, zlib.Z_FULL_FLUSH)), ACCEPT),
        ("block-of-type-3", member(b"", deflated=b"\x07"), REFUSE),
        ("stored-of-two-lengths", bytes(stored), REFUSE),
        ("too-far-back", member(b"aaa", deflated=b"\x03\x02\x00"), REFUSE),
        ("no-last-block", packed[:-8] + packed[-4:], REFUSE),
    ):
        yield label, UNPACKED, data, expected
