"""What is read the same in bundles and in layouts of other tools: `oci-layout`, `index.json`, and the plan."""

from . import descriptors as keys
from .bundle_form import CONTAINERD_NAME, LARGEST_INDEX, REF_NAME
from .json_read import read_document
from .plan import Plan
from .references import has_a_host, reference
from .refusal import Refused, refuse_unless

LARGEST_OCI_LAYOUT = 4096


def read_index(contents):
    """The Descriptors of `index.json`."""
    place = contents.documents.get("index.json")
    refuse_unless(place, "no index.json")
    refuse_unless(place.size <= LARGEST_INDEX, "index.json of more than 64 MiB")
    document = read_document(place.read(), "index.json")
    media_type = keys.member(document, "mediaType", str, "index.json")
    refuse_unless(not media_type or media_type == keys.OCI_INDEX, f"index.json: mediaType {media_type!r}")
    keys.whole_number(document, "schemaVersion", keys.LARGEST_SCHEMA_VERSION, "index.json")
    keys.annotations(document, "index.json")
    roots = keys.descriptors(document, "manifests", "index.json")
    refuse_unless(roots, "index.json has no manifests")
    return roots


def check_oci_layout(contents):
    place = contents.documents.get("oci-layout")
    refuse_unless(place, "no oci-layout")
    refuse_unless(place.size <= LARGEST_OCI_LAYOUT, "oci-layout of more than 4 KiB")
    document = read_document(place.read(), "oci-layout")
    version = keys.member(document, "imageLayoutVersion", str, "oci-layout")
    refuse_unless(version == "1.0.0", f"imageLayoutVersion {version!r}")


def plan_of(roots, contents, data_stands):
    """The plan, and the digests of it that are missing, each of which may be.

    `data_stands` is whether the `data` of a Descriptor stands for a blob that is missing otherwise.
    """
    plan = Plan(roots, contents.fetch)
    plan.count_by_root({(called(root), root.digest) for root in roots})
    for digest in plan.sizes.keys() & contents.blobs.keys():
        if contents.size_of(digest) != plan.sizes[digest]:
            raise Refused(f"{digest} is not as long as its Descriptors say")
    missing = plan.sizes.keys() - contents.blobs.keys()
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
    check_names(roots)
    plan_of(roots, contents, data_stands=True)


def name_of(root):
    """The name of an entry, normalised; None where it has none."""
    texts = [text for text in (root.annotations.get(CONTAINERD_NAME), root.annotations.get(REF_NAME)) if text]
    found = [reference(text) for text in texts if has_a_host(text)]
    for one in found:
        refuse_unless(one.digest in (None, root.digest), f"{one.name} is not {root.digest}")
        refuse_unless(one.name == found[0].name, f"an entry is {found[0].name} and {one.name}")
    return found[0].name if found else None


def called(root):
    """What an entry has that is its own: its name or, where it has none, its tag or that it has none."""
    name = name_of(root)
    return ("name", name) if name else ("tag", root.annotations.get(REF_NAME) or None)


def check_names(roots):
    stands_for = {}
    for root in roots:
        name = name_of(root)
        if name:
            known = stands_for.setdefault(name, root.digest)
            refuse_unless(known == root.digest, f"{name} stands for two digests")
