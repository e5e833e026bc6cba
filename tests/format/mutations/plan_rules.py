"""What is refused of a plan: steps, sizes, what is missing, what does not hash to its name."""

from page.digests import path_of

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import all_kinds, Box, LAYER, NAME, named, one_image

ROOT_TYPE = "a root whose Descriptor has no manifest type"
TWO_SIZES = "one digest with two sizes, in Descriptors or in entries;"
STEPS = "a manifest that is more than 15 steps away from the nearest root"
MISSING_MANIFEST = "a manifest that is missing, unless it was left out for its platform;"
MISSING_BLOB = "a blob that is missing, unless one of its Descriptors"
HASHES = "content that does not hash to its name, or is not as long"
SIZES = "or sizes that add up to more than 2^60 bytes"
SUBJECT = "The Descriptor of a `subject` has the form of one, and is otherwise no Descriptor of the plan"
URLS = ["https://example.org/"]


def cases():
    for media_type in (LAYER, "application/json", "application/vnd.oci.image.config.v1+json", "text"):
        label = media_type.split("/")[-1].split("+")[0]
        yield Case(f"plan-root-of-type-{label}", ROOT_TYPE, root_of_type(media_type), REFUSE)
    yield from of_sizes()
    yield from of_steps()
    yield from of_missing()
    yield from of_hashes()
    yield from of_sums()


def root_of_type(media_type):
    def build():
        box, image = one_image()
        return foreign.tar(box, [named(image), {**box.config("x"), "mediaType": media_type}])

    return build


def of_sizes():
    """One digest, and two Descriptors of it with different sizes, in any two places."""
    for first in ("config", "layers", "blobs", "manifests"):
        for second in ("config", "layers", "blobs", "manifests"):

            def build(first=first, second=second, off=1):
                box = Box()
                target = box.layer("target")
                other = {**target, "size": target["size"] + off}
                return foreign.tar(box, [with_descriptor(box, first, target), with_descriptor(box, second, other)])

            yield Case(f"two-sizes-{first}-{second}", TWO_SIZES, build, REFUSE)
            yield Case(f"one-size-{first}-{second}", TWO_SIZES, lambda build=build: build(off=0), ACCEPT)
    yield Case("two-sizes-root-and-entry", TWO_SIZES, two_sizes_of_manifest, REFUSE)
    yield Case("two-sizes-of-root", TWO_SIZES, two_sizes_of_root, REFUSE)
    yield Case("two-sizes-of-missing", TWO_SIZES, two_sizes_of_missing, REFUSE)
    yield Case("two-sizes-of-subject", SUBJECT, two_sizes_of_subject, ACCEPT)


def with_descriptor(box, place, descriptor):
    """A root that has this Descriptor in this place."""
    if place == "manifests":
        return box.index([descriptor])
    if place == "config":
        return box.image("x", [], descriptor)
    if place == "layers":
        return box.image("x", [descriptor])
    return box.image("x", [], **{place: [descriptor]})


def two_sizes_of_manifest():
    box, image = one_image()
    return foreign.tar(box, [image, box.index([{**image, "size": image["size"] - 1}])])


def two_sizes_of_root():
    box, image = one_image()
    return foreign.tar(box, [image, {**image, "size": image["size"] + 1}])


def two_sizes_of_missing():
    box = Box()
    away = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 5, "urls": URLS}
    return foreign.tar(box, [box.image("one", [away, {**away, "size": 6}])])


def two_sizes_of_subject():
    box, image = one_image()
    return foreign.tar(box, [image, box.image("about", subject={**image, "size": 1})])


def of_steps():
    for steps in (1, 14, 15, 16, 17, 20):
        expected = ACCEPT if steps <= 15 else REFUSE
        yield Case(f"steps-{steps:02}", STEPS, nested(steps), expected)
        if steps > 13:
            yield Case(f"steps-{steps:02}-in-bundle", STEPS, nested_bundle(steps), expected)
    yield Case("steps-16-to-a-layer", STEPS, nested(15, entry=True), ACCEPT)
    yield Case("steps-20-but-near-a-root", STEPS, nested(20, root_at=8), ACCEPT)
    yield Case("steps-20-and-16-from-nearest", STEPS, nested(20, root_at=17), REFUSE)
    yield Case("steps-16-to-an-entry-of-the-root", STEPS, nested(16, shortcut=0), ACCEPT)
    yield Case("steps-17-to-an-entry-of-the-root", STEPS, nested(17, shortcut=0), REFUSE)
    yield Case("steps-16-to-a-root", STEPS, nested(16, root_at=0), ACCEPT)
    yield Case("steps-17-to-a-root", STEPS, nested(17, root_at=0), REFUSE)
    yield Case("steps-20-by-a-shorter-way", STEPS, nested(20, shortcut=10), ACCEPT)


def chain(steps, entry=False, shortcut=None):
    """An index in an index and so on, down to an image; gives the Descriptors from the image up."""
    box = Box()
    down = [box.image("deep")]
    for step in range(steps):
        entries = [down[-1]]
        if entry and step == 0:
            entries = [box.add(b"text", "text/plain")]
            down[0] = entries[0]
        if shortcut is not None and step == steps - 1:
            entries.append(down[shortcut])
        down.append(box.index(entries, annotations={"step": str(step)}))
    return box, down


def nested(steps, entry=False, root_at=None, shortcut=None):
    def build():
        box, down = chain(steps + 1 if entry else steps, entry, shortcut)
        return foreign.tar(box, [down[-1], *([down[root_at]] if root_at is not None else [])])

    return build


def nested_bundle(steps):
    """A bundle too deep is put together as if an inner index were the image, and the order is that of one line."""

    def build():
        box, down = chain(steps)
        draft = sound(box, {NAME: down[14]})
        above = [one["digest"] for one in reversed(down[15:])]
        draft.blobs = above + draft.blobs
        root = {key: down[-1][key] for key in ("mediaType", "digest", "size")}
        draft.index["manifests"] = [named(root)]
        return draft.file()

    return build


def of_missing():
    box, images, referrers, _ = all_kinds()
    roots = [named(image, name) for name, image in images.items()] + referrers
    sizes = sorted(box.blobs)
    for number, digest in enumerate(sizes):

        def build(digest=digest):
            rest = Box()
            rest.blobs = {key: value for key, value in box.blobs.items() if key != digest}
            return foreign.tar(rest, roots)

        is_manifest = b'"schemaVersion"' in box.blobs[digest]
        yield Case(f"missing-{number:02}", MISSING_MANIFEST if is_manifest else MISSING_BLOB, build, REFUSE)
    whichever = "a blob that is missing, unless one of its Descriptors"
    for label, urls, place, expected in (
        ("layer-with-urls", URLS, "layers", ACCEPT),
        ("config-with-urls", URLS, "config", ACCEPT),
        ("blob-with-urls", URLS, "blobs", ACCEPT),
        ("entry-with-urls", URLS, "manifests", ACCEPT),
        ("layer-with-no-urls", [], "layers", REFUSE),
        ("layer-with-null-urls", None, "layers", REFUSE),
        ("layer-with-empty-url", [""], "layers", ACCEPT),
    ):

        def build(urls=urls, place=place):
            away = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 5, "urls": urls}
            other = Box()
            return foreign.tar(other, [with_descriptor(other, place, away)])

        yield Case(f"missing-{label}", whichever, build, expected)
    for first in ("config", "layers", "blobs", "manifests"):
        yield Case(f"missing-urls-in-{first}-only", whichever, urls_elsewhere(first), ACCEPT)
    yield Case("missing-urls-of-subject-only", SUBJECT, urls_of_subject, REFUSE)
    yield Case("missing-urls-that-nobody-serves", "Nobody fetches `urls` on this side.", urls_of_nobody, ACCEPT)
    yield Case("missing-urls-of-root-only", MISSING_MANIFEST, urls_of_root, REFUSE)
    yield Case("missing-urls-of-annotation-only", whichever, urls_of_annotation, REFUSE)
    yield Case("missing-layer-below-what-is-not-followed", "nothing below those is followed", not_followed, ACCEPT)
    yield Case("missing-manifest-with-urls", MISSING_MANIFEST, manifest_with_urls, REFUSE)
    yield Case("missing-root-with-urls", MISSING_MANIFEST, root_with_urls, REFUSE)
    yield Case("missing-manifest-named-as-layer-with-urls", MISSING_MANIFEST, manifest_and_layer_with_urls, REFUSE)
    yield Case("missing-subject", "`subject` is not followed", missing_subject, ACCEPT)


def urls_elsewhere(place):
    def build():
        box = Box()
        away = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 5}
        return foreign.tar(box, [box.image("one", [away]), with_descriptor(box, place, {**away, "urls": URLS})])

    return build


def urls_of_subject():
    box = Box()
    away = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 5}
    return foreign.tar(box, [box.image("one", [away], subject={**away, "urls": URLS})])


def urls_of_nobody():
    """Whoever fetched these would not get far."""
    box = Box()
    away = {
        "mediaType": LAYER,
        "digest": "sha256:" + "0" * 64,
        "size": 5,
        "urls": ["http://127.0.0.1:1/layer", "no url"],
    }
    return foreign.tar(box, [box.image("one", [away])])


def manifest_with_urls():
    box, image = one_image()
    box.leave_out(image)
    return foreign.tar(box, [box.index([{**image, "urls": URLS}])])


def root_with_urls():
    box, image = one_image()
    box.leave_out(image)
    return foreign.tar(box, [{**image, "urls": URLS}])


def manifest_and_layer_with_urls():
    box, image = one_image()
    box.leave_out(image)
    return foreign.tar(box, [box.index([image]), box.image("other", [{**image, "mediaType": LAYER, "urls": URLS}])])


def urls_of_root():
    """A root with `urls`, whose manifest is there and whose layer is not."""
    box = Box()
    away = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 5}
    return foreign.tar(box, [{**box.image("one", [away]), "urls": URLS}])


def urls_of_annotation():
    box = Box()
    away = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 5, "annotations": {"urls": URLS[0]}}
    return foreign.tar(box, [box.image("one", [away], annotations={"urls": URLS[0]})])


def not_followed():
    """The layer is missing from an image that only a layer of another one is."""
    box = Box()
    away = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 5}
    inner = box.image("inner", [away])
    return foreign.tar(
        box, [box.image("one", [{**inner, "mediaType": LAYER}]), box.index([{**inner, "mediaType": "x"}])]
    )


def missing_subject():
    box = Box()
    subject = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "0" * 64, "size": 5}
    return foreign.tar(box, [box.image("one", subject=subject)])


def of_hashes():
    box, images, referrers, _ = all_kinds()
    roots = [named(image, name) for name, image in images.items()] + referrers
    for number, digest in enumerate(sorted(box.blobs)):
        for label, change in (
            ("first-byte", lambda data: bytes([data[0] ^ 1]) + data[1:]),
            ("last-byte", lambda data: data[:-1] + bytes([data[-1] ^ 0x80])),
            ("shorter", lambda data: data[:-1]),
            ("longer", lambda data: data + b"\0"),
        ):

            def build(digest=digest, change=change):
                other = Box()
                other.blobs = {**box.blobs, digest: change(box.blobs[digest])}
                return foreign.tar(other, roots)

            yield Case(f"hash-{number:02}-{label}", HASHES, build, REFUSE)
        draft_of = lambda digest=digest: damaged_bundle(digest)
        yield Case(f"hash-{number:02}-in-bundle", "It pins everything below: each root by digest", draft_of, REFUSE)
    unknown = "It has to hash to its name all the same."
    yield Case("hash-of-what-nothing-refers-to", unknown, unreferenced(b"x"), REFUSE)
    yield Case(
        "hash-of-what-nothing-refers-to-right",
        "A blob may be there that nothing refers to.",
        unreferenced(b"y"),
        ACCEPT,
    )
    yield Case("size-in-descriptor-only", HASHES, size_in_descriptor, REFUSE)
    every = "Content is hashed every time it is read."
    yield Case("hash-second-time", every, second_time, REFUSE)


def damaged_bundle(digest):
    draft = sound(*all_kinds())
    data = draft.box.blobs[digest]
    draft.box.blobs[digest] = data[:-1] + bytes([data[-1] ^ 1])
    return draft.file()


def unreferenced(data):
    def build():
        box, image = one_image()
        other = Box()
        digest = other.add(b"y", "")["digest"]
        return foreign.tar(box, [named(image)], after=foreign.entry(path_of(digest), data))

    return build


def size_in_descriptor():
    box = Box()
    layer = box.layer("x")
    return foreign.tar(box, [box.image("one", [{**layer, "size": layer["size"] + 1}])])


def second_time():
    """A blob stands twice, in one size, and the second time it is damaged."""
    box, image = one_image()
    digest, data = next(iter(box.blobs.items()))
    return foreign.tar(box, [named(image)], after=foreign.entry(path_of(digest), bytes(len(data))))


def of_sums():
    """Sizes of layers that are not there: 2^53 is the largest of one, 128 of those are 2^60."""
    for label, layers, more, expected in (
        ("2-to-60-exactly", 127, True, ACCEPT),
        ("2-to-60-and-one", 127, False, REFUSE),
        ("far-more", 200, True, REFUSE),
    ):

        def build(layers=layers, exact=more):
            box = Box()
            away = [absent(number, 2**53) for number in range(layers)]
            # The manifest counts too; the size of the last layer is what is left, in as many digits in any case.
            config = box.config("c")
            guess = box.image("one", [*away, absent(layers, 2**53 - 100000)], config)
            rest = 2**53 - guess["size"] - config["size"] + (0 if exact else 1)
            box.leave_out(guess)
            return foreign.tar(box, [named(box.image("one", [*away, absent(layers, rest)], config))])

        yield Case(f"sum-of-sizes-{label}", SIZES, build, expected)
    yield Case("sum-of-sizes-of-subjects", SUBJECT, sizes_of_subjects, ACCEPT)
    yield Case("sum-of-sizes-of-one-layer", SIZES, one_size_again, ACCEPT)


def sizes_of_subjects():
    """Far more than 2^60 bytes, if subjects counted."""
    box = Box()
    subjects = [{**absent(number, 2**53), "mediaType": "x"} for number in range(200)]
    return foreign.tar(box, [box.image(f"{number}", [], subject=one) for number, one in enumerate(subjects)])


def one_size_again():
    """Far more than 2^60 bytes, if content counted as often as it is named."""
    box = Box()
    return foreign.tar(box, [box.image(f"{number}", [absent(0, 2**53)]) for number in range(200)])


def absent(number, size):
    return {"mediaType": LAYER, "digest": f"sha256:{number:064x}", "size": size, "urls": ["x"]}
