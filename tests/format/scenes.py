"""What is exported: the images of the fixtures, and layouts made here for what those do not have."""

import base64
import itertools
import os

from page.descriptors import DOCKER_IMAGE, DOCKER_INDEX, OCI_IMAGE, OCI_INDEX
import platform_scenes
from mutations import foreign
from mutations.chance import Maker
from mutations.material import Box, CONFIG, DOCKER_CONFIG, LAYER, named, text
from mutations.mutated import write_tree
from scene import HOST, Scene
from writer import images_of

FIXTURES = os.path.join(os.path.dirname(__file__), "..", "..", "fixtures", "images")
URLS = ["https://example.invalid/layer"]


def scenes(folder):
    """All scenes; those that are made here are written below this folder."""
    yield from of_fixtures()
    yield from platform_scenes.scenes(folder)
    for make in (
        *(by_chance(seed) for seed in range(8)),
        plain,
        left_out,
        left_out_config,
        referrers,
        referrer_by_name_too,
        sha512,
        config_and_layer,
        nested,
        names,
        orders,
        no_stated_types,
        other_content,
        data_alone,
        several_data,
        data_and_urls,
        data_of_manifests,
        data_far_away,
        referrers_of_all_kinds,
        many_names,
        both_algorithms,
        whole_blocks,
        sizes,
        short_names,
        listed_for_docker,
    ):
        box, images, unnamed, asked, away = make()
        label = make.__name__.replace("_", "-")
        path = os.path.join(folder, label)
        roots = [named(image, HOST + name) for name, image in images.items()] + unnamed
        write_tree(foreign.tree(box, roots), path)
        pairs = [(HOST + typed, HOST + name) for typed, name in asked or [(name, name) for name in images]]
        docker = listed(images) if make is listed_for_docker else {}
        yield Scene(label, path, pairs, [one["digest"] for one in away], short=make is short_names, docker=docker)


def of_fixtures():
    every = sorted(images_of(FIXTURES)[0])
    yield Scene("fixtures", FIXTURES, [(name, name) for name in every], [])
    for name in every:
        yield Scene(f"fixture {name}", FIXTURES, [(name, name)], [])
    for pair in list(itertools.combinations(every, 2))[::3]:
        yield Scene("fixtures " + " and ".join(pair), FIXTURES, [(name, name) for name in reversed(pair)], [])


def by_chance(seed):
    """Content that chance made. What is not by sha256 is asked for by digest, so that nobody has to guess that."""

    def make():
        maker = Maker(seed)
        images = {}
        for name, image in maker.names().items():
            path = name.partition("/")[2]
            by_tag = image["digest"].startswith("sha256:") or "@" in path
            images[path if by_tag else path.partition(":")[0] + "@" + image["digest"]] = image
        _, left_out = maker.referrers(images.values(), share=1)
        away = [{"digest": digest} for digest in left_out]
        return maker.box, images, [one for one in maker.manifests if maker.subject(one)], [], away

    make.__name__ = f"by_chance_{seed}"
    return make


def plain():
    box = Box()
    return box, {"one:1": box.image("one")}, [], [], []


def short_names():
    """Tags of one repository, of an index among them, and what refers to it."""
    box = Box()
    outer = box.index([box.image("arm"), box.image("amd", [box.layer("amd", 5000)])])
    signature = box.image("signature", [], box.add(b"{}", "application/vnd.oci.empty.v1+json"), subject=outer)
    images = {"org/one:2": outer, "org/one:10": box.image("ten", [box.layer("ten", 9000)]), "org/one:latest": outer}
    return box, images, [signature], [], []


def listed_for_docker():
    """Images under several names, of one platform and of many, and what is not for Docker."""
    box = Box()
    arm, amd = ({**box.image(name), "platform": {"os": "linux", "architecture": name}} for name in ("arm64", "amd64"))
    odd = box.image("odd", config=box.add(text({"architecture": "s390x", "os": "linux"}), CONFIG))
    chart = box.image("chart", config=box.add(b"{}", "application/vnd.cncf.helm.config.v1+json"))
    outer = box.index([arm, box.index([amd])])
    layer = box.layer("twice", 2000)
    images = {
        "org/outer:2": outer,
        "org/alone:1": box.image("alone", [layer, box.layer("other"), layer]),
        "org/outer:1": outer,
        "org/odd:1": odd,
        "org/chart:1": chart,
        "org/amd:1": {key: value for key, value in amd.items() if key != "platform"},
    }
    return box, images, [], [], []


def listed(images):
    """Of these, what is for linux/amd64."""
    amd = images["org/amd:1"]["digest"]
    chosen = {"org/outer:1": amd, "org/outer:2": amd, "org/amd:1": amd, "org/alone:1": images["org/alone:1"]["digest"]}
    return {HOST + name: digest for name, digest in chosen.items()}


def left_out():
    """Layers that the registry does not have: of one the `urls` stand in another Descriptor."""
    box = Box()
    away = box.layer("away", 4000, urls=URLS)
    without_urls = {key: value for key, value in away.items() if key != "urls"}
    other = box.layer("other", 100, "sha512", urls=URLS)
    there = box.layer("there", 50, urls=URLS)
    outer = box.index([box.image("a", [away, there]), box.image("b", [without_urls, other])])
    images = {"org/outer:1": outer, "org/b:1": box.image("b2", [other])}
    box.leave_out(away)
    box.leave_out(other)
    return box, images, [], [], [away, other]


def left_out_config():
    box = Box()
    config = box.config("away", urls=URLS)
    image = box.image("one", config=config)
    box.leave_out(config)
    return box, {"one:1": image}, [], [], [config]


def referrers():
    """Referrers of a platform, of an index, of a referrer, and of a part of a referrer; and one of nothing here."""
    box = Box()
    arm = box.image("arm")
    outer = box.index([arm, box.index([box.image("deep")])])
    empty = box.add(b"{}", "application/vnd.oci.empty.v1+json")
    signature = box.image(
        "signature", [box.layer("signature", 20)], empty, subject=arm, artifactType="application/vnd.x.signature"
    )
    about_signature = box.image("about", [], empty, subject=signature)
    part = box.image("part", [])
    whole = box.index([part], subject=outer, annotations={"a": "b"})
    odd = box.index([], subject=part, artifactType='odd/"\\\t\x01é😀')
    no_config = box.document({"schemaVersion": 2, "mediaType": OCI_IMAGE, "layers": [], "subject": arm}, OCI_IMAGE)
    images = {"org/outer:1": outer, "org/other:1": box.image("other")}
    unnamed = [signature, about_signature, whole, odd, no_config]
    return box, images, unnamed, [], []


def referrer_by_name_too():
    box = Box()
    image = box.image("one")
    signature = box.image("signature", [], box.add(b"{}", "application/vnd.oci.empty.v1+json"), subject=image)
    return box, {"one:1": image, "signature:1": signature}, [signature], [], []


def sha512():
    """Everything by sha512, asked for by digest, so that nobody has to guess the algorithm."""
    box = Box()
    config = box.add(text({"os": "linux"}), CONFIG, "sha512")
    image = box.image("one", [box.layer("a", 70, "sha512"), box.layer("b", 70)], config, algorithm="sha512")
    outer = box.index([image, box.image("other")], algorithm="sha512")
    name = f"org/outer@{outer['digest']}"
    return box, {name: outer}, [], [(name, name)], []


def config_and_layer():
    box = Box()
    config = box.config("shared")
    first = box.image("first", config=config)
    second = box.image("second", [{**config, "mediaType": LAYER}, box.layer("x", 10)])
    third = box.index(
        [first, {**config, "mediaType": "text/plain"}, {**box.config("entry only"), "mediaType": "text/plain"}]
    )
    return box, {"b:1": second, "c:1": third}, [], [], []


def nested():
    """Indexes in indexes, some of Docker; manifests that are met several times, and at different depths."""
    box = Box()
    leaves = [box.image(f"leaf {number}", [box.layer(f"{number}", 100 + number)]) for number in range(5)]
    inner = box.index(leaves[:2], DOCKER_INDEX)
    deeper = box.index([inner, leaves[2], leaves[0]])
    deepest = box.index([deeper, box.index([])])
    outer = box.index([leaves[3], deepest, inner, leaves[4], leaves[0]])
    line = box.image("line")
    for number in range(15):
        line = box.index([line], annotations={"step": str(number)})
    return box, {"outer:1": outer, "line:1": line}, [], [], []


def names():
    """Two names of one image, names by digest, and a name with both."""
    box = Box()
    one, two, three = box.image("one"), box.image("two"), box.image("three")
    by_digest = f"org/three@{three['digest']}"
    images = {"org/one:1": one, "org/one:latest": one, "org/two:1": two, by_digest: three}
    asked = [
        (by_digest, by_digest),
        ("org/two:1@" + two["digest"], "org/two:1"),
        ("org/one", "org/one:latest"),
        ("org/one:1", "org/one:1"),
    ]
    return box, images, [], asked, []


def orders():
    """Images and artifacts whose names would be in another order."""
    box = Box()
    chart = box.image("chart", config=box.add(b"{}", "application/vnd.cncf.helm.config.v1+json"))
    typed = box.image("typed", artifactType="application/x")
    untyped = box.image("untyped", artifactType="")
    no_config = box.document({"schemaVersion": 2, "mediaType": OCI_IMAGE, "layers": [box.layer("n")]}, OCI_IMAGE)
    typed_index = box.index([box.image("in typed")], artifactType="application/x")
    docker_config = box.image("docker config", config=box.config("d", DOCKER_CONFIG))
    images = {
        "a:1": chart,
        "b:1": typed,
        "c:1": untyped,
        "d:1": no_config,
        "e:1": typed_index,
        "f:1": docker_config,
        "g-1:1": typed_index,
        "g:1": box.index([]),
    }
    return box, images, [], [], []


def no_stated_types():
    box = Box()
    image = box.document({"schemaVersion": 2, "config": box.config("c"), "layers": []}, OCI_IMAGE)
    other = box.document(
        {"schemaVersion": 2, "mediaType": "", "config": box.config("d"), "layers": [], "annotations": None}, OCI_IMAGE
    )
    index = box.document({"manifests": [image, other]}, OCI_INDEX)
    return box, {"a:1": index, "b:1": image}, [], [], []


def other_content():
    """`blobs`, `data`, entries that are no manifests, keys that nobody knows, and a subject that is not there."""
    box = Box()
    layer = box.layer("data", 40)
    layer["data"] = base64.b64encode(box.blobs[layer["digest"]]).decode()
    subject = {"mediaType": OCI_IMAGE, "digest": "sha256:" + "0" * 64, "size": 7}
    image = box.image("one", [layer], blobs=[box.layer("blob", 33)], subject=subject, unknown=[None, 1.5])
    index = box.index([image, box.add(b"text", "text/plain", urls=URLS)], blobs=[box.layer("of index", 34)])
    return box, {"a:1": index}, [], [], []


def data_alone():
    """Content that the registry does not have, and that stands in Descriptors: nothing was left out."""
    box = Box()
    layer = moved(box, box.layer("layer", 40))
    with_urls = {**moved(box, box.layer("with urls", 50)), "urls": URLS}
    config = moved(box, box.config("c"))
    nothing = moved(box, box.add(b"", LAYER))
    index = box.index([moved(box, box.image("one", [layer, with_urls, nothing], config)), moved(box, box.index([]))])
    return box, {"a:1": index}, [], [], []


def several_data():
    """A layer whose content stands in another Descriptor of it, which comes first or later."""
    box = Box()
    layers = [box.layer(f"{number}", 40) for number in range(2)]
    first = box.image("first", layers)
    second = box.image("second", [moved(box, layers[0]), moved(box, layers[1])])
    other = box.image("other", layers[::-1])
    return box, {"a:1": box.index([first, second, other])}, [], [], []


def data_and_urls():
    """Content that could be left out if it did not stand in one of its Descriptors; and some that was left out."""
    box = Box()
    layer, config, entry = box.layer("x", 40), box.config("c"), box.add(b"text", "text/plain")
    away = box.layer("away", 60, urls=URLS)
    with_urls = box.image("urls", [{**layer, "urls": URLS}, away], {**config, "urls": URLS})
    outer = box.index([with_urls, {**entry, "urls": URLS}, {**moved(box, entry), "urls": []}])
    with_data = box.image("data", [moved(box, layer)], moved(box, config))
    box.leave_out(away)
    return box, {"a:1": outer, "b:1": with_data}, [], [], [away]


def data_of_manifests():
    """Manifests that the registry does not have: they stand in a second entry, or in a layer of what is met before."""
    box = Box()
    second, layer = box.image("second"), box.image("layer", artifactType="a/b")
    holder = box.image("holder", [{**moved(box, layer), "mediaType": LAYER}])
    index = box.index([second, holder, box.index([{**layer, "urls": URLS}]), moved(box, second)])
    return box, {"a:1": index}, [], [], []


def data_far_away():
    """A manifest that the registry does not have: it stands in a layer some steps below what is met later."""
    box = Box()
    image = box.image("one")
    line = box.image("other", [{**moved(box, image), "mediaType": LAYER}])
    for step in range(5):
        line = box.index([line], annotations={"step": str(step)})
    return box, {"a:1": box.index([image]), "b:1": line}, [], [], []


def moved(box, descriptor):
    """Takes content out of the box, and puts it into its Descriptor."""
    return {**descriptor, "data": base64.b64encode(box.blobs.pop(descriptor["digest"])).decode()}


def referrers_of_all_kinds():
    """An index without an artifact type, types of Docker, and a chain of referrers that each have parts."""
    box = Box()
    image = box.image("one")
    bare = box.index([], subject=image)
    docker = box.image("docker", [], media_type=DOCKER_IMAGE, subject=image)
    docker_index = box.index([box.image("part", [])], DOCKER_INDEX, subject=bare)
    of_part = box.image("of part", [], subject=box.image("part", []), artifactType="")
    last = box.index([box.image("last", [box.layer("l", 30)])], subject=of_part, artifactType="a/b")
    return box, {"org/one:1": image}, [bare, docker, docker_index, of_part, last], [], []


def many_names():
    """Names whose order is not that of any list of names that a person would make."""
    box = Box()
    image, chart = box.image("one"), box.image("chart", artifactType="application/x")
    names = "a:1 a:10 a:2 a:A a:_ a:a a-b:1 a.b:1 a/b:1 a__b:1 a_b:1 a1:1 b:latest a:1.0 a:1-0 a:1_0".split()
    return box, {name: chart if name in ("a:10", "a.b:1", "a/b:1") else image for name in names}, [], [], []


def both_algorithms():
    """One content by both algorithms, as a layer, as a config and as a manifest."""
    box = Box()
    layers = [box.layer("x", 70, algorithm) for algorithm in ("sha512", "sha256")]
    configs = [box.add(b"{}", CONFIG, algorithm) for algorithm in ("sha512", "sha256")]
    images = [box.image("one", layers, config, algorithm="sha512") for config in configs]
    again = [box.image("one", layers, config) for config in configs]
    return box, {"a:1": box.index([*images, *again]), "b:1": again[0]}, [], [], []


def whole_blocks():
    """Blobs around the size of a block, content that is used for several things, and what stands there twice."""
    box = Box()
    layers = [box.layer(f"{size}", size) for size in (1, 511, 512, 513, 1023, 1024, 1025)]
    config = box.add(box.blobs[layers[2]["digest"]], CONFIG)
    inner = box.image("inner", layers + layers[:2], config)
    outer = box.image("outer", [{**one, "mediaType": LAYER} for one in (inner, config, *layers[3:])])
    return box, {"a:1": outer, "b:1": box.index([inner, inner, outer]), "c:1": inner}, [], [], []


def sizes():
    """Blobs of one size, and of none."""
    box = Box()
    layers = [box.layer(f"tie {number}", 512, ("sha256", "sha512")[number % 2]) for number in range(6)]
    return box, {"a:1": box.image("one", [*layers, box.add(b"", LAYER), box.layer("block", 513)])}, [], [], []
