"""Zstandard, unpacked by RFC 8878: frames one after the other, without dictionaries."""

from .refusal import refuse_unless
from .xxhash64 import xxh64
from .zstd_bits import Backward, Table, described_table, literal_table, predefined, rle_table

FRAME = b"\x28\xb5\x2f\xfd"
LARGEST_BLOCK = 128 * 1024

LITERAL_LENGTHS = [(value, 0) for value in range(16)] + [
    *((16, 1), (18, 1), (20, 1), (22, 1), (24, 2), (28, 2), (32, 3), (40, 3), (48, 4), (64, 6), (128, 7), (256, 8)),
    *((512, 9), (1024, 10), (2048, 11), (4096, 12), (8192, 13), (16384, 14), (32768, 15), (65536, 16)),
]
MATCH_LENGTHS = [(value, 0) for value in range(3, 35)] + [
    *((35, 1), (37, 1), (39, 1), (41, 1), (43, 2), (47, 2), (51, 3), (59, 3), (67, 4), (83, 4), (99, 5), (131, 7)),
    *((259, 8), (515, 9), (1027, 10), (2051, 11), (4099, 12), (8195, 13), (16387, 14), (32771, 15), (65539, 16)),
]
MOST_OFFSET_BITS = 31


def begins_as_zstd(head):
    """Whether these are the first bytes of a frame, of content or to be skipped."""
    return head[:4] == FRAME or is_skippable(head)


def is_skippable(head):
    return len(head) >= 4 and 0x50 <= head[0] <= 0x5F and head[1:4] == b"\x2a\x4d\x18"


def unpacked(data):
    """The content of all frames, frame by frame; there is nothing else between or after them."""
    source = Source(data)
    while source.at < len(data):
        head = source.take(4)
        if is_skippable(head):
            source.take(source.number(4))
        else:
            refuse_unless(head == FRAME, "zstd: no frame where one begins")
            yield Frame(source).content()


class Source:
    """Bytes that are taken from the front."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, length):
        refuse_unless(self.at + length <= len(self.data), "zstd: cut off")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, length):
        return int.from_bytes(self.take(length), "little")

    def rest(self):
        return self.take(len(self.data) - self.at)


class Frame:
    """A frame of content, from its header on."""

    def __init__(self, source):
        self.source = source
        flags = source.number(1)
        single = bool(flags & 0x20)
        refuse_unless(not flags & 0x08, "zstd: a reserved bit is set")
        self.has_checksum = bool(flags & 0x04)
        window = None if single else source.number(1)
        refuse_unless(source.number((0, 1, 2, 4)[flags & 3]) == 0, "zstd: a dictionary")
        length = (1 if single else 0, 2, 4, 8)[flags >> 6]
        self.size = source.number(length) + (256 if length == 2 else 0) if length else None
        if window is not None:
            base = 1 << 10 + (window >> 3)
            window = base + base // 8 * (window & 7)
        self.largest_block = min(LARGEST_BLOCK, self.size if single else window)
        self.out = bytearray()
        self.offsets = [1, 4, 8]
        self.literals = None
        self.tables = [None, None, None]

    def content(self):
        last = False
        while not last:
            header = self.source.number(3)
            last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
            refuse_unless(kind != 3, "zstd: a block of a reserved type")
            refuse_unless(size <= self.largest_block, "zstd: a block is too large")
            if kind == 0:
                self.out += self.source.take(size)
            elif kind == 1:
                self.out += self.source.take(1) * size
            else:
                before = len(self.out)
                self.compressed(Source(self.source.take(size)))
                refuse_unless(len(self.out) - before <= self.largest_block, "zstd: a block holds too much")
        refuse_unless(self.size in (None, len(self.out)), "zstd: the frame has another size than it says")
        if self.has_checksum:
            refuse_unless(self.source.number(4) == xxh64(self.out) & 0xFFFFFFFF, "zstd: the checksum is wrong")
        return bytes(self.out)

    def compressed(self, block):
        literals = self.read_literals(block)
        count = block.number(1)
        if count == 255:
            count = block.number(2) + 0x7F00
        elif count >= 128:
            count = (count - 128 << 8) + block.number(1)
        used = 0
        if count:
            used = self.sequences(block, count, literals)
        else:
            refuse_unless(block.at == len(block.data), "zstd: something after no sequences")
        self.out += literals[used:]

    def read_literals(self, block):
        first = block.number(1)
        kind, form = first & 3, first >> 2 & 3
        block.at -= 1
        if kind < 2:
            length = (1, 2, 1, 3)[form]
            size = block.number(length) >> (3 if length == 1 else 4)
            refuse_unless(size <= self.largest_block, "zstd: too many literals")
            return block.take(size) if kind == 0 else block.take(1) * size
        bits = (10, 10, 14, 18)[form]
        value = block.number((3, 3, 4, 5)[form]) >> 4
        size, packed = value & (1 << bits) - 1, value >> bits
        refuse_unless(size <= self.largest_block, "zstd: too many literals")
        streams = Source(block.take(packed))
        if kind == 2:
            self.literals = literal_table(streams)
        refuse_unless(self.literals is not None, "zstd: no table of literals before")
        if form == 0:
            return self.literals.decode(streams.rest(), size)
        lengths = [streams.number(2) for _ in range(3)]
        each = (size + 3) // 4
        refuse_unless(size >= 3 * each, "zstd: too few literals for four streams")
        out = b"".join(self.literals.decode(streams.take(length), each) for length in lengths)
        return out + self.literals.decode(streams.rest(), size - 3 * each)

    def sequences(self, block, count, literals):
        modes = block.number(1)
        refuse_unless(not modes & 3, "zstd: a reserved bit is set")
        for which, largest, most_bits in (
            (0, len(LITERAL_LENGTHS) - 1, 9),
            (1, MOST_OFFSET_BITS, 8),
            (2, len(MATCH_LENGTHS) - 1, 9),
        ):
            mode = modes >> (6 - 2 * which) & 3
            if mode == 0:
                self.tables[which] = predefined(which)
            elif mode == 1:
                symbol = block.number(1)
                refuse_unless(symbol <= largest, "zstd: no such code")
                self.tables[which] = rle_table(symbol)
            elif mode == 2:
                self.tables[which] = Table(*described_table(block, most_bits, largest))
            refuse_unless(self.tables[which], "zstd: no table before")
        bits = Backward(block.rest())
        lengths, offsets, matches = (table.start(bits) for table in self.tables)
        used = 0
        for number in range(count):
            offset_code = self.tables[1].symbols[offsets]
            refuse_unless(offset_code <= MOST_OFFSET_BITS, "zstd: no such offset")
            offset = (1 << offset_code) + bits.read(offset_code)
            base, more = MATCH_LENGTHS[self.tables[2].symbols[matches]]
            match = base + bits.read(more)
            base, more = LITERAL_LENGTHS[self.tables[0].symbols[lengths]]
            length = base + bits.read(more)
            if number < count - 1:
                lengths = self.tables[0].following(lengths, bits)
                matches = self.tables[2].following(matches, bits)
                offsets = self.tables[1].following(offsets, bits)
            refuse_unless(used + length <= len(literals), "zstd: not so many literals")
            self.out += literals[used : used + length]
            used += length
            self.copy(self.distance(offset, length), match)
        refuse_unless(bits.left == 0, "zstd: bits that belong to nothing")
        return used

    def distance(self, offset, length):
        """How far back a match lies, by one of the last three where the value is small."""
        if offset > 3:
            self.offsets = [offset - 3, *self.offsets[:2]]
            return offset - 3
        which = offset - 1 + (length == 0)
        distance = self.offsets[0] - 1 if which == 3 else self.offsets[which]
        refuse_unless(distance > 0, "zstd: an offset of nothing")
        if which:
            self.offsets = [distance, self.offsets[0], self.offsets[2 if which == 1 else 1]]
        return distance

    def copy(self, distance, length):
        refuse_unless(distance <= len(self.out), "zstd: an offset before the beginning")
        start = len(self.out) - distance
        piece = bytes(self.out[start : start + length])
        while len(piece) < length:
            piece += piece[: length - len(piece)]
        self.out += piece


