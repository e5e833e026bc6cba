"""Puts an image of huge layers into the storage of a docker-registry that is not running, without their bytes: each layer
is zeros but for its first eight bytes, in a file with a hole.

    holes.py STORAGE REPOSITORY LAYERS MEBIBYTES
"""

import hashlib
import json
import os
import sys


def put(root, repository, digest, write, links):
    data = os.path.join(root, "blobs/sha256", digest[:2], digest)
    os.makedirs(data)
    write(os.path.join(data, "data"))
    for link in links:
        place = os.path.join(root, "repositories", repository, link.format(digest))
        os.makedirs(place)
        with open(os.path.join(place, "link"), "w") as file:
            file.write("sha256:" + digest)


def put_bytes(root, repository, content, links):
    def write(path):
        with open(path, "wb") as file:
            file.write(content)

    digest = hashlib.sha256(content).hexdigest()
    put(root, repository, digest, write, links)
    return {"digest": "sha256:" + digest, "size": len(content)}


def put_layer(root, repository, number, size):
    start, zeros = number.to_bytes(8, "big"), bytes(1 << 20)
    hasher = hashlib.sha256(start)
    left = size - len(start)
    while left:
        hasher.update(zeros[:left])
        left -= min(left, len(zeros))

    def write(path):
        with open(path, "wb") as file:
            file.write(start)
            file.truncate(size)

    digest = hasher.hexdigest()
    put(root, repository, digest, write, ["_layers/sha256/{}"])
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:" + digest, "size": size}


def main():
    storage, repository, layers, mebibytes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    root = os.path.join(storage, "docker/registry/v2")
    config = put_bytes(root, repository, b'{"architecture":"amd64","os":"linux"}', ["_layers/sha256/{}"])
    config["mediaType"] = "application/vnd.oci.image.config.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [put_layer(root, repository, number, mebibytes << 20) for number in range(layers)],
    }
    links = ["_manifests/revisions/sha256/{}", "_manifests/tags/1/current", "_manifests/tags/1/index/sha256/{}"]
    put_bytes(root, repository, json.dumps(manifest).encode(), links)


main()
