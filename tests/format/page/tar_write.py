"""The bytes of headers, as "Header bytes" has them."""

BLOCK = 512
END = bytes(2 * BLOCK)
LARGEST_OCTAL_SIZE = 8 * 2**30 - 1
LONGEST_SHORT_NAME = 100


def size_field(size):
    """Eleven octal digits and NUL, or base-256 from 8 GiB on."""
    if size <= LARGEST_OCTAL_SIZE:
        return b"%011o\0" % size
    return b"\x80\0\0\0" + size.to_bytes(8, "big")


def header(name, kind, size, mode):
    """One header block. `name` is bytes, `kind` is `0`, `5` or `L` as bytes."""
    block = bytearray(BLOCK)
    block[0:100] = name[:LONGEST_SHORT_NAME].ljust(100, b"\0")
    block[100:108] = b"%07o\0" % mode
    block[108:116] = b"0000000\0"
    block[116:124] = b"0000000\0"
    block[124:136] = size_field(size)
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    return with_checksum(block)


def with_checksum(block):
    """The block with the checksum that its other bytes have."""
    block = bytearray(block)
    block[148:156] = b" " * 8
    block[148:156] = b"%07o\0" % sum(block)
    return bytes(block)


def padding(size):
    """The zeros that fill the last block of data of this size."""
    return bytes(-size % BLOCK)


def head(path, size, is_directory=False):
    """All that stands before the data of an entry: its header, and its long name where it has one."""
    name = path.encode()
    before = b""
    if len(name) > LONGEST_SHORT_NAME:
        data = name + b"\0"
        before = header(b"././@LongLink", b"L", len(data), 0o644) + data + padding(len(data))
    if is_directory:
        return before + header(name, b"5", 0, 0o755)
    return before + header(name, b"0", size, 0o644)
