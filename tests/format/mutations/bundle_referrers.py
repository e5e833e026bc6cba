"""Referrers in a bundle: roots without a name."""

from page.descriptors import OCI_INDEX

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import all_kinds, Box, LAYER, NAME, one_image

ATTACHED = "Each has a `subject`, and that is a manifest which the roots with a name lead to"
FORM_ALONE = "The Descriptor of a `subject` has the form of one, and is otherwise no Descriptor of the plan"
ONCE = "They are roots without a name, each digest once"


def cases():
    for label, quote, build, expected in (
        ("of-image", ATTACHED, of_image, ACCEPT),
        ("of-platform", "A referrer belongs to every image that its subject is part of", of_platform, ACCEPT),
        ("of-referrer", ATTACHED, chain(3), ACCEPT),
        ("of-nothing", ATTACHED, of_other("nothing"), REFUSE),
        ("of-layer", ATTACHED, of_other("layer"), REFUSE),
        ("of-config", ATTACHED, of_other("config"), REFUSE),
        ("of-subject-not-there", ATTACHED, of_other("subject"), REFUSE),
        ("without-subject", ATTACHED, without_subject, REFUSE),
        ("chain-without-first", ATTACHED, broken_chain, REFUSE),
        ("two-that-nothing-attaches", ATTACHED, two_of_nothing, REFUSE),
        ("of-part-of-referrer", "What such a root leads to includes the referrer itself.", of_part_of_referrer, ACCEPT),
        ("of-referrer-of-part", "and so does what refers to a referrer", of_referrer_of_part, ACCEPT),
        ("alone", "at least one of them has a name |", alone, REFUSE),
        ("twice", ONCE, twice, REFUSE),
        (
            "also-named",
            "A manifest with a name may also stand there as a referrer, without one.",
            also(True, True),
            ACCEPT,
        ),
        (
            "only-named",
            "A manifest with a name may also stand there as a referrer, without one.",
            also(True, False),
            ACCEPT,
        ),
        (
            "part-of-index-besides",
            "a manifest that refers to another is there only as a root or as part of one",
            part_and_root,
            ACCEPT,
        ),
        ("unnamed-image", "there are no other roots without a name", unnamed_image, REFUSE),
        ("order", "and among those without a name that of the digests", order, REFUSE),
        ("subject-of-other-size", FORM_ALONE, other_subject(size=7), ACCEPT),
        ("subject-of-other-type", FORM_ALONE, other_subject(mediaType=LAYER), ACCEPT),
        ("subject-of-other-kind", FORM_ALONE, other_subject(mediaType=OCI_INDEX), ACCEPT),
    ):
        yield Case(f"referrers-{label}", quote, build, expected)
    yield Case("referrer-draft-of-everything", "**Referrers**: signatures", lambda: sound(*all_kinds()).file(), ACCEPT)


def about(box, subject, label="about", **keys):
    return box.image(label, [], subject=subject, **keys)


def of_image():
    box, image = one_image()
    return sound(box, {NAME: image}, [about(box, image)]).file()


def of_platform():
    box, image = one_image()
    return sound(box, {NAME: box.index([box.index([image])])}, [about(box, image)]).file()


def chain(length):
    def build():
        box, image = one_image()
        referrers = []
        subject = image
        for number in range(length):
            subject = about(box, subject, f"about {number}")
            referrers.append(subject)
        return sound(box, {NAME: image}, referrers).file()

    return build


def unattached(box, image, extra):
    """A draft with roots without a name that a sound one would not have. `extra` are their Descriptors."""
    draft = sound(box, {NAME: image})
    manifests = len(draft.blobs)
    extra = sorted(extra, key=lambda root: root["digest"])
    config = "application/vnd.oci.image.config.v1+json"
    draft.index["manifests"] += [{**root, "artifactType": config} for root in extra]
    whole = sound(box, {NAME: image, **{f"quay.io/z:{number}": root for number, root in enumerate(extra)}})
    assert len(whole.blobs) > manifests
    draft.blobs = whole.blobs
    return draft


def of_other(what):
    def build():
        box = Box()
        layer, config = box.layer("layer"), box.config("config")
        subject = {"mediaType": OCI_INDEX, "digest": "sha256:" + "1" * 64, "size": 9}
        image = box.image("one", [layer], config, subject=subject)
        of = {
            "layer": layer,
            "config": config,
            "subject": subject,
            "nothing": {**subject, "digest": "sha256:" + "2" * 64},
        }
        return unattached(box, image, [about(box, of[what])]).file()

    return build


def without_subject():
    box, image = one_image()
    return unattached(box, image, [box.image("lonely")]).file()


def broken_chain():
    """The referrer in the middle is not there."""
    box, image = one_image()
    other = Box()
    middle = about(other, image, "middle")
    return unattached(box, image, [about(box, middle, "last")]).file()


def two_of_nothing():
    box, image = one_image()
    first = box.image("first", [])
    return unattached(box, image, [first, about(box, first, "second")]).file()


def of_part_of_referrer():
    box, image = one_image()
    part = box.image("part")
    return sound(box, {NAME: image}, [box.index([part], subject=image), about(box, part)]).file()


def of_referrer_of_part():
    box, image = one_image()
    part = box.image("part")
    about_part = about(box, part)
    return sound(box, {NAME: image}, [box.index([part], subject=image), about_part, about(box, about_part)]).file()


def alone():
    box, image = one_image()
    draft = sound(box, {NAME: image}, [about(box, image)])
    draft.index["manifests"].pop(0)
    draft.blobs = [digest for digest in sound(box, {NAME: about(box, image)}).blobs]
    return draft.file()


def twice():
    box, image = one_image()
    draft = sound(box, {NAME: image}, [about(box, image)])
    draft.index["manifests"].append(draft.index["manifests"][1])
    return draft.file()


def also(with_name, without_name):
    def build():
        box, image = one_image()
        referrer = about(box, image)
        images = {NAME: image, **({"quay.io/org/signature:1": referrer} if with_name else {})}
        return sound(box, images, [referrer] if without_name else []).file()

    return build


def part_and_root():
    box, image = one_image()
    referrer = about(box, image)
    return sound(box, {NAME: box.index([image, referrer])}, [referrer]).file()


def unnamed_image():
    box, image = one_image()
    draft = sound(box, {NAME: image, "quay.io/z:1": box.image("two")})
    root = draft.index["manifests"][1]
    del root["annotations"]
    root["artifactType"] = "application/vnd.oci.image.config.v1+json"
    return draft.file()


def order():
    box, image = one_image()
    draft = sound(box, {NAME: image}, [about(box, image, "a"), about(box, image, "b")])
    draft.index["manifests"][1:] = reversed(draft.index["manifests"][1:])
    draft.blobs[1:3] = reversed(draft.blobs[1:3])
    return draft.file()


def other_subject(**other):
    def build():
        box, image = one_image()
        return sound(box, {NAME: image}, [about(box, {**image, **other})]).file()

    return build
