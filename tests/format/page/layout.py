"""What is read the same in bundles and in layouts of other tools: `oci-layout`, `index.json`, and the plan."""

from . import descriptors as keys
from .bundle_form import CONTAINERD_NAME, LARGEST_INDEX, REF_NAME
from .json_read import read_document
from .plan import Plan
from .references import has_a_host, reference
from .refusal import Refused, refuse_unless
from .tar_read import HAULER

LARGEST_OCI_LAYOUT = 4096

KIND = "kind"
PREFIXES = ("dev.cosignproject.cosign/", "dev.hauler/")
REFERRERS = "referrers"
ENDS = {"sigs": ".sig", "atts": ".att", "sboms": ".sbom"}


def read_index(contents):
    """The Descriptors of `index.json`, with those that hauler lists beside it."""
    roots = read_entries(contents, "index.json")
    if HAULER in contents.documents:
        roots = roots + read_entries(contents, HAULER)
    refuse_unless(roots, "index.json has no manifests")
    return roots


def read_entries(contents, name):
    """The Descriptors of `index.json`, or of what has the same form."""
    place = contents.documents.get(name)
    refuse_unless(place, f"no {name}")
    refuse_unless(place.size <= LARGEST_INDEX, f"{name} of more than 64 MiB")
    document = read_document(place.read(), name)
    media_type = keys.member(document, "mediaType", str, name)
    refuse_unless(not media_type or media_type == keys.OCI_INDEX, f"{name}: mediaType {media_type!r}")
    keys.whole_number(document, "schemaVersion", keys.LARGEST_SCHEMA_VERSION, name)
    keys.annotations(document, name)
    return keys.descriptors(document, "manifests", name) or []


def check_oci_layout(contents):
    place = contents.documents.get("oci-layout")
    refuse_unless(place, "no oci-layout")
    refuse_unless(place.size <= LARGEST_OCI_LAYOUT, "oci-layout of more than 4 KiB")
    document = read_document(place.read(), "oci-layout")
    version = keys.member(document, "imageLayoutVersion", str, "oci-layout")
    refuse_unless(version == "1.0.0", f"imageLayoutVersion {version!r}")


def plan_of(roots, contents, data_stands, names=None, elsewhere=frozenset(), away=()):
    """The plan, and the digests of it that are missing, each of which may be.

    `names` are those of the roots, where they are not simply what stands there.
    `elsewhere` are blobs that other volumes may have. `data_stands` is whether the `data` of a Descriptor stands for a
    blob that is missing otherwise. `away` are the digests of manifests that were left out for their platform.
    """
    plan = Plan(roots, contents.fetch, away=away)
    names = [name_of(root) for root in roots] if names is None else names
    plan.count_by_root({(called(root, name), root.digest) for root, name in zip(roots, names)})
    for digest in plan.sizes.keys() & contents.blobs.keys():
        if contents.size_of(digest) != plan.sizes[digest]:
            raise Refused(f"{digest} is not as long as its Descriptors say")
    missing = plan.sizes.keys() - contents.blobs.keys() - (elsewhere - plan.manifests.keys())
    if data_stands:
        missing -= plan.data.keys()
    for digest in missing:
        if not plan.may_be_left_out(digest):
            raise Refused(f"{digest} is missing")
    return plan, missing


def check_layout(contents):
    """A layout of another tool; refuses what two readers could understand differently."""
    check_oci_layout(contents)
    contents.check_hashes()
    roots = read_index(contents)
    names = names_of(roots)
    check_names(roots, names)
    plan_of(roots, contents, data_stands=True, names=names)


def name_of(root):
    """The name of an entry, normalised; None where it has none."""
    texts = [text for text in (root.annotations.get(CONTAINERD_NAME), root.annotations.get(REF_NAME)) if text]
    found = [reference(text) for text in texts if has_a_host(text)]
    for one in found:
        refuse_unless(one.digest in (None, root.digest), f"{one.name} is not {root.digest}")
        refuse_unless(one.name == found[0].name, f"an entry is {found[0].name} and {one.name}")
    return found[0].name if found else None


def names_of(roots):
    """The names of all entries, where the annotation `kind` says of some what they are of another."""
    kinds = [kind_of(root) for root in roots]
    names = [name_of(root) for root in roots]
    images = {name: root.digest for root, name, kind in zip(roots, names, kinds) if name and kind is None}
    return [
        name if kind is None or name is None else name_beside(name, images.get(name), kind)
        for name, kind in zip(names, kinds)
    ]


def kind_of(root):
    """`referrers`, or the end of the tag that this kind has; None for what is an image by itself."""
    kind = root.annotations.get(KIND, "")
    word = next((kind.removeprefix(prefix) for prefix in PREFIXES if kind.startswith(prefix)), None)
    if word is None:
        return None
    if word.startswith(REFERRERS):
        return REFERRERS
    return ENDS.get(word)


def name_beside(name, digest, kind):
    """The name of what is of an image with this name and digest."""
    if kind == REFERRERS:
        return None
    if digest is None:
        return name
    read = reference(name)
    return reference(f"{read.host}/{read.path}:{digest.replace(':', '-')}{kind}").name


def called(root, name):
    """What an entry has that is its own: its name or, where it has none, its tag or that it has none."""
    return ("name", name) if name else ("tag", root.annotations.get(REF_NAME) or None)


def check_names(roots, names):
    stands_for = {}
    for root, name in zip(roots, names):
        if name:
            known = stands_for.setdefault(name, root.digest)
            refuse_unless(known == root.digest, f"{name} stands for two digests")
