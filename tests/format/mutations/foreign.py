"""Layouts of other tools: tars with any headers, and directories."""

from page import tar_write
from page.digests import path_of

from .case import Tree
from .material import text

OCI_LAYOUT = b'{\n  "imageLayoutVersion": "1.0.0"\n}\n'


def header(name, size=0, kind=b"0", patches=None, checksum=None):
    """A header as other tools write them: with an owner and a time. `patches` are `{offset: bytes}`."""
    block = bytearray(tar_write.header(name, kind, size, 0o755 if kind == b"5" else 0o664))
    block[108:116] = b"0001750\0"
    block[116:124] = b"0001750\0"
    block[136:148] = b"14717322334\0"
    block[265:269] = b"user"
    block[297:302] = b"users"
    block[329:345] = b"0000000\x000000000\0"
    for offset, new in (patches or {}).items():
        block[offset : offset + len(new)] = new
    block = bytearray(tar_write.with_checksum(block))
    if checksum is not None:
        block[148:156] = checksum
    return bytes(block)


def entry(name, data=b"", kind=b"0", patches=None, checksum=None, size=None, padding=None):
    """An entry with its data; `size` is what the header says, if that is something else."""
    raw = name if isinstance(name, bytes) else name.encode()
    head = header(raw, len(data) if size is None else size, kind, patches, checksum)
    return head + data + (tar_write.padding(len(data)) if padding is None else padding)


def index_of(roots, **keys):
    return text({"schemaVersion": 2, "manifests": roots, **keys})


def documents(roots, index=None, oci_layout=OCI_LAYOUT):
    """The two documents of a layout, and what `None` in the place of one leaves out."""
    return {"oci-layout": oci_layout, "index.json": index_of(roots) if index is None else index}


def tar(box, roots, before=b"", after=b"", index=None, oci_layout=OCI_LAYOUT, end=tar_write.END):
    """A layout as a tar: `before` and `after` are entries, as bytes, that stand around the usual ones."""
    usual = entry("blobs/", kind=b"5")
    for digest, data in box.blobs.items():
        path = path_of(digest)
        usual += long_entry(path, data) if len(path) > 100 else entry(path, data)
    for name, data in documents(roots, index, oci_layout).items():
        usual += entry(name, data)
    return before + usual + after + end


def long_entry(path, data):
    """An entry with a GNU long name."""
    raw = path.encode()
    return entry("././@LongLink", raw + b"\0", b"L") + entry(raw[:100], data)


def tree(box, roots, index=None, oci_layout=OCI_LAYOUT):
    """A layout as a directory."""
    files = Tree(documents(roots, index, oci_layout))
    files.update({path_of(digest): data for digest, data in box.blobs.items()})
    return files


def tree_of_draft(draft):
    """A bundle, unpacked."""
    return Tree({one.path: one.data for one in draft.entries() if not one.path.endswith("/")})
