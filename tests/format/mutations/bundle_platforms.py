"""What was left out for its platform: which manifests may be, and what of an image has to stay."""

from page.bundle_form import LEFT_OUT
from page.digests import digest_of
from page.json_write import written

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import Box, LAYER, NAME

REASON = "| `platform` | a manifest of a platform"
EXACTLY = "`absent` is exactly what is missing"
LOOKED_INTO = "A manifest that was left out is not looked into"
WITHOUT_CONTENT = "The manifests are not carried without their content"
ONE_KIND = "The Descriptors that lead to a manifest which was left out all have"
SOMETHING_LEFT = "A root that leads to a manifest which was left out for its platform"
NO_SUBJECT = "A manifest that was left out is nobody's subject"
MISSING = "a manifest that is missing, unless it was left out"
URLS = ["https://example.org/layer"]


def at(descriptor, architecture):
    return {**descriptor, "platform": {"os": "linux", "architecture": architecture}}


def two_platforms(box):
    """Two images and the index of both."""
    amd, arm = box.image("amd"), box.image("arm")
    return amd, arm, box.index([at(amd, "amd64"), at(arm, "arm64")])


def without(box, images, away, referrers=(), left_out=()):
    """A bundle of these images without these manifests and all that nothing else leads to."""
    taken = {one["digest"]: box.blobs.pop(one["digest"]) for one in away}
    draft = sound(box, images, referrers, left_out, away=taken)
    box.blobs.update(taken)
    return draft


def one_away():
    box = Box()
    _, arm, index = two_platforms(box)
    return without(box, {NAME: index}, [arm])


def with_absent(draft, change):
    """The list of what was left out is changed, and the annotation with it."""
    change(draft.absent)
    draft.absent.sort(key=lambda element: element["digest"])
    draft.index.pop("annotations", None)
    if draft.absent:
        draft.index["annotations"] = {LEFT_OUT: digest_of(written(draft.absent))}
    return draft.file()


def element(descriptor, reason="platform"):
    return {"digest": descriptor["digest"], "reason": reason, "size": descriptor["size"]}


def more_blobs(draft, *descriptors):
    """Puts blobs in at the end, by falling size."""
    draft.blobs += [one["digest"] for one in sorted(descriptors, key=lambda one: (-one["size"], one["digest"]))]
    return draft.file()


def cases():
    yield Case("platform-one-away", REASON, lambda: one_away().file(), ACCEPT)
    yield from of_reasons()
    yield from of_what_else_leads_there()
    yield from of_what_is_left()
    yield from of_graphs()


def of_reasons():
    def other_reason():
        return with_absent(one_away(), lambda absent: absent[0].update(reason="nondistributable"))

    def not_listed():
        return with_absent(one_away(), lambda absent: absent.clear())

    def layer_for_platform():
        """A layer of the platform that is there is said to be of another one."""
        box = Box()
        layer = box.layer("of amd")
        amd, arm = box.image("amd", [layer]), box.image("arm")
        draft = without(box, {NAME: box.index([at(amd, "amd64"), at(arm, "arm64")])}, [arm])
        draft.blobs.remove(layer["digest"])
        return with_absent(draft, lambda absent: absent.append(element(layer)))

    def layer_with_urls():
        """The same, where the layer might be left out for another reason."""
        box = Box()
        layer = box.layer("of amd", urls=URLS)
        amd, arm = box.image("amd", [layer]), box.image("arm")
        draft = without(box, {NAME: box.index([at(amd, "amd64"), at(arm, "arm64")])}, [arm])
        draft.blobs.remove(layer["digest"])
        return with_absent(draft, lambda absent: absent.append(element(layer)))

    def both_reasons():
        box = Box()
        layer = box.layer("of amd", urls=URLS)
        amd, arm = box.image("amd", [layer]), box.image("arm")
        index = box.index([at(amd, "amd64"), at(arm, "arm64")])
        return without(box, {NAME: index}, [arm], left_out=[box.leave_out(layer)]).file()

    def there_all_the_same():
        box = Box()
        amd, _, index = two_platforms(box)
        return with_absent(sound(box, {NAME: index}), lambda absent: absent.append(element(amd)))

    def of_nothing_here():
        box = Box()
        _, arm, index = two_platforms(box)
        other = box.image("other")
        return with_absent(without(box, {NAME: index}, [arm]), lambda absent: absent.append(element(other)))

    def twice():
        return with_absent(one_away(), lambda absent: absent.append(dict(absent[0])))

    def other_size():
        return with_absent(one_away(), lambda absent: absent[0].update(size=absent[0]["size"] + 1))

    yield Case("platform-for-another-reason", REASON, other_reason, REFUSE)
    yield Case("platform-away-and-not-listed", MISSING, not_listed, REFUSE)
    yield Case("platform-of-a-layer", REASON, layer_for_platform, REFUSE)
    yield Case("platform-of-a-layer-with-urls", REASON, layer_with_urls, REFUSE)
    yield Case("platform-and-a-layer-away", REASON, both_reasons, ACCEPT)
    yield Case("platform-listed-and-there", EXACTLY, there_all_the_same, REFUSE)
    yield Case("platform-listed-of-nothing", EXACTLY, of_nothing_here, REFUSE)
    yield Case("platform-listed-twice", EXACTLY, twice, REFUSE)
    yield Case("platform-of-another-size", EXACTLY, other_size, REFUSE)


def of_what_else_leads_there():
    def a_root():
        box = Box()
        _, arm, index = two_platforms(box)
        draft = without(box, {NAME: index}, [arm])
        extra = sound(box, {NAME: index, "quay.io/org/two:1": arm})
        draft.index["manifests"] = extra.index["manifests"]
        return draft.file()

    def a_layer_too():
        box = Box()
        _, arm, index = two_platforms(box)
        odd = box.image("odd", [{**arm, "mediaType": LAYER}])
        return forced(box, {NAME: index, "quay.io/org/two:1": odd}, arm)

    def a_config_too():
        box = Box()
        _, arm, index = two_platforms(box)
        odd = box.image("odd", config={**arm, "mediaType": "application/x"})
        return forced(box, {NAME: index, "quay.io/org/two:1": odd}, arm)

    def an_entry_of_another_type():
        box = Box()
        amd, arm, _ = two_platforms(box)
        return forced(box, {NAME: box.index([at(amd, "amd64"), at(arm, "arm64"), {**arm, "mediaType": "a/b"}])}, arm)

    def two_indexes():
        box = Box()
        amd, arm, index = two_platforms(box)
        other = box.index([at(arm, "arm64"), at(box.image("ppc"), "ppc64le")])
        return without(box, {NAME: index, "quay.io/org/two:1": other}, [arm]).file()

    def with_data():
        """The content of the manifest stands in the index."""
        import base64

        box = Box()
        amd, arm = box.image("amd"), box.image("arm")
        arm_too = {**at(arm, "arm64"), "data": base64.b64encode(box.blobs[arm["digest"]]).decode()}
        return without(box, {NAME: box.index([at(amd, "amd64"), arm_too])}, [arm]).file()

    yield Case("platform-away-and-a-root", REASON, a_root, REFUSE)
    yield Case("platform-away-and-a-layer", REASON, a_layer_too, REFUSE)
    yield Case("platform-away-and-a-config", REASON, a_config_too, REFUSE)
    yield Case("platform-away-and-an-entry-of-no-manifest", REASON, an_entry_of_another_type, REFUSE)
    yield Case("platform-away-from-two-indexes", REASON, two_indexes, ACCEPT)
    yield Case("platform-away-with-data", "never left out but for its platform", with_data, ACCEPT)


def forced(box, images, away):
    """The file that would be right if nothing forbade to leave this out."""
    box.blobs.pop(away["digest"])
    return sound(box, images, away=[away["digest"]], checks=False).file()


def of_what_is_left():
    def nothing():
        box = Box()
        amd, arm, index = two_platforms(box)
        return forced_all(box, {NAME: index}, [amd, arm])

    def nothing_but_indexes():
        box = Box()
        amd, arm, index = two_platforms(box)
        outer = box.index([index, box.index([])])
        return forced_all(box, {NAME: outer}, [amd, arm])

    def of_one_of_two():
        """Another image has what this one lacks, and that is no help to it."""
        box = Box()
        amd, arm, index = two_platforms(box)
        return forced_all(box, {NAME: index, "quay.io/org/two:1": box.image("whole")}, [amd, arm])

    def nothing_but_a_blob():
        box = Box()
        _, arm, _ = two_platforms(box)
        index = box.index([at(arm, "arm64"), box.add(b"no manifest", "text/plain")])
        return without(box, {NAME: index}, [arm]).file()

    def nothing_but_what_is_away():
        box = Box()
        _, arm, _ = two_platforms(box)
        blob = box.add(b"no manifest", "text/plain", urls=URLS)
        index = box.index([at(arm, "arm64"), blob])
        box.leave_out(blob)
        box.blobs.pop(arm["digest"])
        return sound(box, {NAME: index}, left_out=[blob["digest"]], away=[arm["digest"]], checks=False).file()

    yield Case("platform-all-away", SOMETHING_LEFT, nothing, REFUSE)
    yield Case("platform-all-away-below-indexes", SOMETHING_LEFT, nothing_but_indexes, REFUSE)
    yield Case("platform-all-away-of-one-image", SOMETHING_LEFT, of_one_of_two, REFUSE)
    yield Case("platform-all-away-but-a-blob", SOMETHING_LEFT, nothing_but_a_blob, ACCEPT)
    yield Case("platform-all-away-and-a-blob-too", SOMETHING_LEFT, nothing_but_what_is_away, REFUSE)


def forced_all(box, images, away):
    for one in away:
        box.blobs.pop(one["digest"])
    return sound(box, images, away=[one["digest"] for one in away], checks=False).file()


def of_graphs():
    def layers_stay():
        box = Box()
        layer = box.layer("of arm", 100)
        amd, arm = box.image("amd"), box.image("arm", [layer])
        return more_blobs(without(box, {NAME: box.index([at(amd, "amd64"), at(arm, "arm64")])}, [arm]), layer)

    def manifest_stays():
        """The manifest is there, and its content is left out instead."""
        box = Box()
        layer = box.layer("of arm", 100)
        amd, arm = box.image("amd"), box.image("arm", [layer])
        draft = sound(box, {NAME: box.index([at(amd, "amd64"), at(arm, "arm64")])})
        draft.blobs.remove(layer["digest"])
        return with_absent(draft, lambda absent: absent.append(element(layer)))

    def shared_layer():
        box = Box()
        layer = box.layer("of both", 100)
        amd, arm = box.image("amd", [layer]), box.image("arm", [layer])
        return without(box, {NAME: box.index([at(amd, "amd64"), at(arm, "arm64")])}, [arm]).file()

    def nested_index():
        box = Box()
        amd, _, index = two_platforms(box)
        return without(box, {NAME: box.index([at(amd, "amd64"), at(index, "arm64")])}, [index]).file()

    def two_kinds():
        box = Box()
        amd, arm = box.image("amd"), box.image("arm")
        as_index = {**arm, "mediaType": "application/vnd.oci.image.index.v1+json"}
        return forced(box, {NAME: box.index([at(amd, "amd64"), at(arm, "arm64"), at(as_index, "arm64")])}, arm)

    def two_types_of_one_kind():
        box = Box()
        amd, arm = box.image("amd"), box.image("arm")
        docker = {**arm, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
        return without(box, {NAME: box.index([at(amd, "amd64"), at(arm, "arm64"), at(docker, "arm64")])}, [arm]).file()

    def referrer(of_what):
        def build():
            box = Box()
            amd, arm, index = two_platforms(box)
            subject = {"amd": amd, "arm": arm, "index": index}[of_what]
            signature = box.image("signature", [], subject=subject)
            box.blobs.pop(arm["digest"])
            return sound(box, {NAME: index}, [signature], away=[arm["digest"]], checks=of_what != "arm").file()

        return build

    def deep(steps):
        def build():
            box = Box()
            amd, arm, _ = two_platforms(box)
            index = box.index([at(amd, "amd64")])
            odd = at(arm, "arm64")
            for _ in range(steps - 1):
                odd = box.index([odd])
            outer = box.index([index, odd])
            box.blobs.pop(arm["digest"])
            return sound(box, {NAME: outer}, away=[arm["digest"]], checks=False).file()

        return build

    yield Case("platform-away-and-its-layer-there", LOOKED_INTO, layers_stay, REFUSE)
    yield Case("platform-shared-layer", LOOKED_INTO, shared_layer, ACCEPT)
    yield Case("platform-manifest-without-its-layer", WITHOUT_CONTENT, manifest_stays, REFUSE)
    yield Case("platform-away-and-an-index", REASON, nested_index, ACCEPT)
    yield Case("platform-of-two-kinds", ONE_KIND, two_kinds, REFUSE)
    yield Case("platform-of-two-types", ONE_KIND, two_types_of_one_kind, ACCEPT)
    yield Case("platform-subject-away", NO_SUBJECT, referrer("arm"), REFUSE)
    yield Case("platform-subject-there", NO_SUBJECT, referrer("amd"), ACCEPT)
    yield Case("platform-subject-index", NO_SUBJECT, referrer("index"), ACCEPT)
    steps = "a manifest that is more than 15 steps away"
    yield Case("platform-away-15-steps", steps, deep(15), ACCEPT)
    yield Case("platform-away-16-steps", steps, deep(16), REFUSE)
