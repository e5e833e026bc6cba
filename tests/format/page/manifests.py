"""What is read as a manifest."""

from typing import NamedTuple, Optional

from . import descriptors as keys
from .descriptors import Descriptor, IMAGE_TYPES, INDEX_TYPES, MANIFEST_TYPES
from .json_read import read_document
from .refusal import refuse_unless

LARGEST_MANIFEST = 32 * 1024 * 1024

IMAGE_CONFIGS = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
}


class Manifest(NamedTuple):
    """A manifest as far as the page gives its keys a meaning."""

    is_index: bool
    stated_type: Optional[str]
    stated_artifact_type: Optional[str]
    manifests: list
    config: Optional[Descriptor]
    layers: list
    blobs: list  # its `layers` and `blobs`
    subject: Optional[Descriptor]

    @property
    def artifact_type(self):
        """Its own `artifactType`, else the `mediaType` of its `config`; None if it has none."""
        if self.stated_artifact_type:
            return self.stated_artifact_type
        return self.config.media_type if self.config else None

    @property
    def is_artifact(self):
        """Whether it stands among the artifacts in the order of roots."""
        if self.stated_artifact_type:
            return True
        return not self.is_index and (self.config is None or self.config.media_type not in IMAGE_CONFIGS)

    def type_by(self, descriptor, where):
        """The type of the manifest, where this Descriptor leads to it; refused where that does not fit."""
        own_kind = INDEX_TYPES if self.is_index else IMAGE_TYPES
        refuse_unless(descriptor.media_type in own_kind, f"{where}: the Descriptor says {descriptor.media_type}")
        return self.stated_type or descriptor.media_type


def read_manifest(data, where):
    """Reads a manifest, without regard to the Descriptors that lead to it."""
    refuse_unless(len(data) <= LARGEST_MANIFEST, f"{where}: a manifest of more than 32 MiB")
    document = read_document(data, where)
    refuse_unless(document.get("fsLayers") is None, f"{where}: fsLayers: Docker schema 1")
    version = keys.whole_number(document, "schemaVersion", keys.LARGEST_SCHEMA_VERSION, where)
    refuse_unless(version != 1, f"{where}: schemaVersion 1: Docker schema 1")
    keys.annotations(document, where)
    manifests = keys.descriptors(document, "manifests", where)
    layers = keys.descriptors(document, "layers", where)
    blobs = keys.descriptors(document, "blobs", where)
    config = keys.one_descriptor(document, "config", where)
    subject = keys.one_descriptor(document, "subject", where)
    is_index = manifests is not None
    is_image = layers is not None or config is not None
    refuse_unless(not (is_index and is_image), f"{where}: an index and an image at once")
    refuse_unless(is_index or is_image, f"{where}: neither an index nor an image")
    stated_type = keys.member(document, "mediaType", str, where) or None
    if stated_type:
        refuse_unless(stated_type in MANIFEST_TYPES, f"{where}: mediaType {stated_type!r} is no manifest type")
        own_kind = INDEX_TYPES if is_index else IMAGE_TYPES
        refuse_unless(stated_type in own_kind, f"{where}: its mediaType says it is of the other kind")
    artifact_type = keys.member(document, "artifactType", str, where) or None
    return Manifest(
        is_index, stated_type, artifact_type, manifests or [], config, layers or [], (layers or []) + (blobs or []), subject
    )
