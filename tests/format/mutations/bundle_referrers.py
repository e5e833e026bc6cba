"""Referrers in a bundle: roots without a name."""

from page.descriptors import OCI_IMAGE, OCI_INDEX
from page.digests import digest_of

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import all_kinds, Box, LAYER, NAME, one_image, text

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
        ("of-layer-that-is-an-image-too", ATTACHED, of_layer_too(True), ACCEPT),
        ("of-layer-that-would-be-an-image", ATTACHED, of_layer_too(False), REFUSE),
        ("of-entry-of-no-type", ATTACHED, of_entry_of_no_type, REFUSE),
        ("by-other-algorithm", ATTACHED, by_other_algorithm, REFUSE),
        ("null-subject", ATTACHED, null_subject, REFUSE),
        ("platform-of-index", "there are no other roots without a name", platform_alone, REFUSE),
        ("named-of-nothing", "A manifest with a name may also stand there as a referrer", named_of_nothing, ACCEPT),
        ("of-named-referrer-of-nothing", ATTACHED, of_named_referrer, ACCEPT),
        ("index-without-artifact-type", "absent if it has none |", index_without_type(None), ACCEPT),
        ("index-with-empty-artifact-type", "absent if it has none |", index_without_type(""), REFUSE),
        ("index-with-null-artifact-type", "absent if it has none |", index_without_type(None, True), REFUSE),
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


def unattached(box, image, extra, grows=True):
    """A draft with roots without a name that a sound one would not have. `extra` are their Descriptors, and `grows`
    is whether they bring manifests that are not there otherwise."""
    draft = sound(box, {NAME: image})
    manifests = len(draft.blobs)
    extra = sorted(extra, key=lambda root: root["digest"])
    config = "application/vnd.oci.image.config.v1+json"
    draft.index["manifests"] += [{**root, "artifactType": config} for root in extra]
    whole = sound(box, {NAME: image, **{f"quay.io/z:{number}": root for number, root in enumerate(extra)}})
    assert not grows or len(whole.blobs) > manifests
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


def of_layer_too(named_too):
    """A referrer of what an image has as a layer: an image itself, and with a name of its own or not."""

    def build():
        box = Box()
        inner = box.image("inner", [])
        outer = box.image("outer", [{**inner, "mediaType": LAYER}, *([] if named_too else [box.config("inner")])])
        if named_too:
            return sound(box, {NAME: outer, "quay.io/z:1": inner}, [about(box, inner)]).file()
        return unattached(box, outer, [about(box, inner)]).file()

    return build


def of_entry_of_no_type():
    """What the subject names is there, as an entry of no manifest type, and so nobody reads it as a manifest."""
    box = Box()
    inner = box.index([])
    outer = box.index([{**inner, "mediaType": "application/json"}])
    return unattached(box, outer, [about(box, inner)]).file()


def by_other_algorithm():
    box, image = one_image()
    other = {**image, "digest": digest_of(box.blobs[image["digest"]], "sha512")}
    return unattached(box, image, [about(box, other)]).file()


def null_subject():
    box, image = one_image()
    document = {"schemaVersion": 2, "config": box.config("x"), "layers": [], "subject": None}
    return unattached(box, image, [box.add(text(document), OCI_IMAGE)]).file()


def platform_alone():
    """A part of an index as a root without a name."""
    box, image = one_image()
    return unattached(box, box.index([image, box.index([])]), [image], grows=False).file()


def named_of_nothing():
    box = Box()
    subject = {"mediaType": OCI_INDEX, "digest": "sha256:" + "1" * 64, "size": 9}
    return sound(box, {NAME: about(box, subject)}).file()


def of_named_referrer():
    """The first refers to nothing that is there, but has a name, so others may refer to it."""
    box = Box()
    subject = {"mediaType": OCI_INDEX, "digest": "sha256:" + "1" * 64, "size": 9}
    first = about(box, subject)
    return sound(box, {NAME: first}, [about(box, first, "second")]).file()


def index_without_type(said, null=False):
    """A referrer that is an index has no artifact type but its own."""

    def build():
        box, image = one_image()
        draft = sound(box, {NAME: image}, [box.index([], subject=image)])
        if said is not None or null:
            draft.index["manifests"][1]["artifactType"] = said
        if null:
            draft.index["manifests"][1]["artifactType"] = "null"
            draft.change_index_text = lambda data: data.replace(b'"artifactType":"null"', b'"artifactType":null')
        return draft.file()

    return build


def other_subject(**other):
    def build():
        box, image = one_image()
        return sound(box, {NAME: image}, [about(box, {**image, **other})]).file()

    return build
