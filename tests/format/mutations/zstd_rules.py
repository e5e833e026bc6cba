"""Zstd around a bundle or a layout: frames, their headers and blocks, and their ends."""

import base64
import bz2
import gzip
import random

from page.xxhash64 import xxh64
from page.zstd import FRAME

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .layout_rules import layout
from .material import NAME, one_image
from .zstd_samples import SAMPLES

UNPACKED = "A file that begins as zstd does"
ONCE = "What comes out is not unpacked again, and is refused where it begins as gzip does, or with"
MAGIC = b"P*M\x18"


def cases():
    whole = layout()
    box, image = one_image()
    bundle = sound(box, {NAME: image}).file()
    for label, data, expected in (
        *of_files(whole, bundle),
        *of_frames(whole, bundle),
        *of_headers(whole),
        *of_blocks(),
        *of_samples(),
    ):
        yield Case(f"zstd-{label}", UNPACKED, lambda data=data: data, expected)
    of_name = foreign.entry(MAGIC) + whole
    for label, data, expected, guess in (
        ("of-gzip", frame(gzip.compress(whole, mtime=0)), REFUSE, ""),
        ("of-zstd", frame(frame(whole)), REFUSE, ""),
        ("of-bzip2", frame(bz2.compress(whole)), REFUSE, ""),
        ("of-a-name-that-begins-as-gzip", frame(foreign.entry(b"\x1f\x8b\x08") + whole), REFUSE, ""),
        ("in-gzip", gzip.compress(frame(whole), mtime=0), REFUSE, ""),
        ("of-a-name-that-begins-so", frame(of_name), ACCEPT, ""),
        ("of-a-name-that-begins-so-in-gzip", gzip.compress(of_name, mtime=0), ACCEPT, ""),
        ("of-magic-as-a-name", frame(foreign.entry(FRAME) + whole), REFUSE, ""),
        ("of-magic-as-a-name-in-gzip", gzip.compress(foreign.entry(FRAME) + whole, mtime=0), REFUSE, ""),
    ):
        yield Case(f"zstd-{label}", ONCE, lambda data=data: data, expected, guess)
    for number in range(40):
        yield Case(f"blind-zstd-{number:02}", UNPACKED, lambda number=number: changed(number), None)


def frame(data, checksum=False, window=0x50, said=None, blocks=None, flags=0):
    """A frame whose blocks are raw; `said` is the size that its header says, if it says one, in eight bytes."""
    flags |= (0xC0 if said is not None else 0) | (4 if checksum else 0)
    head = FRAME + bytes([flags, window]) + (b"" if said is None else said.to_bytes(8, "little"))
    end = (xxh64(data) & 0xFFFFFFFF).to_bytes(4, "little") if checksum else b""
    return head + (raw_blocks(data) if blocks is None else blocks) + end


def single(data, length):
    """A frame of a single segment, with a size of so many bytes."""
    flags = {1: 0, 2: 0x40, 4: 0x80, 8: 0xC0}[length] | 0x20
    said = len(data) - 256 if length == 2 else len(data)
    return FRAME + bytes([flags]) + said.to_bytes(length, "little") + raw_blocks(data)


def raw_blocks(data, size=1000):
    parts = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
    return b"".join(block(part, 0, part is parts[-1]) for part in parts)


def block(data, kind, last=False, size=None):
    return ((len(data) if size is None else size) << 3 | kind << 1 | last).to_bytes(3, "little") + data


def skippable(data=b"text", number=0):
    return bytes([0x50 + number]) + MAGIC[1:] + len(data).to_bytes(4, "little") + data


def of_files(whole, bundle):
    packed = frame(whole)
    yield "layout", packed, ACCEPT
    yield "bundle", frame(bundle), ACCEPT
    yield "bundle-that-is-none", frame(bundle + bytes(512)), REFUSE
    yield "bundle-packed-anew-by-tar", frame(bundle[:-1024] + bytes(10240)), REFUSE
    yield "nothing", frame(b""), REFUSE
    yield "only-magic", FRAME, REFUSE
    yield "half-of-magic", FRAME[:2], REFUSE
    yield "cut-off", packed[:-1], REFUSE
    yield "cut-off-in-data", packed[: len(packed) // 2], REFUSE
    yield "cut-off-in-header", packed[:5], REFUSE
    yield "cut-off-in-header-of-block", packed[:7], REFUSE
    yield "by-a-name-that-begins-so", foreign.entry(FRAME) + whole, REFUSE
    yield "by-a-name-to-be-skipped", foreign.entry(MAGIC) + whole, REFUSE
    yield "by-a-name-to-be-skipped-last", foreign.entry(b"_*M\x18") + whole, REFUSE
    yield "by-a-name-before-those", foreign.entry(b"O*M\x18") + whole, ACCEPT
    yield "by-a-name-after-those", foreign.entry(b"`*M\x18") + whole, ACCEPT
    yield "by-a-name-almost-so", foreign.entry(b"P*M\x19") + whole, ACCEPT
    yield "by-a-name-of-an-older-one", foreign.entry(b"\x27\xb5\x2f\xfd") + whole, ACCEPT
    yield "by-a-name-of-a-later-one", foreign.entry(b"\x29\xb5\x2f\xfd") + whole, ACCEPT
    yield "magic-and-layout", FRAME + whole, REFUSE


def of_frames(whole, bundle):
    packed, none = frame(whole), frame(b"")
    half = len(whole) // 2 + 77
    yield "two-frames", frame(whole[:half]) + frame(whole[half:], checksum=True), ACCEPT
    yield "bundle-in-many-frames", b"".join(frame(bundle[at : at + 70]) for at in range(0, len(bundle), 70)), ACCEPT
    yield "empty-frames-around", none + packed + none, ACCEPT
    yield "empty-frames-only", none * 3, REFUSE
    yield "skipped-first", skippable() + packed, ACCEPT
    yield "skipped-first-of-nothing", skippable(b"") + packed, ACCEPT
    yield "skipped-last", packed + skippable(), ACCEPT
    yield "skipped-between", frame(whole[:half]) + skippable(b"x" * 5000, 7) + frame(whole[half:]), ACCEPT
    yield "skipped-of-all-kinds", b"".join(skippable(b"x", number) for number in range(16)) + packed, ACCEPT
    yield "skipped-only", skippable(), REFUSE
    yield "skipped-of-layout", skippable(whole), REFUSE
    yield "skipped-and-layout", skippable() + whole, REFUSE
    yield "skipped-and-gzip", skippable() + gzip.compress(whole, mtime=0), REFUSE
    yield "skipped-cut-off-in-size", packed + skippable()[:6], REFUSE
    yield "two-layouts", packed + packed, REFUSE
    yield "two-halves-of-which-one-is-packed", frame(whole[:half]) + whole[half:], REFUSE
    yield "and-gzip-of-the-rest", frame(whole[:half]) + gzip.compress(whole[half:], mtime=0), REFUSE
    yield "cut-off-in-second-frame", packed + none[:-1], REFUSE
    yield "zeros-after", packed + bytes(512), REFUSE
    yield "one-zero-after", packed + b"\0", REFUSE
    yield "one-byte-of-magic-after", packed + FRAME[:1], REFUSE
    yield "magic-after", packed + FRAME, REFUSE
    yield "text-after", packed + b"text", REFUSE
    yield "line-feed-after", packed + b"\n", REFUSE
    yield "zero-between", frame(whole[:half]) + b"\0" + frame(whole[half:]), REFUSE


def of_headers(whole):
    yield "checksum", frame(whole, checksum=True), ACCEPT
    yield "checksum-cut-off", frame(whole, checksum=True)[:-1], REFUSE
    yield "size", frame(whole, said=len(whole)), ACCEPT
    for length in (2, 4, 8):
        yield f"single-segment-{length}", single(whole, length), ACCEPT
    parts = [whole[at : at + 200] for at in range(0, len(whole), 200)]
    yield "single-segments-of-200", b"".join(single(part, 1) for part in parts), ACCEPT
    yield "smallest-window", frame(whole, window=0), ACCEPT
    yield "window-of-8-mib", frame(whole, window=0x68), ACCEPT
    yield "window-with-mantissa", frame(whole, window=0x07), ACCEPT
    yield "unused-bit", frame(whole, flags=16), ACCEPT
    dictionary = lambda number, length: FRAME + bytes([length, 0x50]) + number + raw_blocks(whole)
    yield "dictionary", dictionary(b"\x01", 1), REFUSE
    yield "dictionary-of-four-bytes", dictionary(b"\x01\x02\x03\x04", 3), REFUSE
    yield "blocks-as-large-as-window", frame(whole, window=0, blocks=raw_blocks(whole, 1024)), ACCEPT
    yield "dictionary-0", dictionary(b"\0\0", 2), ACCEPT


def of_blocks():
    tar = layout(end=b"")
    rle = b"".join(block(tar[at : at + 999], 0) for at in range(0, len(tar), 999))
    zeros = bytes(1024)
    yield "rle", frame(tar + zeros, blocks=rle + block(b"\0", 1, True, 1024), checksum=True), ACCEPT
    yield "rle-of-nothing", frame(tar + zeros, blocks=rle + block(b"\0", 1, False, 0) + block(zeros, 0, True)), ACCEPT
    yield "rle-of-ones", frame(tar, blocks=rle + block(b"\1", 1, True, 1024)), REFUSE
    yield "rle-cut-off", frame(tar, blocks=rle + block(b"", 1, True, 1024)), REFUSE
    yield "reserved-block", frame(tar, blocks=rle + block(zeros, 3, True)), REFUSE
    yield "no-last-block", frame(tar, blocks=rle + block(zeros, 0)), REFUSE
    yield "empty-last-block", frame(tar, blocks=rle + block(zeros, 0) + block(b"", 0, True)), ACCEPT
    yield "last-block-first", frame(tar, blocks=block(b"", 0, True) + rle + block(zeros, 0, True)), REFUSE
    yield "block-beyond-the-file", frame(tar, blocks=rle + block(zeros, 0, True, 1025)), REFUSE
    # Literals of 1 024 times one byte, and no sequences.
    literals = (1024 << 4 | 1 << 2 | 1).to_bytes(2, "little") + b"\0"
    yield "literals-alone", frame(tar + zeros, blocks=rle + block(literals + b"\0", 2, True), checksum=True), ACCEPT
    # One literal, and one sequence whose match of 1 023 repeats it. All its codes are their own tables: 1, 2 and 45.
    one = b"\x08\0" + b"\x01" + bytes([0b01010100, 1, 2, 45])
    bits = lambda offset: ((1 << 2 | offset) << 9 | 1023 - 515).to_bytes(2, "little")
    for label, offset, expected in (("match", 0, ACCEPT), ("match-of-what-was-before", 3, ACCEPT)):
        made = frame(tar + zeros, blocks=rle + block(one + bits(offset), 2, True), checksum=True)
        yield label, made, expected
    left = ((1 << 3) << 9 | 1023 - 515).to_bytes(2, "little")
    yield "match-with-bits-left", frame(tar + zeros, blocks=rle + block(one + left, 2, True)), REFUSE
    yield "literals-and-a-byte", frame(tar + zeros, blocks=rle + block(literals + b"\0x", 2, True)), REFUSE
    yield "compressed-block-of-nothing", frame(tar + zeros, blocks=rle + block(b"", 2, True)), REFUSE
    yield "match-without-bits", frame(tar + zeros, blocks=rle + block(one + b"\0", 2, True)), REFUSE
    first = block(one + bits(0), 2, True)
    yield "match-before-the-beginning", frame(b"", blocks=first.replace(bits(0), bits(3))), REFUSE


def of_samples():
    """What `zstd` made of a layout, which has codes of all kinds."""
    for label, sample in SAMPLES.items():
        data = base64.b64decode(sample)
        yield f"sample-{label}", data, ACCEPT
        yield f"sample-{label}-cut-off", data[:-5], REFUSE
        yield f"sample-{label}-and-frame-of-nothing", data + frame(b""), ACCEPT


def changed(number):
    """A bit or two of a sample are others. The samples have checksums."""
    chance = random.Random(f"zstd {number}")
    data = bytearray(base64.b64decode(chance.choice(list(SAMPLES.values()))))
    for _ in range(chance.randrange(1, 3)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)
