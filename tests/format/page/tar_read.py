"""A tar, read block by block by the rules of "The tar"."""

import functools

from . import tar_header
from .contents import Contents
from .digests import digest_at
from .refusal import refuse_unless
from .tar_extensions import Extensions
from .tar_write import BLOCK

LONGEST_END = 1024 * 1024
MOST_FILES = 1_000_003
ZEROS = bytes(BLOCK)
DOCUMENTS = ("oci-layout", "index.json", "bundle.json")
HAULER = "hauler-index.json"
DOCKER_LIST = "manifest.json"


class Span:
    """Data that lies in the tar."""

    def __init__(self, data, offset, size):
        self.data = data
        self.offset = offset
        self.size = size

    def read(self):
        return self.data[self.offset : self.offset + self.size]

    def chunks(self):
        for at in range(self.offset, self.offset + self.size, 1 << 20):
            yield self.data[at : min(at + (1 << 20), self.offset + self.size)]


def read_tar(data):
    """The contents of the tar, which is bytes or something that is sliced like bytes."""
    contents = Contents()
    extensions = Extensions()
    files = 0
    at = 0
    while (block := data[at : at + BLOCK]) != ZEROS:
        refuse_unless(len(block) == BLOCK, "cut off: no block of zeros ends the archive")
        header = tar_header.read_header(block)
        at += BLOCK
        size = header.size
        if header.kind != tar_header.EXTENSION:
            size = entry_size(header, extensions)
        if size:
            check_padding(data, at, size)
        start = at
        at += size + -size % BLOCK
        if header.kind == tar_header.EXTENSION:
            extensions.take(header.type.decode(), size, Span(data, start, size).read)
            continue
        if header.kind == tar_header.FILE:
            files += 1
            refuse_unless(files <= MOST_FILES, "more than 1 000 003 files")
        name = name_of(tar_header.name_of(block) if extensions.name is None else extensions.name, header.kind)
        if name is not None and header.kind == tar_header.FILE:
            place(contents, name, Span(data, start, size))
        elif name is not None and header.kind == tar_header.HARD_LINK and digest_at(name):
            link(contents, name, tar_header.link_of(block) if extensions.link is None else extensions.link)
        if extensions.before_entry:
            extensions = Extensions()
    extensions.check_end()
    check_end(data, at)
    return contents


def entry_size(header, extensions):
    """The size of an entry, its extension header considered."""
    size = header.size
    if extensions.size is not None:
        refuse_unless(size in (0, extensions.size), "the header and its PAX record differ in size")
        size = extensions.size
    refuse_unless(size == 0 or header.kind == tar_header.FILE, f"a {header.kind} with a size")
    return size


def check_padding(data, at, size):
    """The data lies within the file, and zeros fill its last block."""
    padding = -size % BLOCK
    refuse_unless(at + size + padding <= len(data), "cut off: data ends beyond the file")
    refuse_unless(not any(data[at + size : at + size + padding]), "the bytes that fill a block are not zero")


def check_end(data, at):
    refuse_unless(len(data) - at <= LONGEST_END, "more than 1 MiB of zeros at the end")
    refuse_unless(not any(data[at:]), "something after the end of the archive")


@functools.lru_cache(maxsize=64)
def name_of(raw_name, kind):
    """The name of an entry as far as it matters, or None for one that belongs to nothing."""
    try:
        name = plain_name(raw_name.decode("utf-8"), kind)
    except UnicodeDecodeError:
        return None
    if name == "oci-layout" or name.endswith(".json"):
        refuse_unless(kind == tar_header.FILE, f"{name} is a {kind}")
    if digest_at(name):
        refuse_unless(kind in (tar_header.FILE, tar_header.HARD_LINK), f"{name} is a {kind}")
    elif name.startswith(("blobs", "parts")):
        refuse_unless(kind in (tar_header.FILE, tar_header.DIRECTORY), f"{name} is a {kind}")
    return name


def place(contents, name, span):
    """Puts a file where it belongs, if anywhere."""
    if name in (*DOCUMENTS, HAULER):
        refuse_unless(name not in contents.documents, f"{name} stands twice")
        contents.documents[name] = span
    elif name == DOCKER_LIST:
        # Beside a layout it is ignored, also twice. In a bundle every byte of the file is compared.
        contents.docker_list = span
    elif digest := digest_at(name):
        contents.add_blob(digest, span)
    elif name.startswith("parts/"):
        contents.parts[name] = span


def link(contents, name, raw_target):
    """A hard link with the name of a blob is content that stands before it, under another name."""
    target = digest_at(raw_target.decode("utf-8", "replace").removeprefix("./"))
    refuse_unless(target in contents.blobs, f"{name} is a link to {raw_target!r}, which is no blob before it")
    contents.add_blob(digest_at(name), contents.blobs[target][0])


def plain_name(name, kind):
    """The name without what does not matter in it."""
    if name in (".", "./"):
        refuse_unless(kind == tar_header.DIRECTORY, f"{name} is a {kind}")
        return name
    plain = name.removeprefix("./")
    if kind != tar_header.FILE:
        plain = plain.removesuffix("/")
    for part in plain.split("/"):
        refuse_unless(part not in ("", ".", ".."), f"the name {name!r} has a part {part!r}")
    return plain
