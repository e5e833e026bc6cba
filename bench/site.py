"""Writes an image layout in a tar: IMAGES images in a tenth as many repositories, each of a manifest, a config and LAYERS
layers of its own, with a few bytes in each. There are IMAGES × (LAYERS + 2) digests.

    site.py FILE IMAGES LAYERS
"""

import hashlib
import io
import json
import sys
import tarfile

KIND = "application/vnd.oci.image."


def main():
    images, layers = int(sys.argv[2]), int(sys.argv[3])
    lines = []
    with tarfile.open(sys.argv[1], "w", format=tarfile.USTAR_FORMAT) as tar:

        def put(name, content):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))

        def blob(kind, content):
            digest = hashlib.sha256(content).hexdigest()
            put("blobs/sha256/" + digest, content)
            return {"mediaType": KIND + kind, "digest": "sha256:" + digest, "size": len(content)}

        put("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        for number in range(images):
            config = {"architecture": "amd64", "os": "linux", "number": number}
            manifest = {
                "schemaVersion": 2,
                "mediaType": KIND + "manifest.v1+json",
                "config": blob("config.v1+json", json.dumps(config).encode()),
                "layers": [blob("layer.v1.tar+gzip", b"%d %d" % (number, layer)) for layer in range(layers)],
            }
            name = f"registry.example.com/team-{number // 1000}/application-{number // 10}:{number % 10}"
            line = blob("manifest.v1+json", json.dumps(manifest).encode())
            line["annotations"] = {"io.containerd.image.name": name}
            lines.append(line)
        put("index.json", json.dumps({"schemaVersion": 2, "manifests": lines}).encode())


main()
