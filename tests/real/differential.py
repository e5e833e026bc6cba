"""Changes tars at random. Whatever `bundle verify` takes for intact, Python's tarfile and GNU tar must read alike.

    differential.py BUNDLE-PROGRAM DIRECTORY TAR…

The tars are layouts without `bundle.json`. Headers are changed and given a right checksum again, since a wrong one is
refused by everybody. Prints how many variants there were and how many were taken.
"""

import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys
import tarfile

BLOCK = 512
VARIANTS = 400
NAMES = b"index.json", b"oci-layout", b"./index.json", b"index.json/", b"blobs/sha256/x", b"x\0y", b""


def summed(block):
    block = bytearray(block)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def header(name, size, kind):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


def record(key, value):
    length = len(key) + len(value) + 3
    while len(str(length)) + len(key) + len(value) + 3 != length:
        length = len(str(length)) + len(key) + len(value) + 3
    return b"%d %s=%s\n" % (length, key, value)


def extension(dice):
    kind = dice.choice([b"x", b"x", b"g", b"L", b"K"])
    if kind in b"LK":
        data = dice.choice(NAMES) + dice.choice([b"", b"\0", b"\0\0"])
    else:
        some = [(b"path", dice.choice(NAMES)), (b"size", b"%d" % dice.choice([0, 7, 512])), (b"comment", b"x")]
        data = b"".join(record(*one) for one in dice.choices(some, k=dice.choice([1, 1, 2])))
    return header("ext", len(data), kind) + data + bytes(-len(data) % BLOCK)


def headers(tar):
    at = 0
    while at + BLOCK <= len(tar) and any(tar[at:at + BLOCK]):
        size = tarfile.nti(tar[at + 124:at + 136])
        yield at
        at += BLOCK + size + -size % BLOCK


def changed(tar, dice):
    tar = bytearray(tar)
    places = list(headers(tar))
    at = dice.choice(places)
    how = dice.randrange(6)
    if how == 0:
        tar[at + dice.randrange(BLOCK)] ^= 1 << dice.randrange(8)
        tar[at:at + BLOCK] = summed(tar[at:at + BLOCK])
    elif how == 1:
        field, width = dice.choice([(0, 100), (124, 12), (156, 1), (257, 8), (345, 155)])
        value = dice.choice([*NAMES, b"00000000007\0", b"\x80" + bytes(11), b"0", b"7", b"5", b"ustar  \0", b"a/b"])
        tar[at + field:at + field + len(value[:width])] = value[:width]
        tar[at:at + BLOCK] = summed(tar[at:at + BLOCK])
    elif how == 2:
        tar[at:at] = extension(dice)
    elif how == 3:
        tar[at:at] = header(dice.choice(["extra", "index.json", "sub/index.json"]), 0, dice.choice([b"0", b"1", b"2", b"5"]))
    elif how == 4:
        del tar[dice.randrange(len(tar) // BLOCK) * BLOCK:]
        tar += bytes(dice.choice([0, 512, 1024, 10240]))
    else:
        tar[at:at] = extension(dice) + extension(dice)
    return bytes(tar)


def is_blob(name):
    return re.fullmatch(r"blobs/(sha256/[0-9a-f]{64}|sha512/[0-9a-f]{128})", name)


def bare(name):
    return name[2:] if name.startswith("./") else name


def by_python(tar):
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:", errorlevel=2) as archive:
        files = [member for member in archive.getmembers() if member.isfile()]
        index = [archive.extractfile(member).read() for member in files if bare(member.name) == "index.json"]
    # A blob that is there twice counts once.
    return index, {bare(member.name): member.size for member in files if is_blob(bare(member.name))}


def by_gnu_tar(path):
    environment = dict(os.environ, LC_ALL="C", TZ="UTC", TAR_OPTIONS="")
    listed = subprocess.run(["tar", "--quoting-style=escape", "-tvf", path], capture_output=True, env=environment)
    if listed.returncode:
        raise ValueError(listed.stderr.decode(errors="replace"))
    blobs, names = {}, []
    for line in listed.stdout.decode(errors="replace").splitlines():
        kind, size, name = line[0], *re.match(r"\S+ \S+ +(\d+) \S+ \S+ (.*)", line).groups()
        if kind == "-":
            names += [name] if bare(name) == "index.json" else []
            if is_blob(bare(name)):
                blobs[bare(name)] = int(size)
    index = [subprocess.run(["tar", "-xOf", path, name], capture_output=True, env=environment).stdout for name in names]
    return index, blobs


def main():
    program, directory, *tars = sys.argv[1:]
    path = os.path.join(directory, "variant.tar")
    variants = taken = 0
    for number, original in enumerate(tars):
        with open(original, "rb") as file:
            original = file.read()
        dice = random.Random(number)
        for _ in range(VARIANTS):
            tar = changed(original, dice)
            variants += 1
            with open(path, "wb") as file:
                file.write(tar)
            ours = subprocess.run([program, "verify", "--format", "json", path], capture_output=True)
            if ours.returncode == 3:
                continue
            if ours.returncode:
                sys.exit("exit %d: %s: kept as %s" % (ours.returncode, ours.stderr.decode(), path))
            taken += 1
            ours = json.loads(ours.stdout)
            for index, blobs in by_python(tar), by_gnu_tar(path):
                digests = ["sha256:" + hashlib.sha256(one).hexdigest() for one in index]
                counts = len(blobs), sum(blobs.values())
                if digests != [ours["digest"]] or counts != (ours["blobs"]["count"], ours["blobs"]["bytes"]):
                    sys.exit("%s %s, but ours: %s: kept as %s" % (digests, counts, ours, path))
    print("%d variants, %d taken" % (variants, taken))
    if not 0 < taken < variants:
        sys.exit("the changes show nothing")


main()
