"""What is exported where some platforms are asked for and others not."""

import os

from mutations import foreign
from mutations.material import Box, CONFIG, LAYER, named, text
from mutations.mutated import write_tree
from page.descriptors import DOCKER_INDEX
from scene import HOST, Scene


def scenes(folder):
    """All scenes, written below this folder."""
    for make in (one_of_three, variants, silent_platforms, nested_platforms, shared_platforms):
        box, images, unnamed, asked, away = make()
        label = make.__name__.replace("_", "-")
        path = os.path.join(folder, label)
        write_tree(foreign.tree(box, [named(image, HOST + name) for name, image in images.items()] + unnamed), path)
        pairs = [(HOST + name, HOST + name) for name in images]
        yield Scene(label, path, pairs, [], asked, [one["digest"] for one in away])


def at(descriptor, platform, **more):
    """An entry of an index for a platform, as in `linux/arm/v7`."""
    keys = dict(zip(("os", "architecture", "variant"), platform.split("/")))
    return {**descriptor, "platform": keys, **more}


def about(descriptor, subject):
    """An attestation as buildx puts it into an index."""
    notes = {"vnd.docker.reference.digest": subject["digest"], "vnd.docker.reference.type": "attestation-manifest"}
    return at(descriptor, "unknown/unknown", annotations=notes)


def one_of_three():
    """Attestations, referrers and layers in common; an artifact that runs nowhere, and an image of one platform."""
    box = Box()
    shared = box.layer("shared", 600)
    amd, arm, odd = (box.image(name, [shared, box.layer(name)]) for name in ("amd", "arm", "odd"))
    about_amd, about_arm, about_none = (box.image(f"about {name}") for name in ("amd", "arm", "none"))
    outer = box.index(
        [
            at(arm, "linux/arm64/v8"),
            at(amd, "linux/amd64"),
            about(about_arm, arm),
            about(about_amd, amd),
            about(about_none, shared),
            at(odd, "linux/s390x"),
        ]
    )
    empty = box.add(b"{}", "application/vnd.oci.empty.v1+json")
    signatures = [box.image(f"of {n}", [], empty, subject=one) for n, one in enumerate((amd, arm, odd, outer, about_arm))]
    signatures.append(box.image("of a signature of arm", [], empty, subject=signatures[1]))
    images = {"org/outer:1": outer, "org/one:1": box.image("one"), "org/chart:1": box.image("chart", config=empty)}
    return box, images, signatures, ["linux/amd64"], [arm, about_arm, odd]


def variants():
    """What a node would take of several variants, in several spellings."""
    box = Box()
    entries = {
        platform: box.image(platform, algorithm="sha512" if platform.endswith("v5") else "sha256")
        for platform in "linux/arm/v5 linux/arm/v6 linux/arm64 linux/amd64 linux/amd64/v2 linux/amd64/v4 windows/amd64".split()
    }
    outer = box.index([at(image, platform) for platform, image in entries.items()], media_type=DOCKER_INDEX)
    away = [entries[platform] for platform in ("linux/arm/v5", "linux/amd64", "linux/amd64/v4", "windows/amd64")]
    return box, {"one:1": outer}, [], ["linux/arm/v7,linux/aarch64", "linux/x86_64/v3"], away


def silent_platforms():
    """Entries without a platform: the configs say it, or nothing does."""
    box = Box()
    config = lambda name: box.add(text({"os": "linux", "architecture": name}), CONFIG)
    amd, arm, arm_too = (box.image(name, config=config(name[:5])) for name in ("amd64", "arm64", "arm64 too"))
    none = box.image("none", config=box.add(b"{}", CONFIG))
    chart = box.image("chart", config=box.add(b"{} ", "application/vnd.cncf.helm.config.v1+json"))
    outer = box.index([amd, arm, none, chart, box.index([arm_too, amd]), box.add(b"no manifest", "text/plain")])
    return box, {"one:1": outer, "two:1": amd}, [], ["linux/amd64"], [arm, arm_too]


def nested_platforms():
    """Indexes in indexes: one for a platform, and one of which nothing is wanted."""
    box = Box()
    images = {name: box.image(name) for name in ("a", "b", "c", "d", "e")}
    inner = box.index([at(images["a"], "linux/amd64"), at(images["b"], "linux/arm64")])
    arm_only = box.index([at(images["c"], "linux/arm64")])
    of_arm = box.index([at(images["d"], "linux/amd64"), at(images["e"], "linux/arm64")])
    outer = box.index([arm_only, inner, at(of_arm, "linux/arm64")])
    return box, {"one:1": outer}, [], ["linux/amd64"], [images["b"], images["c"], of_arm]


def shared_platforms():
    """What one image does not want and another one has; one manifest for two platforms; one that is a layer too."""
    box = Box()
    amd, arm, both, ppc, layer = (box.image(name) for name in ("amd", "arm", "both", "ppc", "layer"))
    one = box.index([at(amd, "linux/amd64"), at(arm, "linux/arm64"), at(both, "linux/arm64"), at(both, "linux/amd64")])
    two = box.index([at(arm, "linux/amd64"), at(ppc, "linux/ppc64le"), at(layer, "linux/ppc64le")])
    odd = box.image("odd", [{**layer, "mediaType": LAYER}])
    return box, {"one:1": one, "two:1": two, "odd:1": odd}, [], ["linux/amd64"], [ppc]
