"""The checksum of zstd frames: XXH64 with the seed 0."""

MASK = (1 << 64) - 1
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def turned(value, by):
    return (value << by | value >> 64 - by) & MASK


def step(lane, value):
    return turned((lane + value * P2) & MASK, 31) * P1 & MASK


def xxh64(data):
    numbers = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data) - 7, 8)]
    stripes = len(data) // 32
    if stripes:
        lanes = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        for at in range(0, 4 * stripes, 4):
            lanes = [step(lane, number) for lane, number in zip(lanes, numbers[at : at + 4])]
        value = sum(turned(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            value = ((value ^ step(0, lane)) * P1 + P4) & MASK
    else:
        value = P5
    value = (value + len(data)) & MASK
    for number in numbers[4 * stripes :]:
        value = (turned(value ^ step(0, number), 27) * P1 + P4) & MASK
    at = len(data) // 8 * 8
    if len(data) - at >= 4:
        value ^= int.from_bytes(data[at : at + 4], "little") * P1 & MASK
        value = (turned(value, 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        value = turned(value ^ byte * P5 & MASK, 11) * P1 & MASK
    value = (value ^ value >> 33) * P2 & MASK
    value = (value ^ value >> 29) * P3 & MASK
    return value ^ value >> 32
