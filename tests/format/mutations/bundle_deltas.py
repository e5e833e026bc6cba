"""Deltas: what a base has, and that the identity does not change with it."""

import base64

from page.bundle_form import LEFT_OUT
from page.digests import digest_of
from page.json_write import written

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import Box, NAME

BASE = "| `base` | a blob that a base of this bundle has"
DELTA = "A delta is a bundle of which at least one element of `absent` has the reason `base`."
IDENTITY = "Its `index.json` is the one that the bundle would have with nothing left to a base"
WHOLE = "It has all manifests of its plan, and every rule of this page is for it"
NONE_FOR_GOOD = "What is left out *for good* is in no file of the bundle."
URLS = ["https://example.org/layer"]


def parts():
    box = Box()
    config = box.config("config")
    layers = [box.layer("a", 100), box.layer("b", 200, urls=URLS), box.layer("c", 300)]
    return box, config, layers, box.image("one", layers, config)


def delta(away, reason="base", change=lambda draft: None):
    """A bundle without some of these: the config, or a layer by its number. The annotation stays as it was."""

    def build():
        box, config, layers, image = parts()
        draft = sound(box, {NAME: image})
        gone = [config if one == "config" else image if one == "manifest" else layers[one] for one in away]
        for one in gone:
            draft.blobs.remove(one["digest"])
        draft.absent = sorted((element(one, reason) for one in gone), key=lambda one: one["digest"])
        change(draft)
        return draft.file()

    return build


def element(one, reason="base"):
    return {"digest": one["digest"], "reason": reason, "size": one["size"]}


def cases():
    yield Case("delta-layer", DELTA, delta([0]), ACCEPT)
    yield Case("delta-config", BASE, delta(["config"]), ACCEPT)
    yield Case("delta-layer-with-urls", BASE, delta([1]), ACCEPT)
    yield Case("delta-of-everything", WHOLE, delta(["config", 0, 1, 2]), ACCEPT)
    yield Case("delta-manifest", BASE, delta(["manifest"]), REFUSE)
    yield Case("delta-of-what-is-there", WHOLE, there, REFUSE)
    yield Case("delta-of-what-nobody-names", WHOLE, foreign, REFUSE)
    yield Case("delta-twice", WHOLE, delta([0], change=lambda draft: draft.absent.append(draft.absent[0])), REFUSE)
    yield Case("delta-other-size", WHOLE, delta([0], change=other_size), REFUSE)
    yield Case("delta-reason-upper-case", DELTA, delta([0], "Base"), REFUSE)
    yield Case("delta-reason-bases", DELTA, delta([0], "bases"), REFUSE)
    yield Case("delta-reason-empty", DELTA, delta([0], ""), REFUSE)
    yield Case("delta-with-annotation", IDENTITY, delta([0], change=annotated), REFUSE)
    yield Case("delta-with-layer-for-good", NONE_FOR_GOOD, mixed("nondistributable", [1]), ACCEPT)
    yield Case("delta-with-layer-for-good-unpinned", NONE_FOR_GOOD, mixed("nondistributable", []), REFUSE)
    yield Case("delta-with-all-pinned", IDENTITY, mixed("nondistributable", [0, 1]), REFUSE)
    yield Case("delta-with-data", BASE, embedded, REFUSE)


def annotated(draft):
    draft.index["annotations"] = {LEFT_OUT: digest_of(written(draft.absent))}


def other_size(draft):
    draft.absent[0]["size"] += 1


def there():
    box, _, layers, image = parts()
    draft = sound(box, {NAME: image})
    draft.absent = [element(layers[0])]
    return draft.file()


def foreign():
    box, _, layers, image = parts()
    draft = sound(box, {NAME: image})
    draft.absent = [{"digest": digest_of(b"nothing of these"), "reason": "base", "size": 16}]
    return draft.file()


def mixed(reason, pinned):
    """One layer left to a base, one for good; the annotation is of those of them that are `pinned`."""

    def build():
        box, _, layers, image = parts()
        draft = sound(box, {NAME: image})
        elements = {0: element(layers[0]), 1: element(layers[1], reason)}
        for number in elements:
            draft.blobs.remove(layers[number]["digest"])
        draft.absent = sorted(elements.values(), key=lambda one: one["digest"])
        listed = sorted((elements[number] for number in pinned), key=lambda one: one["digest"])
        if listed:
            draft.index["annotations"] = {LEFT_OUT: digest_of(written(listed))}
        return draft.file()

    return build


def embedded():
    """What is in a Descriptor itself is never left out."""
    box, config, layers, _ = parts()
    data = base64.b64encode(box.blobs[layers[2]["digest"]]).decode()
    layer = {**layers[2], "data": data}
    image = box.image("two", [layer], config)
    draft = sound(box, {NAME: image})
    draft.blobs.remove(layer["digest"])
    draft.absent = [element(layer)]
    return draft.file()

