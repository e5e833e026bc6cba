#!/usr/bin/env python3
"""Works out the examples of the page anew, from the fixtures, and compares them with its text."""

import os
import re
import sys
import tempfile

from page import tar_write
from page.digests import digest_of
from reader import verdict
from scenes import FIXTURES
from writer import bundle_of

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "format.md")
TOOL = ["gcr.io/org/tool:2.0"]
THREE = ["gcr.io/google-containers/pause:latest", "quay.io/org/app:1.4", "quay.io/org/web:2"]


def faults(page):
    """What of the examples is not so, each in a few words."""
    tool = bundle_of(FIXTURES, TOOL)
    three = bundle_of(FIXTURES, THREE)
    yield from of_worked_example(page, tool)
    for data, name in ((tool, "tool"), (three, "three images")):
        if reading(data)[0] != "ACCEPT":
            yield f"the bundle of {name} is refused"
        if digest_of(document(data, "index.json"))[7:] not in page:
            yield f"the page has another digest of the bundle of {name}"
    if document(three, "bundle.json").decode() not in page:
        yield "the page has another bundle.json of the three images"
    size = bytes.fromhex(re.search(r"A file of 9 GiB has the size field `([0-9 ]+\s+[0-9 ]+)`", page)[1])
    if tar_write.size_field(9 * 2**30) != size:
        yield "the size field of 9 GiB is another"


def of_worked_example(page, tool):
    if len(tool) != 21504:
        yield "the worked example has another length"
    blocks = re.findall(
        r"^\| (\d+) \| ([\d ]+) \| `(oci-layout|index\.json|bundle\.json|blobs/sha256/[0-9a-f]+)…?`", page, re.M
    )
    for block, size, path in blocks:
        header = tool[int(block) * 512 :][:512]
        if not header.startswith(path.encode()) or int(header[124:135], 8) != int(size.replace(" ", "")):
            yield f"block {block} is not the header of {path} with {size} bytes"
    if len(blocks) != 7:
        yield "the table of the worked example has not been found"
    if document(tool, "index.json").decode() not in page:
        yield "the index.json of the worked example is another"
    dump = dict(re.findall(r"^0000(1[0-9a-f]{3}): ((?:[0-9a-f]{4} ){8})", page, re.M))
    lines = {f"{at:x}": tool[at : at + 16] for at in range(4096, 4096 + 512, 16)}
    shown = {at: line for at, line in lines.items() if any(line)}
    if shown != {at: bytes.fromhex(words) for at, words in dump.items()}:
        yield "the header of the manifest is another"


def document(data, name):
    """One of the three documents of a bundle, which stand in its first blocks."""
    at = 0
    while not data[at:].startswith(name.encode() + b"\0"):
        at += 512 + -(-int(data[at + 124 : at + 135], 8) // 512) * 512
    return data[at + 512 :][: int(data[at + 124 : at + 135], 8)]


def reading(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return verdict(file.name)


def page_text():
    with open(PAGE, encoding="utf-8") as page:
        return page.read()


def main():
    found = list(faults(page_text()))
    for fault in found:
        print(fault)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
