"""The plan of a bundle: what it follows, and in which order its content stands."""

from page.descriptors import DOCKER_IMAGE, DOCKER_INDEX, IMAGE_TYPES, INDEX_TYPES, OCI_IMAGE, OCI_INDEX

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import Box, CONFIG, LAYER, NAME, noise, one_image


def cases():
    yield from orders()
    yield from what_is_followed()


def orders():
    """Orders that someone could think to be right."""
    quote = "**Breadth-first**: take the roots"
    yield Case("order-depth-first", quote, reordered(depth_first), REFUSE)
    yield Case("order-breadth-first", quote, reordered(lambda parts: parts), ACCEPT)
    yield Case("order-manifests-by-digest", quote, reordered(by_digest), REFUSE)
    yield Case("order-met-before-again", "A manifest that was met before is not taken again", met_before, REFUSE)
    size = "all other blobs, layers above all"
    yield Case("order-smallest-first", size, reordered(lambda parts: parts[:-5] + parts[:-6:-1]), REFUSE)
    digest = '"By digest" compares the text'
    yield Case("order-one-size-by-digest", digest, one_size(False), ACCEPT)
    yield Case("order-one-size-by-hex", digest, one_size(True), REFUSE)
    yield Case("order-config-sha512", digest, configs(False), ACCEPT)
    yield Case("order-config-sha512-by-hex", digest, configs(True), REFUSE)


def reordered(change):
    """A tree of manifests, where each order differs from each other, and five layers of different sizes."""

    def build():
        box = Box()
        leaves = [box.image(f"leaf {number}", [box.layer(f"{number}", 100 + number)]) for number in range(5)]
        inner = box.index(leaves[:2])
        outer = box.index([inner, leaves[2], box.index([leaves[3]]), leaves[4]])
        draft = sound(box, {NAME: outer})
        draft.blobs = change(draft.blobs)
        return draft.file()

    return build


def depth_first(parts):
    """outer, inner, its leaves, and so on; the draft has outer, inner, leaf, inner, leaf, leaves of the inner ones."""
    outer, inner, two, other, four, nought, one_leaf, three = parts[:8]
    return [outer, inner, nought, one_leaf, two, other, three, four] + parts[8:]


def by_digest(parts):
    return sorted(parts[:8]) + parts[8:]


def met_before():
    """An image that a root and the index before it lead to: it stands where the roots are, and not deeper too."""
    box, image = one_image()
    outer = box.index([image, box.image("two")])
    draft = sound(box, {"quay.io/a:1": outer, "quay.io/b:1": image})
    first, second, third, *others = draft.blobs
    draft.blobs = [first, third, second, *others]
    return draft.file()


def one_size(by_hex):
    def build():
        box = Box()
        layers = [
            box.layer(f"layer {number}", 64, algorithm) for number in range(4) for algorithm in ("sha256", "sha512")
        ]
        draft = sound(box, {NAME: box.image("one", layers)})
        if by_hex:
            draft.blobs[2:] = sorted(draft.blobs[2:], key=lambda digest: digest.split(":")[1])
        return draft.file()

    return build


def configs(by_hex):
    def build():
        box = Box()
        images = []
        for number in range(6):
            config = box.add(b'{"n":%d}' % number, CONFIG, ("sha256", "sha512")[number % 2])
            images.append(box.image(f"{number}", [], config))
        draft = sound(box, {NAME: box.index(images)})
        if by_hex:
            draft.blobs[7:] = sorted(draft.blobs[7:], key=lambda digest: digest.split(":")[1])
        return draft.file()

    return build


def what_is_followed():
    both = "A blob that is a config of one manifest and a layer of another"
    one_of_four = "A *manifest type* is one of these four media types"
    for media_type in (OCI_INDEX, OCI_IMAGE, DOCKER_INDEX, DOCKER_IMAGE):
        label = media_type.split(".", 1)[1].replace("+json", "")
        yield Case(f"type-{label}", one_of_four, of_type(media_type, media_type), ACCEPT)
        yield Case(
            f"type-{label}-otherwise", one_of_four, of_type(media_type, media_type.replace("+json", "+Json")), REFUSE
        )
        yield Case(
            f"type-{label}-entry",
            "what an entry of `manifests` in a manifest names with a manifest type.",
            entry_of_type(media_type, True),
            ACCEPT,
        )
        yield Case(
            f"type-{label}-entry-not-followed",
            "what an entry of `manifests` in a manifest names with a manifest type.",
            entry_of_type(media_type, False),
            REFUSE,
        )
    configs_are = "**Configs** are what some manifest names as its `config`."
    for label, quote, expected, build in (
        ("large-config-first", configs_are, ACCEPT, large_config(False)),
        ("large-config-by-size", configs_are, REFUSE, large_config(True)),
        ("config-and-layer", both, ACCEPT, lambda: config_and_layer("layer", False)),
        ("config-and-layer-among-layers", both, REFUSE, lambda: config_and_layer("layer", True)),
        ("config-and-entry", both, ACCEPT, lambda: config_and_layer("entry", False)),
        ("config-and-entry-among-layers", both, REFUSE, lambda: config_and_layer("entry", True)),
        (
            "manifest-and-layer",
            "Content that is a manifest and is also named",
            ACCEPT,
            lambda: manifest_and("layer", False),
        ),
        (
            "manifest-and-layer-among-layers",
            "Content that is a manifest and is also named",
            REFUSE,
            lambda: manifest_and("layer", True),
        ),
        (
            "manifest-and-config",
            "Content that is a manifest and is also named",
            ACCEPT,
            lambda: manifest_and("config", False),
        ),
        (
            "manifest-and-config-among-configs",
            "Content that is a manifest and is also named",
            REFUSE,
            lambda: manifest_and("config", True),
        ),
        (
            "manifest-and-entry-of-no-type",
            "Content that is a manifest and is also named",
            ACCEPT,
            lambda: manifest_and("entry", False),
        ),
        (
            "entry-of-no-type-not-followed",
            "nothing below those is followed",
            ACCEPT,
            not_followed("manifests", "text/x"),
        ),
        (
            "layer-of-manifest-type-not-followed",
            "The plan follows `manifests`, `config`, `layers` and `blobs`",
            ACCEPT,
            not_followed("layers", None),
        ),
        ("blobs-followed", "are what manifests name in `layers` and `blobs`", ACCEPT, blobs_followed(True)),
        (
            "blobs-not-there",
            "The plan follows `manifests`, `config`, `layers` and `blobs`",
            REFUSE,
            blobs_followed(False),
        ),
        (
            "blobs-of-an-index-followed",
            "The plan follows `manifests`, `config`, `layers` and `blobs`",
            ACCEPT,
            blobs_of_index(True),
        ),
        (
            "blobs-of-an-index-not-there",
            "The plan follows `manifests`, `config`, `layers` and `blobs`",
            REFUSE,
            blobs_of_index(False),
        ),
        ("other-keys-not-followed", "The plan follows `manifests`, `config`, `layers` and `blobs`", ACCEPT, other_keys),
        ("subject-not-there", "`subject` is not followed", ACCEPT, subject(False)),
        ("subject-there", "A manifest that is a subject is in the bundle only if", REFUSE, subject(True)),
    ):
        yield Case(f"plan-{label}", quote, build, expected)


def of_type(own, said):
    """A root of this type, empty where it is an index."""

    def build():
        box = Box()
        image = box.index([], own) if own in INDEX_TYPES else box.image("one", media_type=own)
        draft = sound(box, {NAME: image})
        draft.index["manifests"][0]["mediaType"] = said
        return draft.file()

    return build


def entry_of_type(media_type, whole):
    """An entry of this type in an index; what it leads to is there or not."""

    def build():
        box = Box()
        image = (
            box.image("inner", media_type=media_type)
            if media_type in IMAGE_TYPES
            else box.index([box.image("x")], media_type)
        )
        draft = sound(box, {NAME: box.index([image])})
        if not whole:
            draft.blobs = [draft.blobs[0], image["digest"]]
        return draft.file()

    return build


def large_config(by_size):
    def build():
        box = Box()
        config = box.add(noise("config", 5000), CONFIG)
        inner = box.image("inner", config=config)
        other = box.config("other")
        draft = sound(box, {NAME: box.index([inner, box.image("more", [box.layer("c", 400)], other)])})
        if by_size:
            draft.blobs[3:] = sorted(draft.blobs[3:], key=lambda digest: (-len(box.blobs[digest]), digest))
        return draft.file()

    return build


def config_and_layer(place, among_layers):
    box = Box()
    config = box.config("shared")
    first = box.image("first", config=config)
    other = {**config, "mediaType": LAYER}
    second = box.image("second", [other]) if place == "layer" else box.index([first, other])
    draft = sound(box, {"quay.io/a:1": first, "quay.io/b:1": second})
    if among_layers:
        # It is smaller than all the layers.
        draft.blobs.remove(config["digest"])
        draft.blobs.append(config["digest"])
    return draft.file()


def manifest_and(place, moved):
    box, image = one_image()
    other = {**image, "mediaType": LAYER}
    if place == "entry":
        second = box.index([other])
    elif place == "config":
        second = box.image("second", config=other)
    else:
        second = box.image("second", [other, box.layer("x")])
    draft = sound(box, {"quay.io/a:1": image, "quay.io/b:1": second})
    if moved:
        # From the manifests to where its size or digest would put it, were it only what the other says.
        draft.blobs.remove(image["digest"])
        if place == "config":
            draft.blobs.insert(1, image["digest"])
        else:
            draft.blobs.append(image["digest"])
            draft.blobs[3:] = sorted(draft.blobs[3:], key=lambda digest: (-len(box.blobs[digest]), digest))
    return draft.file()


def not_followed(place, media_type):
    """Content that would be refused if it were followed: a manifest of something that is not there."""

    def build():
        box = Box()
        lost = box.layer("lost")
        box.leave_out(lost)
        inner = box.image("inner", [lost])
        box.blobs = {inner["digest"]: box.blobs[inner["digest"]]}
        inner = {**inner, "mediaType": media_type or inner["mediaType"]}
        outer = box.index([inner]) if place == "manifests" else box.image("outer", [inner])
        return sound(box, {NAME: outer}).file()

    return build


def blobs_followed(there):
    def build():
        box = Box()
        blob = box.layer("blob", 1000)
        draft = sound(box, {NAME: box.image("one", blobs=[blob])})
        if not there:
            draft.blobs.remove(blob["digest"])
        return draft.file()

    return build


def blobs_of_index(there):
    def build():
        box = Box()
        blob = box.layer("blob", 1000)
        draft = sound(box, {NAME: box.index([box.image("one")], blobs=[blob])})
        if not there:
            draft.blobs.remove(blob["digest"])
        return draft.file()

    return build


def other_keys():
    box = Box()
    lost = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 5}
    image = box.image("one", references=[lost], Manifest=lost, history=[{"config": lost}])
    return sound(box, {NAME: image}).file()


def subject(there):
    def build():
        box = Box()
        about = box.image("about")
        image = box.image("one", subject=about)
        draft = sound(box, {NAME: image})
        if there:
            draft.blobs.insert(1, about["digest"])
        return draft.file()

    return build
