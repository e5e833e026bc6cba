"""Keys with a meaning and their types, and Descriptors above all."""

import base64
import functools
from typing import NamedTuple, Optional

from .digests import algorithm_of, digest_of, is_digest
from .refusal import Refused, refuse_unless

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = {OCI_INDEX, DOCKER_INDEX}
IMAGE_TYPES = {OCI_IMAGE, DOCKER_IMAGE}
MANIFEST_TYPES = INDEX_TYPES | IMAGE_TYPES
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"

# What Unicode calls white space.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
WHITE_SPACE += "\u2028\u2029\u202f\u205f\u3000"

LARGEST_SIZE = 2**53
LARGEST_SCHEMA_VERSION = 2**64 - 1


class Descriptor(NamedTuple):
    """What the plan needs of a Descriptor; `data` is the content itself, where it is there."""

    media_type: str
    digest: str
    size: int
    annotations: dict
    urls: bool
    data: Optional[bytes]

    @property
    def names_a_manifest(self):
        return self.media_type in MANIFEST_TYPES


def member(document, key, kind, where):
    """The value of a key with a meaning, None where it is null or not there."""
    value = document.get(key)
    if value is not None and type(value) is not kind:
        raise Refused(f"{where}: {key} is not {KINDS[kind]}")
    return value


KINDS = {str: "a string", dict: "an object", list: "an array", int: "a whole number"}


def whole_number(document, key, largest, where):
    value = member(document, key, int, where)
    if value is not None and value > largest:
        raise Refused(f"{where}: {key} is too large")
    return value


def annotations(document, where):
    """The annotations; an empty object where there are none."""
    values = member(document, "annotations", dict, where) or {}
    for value in values.values():
        refuse_unless(type(value) is str, f"{where}: an annotation is not a string")
    return values


def descriptors(document, key, where):
    """The Descriptors of an array, None where it is not there."""
    array = member(document, key, list, where)
    place = f"{where}: {key}"
    return None if array is None else [descriptor(element, place) for element in array]


def one_descriptor(document, key, where):
    value = member(document, key, dict, where)
    return None if value is None else descriptor(value, f"{where}: {key}")


def descriptor(value, where):
    """Reads a Descriptor, wherever it stands. There may be a million of them: only what is there is looked at."""
    if type(value) is not dict:
        raise Refused(f"{where}: a Descriptor is not an object")
    media_type = member(value, "mediaType", str, where)
    digest = member(value, "digest", str, where)
    size = whole_number(value, "size", LARGEST_SIZE, where)
    if not media_type or digest is None or size is None or not is_digest(digest):
        raise Refused(f"{where}: a Descriptor without mediaType, size, or a digest of the form")
    check_media_type(media_type, where)
    urls = member(value, "urls", list, where) or []
    for url in urls:
        if type(url) is not str:
            raise Refused(f"{where}: one of the urls is not a string")
    notes = annotations(value, where) if "annotations" in value else {}
    content = None
    if not OPTIONAL.isdisjoint(value):
        member(value, "artifactType", str, where)
        check_platform(member(value, "platform", dict, where), where)
        content = content_of(member(value, "data", str, where), digest, size, where)
    return Descriptor(media_type, digest, size, notes, bool(urls), content)


OPTIONAL = {"artifactType", "platform", "data"}


@functools.lru_cache(maxsize=1024)
def check_media_type(media_type, where):
    """Refuses what a more tolerant reader would take for a manifest, and Docker schema 1."""
    if media_type in MANIFEST_TYPES:
        return
    bare = media_type.partition(";")[0].strip(WHITE_SPACE).lower()
    refuse_unless(bare not in MANIFEST_TYPES, f"{where}: {media_type!r} is almost a manifest type")
    refuse_unless(not media_type.startswith(SCHEMA_1), f"{where}: Docker schema 1")


def check_platform(platform, where):
    if platform is not None:
        for key in ("architecture", "os", "os.version", "variant"):
            member(platform, key, str, f"{where}: platform")


def content_of(data, digest, size, where):
    """The content that `data` is, in the only base64 that there is of it; None where there is no `data`."""
    if data is None:
        return None
    try:
        content = base64.b64decode(data.encode("ascii"), validate=True)
    except ValueError:
        content = None
    refuse_unless(
        content is not None and base64.b64encode(content).decode() == data, f"{where}: data is not strict base64"
    )
    refuse_unless(len(content) == size, f"{where}: data is not of the size")
    refuse_unless(digest_of(content, algorithm_of(digest)) == digest, f"{where}: data does not hash to the digest")
    return content
