"""Writes a bundle of 100 GiB into a sparse file: 1 000 images, each with a config and four layers of its own.

    vast.py FILE
"""

import hashlib
import json
import sys

LAYER = 26843553
BLOCK = 512


def header(name, size, kind=b"0", mode=b"0000644"):
    block = bytearray(BLOCK)
    block[:len(name)] = name.encode()
    block[100:108] = mode + b"\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%07o\0" % sum(block)
    return bytes(block)


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def compact(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def main():
    manifests, configs, layers, lines = [], [], [], []
    kinds = "application/vnd.oci.image."
    for number in range(1000):
        config = compact({"architecture": "amd64", "os": "linux", "n": number})
        own = ["sha256:%064x" % (number * 4 + layer) for layer in range(4)]
        manifest = compact({
            "schemaVersion": 2,
            "mediaType": kinds + "manifest.v1+json",
            "config": {"mediaType": kinds + "config.v1+json", "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": kinds + "layer.v1.tar+gzip", "digest": layer, "size": LAYER} for layer in own],
        })
        name = "gcr.io/org/app:%04d" % number
        lines.append({
            "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
            "digest": digest(manifest), "mediaType": kinds + "manifest.v1+json", "size": len(manifest),
        })
        manifests.append(manifest)
        configs.append(config)
        layers += own
    index = compact({"manifests": lines, "mediaType": kinds + "index.v1+json", "schemaVersion": 2})
    about = compact({"formatVersion": 1, "index": digest(index), "volume": {"count": 1, "number": 1}})
    with open(sys.argv[1], "wb") as file:
        def put(name, content):
            file.write(header(name, len(content)) + content + bytes(-len(content) % BLOCK))

        for name, content in ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index), ("bundle.json", about):
            put(name, content)
        for name in "blobs/", "blobs/sha256/":
            file.write(header(name, 0, b"5", b"0000755"))
        for content in manifests + sorted(configs, key=digest):
            put("blobs/" + digest(content).replace(":", "/"), content)
        for layer in layers:
            file.write(header("blobs/" + layer.replace(":", "/"), LAYER))
            file.seek(LAYER + -LAYER % BLOCK, 1)
        file.truncate(file.tell() + 2 * BLOCK)


main()
