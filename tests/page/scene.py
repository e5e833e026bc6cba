#!/usr/bin/env python3
"""Writes the image layouts that the lane of the page looks at: scene.py DIRECTORY.

slip/     a few images as a site has them: platforms, shared layers, signatures, an SBOM, an attestation
many/     three hundred images
hostile/  names, tags, platforms and types made by somebody who wants to be more than text

`list` reads no layers, so each is a file of the right length with nothing in it.
"""

import hashlib
import json
import pathlib
import sys

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"
MIB = 1 << 20


class Layout:
    """An image layout that grows."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.blobs = self.path / "blobs/sha256"
        self.blobs.mkdir(parents=True)
        self.entries = []

    def blob(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        (self.blobs / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def document(self, media_type, value):
        return self.blob(media_type, json.dumps(value, sort_keys=True, separators=(",", ":")).encode())

    def layer(self, seed, size):
        digest = hashlib.sha256(f"layer {seed}".encode()).hexdigest()
        with open(self.blobs / digest, "wb") as file:
            file.truncate(size)
        return {"mediaType": LAYER, "digest": f"sha256:{digest}", "size": size}

    def image(self, label, platform, layers, **more):
        os, architecture, *variant = platform.split("/")
        named = {"os": os, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
        config = self.document(CONFIG, named | {"config": {"Labels": {"of": label}}})
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers} | more
        return self.document(MANIFEST, manifest), named

    def index(self, images):
        manifests = [descriptor | {"platform": platform} for descriptor, platform in images]
        return self.document(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})

    def referrer(self, subject, artifact_type, size, seed):
        content = self.layer(f"{artifact_type} {seed}", size) | {"mediaType": artifact_type}
        empty = self.blob(EMPTY, b"{}")
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type, "config": empty}
        descriptor = self.document(MANIFEST, manifest | {"layers": [content], "subject": subject})
        self.entries.append(descriptor | {"artifactType": artifact_type})
        return descriptor

    def add(self, descriptor, name=None, tag=None):
        names = {REF_NAME: name, FULL_NAME: name} if name else {REF_NAME: tag} if tag else {}
        self.entries.append(descriptor | ({"annotations": names} if names else {}))

    def close(self):
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries}
        (self.path / "index.json").write_text(json.dumps(document))


def slip(path):
    layout = Layout(path)
    bases = {p: layout.layer(f"base {p}", 29 * MIB + 7919 * n) for n, p in enumerate(["amd64", "arm64", "s390x"])}
    runtimes = {p: layout.layer(f"runtime {p}", 187 * MIB + 104729 * n) for n, p in enumerate(["amd64", "arm64"])}

    def multi(name, sizes, with_runtime=False, architectures=("amd64", "arm64")):
        images = []
        for architecture in architectures:
            layers = [bases[architecture]] + ([runtimes[architecture]] if with_runtime else [])
            layers += [layout.layer(f"{name} {architecture} {size}", size) for size in sizes]
            images.append(layout.image(name, f"linux/{architecture}", layers))
        index = layout.index(images)
        layout.add(index, name)
        return index, images

    multi("gcr.io/google-containers/pause:latest", [312_733], architectures=("amd64", "arm64", "s390x"))
    shop, parts = multi("registry.example.com/shop/checkout:4.12.3", [64 * MIB, 3 * MIB, 18_233], with_runtime=True)
    multi("registry.example.com/shop/catalogue:4.12.3", [91 * MIB, 1_204_331], with_runtime=True)
    multi("quay.io/prometheus/prometheus:v3.6.0", [112 * MIB, 24 * MIB])
    model = layout.layer("weights", 2_310 * MIB)
    serving, _ = layout.image("model", "linux/amd64", [bases["amd64"], runtimes["amd64"], model])
    layout.add(serving, "registry.example.com/ml/summaries:2026-11")
    signature = layout.referrer(shop, "application/vnd.dev.cosign.artifact.sig.v1+json", 3_219, "shop")
    layout.referrer(shop, "application/spdx+json", 2 * MIB + 77, "shop")
    layout.referrer(parts[0][0], "application/vnd.in-toto+json", 18_113, "amd64")
    layout.referrer(serving, "application/vnd.cncf.notary.signature", 2_048, "model")
    layout.referrer(signature, "application/vnd.example.timestamp", 911, "shop")
    layout.close()


def many(path):
    layout = Layout(path)
    platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/s390x"]
    bases = {platform: layout.layer(f"base {platform}", 30 * MIB) for platform in platforms}
    for number in range(300):
        name = f"registry.example.com/platform/service-{number:03}/worker:1.{number % 17}.{number % 5}"
        images = []
        for platform in platforms:
            layers = [bases[platform], layout.layer(f"{number} {platform}", (number % 40 + 1) * MIB + number)]
            images.append(layout.image(f"{name} {platform}", platform, layers))
        index = layout.index(images)
        layout.add(index, name)
        layout.referrer(index, "application/vnd.dev.cosign.artifact.sig.v1+json", 3_000 + number, number)
    layout.close()


def hostile(path):
    layout = Layout(path)
    shout = "<script>document.title='taken'</script>"
    platforms = [
        {"os": f"linux{shout}", "architecture": "amd64"},
        {"os": "=cmd|' /C calc'!A0", "architecture": "amd64"},
        {"os": "linux", "architecture": '"><img src=x onerror=alert(1)>'},
        {"os": "linux", "architecture": "46dma\u202e", "variant": "v1\u0000\u2066"},
    ]
    images = []
    for number, platform in enumerate(platforms):
        image, _ = layout.image(f"hostile {number}", "linux/amd64", [layout.layer(f"hostile {number}", 1000 + number)])
        images.append((image, platform))
    index = layout.index(images)
    layout.add(index, "registry.example.com/hostile:1")
    tags = [shout, "'onmouseover='alert(1)", "</style></script><h1>free</h1>", "\u202etxt.exe", "{{7*7}}${7*7}"]
    for number, tag in enumerate(tags):
        image, _ = layout.image(tag, "linux/amd64", [layout.layer(f"tagged {number}", 500 + number)])
        layout.add(image, tag=tag)
    layout.referrer(index, f"application/x{shout}", 12, "hostile")
    layout.referrer(index, "text/x\" onclick=\"alert(1)", 13, "quotes")
    layout.close()


def main():
    (directory,) = map(pathlib.Path, sys.argv[1:])
    for make in [slip, many, hostile]:
        make(directory / make.__name__)


if __name__ == "__main__":
    main()
