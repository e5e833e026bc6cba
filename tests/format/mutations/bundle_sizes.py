"""Blobs of a bundle by their size and their algorithm: whole blocks, nothing at all, and one content by both."""

from page.digests import digest_of, path_of

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .foreign import tree_of_draft
from .material import Box, CONFIG, LAYER, NAME, noise, one_image

FILLED = "Data follows its header at once, and zeros fill its last block."
HAS_ENTRY = "each piece of content of the plan either has an entry, or stands there, once."
ONCE = "Each blob stands once, however many images share it, and whatever it is used for."
DIRECTORIES = "one directory for each digest algorithm of the plan"
BY_SIZE = "all other blobs, layers above all"
OFFSETS = "**Offsets."


def cases():
    for size in (0, 1, 511, 512, 513, 1024):
        for algorithm in ("sha256", "sha512"):
            label = f"sizes-{size}-by-{algorithm}"
            yield Case(label, FILLED, of_size(size, algorithm), ACCEPT)
            yield Case(label + "-and-a-block", FILLED, of_size(size, algorithm, padding=bytes(512)), REFUSE)
            yield Case(label + "-without-entry", HAS_ENTRY, of_size(size, algorithm, there=False), REFUSE)
    yield Case("sizes-header-of-nothing-says-one", OFFSETS, size_in_header(0, 1), REFUSE)
    yield Case("sizes-header-of-block-says-less", OFFSETS, size_in_header(512, 511), REFUSE)
    yield Case("sizes-empty-config", FILLED, lambda: sound(*empty_config()).file(), ACCEPT)
    for label, quote, make, expected in (
        ("one-content-by-both-algorithms", ONCE, both_algorithms, ACCEPT),
        ("one-content-by-one-of-two-algorithms", ONCE, lambda: without(both_algorithms(), 3), REFUSE),
        ("one-manifest-by-both-algorithms", ONCE, both_as_manifest, ACCEPT),
        ("layer-twice-in-image", ONCE, layer_twice, ACCEPT),
        ("layer-twice-in-image-and-in-file", ONCE, lambda: again(layer_twice()), REFUSE),
        ("layer-that-is-the-config", ONCE, config_twice, ACCEPT),
        ("layer-that-is-an-image", ONCE, image_as_layer, ACCEPT),
        ("entry-twice-in-index", ONCE, entry_twice, ACCEPT),
        ("all-by-sha512", DIRECTORIES, lambda: all_by_sha512(["sha512"]), ACCEPT),
        ("all-by-sha512-and-more", DIRECTORIES, lambda: all_by_sha512(["sha256", "sha512"]), REFUSE),
        ("all-by-sha512-and-no-directory", DIRECTORIES, lambda: all_by_sha512([]), REFUSE),
        ("all-by-sha512-and-sha256-alone", DIRECTORIES, lambda: all_by_sha512(["sha256"]), REFUSE),
        ("directories-in-other-order", DIRECTORIES, other_order, REFUSE),
        ("empty-layer-last", BY_SIZE, lambda: empty_among_others(False), ACCEPT),
        ("empty-layer-first", BY_SIZE, lambda: empty_among_others(True), REFUSE),
    ):
        yield Case(f"sizes-{label}", quote, lambda make=make: make().file(), expected)
    unpacked = "**A bundle in a directory**, unpacked, has a `bundle.json` too."
    for make in (both_algorithms, layer_twice, image_as_layer):
        label = make.__name__.replace("_", "-")
        yield Case(f"sizes-{label}-in-directory", unpacked, lambda make=make: tree_of_draft(make()), ACCEPT)
    yield Case("sizes-by-sha384", "no other algorithm and no upper case.", by_sha384, REFUSE)


def of_size(size, algorithm, padding=b"", there=True):
    def build():
        box = Box()
        layer = box.layer("x", size, algorithm)
        draft = sound(box, {NAME: box.image("one", [layer, box.layer("other", 600)])})

        def change(entries):
            number = next(number for number, one in enumerate(entries) if one.path == path_of(layer["digest"]))
            entries[number].padding += padding
            if not there:
                del entries[number]

        draft.change_entries = change
        return draft.file()

    return build


def size_in_header(size, said):
    def build():
        box = Box()
        draft = sound(box, {NAME: box.image("one", [box.layer("x", size)])})
        draft.change_entries = lambda entries: entries[-1].patch(124, b"%011o\0" % said)
        return draft.file()

    return build


def empty_config():
    box = Box()
    return box, {NAME: box.image("one", [], box.add(b"", CONFIG))}


def both_algorithms():
    box = Box()
    layers = [box.layer("x", 70, algorithm) for algorithm in ("sha256", "sha512")]
    return sound(box, {NAME: box.image("one", layers)})


def without(draft, number):
    del draft.blobs[number]
    return draft


def again(draft):
    draft.blobs.append(draft.blobs[-1])
    return draft


def both_as_manifest():
    box, image = one_image()
    other = {**image, "digest": digest_of(box.blobs[image["digest"]], "sha512")}
    box.blobs[other["digest"]] = box.blobs[image["digest"]]
    return sound(box, {"quay.io/a:1": image, "quay.io/b:1": other})


def layer_twice():
    box = Box()
    layer = box.layer("x", 70)
    return sound(box, {NAME: box.image("one", [layer, box.layer("y"), layer, {**layer, "mediaType": "text/x"}])})


def config_twice():
    box = Box()
    config = box.config("c")
    return sound(box, {NAME: box.image("one", [{**config, "mediaType": LAYER}, box.layer("y")], config)})


def image_as_layer():
    """An image of which another one has the manifest, the config and a layer as layers."""
    box = Box()
    config, layer = box.config("c"), box.layer("x", 70)
    inner = box.image("inner", [layer], config)
    outer = box.image("outer", [{**one, "mediaType": LAYER} for one in (inner, config, layer)])
    return sound(box, {"quay.io/a:1": outer, "quay.io/b:1": inner})


def entry_twice():
    box, image = one_image()
    platforms = [{"architecture": name, "os": "linux"} for name in ("amd64", "arm64")]
    return sound(box, {NAME: box.index([{**image, "platform": platform} for platform in platforms])})


def all_by_sha512(algorithms):
    box = Box()
    draft = sound(box, {NAME: box.index([], algorithm="sha512")})
    draft.algorithms = algorithms
    return draft


def other_order():
    draft = both_algorithms()
    draft.algorithms.reverse()
    return draft


def empty_among_others(first):
    box = Box()
    draft = sound(box, {NAME: box.image("one", [box.add(b"", LAYER), box.layer("x", 5), box.layer("y", 5)])})
    if first:
        draft.blobs[2:] = [draft.blobs[-1], *draft.blobs[2:-1]]
    return draft


def by_sha384():
    """A layer by an algorithm that neither a bundle nor a layout knows, with a directory of its own."""
    box = Box()
    data = noise("x", 70)
    layer = {"mediaType": LAYER, "digest": digest_of(data, "sha384"), "size": 70}
    entry = foreign.entry("blobs/sha384/" + layer["digest"].partition(":")[2], data)
    return foreign.tar(box, [box.image("one", [layer])], after=entry)
