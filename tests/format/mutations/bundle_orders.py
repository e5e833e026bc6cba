"""Orders of a bundle that has several roots: of their names, and of the manifests that they lead to."""

from page.descriptors import DOCKER_IMAGE

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import Box, named, one_image

BREADTH = "**Breadth-first**: take the roots in the order of `index.json`"
AGAIN = "A manifest that was met before is not taken again"
NAMES = "Within each group the order is that of the names, byte by byte"
GROUPS = "Among those with a name, images come before artifacts."
HUB = "quay.io/"


def cases():
    yield from of_manifests()
    yield from of_names()
    yield from of_groups()


def of_manifests():
    """A bundle of two indexes and what refers to one; `a` and `b` are the indexes, `r` the referrer."""
    for label, quote, order, expected in (
        ("roots-first", BREADTH, "a b r a1 shared b1 r1", ACCEPT),
        ("root-by-root", BREADTH, "a a1 shared b b1 r r1", REFUSE),
        ("second-root-first", BREADTH, "b a r a1 shared b1 r1", REFUSE),
        ("parts-of-second-root-first", BREADTH, "a b r b1 shared a1 r1", REFUSE),
        ("parts-in-other-order", BREADTH, "a b r shared a1 b1 r1", REFUSE),
        ("shared-part-where-second-root-has-it", AGAIN, "a b r a1 b1 shared r1", REFUSE),
        ("referrer-after-parts", BREADTH, "a b a1 shared b1 r r1", REFUSE),
        ("part-of-referrer-first", BREADTH, "a b r r1 a1 shared b1", REFUSE),
        ("parts-first", BREADTH, "a1 shared b1 r1 a b r", REFUSE),
    ):
        yield Case(f"orders-{label}", quote, lambda order=order: two_indexes(order.split()), expected)
    for label, order, expected in (("near", "a b c far", ACCEPT), ("far", "a b far c", REFUSE)):
        yield Case(f"orders-met-{label}", AGAIN, lambda order=order: met_twice(order.split()), expected)


def two_indexes(order):
    box = Box()
    shared = box.image("shared", [])
    first, second, of_referrer = box.image("a1", []), box.image("b1", []), box.image("r1", [])
    one, other = box.index([first, shared]), box.index([second, shared, second])
    referrer = box.index([of_referrer], subject=one)
    parts = dict(a=one, b=other, r=referrer, a1=first, b1=second, r1=of_referrer, shared=shared)
    draft = sound(box, {HUB + "a:1": one, HUB + "b:1": other}, [referrer])
    draft.blobs[: len(order)] = [parts[name]["digest"] for name in order]
    return draft.file()


def met_twice(order):
    """`far` is two steps from the first root, and one from the second, which comes later."""
    box = Box()
    far = box.image("far", [])
    c = box.index([far])
    a, b = box.index([c]), box.index([far], annotations={"x": "y"})
    parts = dict(a=a, b=b, c=c, far=far)
    draft = sound(box, {HUB + "a:1": a, HUB + "b:1": b})
    draft.blobs[:4] = [parts[name]["digest"] for name in order]
    return draft.file()


def of_names():
    """One image by several names: nothing but the order of the roots tells one bundle from another."""
    digest = one_image()[1]["digest"]
    for label, texts in (
        ("numbers", (":1", ":10", ":2")),
        ("letters", (":A", ":Z", ":_", ":a")),
        ("signs-of-a-path", ("-b:1", ".b:1", "/b:1", ":1")),
        ("tag-and-digest", (":1", ":z", "@" + digest)),
        ("prefixes", (":1", ":1-", ":1.", ":1.0", ":11")),
        ("ports", ("/a:1", "/b:1", ":5000/a:1", ":500/a:1")),
        ("separators", ("-a:1", "--a:1", "_a:1", "__a:1")),
    ):
        names = [("quay.io" if label == "ports" else "quay.io/a") + text for text in texts]
        right = sorted(names, key=str.encode)
        yield Case(f"name-order-{label}", NAMES, lambda right=right: of_one_image(right), ACCEPT)
        for number in range(len(right) - 1):
            swapped = [*right[:number], right[number + 1], right[number], *right[number + 2 :]]
            build = lambda swapped=swapped: of_one_image(swapped)
            yield Case(f"name-order-{label}-swapped-{number}", NAMES, build, REFUSE)


def of_one_image(names):
    box, image = one_image()
    draft = sound(box, dict.fromkeys(names, image))
    root = {key: image[key] for key in ("mediaType", "digest", "size")}
    draft.index["manifests"] = [named(root, name) for name in names]
    return draft.file()


def of_groups():
    """Images and artifacts, where `x` is an artifact: `docker` has a type of Docker, `index` has entries."""
    for label, order, expected in (
        ("right", "docker index x y", ACCEPT),
        ("by-name", "docker x index y", REFUSE),
        ("artifacts-first", "x y docker index", REFUSE),
        ("artifacts-swapped", "docker index y x", REFUSE),
        ("images-swapped", "index docker x y", REFUSE),
    ):
        yield Case(f"groups-{label}", GROUPS, lambda order=order: groups(order.split()), expected)


def groups(order):
    box = Box()
    config = box.add(b"{}", "application/x")
    made = {
        "docker": box.image("d", [], media_type=DOCKER_IMAGE),
        "index": box.index([]),
        "x": box.image("x", [], config),
        "y": box.index([], artifactType="application/x"),
    }
    names = {"docker": HUB + "a:1", "x": HUB + "b:1", "index": HUB + "c:1", "y": HUB + "d:1"}
    draft = sound(box, {names[label]: image for label, image in made.items()})
    roots = {root["annotations"]["io.containerd.image.name"]: root for root in draft.index["manifests"]}
    draft.index["manifests"] = [roots[names[label]] for label in order]
    draft.blobs[:4] = [made[label]["digest"] for label in order]
    return draft.file()
