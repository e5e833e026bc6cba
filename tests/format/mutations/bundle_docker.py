"""The list for Docker: what may be on it, and the file that follows from that."""

import json

from page.descriptors import DOCKER_IMAGE
from page.digests import path_of
from page.json_write import written

from .case import ACCEPT, Case, Fifo, Link, REFUSE, Tree
from .draft import Entry, sound
from .material import all_kinds, Box, one_image

WHERE = "Between lines 3 and 4 stands `manifest.json`"
KEY = "| `docker` | object |"
KEYS = "A key is the full name of a root, and its value"
SOME = "There is at least one key; a root with a name need not be among them."
WHOLE = "Nothing that such a manifest names was left out."
NO_PART = "A bundle that is divided into volumes, and a delta, have no such list."
FORM = "It is an array, and written like the [other documents]"
ORDER = "each manifest has one element, where the first of its names stands."
CONFIG = "| `Config` |"
LAYERS = "| `Layers` |"
TAGS = "| `RepoTags` |"
DIRECTORY = "`manifest.json` is a plain file, and in its one form."
CHOICES = "The other choice is the [list for Docker]"

ONE, TWO, THREE = "quay.io/org/one:1", "quay.io/org/one:2", "quay.io/org/three:3"


def cases():
    yield from of_places()
    yield from of_keys()
    yield from of_names()
    yield from of_what_is_left_out()
    yield from of_forms()
    yield from of_elements()
    yield from of_directories()


def element(box, image, *names):
    """What the list has of an image, in plain terms."""
    manifest = json.loads(box.blobs[image["digest"]])
    return {
        "Config": path_of(manifest["config"]["digest"]),
        "Layers": [path_of(layer["digest"]) for layer in manifest.get("layers", [])],
        "RepoTags": list(names),
    }


def listed(draft, docker, elements, at=3, data=None, times=1):
    """A draft with a list for Docker; `data` is another content of the file than these elements."""
    draft.change_bundle = lambda document: document.update({"docker": docker})
    data = written(elements) if data is None else data
    draft.change_entries = lambda entries: [*entries[:at], *[Entry("manifest.json", data)] * times, *entries[at:]]
    return draft


def lone(**more):
    """A bundle of one image that is on the list; `more` is for the file."""
    box, image = one_image()
    elements = more.pop("elements", lambda one: [one])(element(box, image, ONE))
    return listed(sound(box, {ONE: image}), {ONE: image["digest"]}, elements, **more)


def of_places():
    for label, quote, expected, more in (
        ("there", WHERE, ACCEPT, {}),
        ("before-bundle-json", WHERE, REFUSE, {"at": 2}),
        ("after-blobs", WHERE, REFUSE, {"at": 4}),
        ("at-the-end", WHERE, REFUSE, {"at": 99}),
        ("missing", WHERE, REFUSE, {"times": 0}),
        ("twice", WHERE, REFUSE, {"times": 2}),
    ):
        yield Case(f"docker-list-{label}", quote, lambda more=more: lone(**more).file(), expected)

    def without_key():
        draft = lone()
        draft.change_bundle = lambda document: None
        return draft.file()

    yield Case("docker-list-without-key", WHERE, without_key, REFUSE)
    yield Case("docker-list-none", CHOICES, lambda: sound(*pair_of_one()).file(), ACCEPT)


def pair_of_one():
    box, image = one_image()
    return box, {ONE: image}


def of_keys():
    """What is on the list, and under which names."""

    def of(choose, elements=None):
        def build():
            box = Box()
            arm, amd, alone = box.image("arm"), box.image("amd", media_type=DOCKER_IMAGE), box.image("alone")
            nested = box.index([box.index([amd])])
            outer = box.index([arm, nested])
            empty = box.add(b"{}", "application/vnd.oci.empty.v1+json")
            chart, kind = box.image("chart", config=empty), box.image("kind", artifactType="text/plain")
            images = {
                "quay.io/org/a:1": outer,
                "quay.io/org/b:1": alone,
                "quay.io/org/c:1": chart,
                "quay.io/org/d:1": kind,
            }
            every = {"arm": arm, "amd": amd, "alone": alone, "outer": outer, "nested": nested, "chart": chart, "kind": kind}
            pairs = [(f"quay.io/org/{name}:1", every[image]) for name, image in choose]
            docker = {name: image["digest"] for name, image in pairs}
            made = [element(box, image, name) for name, image in pairs if "manifests" not in json.loads(box.blobs[image["digest"]])]
            return listed(sound(box, images), docker, made if elements is None else elements).file()

        return build

    for label, quote, choose, expected in (
        ("an-entry", KEYS, [("a", "arm")], ACCEPT),
        ("a-nested-entry", KEYS, [("a", "amd")], ACCEPT),
        ("the-root", KEYS, [("b", "alone")], ACCEPT),
        ("both", SOME, [("a", "arm"), ("b", "alone")], ACCEPT),
        ("of-another-root", KEYS, [("b", "arm")], REFUSE),
        ("an-index", KEYS, [("a", "outer")], REFUSE),
        ("a-nested-index", KEYS, [("a", "nested")], REFUSE),
        ("a-chart", KEYS, [("c", "chart")], REFUSE),
        ("of-an-artifact-type", KEYS, [("d", "kind")], REFUSE),
        ("no-name-of-a-root", KEYS, [("e", "alone")], REFUSE),
        ("none", KEY, [], REFUSE),
    ):
        yield Case(f"docker-key-{label}", quote, of(choose), expected)

    for label, docker in (("null", None), ("array", [ONE]), ("text", ONE), ("of-number", {ONE: 1}), ("of-null", {ONE: None})):

        def build(docker=docker):
            draft = lone()
            draft.change_bundle = lambda document: document.update({"docker": "HERE"})
            draft.change_bundle_text = lambda data: data.replace(b'"HERE"', json.dumps(docker, separators=(",", ":")).encode())
            return draft.file()

        yield Case(f"docker-key-{label}", KEYS, build, REFUSE)

    def short_name():
        box, image = one_image()
        return listed(sound(box, {ONE: image}), {"org/one:1": image["digest"]}, [element(box, image, ONE)]).file()

    yield Case("docker-key-short-name", KEYS, short_name, REFUSE)


def of_names():
    """Images under several names, and those that have no tag."""

    def of(names, docker, *elements):
        def build():
            box = Box()
            one, two = box.image("one"), box.image("two")
            images = {name.replace("DIGEST", one["digest"]): {"one": one, "two": two}[image] for name, image in names}
            choice = {name.replace("DIGEST", one["digest"]): image for name, image in docker}
            choice = {name: {"one": one, "two": two}[image]["digest"] for name, image in choice.items()}
            made = [element(box, {"one": one, "two": two}[image], *tags) for image, *tags in elements]
            return listed(sound(box, images), choice, made).file()

        return build

    twice = [(ONE, "one"), (TWO, "one")]
    mixed = [(ONE, "one"), (TWO, "two"), (THREE, "one")]
    digest = "quay.io/org/one@DIGEST"
    for label, quote, build, expected in (
        ("two", TAGS, of(twice, twice, ("one", ONE, TWO)), ACCEPT),
        ("two-turned", TAGS, of(twice, twice, ("one", TWO, ONE)), REFUSE),
        ("two-apart", ORDER, of(twice, twice, ("one", ONE), ("one", TWO)), REFUSE),
        ("one-of-two", TAGS, of(twice, twice[:1], ("one", ONE)), ACCEPT),
        ("second-of-two", TAGS, of(twice, twice[1:], ("one", TWO)), ACCEPT),
        ("first-for-second", TAGS, of(twice, twice[1:], ("one", ONE)), REFUSE),
        ("mixed", ORDER, of(mixed, mixed, ("one", ONE, THREE), ("two", TWO)), ACCEPT),
        ("mixed-turned", ORDER, of(mixed, mixed, ("two", TWO), ("one", ONE, THREE)), REFUSE),
        ("digest", TAGS, of([(digest, "one")], [(digest, "one")], ("one",)), ACCEPT),
        ("digest-and-tag", TAGS, of([(digest, "one"), (ONE, "one")], [(digest, "one"), (ONE, "one")], ("one", ONE)), ACCEPT),
        ("tag-left-out", TAGS, of(twice, twice, ("one", ONE)), REFUSE),
        ("no-tags", TAGS, of(twice[:1], twice[:1], ("one",)), REFUSE),
    ):
        yield Case(f"docker-names-{label}", quote, build, expected)


def of_what_is_left_out():
    def nondistributable(names_it):
        def build():
            box = Box()
            away = box.layer("away", 500, urls=["https://example.org/away"])
            image, other = box.image("windows", [away, box.layer("there")]), box.image("other")
            left_out = [box.leave_out(away)]
            chosen = image if names_it else other
            name = ONE if names_it else TWO
            draft = sound(box, {ONE: image, TWO: other}, left_out=left_out)
            return listed(draft, {name: chosen["digest"]}, [element(box, chosen, name)]).file()

        return build

    yield Case("docker-left-out-of-it", WHOLE, nondistributable(True), REFUSE)
    yield Case("docker-left-out-of-another", WHOLE, nondistributable(False), ACCEPT)

    def platform():
        box = Box()
        arm, amd = box.image("arm"), box.image("amd")
        outer = box.index([arm, amd])
        draft = sound(box, {ONE: outer}, away=[arm["digest"]])
        return listed(draft, {ONE: amd["digest"]}, [element(box, amd, ONE)]).file()

    yield Case("docker-left-out-platform", WHOLE, platform, ACCEPT)

    def delta():
        box = Box()
        image, other = box.image("one"), box.image("other")
        layer = json.loads(box.blobs[other["digest"]])["layers"][0]
        draft = sound(box, {ONE: image, TWO: other})
        draft.blobs.remove(layer["digest"])
        draft.absent = [{"digest": layer["digest"], "reason": "base", "size": layer["size"]}]
        return listed(draft, {ONE: image["digest"]}, [element(box, image, ONE)]).file()

    yield Case("docker-in-a-delta", NO_PART, delta, REFUSE)

    def kinds():
        box, images, referrers, left_out = all_kinds()
        name = "docker.io/library/docker:latest"
        draft = sound(box, images, referrers, left_out)
        return listed(draft, {name: images[name]["digest"]}, [element(box, images[name], name)]).file()

    yield Case("docker-beside-all-kinds", SOME, kinds, ACCEPT)


def of_forms():
    """Other ways to write the same."""
    for label, change in (
        ("spaces", lambda data: data.replace(b":", b": ", 1)),
        ("newline", lambda data: data + b"\n"),
        ("mark", lambda data: b"\xef\xbb\xbf" + data),
        ("keys-turned", lambda data: written(json.loads(data)).replace(b'"Config"', b'"config"')),
        ("escaped", lambda data: data.replace(b"quay", b"\\u0071uay")),
        ("tags-null", lambda data: data.replace(b'["quay.io/org/one:1"]', b"null")),
        ("no-array", lambda data: data[1:-1]),
        ("empty", lambda data: b""),
        ("empty-array", lambda data: b"[]"),
    ):

        def build(change=change):
            box, image = one_image()
            return lone(data=change(written([element(box, image, ONE)]))).file()

        yield Case(f"docker-form-{label}", FORM, build, REFUSE)


def of_elements():
    def other(**keys):
        return lambda one: [{**one, **keys}]

    for label, quote, change in (
        ("config-digest", CONFIG, lambda one: [{**one, "Config": one["Config"].split("/")[-1]}]),
        ("config-json", CONFIG, lambda one: [{**one, "Config": one["Config"] + ".json"}]),
        ("config-layer", CONFIG, lambda one: [{**one, "Config": one["Layers"][0]}]),
        ("layers-none", LAYERS, other(Layers=[])),
        ("layers-turned", LAYERS, lambda one: [{**one, "Layers": one["Layers"][::-1]}]),
        ("layers-twice", LAYERS, lambda one: [{**one, "Layers": one["Layers"] * 2}]),
        ("tags-other", TAGS, other(RepoTags=[TWO])),
        ("tags-more", TAGS, other(RepoTags=[ONE, TWO])),
        ("another-key", LAYERS, other(LayerSources={})),
        ("twice", ORDER, lambda one: [one, one]),
    ):
        yield Case(f"docker-element-{label}", quote, lambda change=change: lone(elements=change).file(), REFUSE)

    def layer_twice(made):
        def build():
            box = Box()
            layer = box.layer("twice")
            image = box.image("one", [layer, box.layer("between", 900), layer])
            one = element(box, image, ONE)
            one["Layers"] = made(one["Layers"])
            return listed(sound(box, {ONE: image}), {ONE: image["digest"]}, [one]).file()

        return build

    yield Case("docker-element-layer-twice", LAYERS, layer_twice(lambda layers: layers), ACCEPT)
    yield Case("docker-element-layer-once", LAYERS, layer_twice(lambda layers: layers[:2]), REFUSE)

    def without_layers():
        box = Box()
        image = box.image("one", [])
        return listed(sound(box, {ONE: image}), {ONE: image["digest"]}, [element(box, image, ONE)]).file()

    yield Case("docker-element-no-layers", LAYERS, without_layers, ACCEPT)

    def sha512():
        box = Box()
        image = box.image("one", [box.layer("long", 300, "sha512")])
        return listed(sound(box, {ONE: image}), {ONE: image["digest"]}, [element(box, image, ONE)]).file()

    yield Case("docker-element-sha512", LAYERS, sha512, ACCEPT)


def of_directories():
    def unpacked(change):
        def build():
            entries = {entry.path: entry.data for entry in lone().entries() if not entry.path.endswith("/")}
            change(entries)
            return Tree(entries)

        return build

    def removed(entries):
        del entries["manifest.json"]

    def as_link(entries):
        entries["list.json"] = entries["manifest.json"]
        entries["manifest.json"] = Link("list.json")

    for label, change, expected in (
        ("there", lambda entries: None, ACCEPT),
        ("missing", removed, REFUSE),
        ("other", lambda entries: entries.update({"manifest.json": b"[]"}), REFUSE),
        ("link", as_link, REFUSE),
        ("pipe", lambda entries: entries.update({"manifest.json": Fifo()}), REFUSE),
    ):
        yield Case(f"docker-directory-{label}", DIRECTORY, unpacked(change), expected)

    def beside():
        draft = sound(*pair_of_one())
        entries = {entry.path: entry.data for entry in draft.entries() if not entry.path.endswith("/")}
        return Tree({**entries, "manifest.json": b"anything"})

    yield Case("docker-directory-beside", "What lies elsewhere is ignored.", beside, ACCEPT)
