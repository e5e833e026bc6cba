"""index.json: its keys, its roots, their names, their order and the referrers."""

from page.descriptors import DOCKER_IMAGE, DOCKER_INDEX, OCI_IMAGE, OCI_INDEX

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import all_kinds, Box, LAYER, NAME, named, one_image, text

ROOT_NAMES = "both with the image's full name; absent for a root without a name"
ORDER = "Within each group the order is that of the names"
LEAVE_OUT = object()
OTHER = "whoever writes it, wherever and in whatever order"


def with_index(change):
    """A bundle of everything whose `index.json` was changed; all digests fit."""

    def build():
        draft = sound(*all_kinds())
        change(draft.index)
        return draft.file()

    return build


def with_root(change, number=0):
    return with_index(lambda index: change(index["manifests"][number]))


def cases():
    yield from of_keys()
    yield from of_root_keys()
    yield from of_orders()
    yield from of_types()
    yield from of_full_names()
    yield from of_short_names()


def of_keys():
    for label, quote, change in (
        (
            "artifact-type",
            "| `manifests` | the roots, in the order below",
            lambda index: index.update(artifactType="x/y"),
        ),
        ("unknown-key", "| `manifests` | the roots, in the order below", lambda index: index.update(more="x")),
        (
            "subject",
            "| `manifests` | the roots, in the order below",
            lambda index: index.update(subject=dict(index["manifests"][0])),
        ),
        (
            "no-media-type",
            "| `mediaType` | `application/vnd.oci.image.index.v1+json` |",
            lambda index: index.pop("mediaType"),
        ),
        (
            "empty-media-type",
            "| `mediaType` | `application/vnd.oci.image.index.v1+json` |",
            lambda index: index.update(mediaType=""),
        ),
        (
            "docker-media-type",
            "| `mediaType` | `application/vnd.oci.image.index.v1+json` |",
            lambda index: index.update(mediaType=DOCKER_INDEX),
        ),
        ("no-schema-version", "| `schemaVersion` | `2` |", lambda index: index.pop("schemaVersion")),
        ("schema-version-1", "| `schemaVersion` | `2` |", lambda index: index.update(schemaVersion=1)),
        ("schema-version-3", "| `schemaVersion` | `2` |", lambda index: index.update(schemaVersion=3)),
        ("no-roots", "at least one of them has a name |", lambda index: index.update(manifests=[])),
        ("no-manifests", "at least one of them has a name |", lambda index: index.pop("manifests")),
        (
            "other-annotation",
            "an object with the one key `io.oci-bundle.left-out`",
            lambda index: index["annotations"].update(x="y"),
        ),
        (
            "no-annotation",
            "an object with the one key `io.oci-bundle.left-out`",
            lambda index: index.pop("annotations"),
        ),
        (
            "empty-annotations",
            "an object with the one key `io.oci-bundle.left-out`",
            lambda index: index.update(annotations={}),
        ),
    ):
        yield Case(f"index-{label}", quote, with_index(change), REFUSE)


def of_root_keys():
    for label, quote, change in (
        (
            "platform",
            "Roots have no `platform`",
            lambda root: root.update(platform={"architecture": "amd64", "os": "linux"}),
        ),
        ("empty-platform", "Roots have no `platform`", lambda root: root.update(platform={})),
        ("artifact-type", "only on a root without a name", lambda root: root.update(artifactType="application/x")),
        ("urls", "Each root is a Descriptor:", lambda root: root.update(urls=["https://example.org/"])),
        ("empty-urls", "Each root is a Descriptor:", lambda root: root.update(urls=[])),
        ("unknown-key", "Each root is a Descriptor:", lambda root: root.update(more="x")),
        ("one-annotation", ROOT_NAMES, lambda root: root["annotations"].pop("io.containerd.image.name")),
        ("other-one-annotation", ROOT_NAMES, lambda root: root["annotations"].pop("org.opencontainers.image.ref.name")),
        ("third-annotation", ROOT_NAMES, lambda root: root["annotations"].update(a="b")),
        ("empty-annotation", ROOT_NAMES, lambda root: root["annotations"].update({"io.containerd.image.name": ""})),
        (
            "tag-alone",
            ROOT_NAMES,
            lambda root: root["annotations"].update({"org.opencontainers.image.ref.name": "latest"}),
        ),
        ("two-names", ROOT_NAMES, lambda root: root["annotations"].update({"io.containerd.image.name": "quay.io/a:1"})),
        ("no-name", "there are no other roots without a name", lambda root: root.pop("annotations")),
        ("empty-names", "there are no other roots without a name", lambda root: root.update(annotations={})),
        ("size", "| `digest`, `size` | of the manifest |", lambda root: root.update(size=root["size"] + 1)),
        ("digest", "| `digest`, `size` | of the manifest |", lambda root: root.update(digest="sha256:" + "0" * 64)),
        ("type", "the type of the manifest, see [below]", lambda root: root.update(mediaType=OCI_IMAGE)),
        ("other-kind", "the type of the manifest, see [below]", lambda root: root.update(mediaType=OCI_INDEX)),
        ("no-type", "the type of the manifest, see [below]", lambda root: root.update(mediaType=LAYER)),
    ):
        yield Case(f"root-{label}", quote, with_root(change), REFUSE)
    referrer = -1
    for label, quote, change in (
        ("no-artifact-type", "only on a root without a name", lambda root: root.pop("artifactType")),
        ("empty-artifact-type", "only on a root without a name", lambda root: root.update(artifactType="")),
        (
            "other-artifact-type",
            "only on a root without a name",
            lambda root: root.update(artifactType="application/x"),
        ),
        ("empty-annotations", ROOT_NAMES, lambda root: root.update(annotations={})),
        ("annotations", ROOT_NAMES, lambda root: root.update(annotations={"a": "b"})),
        (
            "platform",
            "Roots have no `platform`",
            lambda root: root.update(platform={"architecture": "amd64", "os": "linux"}),
        ),
    ):
        yield Case(f"referrer-{label}", quote, with_root(change, referrer), REFUSE)
    yield from of_artifact_types()


def of_artifact_types():
    """What stands as `artifactType` of a referrer, by its manifest."""
    quote = "its own `artifactType`, else the `mediaType` of its `config`"
    config = "application/vnd.oci.image.config.v1+json"
    empty = "An empty `artifactType` counts as none."
    for label, keys, right, wrong, where in (
        ("own", {"artifactType": "a/b"}, "a/b", config, quote),
        ("of-config", {}, config, None, quote),
        ("empty-own", {"artifactType": ""}, config, "", empty),
        ("null-own", {"artifactType": None}, config, None, quote),
        ("no-config", {"config": LEAVE_OUT}, None, config, quote),
        ("own-without-config", {"artifactType": "a/b", "config": None}, "a/b", None, quote),
    ):
        for verdict, value in ((ACCEPT, right), (REFUSE, wrong)):

            def build(keys=keys, value=value):
                box, image = one_image()
                document = {
                    "schemaVersion": 2,
                    "mediaType": OCI_IMAGE,
                    "subject": image,
                    "layers": [],
                    "config": box.config("r"),
                }
                document = {key: value for key, value in {**document, **keys}.items() if value is not LEAVE_OUT}
                about = box.add(text(document), OCI_IMAGE)
                draft = sound(box, {NAME: image}, [about])
                draft.index["manifests"][1].pop("artifactType", None)
                if value is not None:
                    draft.index["manifests"][1]["artifactType"] = value
                return draft.file()

            yield Case(f"artifact-type-{label}-{'right' if verdict == ACCEPT else 'wrong'}", where, build, verdict)


def of_orders():
    count = len(sound(*all_kinds()).index["manifests"])
    quotes = [
        ORDER,
        ORDER,
        "Among those with a name, images come before artifacts.",
        "Roots with a name come before those without.",
        ORDER,
    ]
    for number in range(count - 1):
        yield Case(f"roots-swapped-{number}", quotes[number], swapped_roots(number), REFUSE)
    yield Case("roots-swapped-only-there", ORDER, with_index(swap(1)), REFUSE)
    yield Case("roots-reversed", OTHER, with_index(lambda index: index["manifests"].reverse()), REFUSE)
    for label, quote, build in (
        (
            "index-with-artifact-type",
            "is a manifest with an `artifactType` that is not empty",
            artifact_first(lambda box: box.index([], artifactType="a/b")),
        ),
        (
            "image-with-artifact-type",
            "is a manifest with an `artifactType` that is not empty",
            artifact_first(lambda box: box.image("x", artifactType="a/b")),
        ),
        (
            "image-without-config",
            "is a manifest with an `artifactType` that is not empty",
            artifact_first(without_config),
        ),
        (
            "other-config",
            "is a manifest with an `artifactType` that is not empty",
            artifact_first(lambda box: box.image("x", config=box.add(b"{}", "a/b"))),
        ),
    ):
        yield Case(f"artifact-{label}-last", quote, lambda build=build: build(False), ACCEPT)
        yield Case(f"artifact-{label}-first", quote, lambda build=build: build(True), REFUSE)
    for label, make in (
        ("empty-artifact-type", lambda box: box.image("x", artifactType="")),
        ("index", lambda box: box.index([])),
        ("docker-config", lambda box: box.image("x", media_type=DOCKER_IMAGE)),
        (
            "docker-config-in-oci",
            lambda box: box.image("x", config=box.config("d", "application/vnd.docker.container.image.v1+json")),
        ),
    ):
        yield Case(
            f"image-{label}-by-name",
            "All other manifests are images.",
            lambda make=make: artifact_first(make)(True),
            ACCEPT,
        )


def swap(number):
    def change(index):
        roots = index["manifests"]
        roots[number], roots[number + 1] = roots[number + 1], roots[number]

    return change


def swapped_roots(number):
    """Swaps two roots, and the manifests that stand in their order where they lead to different ones."""

    def build():
        draft = sound(*all_kinds())
        swap(number)(draft.index)
        first, second = (draft.index["manifests"][number + place]["digest"] for place in (1, 0))
        if first != second:
            places = draft.blobs.index(first), draft.blobs.index(second)
            draft.blobs[places[0]], draft.blobs[places[1]] = second, first
        return draft.file()

    return build


def artifact_first(make):
    """Two roots, where the name of the one in question comes first."""

    def build(by_name):
        box, image = one_image()
        draft = sound(box, {"a.example/x:1": make(box), "b.example/one:1": image})
        roots = draft.index["manifests"]
        if (roots[0]["annotations"]["io.containerd.image.name"] == "a.example/x:1") != by_name:
            roots.reverse()
            draft.blobs[:2] = reversed(draft.blobs[:2])
        return draft.file()

    return build


def without_config(box):
    return box.document({"schemaVersion": 2, "mediaType": OCI_IMAGE, "layers": [box.layer("x")]}, OCI_IMAGE)


def of_types():
    """Where a manifest does not state its type, its first Descriptor does."""
    quote = "Where its type is left to them, the first in the order of the plan decides"
    for label, first, second, expected in (
        ("oci", OCI_IMAGE, OCI_IMAGE, ACCEPT),
        ("docker", DOCKER_IMAGE, DOCKER_IMAGE, ACCEPT),
        ("oci-and-docker", OCI_IMAGE, DOCKER_IMAGE, REFUSE),
        ("docker-and-oci", DOCKER_IMAGE, OCI_IMAGE, REFUSE),
        ("oci-and-index", OCI_IMAGE, OCI_INDEX, REFUSE),
    ):
        where = "In a bundle, the roots of one manifest all state the type" if first != second else quote

        def build(first=first, second=second):
            box = Box()
            image = box.document({"schemaVersion": 2, "config": box.config("c"), "layers": []}, OCI_IMAGE)
            draft = sound(box, {"quay.io/a:1": image, "quay.io/b:1": image})
            draft.index["manifests"][0]["mediaType"] = first
            draft.index["manifests"][1]["mediaType"] = second
            return draft.file()

        yield Case(f"root-types-{label}", where, build, expected)
    for label, root, expected in (("docker", DOCKER_IMAGE, ACCEPT), ("index", OCI_INDEX, REFUSE)):

        def build(root=root):
            box = Box()
            image = box.document({"schemaVersion": 2, "config": box.config("c"), "layers": []}, OCI_IMAGE)
            draft = sound(box, {"quay.io/a:1": box.index([image]), "quay.io/b:1": image})
            draft.index["manifests"][1]["mediaType"] = root
            return draft.file()

        yield Case(f"root-and-entry-types-{label}", quote, build, expected)


def of_full_names():
    full = "The full name is `HOST/PATH:TAG` or"
    digest = one_image()[1]["digest"]
    other = "sha256:" + "0" * 64
    for label, quote, name, expected in (
        ("tag", full, "quay.io/org/one:1", ACCEPT),
        ("digest", full, f"quay.io/org/one@{digest}", ACCEPT),
        ("other-digest", full, f"quay.io/org/one@{other}", REFUSE),
        (
            "tag-and-digest",
            "An image asked for with tag and digest is named by the tag",
            f"quay.io/org/one:1@{digest}",
            REFUSE,
        ),
        ("neither", full, "quay.io/org/one", REFUSE),
        ("no-host", full, "org/one:1", REFUSE),
        ("short", full, "one:1", REFUSE),
        ("empty", full, "", REFUSE),
        ("tag-only", full, "latest", REFUSE),
        ("space", full, "quay.io/org/one:1 ", REFUSE),
    ):

        def build(name=name):
            box, image = one_image()
            draft = sound(box, {NAME: image})
            draft.index["manifests"] = [named({key: image[key] for key in ("mediaType", "digest", "size")}, name)]
            return draft.file()

        yield Case(f"full-name-{label}", quote, build, expected)
    twice = "No name stands there twice; an image with two names has two roots."
    yield Case("full-names-two", twice, two_names("quay.io/org/one:1", "quay.io/org/one:2"), ACCEPT)
    yield Case("full-names-one-twice", twice, two_names("quay.io/org/one:1", "quay.io/org/one:1"), REFUSE)
    yield Case(
        "full-names-of-two-images-twice", twice, two_names("quay.io/org/one:1", "quay.io/org/one:1", True), REFUSE
    )
    yield Case("full-names-tag-and-digest", twice, two_names("quay.io/org/one:1", f"quay.io/org/one@{digest}"), ACCEPT)


def two_names(first, second, of_two=False):
    def build():
        box, image = one_image()
        images = [image, box.image("two") if of_two else image]
        draft = sound(box, {"quay.io/x:1": images[0], "quay.io/x:2": images[1]})
        for root, name in zip(draft.index["manifests"], (first, second)):
            root["annotations"] = dict.fromkeys(root["annotations"], name)
        return draft.file()

    return build


SHORT = "then `org.opencontainers.image.ref.name` of every root"
SHORT_FOR_ALL = "That is so for all roots with a name or for none."
ONE_REPOSITORY = "All their names have a tag then, and are of one repository."


def of_short_names():
    digest = one_image()[1]["digest"]
    one, two, other = "quay.io/org/one:1", "quay.io/org/one:2", "quay.io/org/other:2"
    for label, quote, names, expected in (
        ("both", SHORT, ((one, "1"), (two, "2")), ACCEPT),
        ("another-tag", SHORT, ((one, "1"), (two, "3")), REFUSE),
        ("exchanged", SHORT, ((one, "2"), (two, "1")), REFUSE),
        ("with-colon", SHORT, ((one, ":1"), (two, ":2")), REFUSE),
        ("with-path", SHORT, ((one, "one:1"), (two, "one:2")), REFUSE),
        ("empty", SHORT, ((one, ""), (two, "")), REFUSE),
        ("for-containerd", SHORT, (("1", one), ("2", two)), REFUSE),
        ("for-both", SHORT, (("1", "1"), ("2", "2")), REFUSE),
        ("first-alone", SHORT_FOR_ALL, ((one, "1"), (two, two)), REFUSE),
        ("second-alone", SHORT_FOR_ALL, ((one, one), (two, "2")), REFUSE),
        ("neither", SHORT_FOR_ALL, ((one, one), (two, two)), ACCEPT),
        ("two-repositories", ONE_REPOSITORY, ((one, "1"), (other, "2")), REFUSE),
        ("two-hosts", ONE_REPOSITORY, (("gcr.io/org/one:1", "1"), (two, "2")), REFUSE),
        ("by-digest", ONE_REPOSITORY, ((one, "1"), (f"quay.io/org/one@{digest}", digest)), REFUSE),
    ):
        yield Case(f"short-names-{label}", quote, named_twice(*names), expected)


def named_twice(*names):
    """One image under two names, each for containerd and for others."""

    def build():
        box, image = one_image()
        draft = sound(box, {"quay.io/x:1": image, "quay.io/x:2": image})
        for root, (of_containerd, standard) in zip(draft.index["manifests"], names):
            root["annotations"] = {
                "io.containerd.image.name": of_containerd,
                "org.opencontainers.image.ref.name": standard,
            }
        return draft.file()

    return build
