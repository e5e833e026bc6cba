"""A bundle: whether the file is the one that its content must have."""

from . import digests
from .bundle_form import CONTAINERD_NAME, Form, OCI_LAYOUT, REF_NAME, Root
from .directory import files_below
from .json_read import read_document
from .layout import plan_of, read_index
from .references import reference
from .refusal import refuse_unless
from .tar_read import DOCKER_LIST


def check_bundle_tar(contents, data):
    """Compares every byte of the file with what its content must have."""
    form = form_of(contents, is_tar=True)
    refuse_unless(len(data) == form.length(), "the file has another length than its content must have")
    at = 0
    for piece in form.file(contents.chunks_of, contents.chunks_of_part):
        refuse_unless(data[at : at + len(piece)] == piece, f"not the one form, in the {len(piece)} bytes from {at} on")
        at += len(piece)
    refuse_unless(at == len(data), "bytes after the end")


def check_bundle_directory(contents, path):
    """An unpacked bundle: the documents in their one form, and exactly the files that it must have."""
    form = form_of(contents)
    must = {digests.path_of(digest) for digest in form.blobs()}
    for name in files_below(path, "blobs"):
        refuse_unless(name in must, f"{name} belongs to nothing")


def form_of(contents, is_tar=False):
    """The form that this content must have, of which the three documents are checked here."""
    document = check_version(contents)
    volume, elsewhere = volume_of(document)
    refuse_unless(volume is None or is_tar, "a volume in a directory")
    place = contents.documents.get("oci-layout")
    refuse_unless(place and place.size == len(OCI_LAYOUT) and place.read() == OCI_LAYOUT, "oci-layout is not the one")
    contents.check_hashes()
    descriptors = read_index(contents)
    base = in_base(document)
    plan, missing = plan_of(
        descriptors, contents, data_stands=False, elsewhere=elsewhere | base, away=away(contents)
    )
    base = {digest for digest in base & plan.sizes.keys() if digest not in contents.blobs and digest not in missing}
    short = any(is_short(descriptor) for descriptor in descriptors)
    roots = [root_of(descriptor) for descriptor in descriptors]
    form = Form(roots, plan, missing | base, volume, base, short, docker_of(document))
    for name, data in form.documents():
        if name == DOCKER_LIST:
            there = contents.docker_list and contents.docker_list.read()
            refuse_unless(there == data, "the list for Docker is not there in its one form")
            continue
        refuse_unless(contents.documents[name].read() == data, f"{name} is not in its one form, or says something else")
    return form


def away(contents):
    """What `bundle.json` says to be of other platforms and is not there. Whether it may say so shows in the form."""
    document = read_document(contents.documents["bundle.json"].read(), "bundle.json")
    elements = document.get("absent")
    said = [element for element in elements if type(element) is dict] if type(elements) is list else []
    digests_said = [element.get("digest") for element in said if element.get("reason") == "platform"]
    return {digest for digest in digests_said if type(digest) is str and digest not in contents.blobs}


def check_version(contents):
    """Before anything else in `bundle.json`, so that a reader can say that it is too old."""
    document = read_document(contents.documents["bundle.json"].read(), "bundle.json")
    version = document.get("formatVersion")
    refuse_unless(type(version) is int and version == 1, f"formatVersion {version!r} is not known")
    return document


def in_base(document):
    """The digests that are said to be in a base. What else the list says is compared with what it must say."""
    absent = document.get("absent")
    elements = absent if type(absent) is list else []
    digests = (element.get("digest") for element in elements if type(element) is dict and element.get("reason") == "base")
    return {digest for digest in digests if type(digest) is str}


def docker_of(document):
    """What is said to be on the list for Docker."""
    if "docker" not in document:
        return {}
    docker = document["docker"]
    refuse_unless(type(docker) is dict and docker, "a list for Docker of nothing")
    refuse_unless(all(type(digest) is str for digest in docker.values()), "a list for Docker of what are no digests")
    return docker


def volume_of(document):
    """`(number, size)` of a volume, or None; and the digests that its table has, which other volumes may have.

    What else the table says is compared with what it must say.
    """
    volume = document.get("volume")
    if type(volume) is not dict or "size" not in volume:
        return None, set()
    number, size, table = volume.get("number"), volume["size"], document.get("table")
    refuse_unless(type(number) is int and type(size) is int and type(table) is dict, "a volume without table")
    return (number, size), set(table)


def is_short(descriptor):
    """Whether the two names of an entry differ: then all are short, or it is no bundle."""
    return descriptor.annotations.get(CONTAINERD_NAME) != descriptor.annotations.get(REF_NAME)


def root_of(descriptor):
    """The root that an entry of `index.json` stands for; anything else in it shows when its form is compared."""
    name = descriptor.annotations.get(CONTAINERD_NAME)
    if name is None:
        refuse_unless(not descriptor.annotations, "a root with annotations and no name")
        return Root(None, descriptor.digest)
    read = reference(name)
    refuse_unless(read.name == name, f"{name!r} is not normalised")
    refuse_unless(read.digest in (None, descriptor.digest), f"{name!r} is not the digest of its root")
    return Root(name, descriptor.digest)
