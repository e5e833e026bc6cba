#!/usr/bin/env python3
"""Writes the one bundle that images of a layout directory must be, as docs/format.md has it."""

import argparse
import os
import sys

from page.bundle_form import Form, Root
from page.digests import hashes_to, path_of
from page.directory import PlainFile
from page.json_read import read_document
from page.layout import name_of
from page.plan import Plan
from page.references import reference
from page.refusal import Refused, refuse_unless
from page import descriptors as keys


class Store:
    """The blobs of a layout directory."""

    def __init__(self, path):
        self.path = path

    def file(self, digest):
        path = os.path.join(self.path, path_of(digest))
        return PlainFile(path, os.path.getsize(path)) if os.path.exists(path) else None

    def fetch(self, digest):
        file = self.file(digest)
        if file is None:
            return None
        refuse_unless(hashes_to(file.chunks(), digest), f"{digest} does not hash to its name")
        return file.read()

    def chunks_of(self, digest):
        refuse_unless(hashes_to(self.file(digest).chunks(), digest), f"{digest} does not hash to its name")
        return self.file(digest).chunks()


def images_of(layout):
    """What `index.json` of the directory holds: `{name: Descriptor}` and the Descriptors without a name."""
    with open(os.path.join(layout, "index.json"), "rb") as file:
        document = read_document(file.read(), "index.json")
    named, unnamed = {}, []
    for descriptor in keys.descriptors(document, "manifests", "index.json") or []:
        name = name_of(descriptor)
        if name is None:
            unnamed.append(descriptor)
        else:
            named[name] = descriptor
    return named, unnamed


def plan_of(roots, store, away):
    """The plan of these roots, where what the store does not have is taken from the `data` of a Descriptor."""
    return Plan(roots, store.fetch, data_is_taken=True, away=away)


def attached(named, unnamed, store, away):
    """Those of the unnamed that refer, in the end, to something that the named lead to."""
    chosen, waiting = [], list(unnamed)
    while True:
        plan = plan_of([*named, *chosen], store, away)
        alone = {descriptor.digest: plan_of([descriptor], store, away).manifests[descriptor.digest] for descriptor in waiting}
        new = [
            descriptor
            for descriptor in waiting
            if (subject := alone[descriptor.digest].subject) and subject.digest in plan.manifests
        ]
        if not new:
            return chosen
        chosen += new
        waiting = [descriptor for descriptor in waiting if descriptor not in new]


def form_of(named, unnamed, left_out, store, volume=None, away=(), short=False, docker=None):
    """The form of the bundle with these images, `{name: Descriptor}`, and these referrers."""
    roots = [(Root(name, descriptor.digest), descriptor) for name, descriptor in named.items()]
    roots += [(Root(None, descriptor.digest), descriptor) for descriptor in unnamed]
    # Which roots are artifacts decides their order, and that decides the order of all else.
    unordered = Form(
        [root for root, _ in roots], plan_of([descriptor for _, descriptor in roots], store, away), left_out
    )
    roots.sort(key=lambda pair: unordered.place(pair[0]))
    plan = plan_of([descriptor for _, descriptor in roots], store, away)
    plan.count_by_root({(root.name, root.digest) for root, _ in roots})
    form = Form([root for root, _ in roots], plan, left_out, volume, short=short, docker=docker)
    check_store(form, store)
    return form


def check_store(form, store):
    for digest in form.blobs():
        file = store.file(digest)
        if file is None and digest in form.plan.data:
            continue
        refuse_unless(file, f"{digest} is missing and was not left out")
        refuse_unless(file.size == form.plan.sizes[digest], f"{digest} is not as long as its Descriptors say")


def volumes_of(layout, size, names=None, left_out=(), rename=None, away=(), short=False):
    """The bytes of each volume of at most `size` bytes."""
    found, count = [], 1
    while len(found) < count:
        data, count = bundle_of(layout, names, left_out, rename, (len(found) + 1, size), away, short)
        found.append(data)
    return found


def bundle_of(layout, names=None, left_out=(), rename=None, volume=None, away=(), short=False, docker=None):
    """The bytes of the bundle of these images of a layout directory, or of all; `rename` gives each its name. With
    `volume`, its number and the size of volumes, those of the volume and how many there are. `away` are manifests of
    platforms that were not asked for, `short` is whether names are short, and `docker` what is on the list for Docker, with
    the names of the layout."""
    store = Store(layout)
    named, unnamed = images_of(layout)
    if names:
        named = {name: named_in(named, name) for name in names}
    docker = {(rename or str)(name): digest for name, digest in (docker or {}).items()}
    if rename:
        named = {rename(name): descriptor for name, descriptor in named.items()}
    referrers = attached(list(named.values()), unnamed, store, away)
    form = form_of(named, referrers, left_out, store, volume, away, short, docker)
    there = lambda digest: store.chunks_of(digest) if store.file(digest) else [form.plan.data[digest]]
    part = lambda digest, part: [b"".join(there(digest))[part[1] : part[1] + part[2]]]
    data = b"".join(form.file(there, part))
    return (data, form.count) if volume else data


def named_in(named, name):
    refuse_unless(name in named, f"no image {name} in the layout")
    return named[name]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", metavar="LAYOUT_DIR", help="an OCI image layout directory")
    parser.add_argument("out", metavar="OUT.tar", help="the bundle to write")
    parser.add_argument("--name", action="append", help="an image of index.json; without, all of them")
    parser.add_argument("--volume-size", type=int, metavar="BYTES", help="write OUT-1of3.tar and so on")
    parser.add_argument("--without", action="append", default=[], metavar="DIGEST", help="a blob that was left out")
    parser.add_argument(
        "--away", action="append", default=[], metavar="DIGEST", help="a manifest of a platform that was not asked for"
    )
    parser.add_argument("--short", action="store_true", help="write short names")
    arguments = parser.parse_args()
    try:
        names = arguments.name and [reference(name).name for name in arguments.name]
        if arguments.volume_size:
            size = arguments.volume_size
            found = volumes_of(
                arguments.layout, size, names, arguments.without, away=arguments.away, short=arguments.short
            )
            stem = arguments.out.removesuffix(".tar")
            files = {f"{stem}-{number}of{len(found)}.tar": data for number, data in enumerate(found, 1)}
        else:
            data = bundle_of(
                arguments.layout, names, arguments.without, away=arguments.away, short=arguments.short
            )
            files = {arguments.out: data}
    except Refused as refused:
        sys.exit(f"writer.py: {refused}")
    for path, data in files.items():
        with open(path, "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
