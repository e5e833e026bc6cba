"""Digests: their form, the two algorithms, and where a blob stands."""

import hashlib
import re

FORM = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
BLOB_PATH = re.compile(r"blobs/(sha256/[0-9a-f]{64}|sha512/[0-9a-f]{128})")


def is_digest(text):
    """Whether the text is a digest, to its last character."""
    return FORM.fullmatch(text) is not None


def digest_of(data, algorithm="sha256"):
    """The digest of these bytes."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def algorithm_of(digest):
    return digest.partition(":")[0]


def path_of(digest):
    """Where the blob stands: `blobs/ALGORITHM/HEX`."""
    return "blobs/" + digest.replace(":", "/")


def digest_at(path):
    """The digest whose blob stands at this path, or None where no blob can stand."""
    found = BLOB_PATH.fullmatch(path)
    return found[1].replace("/", ":") if found else None


def hashes_to(chunks, digest):
    """Whether these pieces, one after the other, have this digest."""
    state = hashlib.new(algorithm_of(digest))
    for chunk in chunks:
        state.update(chunk)
    return state.hexdigest() == digest.partition(":")[2]
