"""Files changed without a thought: bytes, blocks and lengths, from a seed, so always the same ones.

A bundle has one form, so whatever was changed in one is refused. Of layouts the reader alone decides.
"""

import gzip
import random

from . import foreign
from .case import Case, REFUSE
from .draft import sound
from .material import all_kinds, named

BUNDLE = "and the file is that one, to the last byte, or it is no bundle"
LAYOUT = "and refused where they could differ."
GZIP = "is unpacked first, whether a bundle or a layout is in it."


def cases():
    whole = sound(*all_kinds()).file()
    box, images, referrers, _ = all_kinds()
    layout = foreign.tar(box, [named(image, name) for name, image in images.items()] + referrers)
    packed = gzip.compress(layout, mtime=0)
    for number in range(200):
        yield Case(f"blind-bundle-{number:03}", BUNDLE, mutated(whole, f"bundle {number}"), REFUSE)
    for number in range(200):
        yield Case(f"blind-layout-{number:03}", LAYOUT, mutated(layout, f"layout {number}"), None)
    for number in range(60):
        yield Case(f"blind-gzip-{number:03}", GZIP, mutated(packed, f"gzip {number}"), None)
    for number in range(150):
        yield Case(f"blind-header-{number:03}", LAYOUT, mutated_header(layout, f"header {number}"), None)
    for number in range(100):
        yield Case(f"blind-text-{number:03}", LAYOUT, mutated_text(box, images, f"text {number}"), None)


def mutated(data, seed):
    def build():
        chance = random.Random(seed)
        changed = bytearray(data)
        while changed == data:
            chance.choice(CHANGES)(changed, chance)
        return bytes(changed)

    return build


def flip_bit(data, chance):
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def set_byte(data, chance):
    data[chance.randrange(len(data))] = chance.choice(b'\0\x01 0179:{}[]",/.\x80\xff')


def cut_off(data, chance):
    del data[chance.randrange(len(data)) :]


def drop_block(data, chance):
    start = 512 * chance.randrange(len(data) // 512 or 1)
    del data[start : start + 512]


def repeat_block(data, chance):
    start = 512 * chance.randrange(len(data) // 512 or 1)
    data[start:start] = data[start : start + 512]


def swap_blocks(data, chance):
    first, second = (512 * chance.randrange(len(data) // 512 or 1) for _ in range(2))
    one, other = data[first : first + 512], data[second : second + 512]
    if len(one) == len(other):
        data[first : first + 512], data[second : second + 512] = other, one


def drop_byte(data, chance):
    del data[chance.randrange(len(data))]


def add_byte(data, chance):
    data.insert(chance.randrange(len(data) + 1), chance.randrange(256))


CHANGES = (
    flip_bit,
    flip_bit,
    flip_bit,
    set_byte,
    set_byte,
    cut_off,
    drop_block,
    repeat_block,
    swap_blocks,
    drop_byte,
    add_byte,
)


def mutated_header(data, seed):
    """One or two bytes of a header that somebody wants to be read: the checksum is right."""

    def build():
        chance = random.Random(seed)
        starts = header_starts(data)
        start = chance.choice(starts)
        block = bytearray(data[start : start + 512])
        for _ in range(chance.randrange(1, 3)):
            at = chance.choice(
                (chance.randrange(512), chance.randrange(157), chance.randrange(257, 265), chance.randrange(329, 346))
            )
            block[at] = chance.choice((0, 32, 48, 49, 55, 56, 0x80, 0xFF, chance.randrange(256)))
        return data[:start] + foreign.tar_write.with_checksum(block) + data[start + 512 :]

    return build


def header_starts(data):
    """Where headers are in a tar that is sound, and has sizes in octal."""
    starts, at = [], 0
    while any(data[at : at + 512]):
        starts.append(at)
        size = int(data[at + 124 : at + 135], 8)
        at += 512 + size + -size % 512
    return starts


def mutated_text(box, images, seed):
    """The text of index.json, changed in one or two places where it may still be JSON."""

    def build():
        chance = random.Random(seed)
        text = bytearray(foreign.index_of([named(image, name) for name, image in images.items()]))
        for _ in range(chance.randrange(1, 3)):
            at = chance.randrange(len(text))
            what = chance.choice(
                (
                    b" ",
                    b"\n",
                    b"0",
                    b"null",
                    b'""',
                    b"[]",
                    b"\\u0041",
                    b"-",
                    b"A",
                    b".",
                    b"\xc3\xa9",
                    b"\x7f",
                    b'"',
                    b",",
                )
            )
            text[at : at + chance.randrange(3)] = what
        return foreign.tar(box, [], index=bytes(text))

    return build
