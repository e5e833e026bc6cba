"""What is read as a manifest: its keys, its kind and its type, and how Descriptors have to fit it."""

import json

from page.descriptors import DOCKER_IMAGE, DOCKER_INDEX, OCI_IMAGE, OCI_INDEX

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import of_image
from .material import Box, CONFIG, LAYER, named, text
from .places import (
    index_of_layout,
    manifest_of_bundle,
    manifest_of_layout,
    nested_index_of_layout,
    oci_layout_of_layout,
)

THERE = "and so on are said to be there when they have a value other than `null`."
SCHEMA_1 = "It has no `fsLayers`"
KIND = "It is an *index* if `manifests` is there"
STATED = "Its `mediaType`, if it is there and not empty, is one of the four"
TYPE = "Its *type* is its own `mediaType` if it states one"
WITHIN = "Where the manifest states a type, that of the Descriptor may be the other one of"
KINDS = "The first and third are *index types*"
HAS = "An index has an index type, an image has an image type."
LEADS = "What leads to a manifest are roots, and entries of `manifests` with a manifest type."
SEVERAL = "Where several do, each has to fit it so."
LAYOUT = "| `oci-layout` | `imageLayoutVersion` | string |"
NUMBER = "| | `schemaVersion` | whole number"
ANNOTATIONS = "| `index.json`, manifest | `annotations` |"
NULL = "`null` as the value of a key with a meaning counts as if"
IN_ARRAY = "Among annotations, and as an element of one of the arrays below, it is refused."
OTHER = "All other keys may hold anything, and so may a key of the list above"
OF_THIS = "Of this, `manifests`, `mediaType`, `schemaVersion` and `annotations` are read"
TYPES = {OCI_IMAGE: "oci-image", DOCKER_IMAGE: "docker-image", OCI_INDEX: "oci-index", DOCKER_INDEX: "docker-index"}


def cases():
    for label, quote, keys, expected in [*of_images(), *of_both()]:
        change = changed(keys)
        yield Case(f"manifest-{label}", quote, manifest_of_layout(change), expected)
        if not {"manifests", "layers", "config"} & keys.keys() or expected == REFUSE:
            yield Case(f"manifest-{label}-in-bundle", quote, manifest_of_bundle(change), expected)
    for label, quote, keys, expected in [*of_indexes(), *of_both()]:
        yield Case(f"manifest-{label}-of-index", quote, nested_index_of_layout(changed(keys)), expected)
    for label, quote, keys, expected in of_index_json():
        yield Case(f"index.json-{label}", quote, index_of_layout(changed(keys)), expected)
    for label, quote, keys, expected in of_oci_layout():
        yield Case(f"oci-layout-{label}", quote, oci_layout_of_layout(changed(keys)), expected)
    yield from of_types()
    yield from of_several()
    yield from of_content()


LEAVE_OUT = object()


def changed(keys):
    """Changes keys of a document; `LEAVE_OUT` takes one away."""

    def change(data):
        document = {**json.loads(data), **keys}
        return text({key: value for key, value in document.items() if value is not LEAVE_OUT})

    return change


def of_both():
    """What holds for images and indexes alike."""
    for number, value in enumerate(("2", 2.0, [2], True, -2, 2**64)):
        yield f"schema-version-wrong-{number}", NUMBER, {"schemaVersion": value}, REFUSE
    yield "schema-version-largest", NUMBER, {"schemaVersion": 2**64 - 1}, ACCEPT
    yield "schema-version-0", NUMBER, {"schemaVersion": 0}, ACCEPT
    yield "schema-version-3", SCHEMA_1, {"schemaVersion": 3}, ACCEPT
    yield "schema-version-1", SCHEMA_1, {"schemaVersion": 1}, REFUSE
    yield "schema-version-none", SCHEMA_1, {"schemaVersion": LEAVE_OUT}, ACCEPT
    yield "schema-version-null", NULL, {"schemaVersion": None}, ACCEPT
    yield "fs-layers", SCHEMA_1, {"fsLayers": []}, REFUSE
    yield "fs-layers-text", SCHEMA_1, {"fsLayers": "x"}, REFUSE
    yield "fs-layers-false", SCHEMA_1, {"fsLayers": False}, REFUSE
    yield "fs-layers-null", THERE, {"fsLayers": None}, ACCEPT
    for number, value in enumerate((["a"], "x", {"a": 1}, {"a": ["b"]}, True)):
        yield f"annotations-wrong-{number}", ANNOTATIONS, {"annotations": value}, REFUSE
    yield "annotations-null", NULL, {"annotations": None}, ACCEPT
    yield "annotations-null-inside", IN_ARRAY, {"annotations": {"a": None}}, REFUSE
    for number, value in enumerate((1, [], {})):
        yield f"media-type-wrong-{number}", "| | `mediaType` | string |", {"mediaType": value}, REFUSE
        yield f"artifact-type-wrong-{number}", "| manifest | `artifactType` | string |", {"artifactType": value}, REFUSE
    yield "media-type-null", NULL, {"mediaType": None}, ACCEPT
    yield "media-type-none", STATED, {"mediaType": LEAVE_OUT}, ACCEPT
    yield "media-type-empty", STATED, {"mediaType": ""}, ACCEPT
    for label, value in (
        ("other", "application/json"),
        ("upper-case", OCI_IMAGE.upper()),
        ("parameter", OCI_IMAGE + "; x"),
        ("schema-1", "application/vnd.docker.distribution.manifest.v1+json"),
        ("layer", LAYER),
    ):
        yield f"media-type-{label}", STATED, {"mediaType": value}, REFUSE
    yield "artifact-type-null", NULL, {"artifactType": None}, ACCEPT
    yield "artifact-type-empty", "| manifest | `artifactType` | string |", {"artifactType": ""}, ACCEPT
    for key in ("subject", "config"):
        for number, value in enumerate(([], "x", {}, 1, True)):
            yield f"{key}-wrong-{number}", "| | `config`, `subject` | Descriptor |", {key: value}, REFUSE
    for key in ("layers", "blobs"):
        for number, value in enumerate(({}, "x", [[]], ["x"], [1], [{}], 1)):
            yield f"{key}-wrong-{number}", "| | `blobs`, `layers` | array of Descriptors |", {key: value}, REFUSE
        yield f"{key}-null-inside", IN_ARRAY, {key: [None]}, REFUSE
    yield "subject-null", NULL, {"subject": None}, ACCEPT
    yield "blobs-null", NULL, {"blobs": None}, ACCEPT
    yield "blobs-empty", "| | `blobs`, `layers` | array of Descriptors |", {"blobs": []}, ACCEPT
    yield "image-layout-version", OTHER, {"imageLayoutVersion": 5}, ACCEPT
    yield (
        "other-keys",
        OTHER,
        {"size": "x", "urls": 1, "data": [], "os": {}, "digest": 0},
        ACCEPT,
    )


def of_images():
    yield "manifests-empty", KIND, {"manifests": []}, REFUSE
    yield "manifests-null", THERE, {"manifests": None}, ACCEPT
    yield "layers-null", THERE, {"layers": None}, ACCEPT
    yield "config-null", THERE, {"config": None}, ACCEPT
    yield "layers-empty", KIND, {"layers": []}, ACCEPT
    yield "neither", KIND, {"layers": LEAVE_OUT, "config": LEAVE_OUT}, REFUSE
    yield "both-null", THERE, {"layers": None, "config": None}, REFUSE
    yield "only-blobs", KIND, {"layers": LEAVE_OUT, "config": LEAVE_OUT, "blobs": []}, REFUSE
    for number, value in enumerate(({}, "x", [[]], [{}])):
        yield f"manifests-wrong-{number}", "| | `manifests` | array of Descriptors |", {"manifests": value}, REFUSE


def of_indexes():
    yield "empty", KIND, {"manifests": []}, ACCEPT
    yield "manifests-null", THERE, {"manifests": None}, REFUSE
    yield "no-manifests", KIND, {"manifests": LEAVE_OUT}, REFUSE
    yield "layers-empty", KIND, {"layers": []}, REFUSE
    yield "layers-null", THERE, {"layers": None}, ACCEPT
    yield "config-null", THERE, {"config": None}, ACCEPT
    config = {"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 1, "urls": ["x"]}
    yield "config", KIND, {"config": config}, REFUSE
    yield "manifests-null-inside", IN_ARRAY, {"manifests": [None]}, REFUSE
    for number, value in enumerate(({}, "x", [[]], [{}], 1)):
        yield f"manifests-wrong-{number}", "| | `manifests` | array of Descriptors |", {"manifests": value}, REFUSE


def of_index_json():
    at_least = "Its `manifests` has at least one entry."
    yield "manifests-empty", at_least, {"manifests": []}, REFUSE
    yield "manifests-null", at_least, {"manifests": None}, REFUSE
    yield "manifests-none", at_least, {"manifests": LEAVE_OUT}, REFUSE
    yield "manifests-null-inside", IN_ARRAY, {"manifests": [None]}, REFUSE
    for number, value in enumerate(({}, "x", [[]], [{}])):
        yield f"manifests-wrong-{number}", "| | `manifests` | array of Descriptors |", {"manifests": value}, REFUSE
    media_type = "Its `mediaType`, if it has one that is not empty, is"
    for label, value, expected in (
        ("right", OCI_INDEX, ACCEPT),
        ("empty", "", ACCEPT),
        ("null", None, ACCEPT),
        ("docker", DOCKER_INDEX, REFUSE),
        ("image", OCI_IMAGE, REFUSE),
        ("upper-case", OCI_INDEX.upper(), REFUSE),
        ("parameter", OCI_INDEX + ";", REFUSE),
        ("other", "application/json", REFUSE),
        ("number", 1, REFUSE),
    ):
        yield f"media-type-{label}", media_type, {"mediaType": value}, expected
    yield "schema-version-1", OF_THIS, {"schemaVersion": 1}, ACCEPT
    yield "schema-version-largest", OF_THIS, {"schemaVersion": 2**64 - 1}, ACCEPT
    yield "schema-version-0", OF_THIS, {"schemaVersion": 0}, ACCEPT
    yield "schema-version-null", OF_THIS, {"schemaVersion": None}, ACCEPT
    yield "schema-version-none", OF_THIS, {"schemaVersion": LEAVE_OUT}, ACCEPT
    yield "fs-layers", OF_THIS, {"fsLayers": []}, ACCEPT
    for number, value in enumerate(("2", 2.5, -1, 2**64, 2.0, True, [2], {})):
        yield f"schema-version-wrong-{number}", NUMBER, {"schemaVersion": value}, REFUSE
    for key, value in (("config", 5), ("layers", "x"), ("blobs", {}), ("subject", []), ("artifactType", 5)):
        yield f"{key}-of-any-type", "at the places where they have that meaning", {key: value}, ACCEPT
    yield "annotations-wrong", ANNOTATIONS, {"annotations": {"a": 1}}, REFUSE
    yield "annotations-null-inside", IN_ARRAY, {"annotations": {"a": None}}, REFUSE
    yield "annotations", ANNOTATIONS, {"annotations": {"a": "b", "SIZE": "c"}}, ACCEPT
    yield "other-keys", OTHER, {"size": "x", "urls": 1}, ACCEPT


def of_oci_layout():
    has = "with the `imageLayoutVersion` `1.0.0`"
    for label, value in (
        ("1.0.1", "1.0.1"),
        ("1.0", "1.0"),
        ("1.0.0-space", "1.0.0 "),
        ("none", LEAVE_OUT),
        ("null", None),
        ("v1", "v1.0.0"),
    ):
        yield f"version-{label}", has, {"imageLayoutVersion": value}, REFUSE
    for number, value in enumerate((1, 1.0, ["1.0.0"], {})):
        yield f"wrong-{number}", LAYOUT, {"imageLayoutVersion": value}, REFUSE
    yield "other-keys", LAYOUT, {"x": 1, "size": "x", "annotations": 5}, ACCEPT
    empty = len(text({"imageLayoutVersion": "1.0.0", "x": ""}))
    yield "of-4-kib", has, {"x": "y" * (4096 - empty)}, ACCEPT
    yield "of-more-than-4-kib", has, {"x": "y" * (4097 - empty)}, REFUSE


def of_types():
    """What a Descriptor says, what the manifest states, and what it is."""
    for said, said_label in TYPES.items():
        for stated, stated_label in [*TYPES.items(), ("", "nothing")]:
            for is_index in (False, True):

                def build(said=said, stated=stated, is_index=is_index, in_bundle=False):
                    box = Box()
                    config = box.config("c")
                    body = {"manifests": []} if is_index else {"config": config, "layers": []}
                    document = {"schemaVersion": 2, **({"mediaType": stated} if stated else {}), **body}
                    manifest = box.add(text(document), said)
                    if not in_bundle:
                        return foreign.tar(box, [named(box.index([manifest]))])
                    return of_image(box, manifest, [] if is_index else [config], media_type=stated or said).file()

                index_types = (OCI_INDEX, DOCKER_INDEX)
                fits = (said in index_types) == is_index and (not stated or (stated in index_types) == is_index)
                quote = (
                    KINDS
                    if not stated
                    else TYPE
                    if stated == said
                    else (HAS if (stated in index_types) != is_index else WITHIN)
                )
                label = f"type-{said_label}-stated-{stated_label}-{'index' if is_index else 'image'}"
                yield Case(label, quote, build, ACCEPT if fits else REFUSE)
                if not stated or stated == said:
                    in_bundle = lambda build=build: build(in_bundle=True)
                    yield Case(label + "-in-bundle", quote, in_bundle, ACCEPT if fits else REFUSE)


def of_several():
    for label, quote, types, expected in (
        ("two-kinds", SEVERAL, (OCI_IMAGE, OCI_INDEX), REFUSE),
        ("one-kind", SEVERAL, (OCI_IMAGE, DOCKER_IMAGE), ACCEPT),
        ("three", SEVERAL, (OCI_IMAGE, DOCKER_IMAGE, DOCKER_INDEX), REFUSE),
        ("first-does-not-fit", SEVERAL, (OCI_INDEX, OCI_IMAGE), REFUSE),
        ("no-type-besides", LEADS, (OCI_IMAGE, LAYER), ACCEPT),
    ):

        def build(types=types):
            box = Box()
            image = box.add(text({"schemaVersion": 2, "config": box.config("c"), "layers": []}), "")
            return foreign.tar(box, [named(box.index([{**image, "mediaType": media_type} for media_type in types]))])

        yield Case(f"several-{label}", quote, build, expected)

    def root_and_entry():
        box = Box()
        image = box.image("one")
        return foreign.tar(box, [image, box.index([{**image, "mediaType": OCI_INDEX}])])

    yield Case("several-root-and-entry", SEVERAL, root_and_entry, REFUSE)


def of_content():
    """Configs and layers that would be no documents."""
    for label, data in (
        ("no-json", b"{"),
        ("byte-order-mark", b"\xef\xbb\xbf{}"),
        ("keys-twice", b'{"os": 1, "os": 2, "OS": 3, "x": 1e999}'),
        ("nothing", b""),
        ("schema-1", b'{"schemaVersion": 1, "fsLayers": []}'),
    ):
        for place in ("config", "layer"):

            def build(data=data, place=place, in_bundle=False):
                box = Box()
                content = box.add(data, CONFIG if place == "config" else LAYER)
                config, layers = (content, []) if place == "config" else (box.config("c"), [content])
                image = box.image("one", layers, config)
                return of_image(box, image, [config, *layers]).file() if in_bundle else foreign.tar(box, [named(image)])

            quote = "Image configs and layers are content that nobody looks into here."
            yield Case(f"content-{label}-as-{place}", quote, build, ACCEPT)
            yield Case(
                f"content-{label}-as-{place}-in-bundle", quote, lambda build=build: build(in_bundle=True), ACCEPT
            )
