"""`data`: content that stands in a Descriptor, and has no entry or file of its own."""

import base64

from page.bundle_form import LEFT_OUT
from page.digests import digest_of, path_of
from page.json_write import written

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import Box, LAYER, NAME, named, one_image

STANDS = "In a layout of another tool a blob may be missing, but not a manifest"
ENTRY = "In a bundle, content that is there as `data` has its entry like any other, and is never left out"
SUBJECT = "and its `urls` and `data` stand for nothing."
HASHED = "Content is hashed every time it is read."


def cases():
    for label, make, expected in (
        ("config", in_place("config"), ACCEPT),
        ("layer", in_place("layers"), ACCEPT),
        ("blob", in_place("blobs"), ACCEPT),
        ("index-entry", in_place("manifests"), ACCEPT),
        ("layer-by-sha512", in_place("layers", "sha512"), ACCEPT),
        ("layer-with-null", in_place("layers", change=lambda one: {**one, "data": None}), REFUSE),
        ("empty-layer", empty_layer, ACCEPT),
        ("layer-named-as-a-manifest", layer_named_as_manifest, ACCEPT),
        ("root", of_root, REFUSE),
        ("root-with-urls", of_root_with_urls, REFUSE),
        ("manifest-in-index", of_entry, REFUSE),
        ("manifest-by-second-entry", by_second_entry, REFUSE),
        ("manifest-by-layer-far-below-earlier-root", far_below(False), REFUSE),
        ("manifest-by-layer-far-below-later-root", far_below(True), REFUSE),
        ("layer-by-other-image", by_other_image, ACCEPT),
        ("all-blobs", all_blobs, ACCEPT),
        ("everything", everything, REFUSE),
    ):
        yield Case(f"data-instead-of-{label}", STANDS, made(make, foreign.tar), expected)
    for label, make, expected in (
        ("layer", in_place("layers"), ACCEPT),
        ("all-blobs", all_blobs, ACCEPT),
        ("manifest-in-index", of_entry, REFUSE),
        ("everything", everything, REFUSE),
    ):
        yield Case(f"data-instead-of-{label}-in-directory", STANDS, made(make, foreign.tree), expected)
    yield Case("data-of-subject-only", SUBJECT, made(subject_only, foreign.tar), REFUSE)
    yield Case("data-of-subject-only-of-root", SUBJECT, made(subject_is_root, foreign.tar), REFUSE)
    yield Case("data-beside-damaged-entry", HASHED, beside_damaged, REFUSE)
    yield from of_bundles()


def made(make, form):
    """A layout in this form, of a box and the roots."""

    def build():
        box, roots = make()
        return form(box, roots)

    return build


def moved(box, descriptor):
    """Takes content out of the box, and puts it into its Descriptor."""
    return {**descriptor, "data": base64.b64encode(box.blobs.pop(descriptor["digest"])).decode()}


def in_place(place, algorithm="sha256", change=lambda one: one):
    def make():
        box = Box()
        one = change(moved(box, box.layer("x", 65, algorithm)))
        if place == "manifests":
            return box, [named(box.index([one]))]
        if place == "config":
            return box, [named(box.image("one", [], one))]
        keys = {"layers": [one]} if place == "layers" else {"layers": [], place: [one]}
        return box, [named(box.image("one", keys.pop("layers"), **keys))]

    return make


def empty_layer():
    box = Box()
    return box, [named(box.image("one", [moved(box, box.add(b"", LAYER))]))]


def layer_named_as_manifest():
    """What stands in `layers` is not followed, whatever its type: it is a blob."""
    box, image = one_image()
    return box, [named(box.image("other", [moved(box, image)]))]


def of_root():
    box, image = one_image()
    return box, [named(moved(box, image))]


def of_root_with_urls():
    box, image = one_image()
    return box, [named({**moved(box, image), "urls": ["x"]})]


def of_entry():
    box, image = one_image()
    return box, [named(box.index([moved(box, image)]))]


def by_second_entry():
    """Two entries of one manifest, of which the second has it."""
    box, image = one_image()
    return box, [named(box.index([image, moved(box, image)]))]


def far_below(first):
    """A root, the first or the last, whose content stands in a Descriptor of a layer some steps below another."""

    def make():
        box, image = one_image()
        line = box.image("other", [{**moved(box, image), "mediaType": LAYER}])
        for step in range(5):
            line = box.index([line], annotations={"step": str(step)})
        return box, [image, line] if first else [line, image]

    return make


def by_other_image():
    box = Box()
    layer = box.layer("x", 65)
    first = box.image("first", [layer])
    return box, [first, box.image("second", [moved(box, layer)])]


def all_blobs():
    """A layout of which only the manifests are there."""
    box = Box()
    entry = moved(box, box.add(b"text", "text/plain"))
    layers = [moved(box, box.layer(f"{number}", 65)) for number in range(3)]
    image = box.image("one", layers, moved(box, box.config("c")), blobs=[moved(box, box.layer("blob", 65))])
    return box, [named(box.index([image, entry]))]


def everything():
    """A layout in which nothing stands below `blobs/`: all of it is in `index.json`."""
    box = Box()
    image = box.image("one", [moved(box, box.layer("x", 65))], moved(box, box.config("c")))
    return box, [named(moved(box, box.index([moved(box, image)])))]


def subject_only():
    box, image = one_image()
    layer = box.layer("x", 65)
    return box, [box.image("two", [layer], subject=moved(box, layer))]


def subject_is_root():
    box, image = one_image()
    about = box.image("about", [], subject=moved(box, image))
    return box, [image, about]


def beside_damaged():
    box = Box()
    layer = box.layer("x", 65)
    data = moved(box, layer)
    image = box.image("one", [data])
    return foreign.tar(box, [named(image)], after=foreign.entry(path_of(layer["digest"]), bytes(65)))


def of_bundles():
    for place in ("layer", "manifest"):
        for label, there, expected in (("and-entry", True, ACCEPT), ("alone", False, REFUSE)):
            for form, as_file in (("", True), ("-in-directory", False)):
                build = lambda place=place, there=there, as_file=as_file: bundle(place, there, as_file)
                yield Case(f"data-of-{place}-{label}-in-bundle{form}", ENTRY, build, expected)
    for label, data_first, urls_first in (
        ("both", True, True),
        ("data-in-another-descriptor", False, True),
        ("urls-in-another-descriptor", True, False),
    ):
        for form, as_file in (("", True), ("-in-directory", False)):
            build = lambda first=(data_first, urls_first), as_file=as_file: left_out_with_data(*first, as_file)
            yield Case(f"data-and-urls-left-out-of-bundle-{label}{form}", ENTRY, build, REFUSE)


def bundle(place, there, as_file):
    box = Box()
    layer = box.layer("x", 65)
    inner = box.image("inner", [with_data(box, layer) if place == "layer" else layer])
    draft = sound(box, {NAME: box.index([with_data(box, inner) if place == "manifest" else inner])})
    if not there:
        draft.blobs.remove((layer if place == "layer" else inner)["digest"])
    return draft.file() if as_file else foreign.tree_of_draft(draft)


def with_data(box, descriptor):
    return {**descriptor, "data": base64.b64encode(box.blobs[descriptor["digest"]]).decode()}


def left_out_with_data(data_first, urls_first, as_file):
    """A layer that has `data` and `urls`, each in the first of its Descriptors or in the second, is left out, and all
    that pins what was left out is right."""
    box = Box()
    layer = box.layer("x", 65)
    pair = [layer, layer]
    pair[0 if data_first else 1] = with_data(box, layer)
    place = 0 if urls_first else 1
    pair[place] = {**pair[place], "urls": ["x"]}
    draft = sound(box, {NAME: box.image("one", pair)})
    draft.blobs.remove(layer["digest"])
    draft.absent = [{"digest": layer["digest"], "reason": "nondistributable", "size": layer["size"]}]
    draft.index["annotations"] = {LEFT_OUT: digest_of(written(draft.absent))}
    return draft.file() if as_file else foreign.tree_of_draft(draft)
