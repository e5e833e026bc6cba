"""Compresses a file by zlib in all its ways, and by what PyPI has of other compressors: compress.py IN FOLDER."""

import gzip
import pathlib
import sys
import zlib

import deflate
import isal.igzip
import zopfli.gzip


def by_zlib(data, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, flush=None, each=1 << 30):
    coder = zlib.compressobj(level, zlib.DEFLATED, 31, 9, strategy)
    parts = []
    for start in range(0, len(data), each):
        parts.append(coder.compress(data[start:start + each]))
        if flush is not None:
            parts.append(coder.flush(flush))
    return b"".join(parts) + coder.flush()


def main():
    data = pathlib.Path(sys.argv[1]).read_bytes()
    folder = pathlib.Path(sys.argv[2])
    third = len(data) // 3
    named = gzip.compress(data, mtime=0)
    # FEXTRA, FNAME, FCOMMENT and FHCRC; the check of the header is not looked at by anybody who splits it.
    named = named[:3] + b"\x1e" + named[4:10] + b"\x04\x00ab\x00\x00layer.tar\x00made by hand\x00\xab\xcd" + named[10:]
    made = {
        "stored": by_zlib(data, 0),
        "zlib-1": by_zlib(data, 1),
        "zlib-6": by_zlib(data, 6),
        "zlib-9": by_zlib(data, 9),
        "fixed-codes": by_zlib(data, strategy=zlib.Z_FIXED),
        "huffman-only": by_zlib(data, strategy=zlib.Z_HUFFMAN_ONLY),
        "run-lengths": by_zlib(data, strategy=zlib.Z_RLE),
        "sync-flushed": by_zlib(data, flush=zlib.Z_SYNC_FLUSH, each=third),
        "full-flushed": by_zlib(data, flush=zlib.Z_FULL_FLUSH, each=third),
        "multi-member": b"".join(by_zlib(data[at:at + third + 1]) for at in range(0, len(data), third + 1)),
        "named": named,
        "empty": by_zlib(b""),
        "igzip-0": isal.igzip.compress(data, 0, mtime=0),
        "igzip-3": isal.igzip.compress(data, 3, mtime=0),
        "libdeflate-1": bytes(deflate.gzip_compress(data, 1)),
        "libdeflate-12": bytes(deflate.gzip_compress(data, 12)),
    }
    if len(data) < 1 << 22:
        made["zopfli"] = zopfli.gzip.compress(data)
    for name, compressed in made.items():
        (folder / f"{name}.gz").write_bytes(compressed)


main()
