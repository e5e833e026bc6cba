"""Where a document can stand: the same change is made in each of these places."""

from . import foreign
from .draft import of_image
from .material import Box, named, one_image


def parts():
    """One image: its box, its manifest, and the Descriptors of its other blobs in the order of a bundle."""
    box = Box()
    config, large, small = box.config("one"), box.layer("large", 700), box.layer("small", 300)
    return box, box.image("one", [large, small], config), [config, large, small]


def replaced(box, descriptor, change):
    """The manifest is changed, and its Descriptor with it."""
    data = change(box.blobs.pop(descriptor["digest"]))
    return box.add(data, descriptor["mediaType"])


def manifest_of_bundle(change):
    def build():
        box, image, others = parts()
        return of_image(box, replaced(box, image, change), others).file()

    return build


def manifest_of_layout(change):
    def build():
        box, image, _ = parts()
        return foreign.tar(box, [named(replaced(box, image, change))])

    return build


def manifest_of_directory(change):
    def build():
        box, image, _ = parts()
        return foreign.tree(box, [replaced(box, image, change)])

    return build


def index_of_layout(change):
    def build():
        box, image, _ = parts()
        return foreign.tar(box, [], index=change(foreign.index_of([named(image)])))

    return build


def nested_index_of_layout(change):
    def build():
        box, image, _ = parts()
        return foreign.tar(box, [named(replaced(box, box.index([image]), change))])

    return build


def oci_layout_of_layout(change):
    def build():
        box, image = one_image()
        return foreign.tar(box, [named(image)], oci_layout=change(foreign.OCI_LAYOUT))

    return build


PLACES = {
    "manifest-of-bundle": manifest_of_bundle,
    "manifest": manifest_of_layout,
    "index.json": index_of_layout,
    "index": nested_index_of_layout,
    "oci-layout": oci_layout_of_layout,
}


def with_descriptor_in_bundle(place, change):
    """A bundle with a Descriptor that was changed, of content that may be there or not.

    The places are `config`, `layers`, `blobs`, `manifests` and `subject`.
    """

    def build():
        box = Box()
        target = box.layer("target", 64)
        descriptor = dict(target)
        change(descriptor)
        config = box.config("one")
        if place == "manifests":
            manifest, others = box.index([descriptor]), [target]
        elif place == "config":
            manifest, others = box.image("one", [], descriptor), [target]
        elif place == "subject":
            manifest, others = box.image("one", [], config, subject=descriptor), [config]
        else:
            more = {"layers": [descriptor]} if place == "layers" else {"layers": [], place: [descriptor]}
            manifest, others = box.image("one", more.pop("layers"), config, **more), [config, target]
        return of_image(box, manifest, others).file()

    return build


def with_descriptor_in_layout(place, change):
    """A layout with a Descriptor that was changed; the places are those of bundles, and `roots`."""

    def build():
        box = Box()
        if place == "roots":
            root = box.image("one")
            change(root)
            return foreign.tar(box, [root])
        descriptor = box.layer("target", 64)
        change(descriptor)
        if place == "manifests":
            root = box.index([descriptor])
        elif place == "config":
            root = box.image("one", [], descriptor)
        elif place == "layers":
            root = box.image("one", [descriptor])
        else:
            root = box.image("one", [], **{place: descriptor if place == "subject" else [descriptor]})
        return foreign.tar(box, [named(root)])

    return build
