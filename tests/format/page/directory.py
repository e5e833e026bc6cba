"""A directory, read by the rules of "The directory"."""

import os
import stat

from .contents import Contents
from .digests import digest_at
from .refusal import refuse_unless
from .tar_read import DOCKER_LIST, DOCUMENTS, HAULER


class PlainFile:
    """A file of the directory."""

    def __init__(self, path, size):
        self.path = path
        self.size = size

    def read(self):
        with open(self.path, "rb") as file:
            return file.read()

    def chunks(self):
        with open(self.path, "rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk


def read_directory(path):
    """The contents of the directory; other files in it are ignored."""
    contents = Contents()
    for name in (*DOCUMENTS, HAULER):
        if name == HAULER and "bundle.json" in contents.documents:
            continue  # What lies elsewhere in a bundle is ignored.
        status = status_of(os.path.join(path, name))
        if status:
            contents.documents[name] = plain(os.path.join(path, name), status, name)
    status = status_of(os.path.join(path, DOCKER_LIST))
    if status and stat.S_ISREG(status.st_mode):
        contents.docker_list = PlainFile(os.path.join(path, DOCKER_LIST), status.st_size)
    if is_directory(path, "blobs"):
        for algorithm in ("sha256", "sha512"):
            below = f"blobs/{algorithm}"
            if is_directory(path, below):
                for name in os.listdir(os.path.join(path, below)):
                    add(contents, path, f"{below}/{name}")
    return contents


def add(contents, path, name):
    digest = digest_at(name)
    if digest:
        full = os.path.join(path, name)
        contents.add_blob(digest, plain(full, os.lstat(full), name))


def status_of(path):
    """What is there, without following a link; None where nothing is."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def plain(path, status, name):
    refuse_unless(stat.S_ISREG(status.st_mode), f"{name} is not a plain file")
    return PlainFile(path, status.st_size)


def is_directory(path, name):
    status = status_of(os.path.join(path, name))
    refuse_unless(status is None or stat.S_ISDIR(status.st_mode), f"{name} is not a directory")
    return status is not None


def files_below(path, name):
    """The paths of all that is below a directory and is no directory itself."""
    for folder, folders, files in os.walk(os.path.join(path, name)):
        links = [folder_name for folder_name in folders if os.path.islink(os.path.join(folder, folder_name))]
        for file in files + links:
            yield os.path.relpath(os.path.join(folder, file), path)
