"""Bundles of content that chance made, from a seed, so always the same: sound ones, and ones with one thing changed."""

import random

from page.descriptors import descriptor, DOCKER_IMAGE, DOCKER_INDEX, OCI_IMAGE, OCI_INDEX
from page.manifests import read_manifest
from page.plan import Plan

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import Box, CONFIG, DOCKER_CONFIG, named

FUNCTION = "whoever writes it, wherever and in whatever order the images were asked for"
FORM = "All its bytes follow from its content"
LAYOUT = "Entries of `index.json` may have any keys, and stand in any order, also several times."
ALGORITHMS = ("sha256", "sha256", "sha512")
HOSTS = ("a.example", "b.example:5000", "[::1]:80", "docker.io", "localhost", "10.0.0.1")
PATHS = ("a/b", "a-b/c", "a.b/c", "a/b/c", "a__b/c", "library/a")
TAGS = ("1", "1.0", "10", "2", "A", "_", "latest", "v1")


def cases():
    for number in range(60):
        yield Case(f"chance-bundle-{number:02}", FUNCTION, lambda number=number: drawn(number).file(), ACCEPT)
        yield Case(f"chance-bundle-{number:02}-changed", FORM, lambda number=number: changed(number), REFUSE)
    for number in range(30):
        yield Case(f"chance-layout-{number:02}", LAYOUT, lambda number=number: layout(number), ACCEPT)


class Maker:
    """Draws content: what was made before is drawn again now and then, so that much is shared."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.box = Box()
        self.left_out = []
        self.layers = [self.layer(number) for number in range(self.chance.randrange(2, 9))]
        self.configs = [self.config(number) for number in range(self.chance.randrange(1, 4))]
        self.manifests = []
        for number in range(self.chance.randrange(2, 12)):
            self.manifests.append(self.manifest(number))
        for digest in self.left_out:
            del self.box.blobs[digest]

    def some(self, things, most):
        return [self.chance.choice(things) for _ in range(self.chance.randrange(most + 1))] if things else []

    def layer(self, number):
        size = self.chance.choice((0, 1, 100, 100, 511, 512, 513, 2000))
        layer = self.box.layer(f"layer {number}", size, self.chance.choice(ALGORITHMS))
        if size and self.chance.random() < 0.2 and layer["digest"] not in self.left_out:
            layer["urls"] = ["https://example.org/layer"]
            self.left_out.append(layer["digest"])
        return layer

    def config(self, number):
        media_type = self.chance.choice((CONFIG, CONFIG, DOCKER_CONFIG, "application/x"))
        return self.box.config(f"config {number}", media_type)

    def manifest(self, number):
        keys = {"annotations": {"number": str(number)}}
        if self.manifests and self.chance.random() < 0.3:
            keys["subject"] = self.chance.choice(self.manifests)
        if self.chance.random() < 0.2:
            keys["artifactType"] = self.chance.choice(("", "application/x", 'a"\\/\té'))
        if self.chance.random() < 0.1:
            keys["blobs"] = self.some(self.layers, 2)
        algorithm = self.chance.choice(ALGORITHMS)
        if self.chance.random() < 0.4:
            media_type = self.chance.choice((OCI_INDEX, DOCKER_INDEX))
            return self.box.index(self.entries(), media_type, algorithm, **keys)
        layers = self.some(self.layers + self.configs + self.manifests, 4)
        layers = [{**one, "mediaType": "application/x"} for one in layers]
        config = self.chance.choice(self.configs)
        media_type = self.chance.choice((OCI_IMAGE, DOCKER_IMAGE))
        return self.box.image(f"{number}", layers, config, media_type, algorithm, **keys)

    def entries(self):
        """Entries of an index: manifests, and now and then what is none or is not said to be one."""
        entries = self.some(self.manifests, 4)
        if self.chance.random() < 0.3:
            entries += [{**one, "mediaType": "text/x"} for one in self.some(self.layers + self.manifests, 2)]
        return entries

    def referrers(self, named_ones, share=0.7):
        """Roots without a name that may stand beside these, a share of them; and what of them all was left out."""
        chosen, refused = [], []
        while True:
            plan = plan_of(self.box, [*named_ones, *chosen])
            new = [one for one in self.manifests if one not in chosen + refused and self.subject(one) in plan.manifests]
            if not new:
                return chosen, [digest for digest in plan.sizes if digest not in self.box.blobs]
            for one in new:
                (chosen if self.chance.random() < share else refused).append(one)

    def subject(self, manifest):
        subject = read_manifest(self.box.blobs[manifest["digest"]], "").subject
        return subject and subject.digest

    def names(self):
        """Names for some of the manifests."""
        names = {}
        for _ in range(self.chance.randrange(1, 6)):
            image = self.chance.choice(self.manifests)
            end = ":" + self.chance.choice(TAGS) if self.chance.random() < 0.8 else "@" + image["digest"]
            names[f"{self.chance.choice(HOSTS)}/{self.chance.choice(PATHS)}{end}"] = image
        return names


def drawn(seed):
    """A draft of some names, and some of the referrers that a bundle of these may have."""
    maker = Maker(seed)
    names = maker.names()
    referrers, left_out = maker.referrers(names.values())
    return sound(maker.box, names, referrers, left_out)


def plan_of(box, roots):
    return Plan([descriptor(root, "root") for root in roots], box.blobs.get)


def changed(seed):
    """One thing is changed in the bundle of this seed; all that depends on it is worked out as it would be."""
    whole = drawn(seed).file()
    chance = random.Random(f"change {seed}")
    while True:
        draft = drawn(seed)
        chance.choice(CHANGES)(draft, chance)
        data = draft.file()
        if data != whole:
            return data


def swap(things, chance):
    first, second = chance.randrange(len(things)), chance.randrange(len(things))
    things[first], things[second] = things[second], things[first]


def swap_blobs(draft, chance):
    swap(draft.blobs, chance)


def drop_blob(draft, chance):
    del draft.blobs[chance.randrange(len(draft.blobs))]


def repeat_blob(draft, chance):
    draft.blobs.insert(chance.randrange(len(draft.blobs)), chance.choice(draft.blobs))


def add_blob(draft, chance):
    digest = chance.choice(list(draft.box.blobs))
    if digest not in draft.blobs:
        draft.blobs.append(digest)


def swap_roots(draft, chance):
    swap(draft.index["manifests"], chance)


def unname_root(draft, chance):
    chance.choice(draft.index["manifests"]).pop("annotations", None)


def change_root(draft, chance):
    root = chance.choice(draft.index["manifests"])
    key, value = chance.choice((("size", 1), ("artifactType", "x"), ("mediaType", OCI_INDEX), ("platform", {})))
    root[key] = value


def drop_absent(draft, chance):
    if draft.absent:
        del draft.absent[chance.randrange(len(draft.absent))]


def say_nothing(draft, chance):
    draft.index.pop("annotations", None)


def reverse_algorithms(draft, chance):
    draft.algorithms.reverse()


def change_header(draft, chance):
    at, new = chance.randrange(512), bytes([chance.randrange(256)])
    draft.change_entries = lambda entries: chance.choice(entries).patch(at, new)


CHANGES = (
    swap_blobs,
    drop_blob,
    repeat_blob,
    add_blob,
    swap_roots,
    unname_root,
    change_root,
    drop_absent,
    say_nothing,
    reverse_algorithms,
    change_header,
)


def layout(seed):
    """The same content as a layout of another tool, in any order, with all manifests as roots."""
    maker = Maker(seed)
    roots = [named(image, name) for name, image in maker.names().items()] + maker.manifests
    maker.chance.shuffle(roots)
    blobs = list(maker.box.blobs.items())
    maker.chance.shuffle(blobs)
    maker.box.blobs = dict(blobs)
    return foreign.tar(maker.box, roots)
