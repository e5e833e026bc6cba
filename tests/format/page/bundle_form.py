"""The one form of a bundle: its bytes, worked out from its content."""

from typing import NamedTuple, Optional

from . import digests, tar_write, volumes
from .descriptors import OCI_INDEX
from .json_write import written
from .refusal import refuse_unless

OCI_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
LARGEST_INDEX = 64 * 1024 * 1024

CONTAINERD_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
LEFT_OUT = "io.oci-bundle.left-out"


class Root(NamedTuple):
    """An entry of `index.json`: a name, or None for a referrer, and what it leads to."""

    name: Optional[str]
    digest: str


class Form:
    """What a bundle with these roots, this plan and this left out has to be.

    The plan decides sizes and types; the order of the roots is worked out here. `volume` is None, or the number of a
    volume and the size of volumes. `in_base` is what of that was left out because a base has it. `short` is whether
    names are short, and `docker` what of each name is on the list for Docker: `{name: digest of a manifest}`.
    """

    def __init__(self, roots, plan, left_out, volume=None, in_base=frozenset(), short=False, docker=None):
        self.short = short
        self.docker = docker or {}
        self.plan = plan
        self.in_base = in_base
        self.count, self.number, self.table = 1, 1, {}
        self.roots = sorted(roots, key=self.place)
        self.left_out = sorted({*left_out, *plan.away})
        self.check_roots()
        self.check_left_out()
        self.check_docker()
        self.index = written(self.index_document())
        refuse_unless(len(self.index) <= LARGEST_INDEX, "index.json of more than 64 MiB")
        self.bundle_json = written(self.bundle_document())
        if volume and self.length() > volume[1]:
            refuse_unless(not self.docker, "a list for Docker in a volume")
            self.number, self.size = volume
            self.take_volume()

    def take_volume(self):
        """Makes this the form of one volume of the bundle."""

        def head_of(count, table):
            self.count, self.table, number, self.number = count, table, self.number, count
            self.bundle_json = written(self.bundle_document())
            self.number = number
            return self.head_length()

        division = volumes.Division(self, self.size, head_of)
        self.count, self.table = len(division.left), division.table
        refuse_unless(1 <= self.number <= self.count, f"there is no volume {self.number} of {self.count}")
        self.bundle_json = written(self.bundle_document())

    @property
    def identity(self):
        return digests.digest_of(self.index)

    def place(self, root):
        """Names before none, images before artifacts, then by name or digest."""
        if root.name is None:
            return (2, root.digest)
        return (1 if self.plan.manifests[root.digest].is_artifact else 0, root.name)

    def check_roots(self):
        names = [root.name for root in self.roots if root.name is not None]
        refuse_unless(names, "no root has a name")
        refuse_unless(len(set(names)) == len(names), "a name stands there twice")
        refuse_unless(not self.short or self.may_be_short(names), "short names do not tell the images apart")
        self.check_referrers()

    @staticmethod
    def may_be_short(names):
        """All names have a tag, and are of one repository."""
        return not any("@" in name for name in names) and len({name.rpartition(":")[0] for name in names}) == 1

    def check_referrers(self):
        """Each root without a name is attached, by its subject, to what is there with a name, in the end."""
        waiting = [root.digest for root in self.roots if root.name is None]
        refuse_unless(len(set(waiting)) == len(waiting), "a referrer stands there twice")
        attached = set()
        for root in self.roots:
            if root.name is not None:
                attached |= self.plan.manifests_below(root.digest)
        by_subject = {}
        for digest in waiting:
            subject = self.plan.manifests[digest].subject
            refuse_unless(subject, f"{digest} has no name and no subject")
            by_subject.setdefault(subject.digest, []).append(digest)
        ahead = [subject for subject in by_subject if subject in attached]
        while ahead:
            for digest in by_subject.pop(ahead.pop(), []):
                new = self.plan.manifests_below(digest) - attached
                attached |= new
                # What was attached before may have come here by a name; only what waits for a subject matters.
                ahead += [subject for subject in new if subject in by_subject]
        refuse_unless(not by_subject, "a root without a name refers to nothing that is there")

    def check_left_out(self):
        for digest in self.left_out:
            refuse_unless(digest in self.plan.sizes, f"{digest} was left out and is not in the plan")
            if digest in self.in_base:
                refuse_unless(self.plan.may_be_in_base(digest), f"{digest} cannot be left to a base")
            else:
                refuse_unless(self.plan.may_be_left_out(digest), f"{digest} is missing")
        for root in self.roots:
            self.check_platforms(root)

    def check_platforms(self, root):
        """Something that is no index is left of each root."""
        below = self.plan.below(root.digest) if self.plan.away else set()
        if below.isdisjoint(self.plan.away):
            return
        indexes = {digest for digest, manifest in self.plan.manifests.items() if manifest.is_index}
        refuse_unless(below - indexes - self.left_out_for_good(), f"all platforms of {root.digest} were left out")

    def check_docker(self):
        """What is on the list for Docker may be there."""
        refuse_unless(not (self.docker and self.in_base), "a list for Docker in a delta")
        roots = {root.name: root.digest for root in self.roots if root.name is not None}
        left_out = set(self.left_out)
        for name, digest in self.docker.items():
            refuse_unless(name in roots, f"{name!r} is on the list for Docker and no name of a root")
            is_there = digest in self.plan.manifests_below(roots[name])
            refuse_unless(is_there, f"{name} does not lead to {digest}, which is on the list for Docker")
            manifest = self.plan.manifests[digest]
            refuse_unless(not manifest.is_index and not manifest.is_artifact, f"{digest} is not for Docker")
            refuse_unless(left_out.isdisjoint(self.plan.named_by(digest)), f"something of {digest} was left out")

    def docker_list(self):
        elements = {}
        for root in self.roots:
            if root.name not in self.docker:
                continue
            digest = self.docker[root.name]
            manifest = self.plan.manifests[digest]
            element = elements.setdefault(
                digest,
                {
                    "Config": digests.path_of(manifest.config.digest),
                    "Layers": [digests.path_of(layer.digest) for layer in manifest.layers],
                    "RepoTags": [],
                },
            )
            if "@" not in root.name:
                element["RepoTags"].append(root.name)
        return list(elements.values())

    def left_out_for_good(self):
        return set(self.left_out) - set(self.in_base)

    def root_descriptor(self, root):
        descriptor = {
            "digest": root.digest,
            "mediaType": self.plan.types[root.digest],
            "size": self.plan.sizes[root.digest],
        }
        if root.name is not None:
            shown = root.name.rpartition(":")[2] if self.short else root.name
            descriptor["annotations"] = {CONTAINERD_NAME: root.name, REF_NAME: shown}
        elif self.plan.manifests[root.digest].artifact_type:
            descriptor["artifactType"] = self.plan.manifests[root.digest].artifact_type
        return descriptor

    def absent(self):
        return [
            {"digest": digest, "reason": self.reason(digest), "size": self.plan.sizes[digest]}
            for digest in self.left_out
        ]

    def for_good(self):
        return [element for element in self.absent() if element["reason"] != "base"]

    def reason(self, digest):
        if digest in self.in_base:
            return "base"
        return "platform" if digest in self.plan.away else "nondistributable"

    def index_document(self):
        document = {
            "manifests": [self.root_descriptor(root) for root in self.roots],
            "mediaType": OCI_INDEX,
            "schemaVersion": 2,
        }
        if self.for_good():
            document["annotations"] = {LEFT_OUT: digests.digest_of(written(self.for_good()))}
        return document

    def bundle_document(self):
        document = {"formatVersion": 1, "index": self.identity, "volume": {"count": self.count, "number": self.number}}
        if self.table:
            document["table"] = self.table
            document["volume"]["size"] = self.size
        if self.docker:
            document["docker"] = self.docker
        if self.left_out:
            document["absent"] = self.absent()
        return document

    def blobs(self):
        """The digests that have an entry, in their order."""
        left_out = set(self.left_out)
        return [digest for digest in self.plan.order() if digest not in left_out]

    def documents(self):
        listed = [("manifest.json", written(self.docker_list()))] if self.docker else []
        return [("oci-layout", OCI_LAYOUT), ("index.json", self.index), ("bundle.json", self.bundle_json), *listed]

    def entries(self):
        """The paths of all entries after the directories, each with its digest and, of a part, which it is."""
        for digest in self.blobs():
            there = self.table.get(digest)
            if there is None or there == self.number:
                yield digests.path_of(digest), digest, None
            elif self.number in volumes.volumes_of(there):
                part = volumes.part_in(there, self.number, self.plan.sizes[digest])
                yield volumes.part_path(digest, part[0]), digest, part

    def file(self, chunks_of, chunks_of_part=None):
        """The bytes of the bundle, piece by piece. `chunks_of` gives those of a blob by its digest, and
        `chunks_of_part` those of a part."""
        for path, data in self.documents():
            yield tar_write.head(path, len(data)) + data + tar_write.padding(len(data))
        yield tar_write.head("blobs/", 0, is_directory=True)
        for algorithm in self.plan.algorithms:
            yield tar_write.head(f"blobs/{algorithm}/", 0, is_directory=True)
        for path, digest, part in self.entries():
            size = part[2] if part else self.plan.sizes[digest]
            yield tar_write.head(path, size)
            yield from chunks_of_part(digest, part) if part else chunks_of(digest)
            yield tar_write.padding(size)
            if part:
                line = volumes.sum_line(chunks_of_part(digest, part), part[0])
                yield tar_write.head(path + ".sha256", len(line)) + line + tar_write.padding(len(line))
        yield tar_write.END

    def head_length(self):
        """The length of all before the first config, other blob or part."""
        entries = [(path, len(data)) for path, data in self.documents()] + [("blobs/", 0)]
        entries += [(f"blobs/{algorithm}/", 0) for algorithm in self.plan.algorithms]
        entries += [(digests.path_of(digest), self.plan.sizes[digest]) for digest in self.plan.manifests]
        return sum(volumes.cost(path, size) for path, size in entries)

    def length(self):
        """The length of the file, from sizes alone."""
        total = self.head_length() + len(tar_write.END)
        for path, digest, part in self.entries():
            if part:
                total += volumes.cost(path, part[2]) + volumes.cost_of_sum(digest)
            elif digest not in self.plan.manifests:
                total += volumes.cost(path, self.plan.sizes[digest])
        return total
