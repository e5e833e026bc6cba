"""The two codes of RFC 8878: finite state entropy, and Huffman's."""

import functools

from .refusal import refuse_unless

MOST_LITERAL_BITS = 11
MOST_WEIGHT_BITS = 6

# The distributions of literal lengths, offsets and match lengths where a block has none of its own.
PREDEFINED = [
    (6, [4, 3] + [2] * 11 + [1] * 3 + [2] * 9 + [3, 2] + [1] * 5 + [-1] * 4),
    (5, [1] * 6 + [2] * 3 + [1] * 15 + [-1] * 5),
    (6, [1, 4, 3] + [2] * 6 + [1] * 37 + [-1] * 7),
]


class Backward:
    """Bits that are read from the end, which the highest bit of the last byte marks."""

    def __init__(self, data):
        refuse_unless(data and data[-1], "zstd: a stream of bits without an end")
        self.value = int.from_bytes(data, "little")
        self.left = self.value.bit_length() - 1

    def read(self, count, may_end=False):
        self.left -= count
        refuse_unless(may_end or self.left >= 0, "zstd: bits are missing")
        mask = (1 << count) - 1
        return (self.value >> self.left if self.left >= 0 else self.value << -self.left) & mask


class Table:
    """The states of finite state entropy."""

    def __init__(self, log, chances):
        size = 1 << log
        self.log = log
        self.symbols = [None] * size
        high = size - 1
        for symbol, chance in enumerate(chances):
            if chance == -1:
                self.symbols[high] = symbol
                high -= 1
        at = 0
        for symbol, chance in enumerate(chances):
            for _ in range(chance):
                self.symbols[at] = symbol
                at = at + (size >> 1) + (size >> 3) + 3 & size - 1
                while at > high:
                    at = at + (size >> 1) + (size >> 3) + 3 & size - 1
        following = [abs(chance) for chance in chances]
        self.moves = []
        for symbol in self.symbols:
            number = following[symbol]
            following[symbol] += 1
            bits = log - (number.bit_length() - 1)
            self.moves.append(((number << bits) - size, bits))

    def start(self, bits):
        return bits.read(self.log)

    def following(self, state, bits, may_end=False):
        base, count = self.moves[state]
        return base + bits.read(count, may_end)


@functools.lru_cache(maxsize=3)
def predefined(which):
    return Table(*PREDEFINED[which])


def rle_table(symbol):
    table = Table(0, [1])
    table.symbols = [symbol]
    return table


def described_table(source, most_bits, largest):
    """A distribution that stands in front of what it is for; whole bytes are taken."""
    value = int.from_bytes(source.data[source.at :], "little")
    at = 0

    def read(count):
        nonlocal at
        at += count
        refuse_unless(at <= 8 * (len(source.data) - source.at), "zstd: a table is cut off")
        return value >> at - count & (1 << count) - 1

    log = read(4) + 5
    refuse_unless(log <= most_bits, "zstd: a table is too large")
    left = 1 << log
    chances = []
    while left > 0:
        bits = (left + 1).bit_length()
        low = (1 << bits - 1) - 1
        threshold = (1 << bits) - 1 - (left + 1)
        number = read(bits - 1)
        if number >= threshold:
            number |= read(1) << bits - 1
            if number > low:
                number -= threshold
        chances.append(number - 1)
        left -= abs(number - 1)
        if number == 1:
            while (more := read(2)) == 3:
                chances += [0] * 3
            chances += [0] * more
        refuse_unless(len(chances) <= largest + 1, "zstd: a table has too many codes")
    refuse_unless(left == 0, "zstd: a table does not add up")
    source.take((at + 7) // 8)
    return log, chances


class Literals:
    """A code of Huffman, by the weights of its symbols but the last."""

    def __init__(self, weights):
        refuse_unless(all(weight <= MOST_LITERAL_BITS + 1 for weight in weights), "zstd: a weight is too large")
        total = sum(1 << weight - 1 for weight in weights if weight)
        refuse_unless(total and len(weights) < 256, "zstd: no weights")
        self.log = total.bit_length()
        refuse_unless(self.log <= MOST_LITERAL_BITS, "zstd: codes are too long")
        left = (1 << self.log) - total
        refuse_unless(left & left - 1 == 0, "zstd: weights do not add up")
        weights = [*weights, left.bit_length()]
        self.codes = []
        for weight in range(1, self.log + 1):
            for symbol, other in enumerate(weights):
                if other == weight:
                    self.codes += [(symbol, self.log + 1 - weight)] * (1 << weight - 1)

    def decode(self, data, size):
        bits = Backward(data)
        out = bytearray()
        for _ in range(size):
            symbol, length = self.codes[bits.read(self.log, True)]
            bits.left += self.log - length
            refuse_unless(bits.left >= 0, "zstd: bits are missing")
            out.append(symbol)
        refuse_unless(bits.left == 0, "zstd: bits that belong to nothing")
        return bytes(out)


def literal_table(source):
    """Reads the weights, which stand there as they are or packed."""
    head = source.number(1)
    if head >= 128:
        count = head - 127
        raw = source.take((count + 1) // 2)
        return Literals([raw[at // 2] >> (0 if at % 2 else 4) & 15 for at in range(count)])
    inner = type(source)(source.take(head))
    table = Table(*described_table(inner, MOST_WEIGHT_BITS, 255))
    bits = Backward(inner.rest())
    states = [table.start(bits), table.start(bits)]
    weights = []
    while bits.left >= 0:
        refuse_unless(len(weights) < 255, "zstd: too many weights")
        weights.append(table.symbols[states[0]])
        states = [states[1], table.following(states[0], bits, True)]
    return Literals([*weights, table.symbols[states[0]]])
