"""A bundle in the making: every part can be changed before all that depends on it is worked out."""

from page import tar_write
from page.bundle_form import CONTAINERD_NAME, Form, LEFT_OUT, OCI_LAYOUT, REF_NAME, Root
from page.descriptors import OCI_INDEX, descriptor
from page.digests import digest_of, path_of
from page.json_write import written
from page.plan import Plan


class Entry:
    """An entry of the tar: what stands before the data, the data, and what fills the last block."""

    def __init__(self, path, data=b"", is_directory=False):
        self.path = path
        self.head = tar_write.head(path, len(data), is_directory)
        self.data = data
        self.padding = tar_write.padding(len(data))

    def bytes(self):
        return self.head + self.data + self.padding

    def patch(self, offset, new, header=-tar_write.BLOCK):
        """Changes bytes of the header, by default that of the entry itself, and makes the checksum right again."""
        start = header % len(self.head)
        block = bytearray(self.head[start : start + tar_write.BLOCK])
        block[offset : offset + len(new)] = new
        self.head = self.head[:start] + tar_write.with_checksum(block) + self.head[start + tar_write.BLOCK :]


class Draft:
    """Parts of a bundle. What is not changed is as it has to be for what was."""

    def __init__(self, box, roots, blobs, absent=(), algorithms=("sha256",)):
        self.box = box
        self.oci_layout = OCI_LAYOUT
        self.index = {"manifests": list(roots), "mediaType": OCI_INDEX, "schemaVersion": 2}
        self.blobs = list(blobs)
        self.absent = list(absent)
        self.algorithms = list(algorithms)
        self.change_index_text = lambda data: data
        self.change_bundle = lambda document: None
        self.change_bundle_text = lambda data: data
        self.change_entries = lambda entries: None
        self.end = tar_write.END
        if self.absent:
            self.index["annotations"] = {LEFT_OUT: digest_of(written(self.absent))}

    def index_bytes(self):
        return self.change_index_text(written(self.index))

    def bundle_bytes(self):
        document = {
            "formatVersion": 1,
            "index": digest_of(self.index_bytes()),
            "volume": {"count": 1, "number": 1},
        }
        if self.absent:
            document["absent"] = self.absent
        self.change_bundle(document)
        return self.change_bundle_text(written(document))

    def entries(self):
        entries = [
            Entry("oci-layout", self.oci_layout),
            Entry("index.json", self.index_bytes()),
            Entry("bundle.json", self.bundle_bytes()),
            Entry("blobs/", is_directory=True),
        ]
        entries += [Entry(f"blobs/{algorithm}/", is_directory=True) for algorithm in self.algorithms]
        entries += [Entry(path_of(digest), self.box.blobs[digest]) for digest in self.blobs]
        # A change may be made in place, or give other entries.
        return self.change_entries(entries) or entries

    def file(self):
        return b"".join(entry.bytes() for entry in self.entries()) + self.end


def sound(box, images, referrers=(), left_out=(), away=(), checks=True):
    """A draft that is a bundle as it stands; without `checks`, one that may break rules about what may be left out."""
    pairs = [(Root(name, value["digest"]), descriptor(value, name)) for name, value in images.items()]
    pairs += [(Root(None, value["digest"]), descriptor(value, "referrer")) for value in referrers]
    form = form_of(box, pairs, left_out, away, checks)
    pairs.sort(key=lambda pair: form.place(pair[0]))
    form = form_of(box, pairs, left_out, away, checks)
    roots = [form.root_descriptor(root) for root in form.roots]
    return Draft(box, roots, form.blobs(), form.absent(), form.plan.algorithms)


class Unchecked(Form):
    """The form that a bundle would have if everything might be left out."""

    def check_roots(self):
        pass

    def check_left_out(self):
        pass


class UncheckedPlan(Plan):
    """A plan of which manifests that are left out may be anything."""

    def take(self, descriptor):
        if descriptor.digest in self.told_away:
            self.away[descriptor.digest] = False
            return []
        return super().take(descriptor)

    too_far = property(lambda self: [], lambda self, value: None)


def form_of(box, pairs, left_out, away=(), checks=True):
    plan = (Plan if checks else UncheckedPlan)([value for _, value in pairs], box.blobs.get, away=away)
    return (Form if checks else Unchecked)([root for root, _ in pairs], plan, left_out)


def of_image(box, manifest, others, name="quay.io/org/one:1", media_type=None):
    """A draft of one image whose manifest may be anything, so that its order cannot be worked out from it.

    `others` are the Descriptors of all else, in the order of the file.
    """
    root = {key: manifest[key] for key in ("digest", "mediaType", "size")}
    root["mediaType"] = media_type or root["mediaType"]
    root["annotations"] = {CONTAINERD_NAME: name, REF_NAME: name}
    blobs = [manifest["digest"], *(other["digest"] for other in others)]
    return Draft(box, [root], list(dict.fromkeys(blobs)))
