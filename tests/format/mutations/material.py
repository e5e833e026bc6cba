"""Content that cases are made of: small images, and the stores that hold them."""

import hashlib
import json

from page.descriptors import DOCKER_IMAGE, DOCKER_INDEX, OCI_IMAGE, OCI_INDEX
from page.digests import digest_of

CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
NAME = "quay.io/org/one:1"


def noise(label, size):
    """Bytes that look like nothing, the same each time."""
    out = b""
    number = 0
    while len(out) < size:
        out += hashlib.sha256(f"{label} {number}".encode()).digest()
        number += 1
    return out[:size]


def text(document):
    """JSON as a registry might have it: not the form of a bundle, since manifests are kept as they are."""
    return json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")


class Box:
    """Blobs by digest, and a way to make more."""

    def __init__(self):
        self.blobs = {}

    def add(self, data, media_type, algorithm="sha256", **more):
        """Puts content in, and gives its Descriptor."""
        digest = digest_of(data, algorithm)
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data), **more}

    def layer(self, label, size=300, algorithm="sha256", **more):
        return self.add(noise(label, size), LAYER, algorithm, **more)

    def config(self, label, media_type=CONFIG, **more):
        return self.add(text({"architecture": "amd64", "os": "linux", "label": label}), media_type, **more)

    def image(self, label, layers=None, config=None, media_type=OCI_IMAGE, algorithm="sha256", **keys):
        """An image with a config and two layers; `keys` go into its manifest."""
        document = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config or self.config(label, DOCKER_CONFIG if media_type == DOCKER_IMAGE else CONFIG),
            "layers": [self.layer(label), self.layer(label + " more", 700)] if layers is None else layers,
            **keys,
        }
        return self.document(document, media_type, algorithm)

    def index(self, entries, media_type=OCI_INDEX, algorithm="sha256", **keys):
        document = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries, **keys}
        return self.document(document, media_type, algorithm)

    def document(self, document, media_type, algorithm="sha256"):
        """A manifest, from which keys are left out that are None."""
        return self.add(
            text({key: value for key, value in document.items() if value is not None}), media_type, algorithm
        )

    def leave_out(self, descriptor):
        """What a registry does not have."""
        del self.blobs[descriptor["digest"]]
        return descriptor["digest"]


def named(descriptor, name=NAME, **annotations):
    """An entry of `index.json` with a name in both annotations."""
    both = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
    return {**descriptor, "annotations": {**both, **annotations}}


def one_image(**keys):
    """A box with one image in it, and the Descriptor of that."""
    box = Box()
    return box, box.image("one", **keys)


def all_kinds():
    """A box with something of every kind; `(box, {name: Descriptor}, referrers, left out)`."""
    box = Box()
    shared = box.layer("shared", 900)
    away = box.layer("away", 500, urls=["https://example.org/away"])
    left_out = [box.leave_out(away)]
    arm = box.image("arm", [shared, box.layer("arm")], annotations={"free": "text", "SIZE": "also free"})
    amd = box.image("amd", [shared, away, box.layer("amd", 300, "sha512")])
    inner = box.index([arm, box.image("deep", [shared], algorithm="sha512")], media_type=DOCKER_INDEX)
    outer = box.index([amd, inner, box.add(b"no manifest", "text/plain")], annotations={"a": "b"})
    docker = box.image("docker", [shared], media_type=DOCKER_IMAGE)
    chart = box.image("chart", config=box.add(b"{}", "application/vnd.cncf.helm.config.v1+json"))
    signature = box.image("signature", config=box.add(b"{}", "application/vnd.oci.empty.v1+json"), subject=arm)
    about = box.index([], artifactType='text/"odd"\\\b\t\n\f\r\x01\x1f\x7fé😀/', subject=signature)
    images = {
        "gcr.io/a/outer:1": outer,
        "gcr.io/a/outer:2": outer,
        "docker.io/library/docker:latest": docker,
        "a.example:5000/chart@" + chart["digest"]: chart,
    }
    return box, images, [signature, about], left_out
