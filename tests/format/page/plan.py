"""The plan: everything that the roots lead to, each piece of content once."""

from .digests import algorithm_of
from .descriptors import INDEX_TYPES
from .manifests import LARGEST_MANIFEST, read_manifest
from .refusal import Refused, refuse_unless

FARTHEST = 15
MOST_PIECES = 1_000_000
MOST_BYTES = 2**60
MOST_PIECES_BY_ROOT = 5_000_000


class Plan:
    """What the roots lead to.

    `roots` are Descriptors in their order. `fetch` gives the content of a manifest by its digest, already known to
    hash to it, or None where it is missing; blobs are never fetched. `data_is_taken` is whether a manifest that is
    missing is taken from the `data` of a Descriptor: a writer does so, a reader does not. `away` are the digests of
    manifests that were left out for their platform.
    """

    def __init__(self, roots, fetch, data_is_taken=False, away=()):
        self.told_away = set(away)
        self.data = {}  # digest -> content that a Descriptor has
        self.data_is_taken = data_is_taken
        self.fetch = fetch
        while True:
            self.walk(roots)
            # The `data` of a manifest may stand in a Descriptor that the plan leads to later than to the manifest.
            if not data_is_taken or self.lost.isdisjoint(self.data):
                break
        refuse_unless(not self.lost, f"manifests that are missing: {sorted(self.lost)[:1]}")
        refuse_unless(not self.too_far, f"{self.too_far[:1]} is more than {FARTHEST} steps from a root")
        refuse_unless(sum(self.sizes.values()) <= MOST_BYTES, "sizes add up to more than 2^60 bytes")

    def walk(self, roots):
        """Breadth-first. The list of a step is whole before the next step begins, so steps count from the nearest
        root."""
        self.sizes = {}
        self.manifests = {}  # digest -> Manifest, breadth-first
        self.types = {}
        self.configs = set()
        self.with_urls = set()
        self.pieces = {}  # digest of a manifest -> digests of all that it names
        self.lost = set()
        self.away = {}  # digest of a manifest that was left out -> whether it is an index
        self.named_otherwise = set()  # digests that something leads to which is no entry with a manifest type
        self.too_far = []
        step = 0
        ahead = []
        for root in roots:
            refuse_unless(root.names_a_manifest, f"root {root.digest} has no manifest type")
            refuse_unless(root.digest not in self.told_away, f"root {root.digest} was left out")
            ahead.append(root)
        while ahead:
            behind, ahead = ahead, []
            for descriptor in behind:
                self.meet(descriptor)
                if descriptor.digest not in self.manifests:
                    if step > FARTHEST:
                        self.too_far.append(descriptor.digest)
                    ahead += self.take(descriptor)
                manifest = self.manifests.get(descriptor.digest)
                if manifest is None:
                    continue
                manifest_type = manifest.type_by(descriptor, descriptor.digest)
                self.types.setdefault(descriptor.digest, manifest_type)
            step += 1

    def take(self, descriptor):
        """Reads a manifest that was not met before; gives the entries that are manifests themselves."""
        digest = descriptor.digest
        if digest in self.told_away:
            is_index = descriptor.media_type in INDEX_TYPES
            refuse_unless(self.away.setdefault(digest, is_index) == is_index, f"{digest}, left out, is of two kinds")
            return []
        refuse_unless(descriptor.size <= LARGEST_MANIFEST, f"{digest}: a manifest of more than 32 MiB")
        data = self.fetch(digest)
        if data is None and self.data_is_taken:
            data = self.data.get(digest)
        if data is None:
            self.lost.add(digest)
            return []
        refuse_unless(len(data) == descriptor.size, f"{digest} is not as long as its Descriptor says")
        manifest = read_manifest(data, digest)
        self.manifests[digest] = manifest
        self.meet_all(manifest)
        return [entry for entry in manifest.manifests if entry.names_a_manifest]

    def meet_all(self, manifest):
        """Notes all that a manifest leads to but manifests, which are noted in their turn."""
        for blob in manifest.blobs:
            self.meet(blob)
            self.named_otherwise.add(blob.digest)
        if manifest.config:
            self.meet(manifest.config)
            self.named_otherwise.add(manifest.config.digest)
            self.configs.add(manifest.config.digest)
        for entry in manifest.manifests:
            if not entry.names_a_manifest:
                self.meet(entry)
                self.named_otherwise.add(entry.digest)
        refuse_unless(len(self.sizes) <= MOST_PIECES, "more than 1 000 000 pieces of content")

    def meet(self, descriptor):
        """Notes a piece of content and what this Descriptor says of it."""
        known = self.sizes.setdefault(descriptor.digest, descriptor.size)
        if known != descriptor.size:
            raise Refused(f"{descriptor.digest} has two sizes")
        if descriptor.urls:
            self.with_urls.add(descriptor.digest)
        if descriptor.data is not None:
            self.data[descriptor.digest] = descriptor.data

    def count_by_root(self, roots):
        """Refuses a plan that is small but spreads: each root, a pair of what it is called and its digest, counts
        with everything below it."""
        if len(roots) * len(self.sizes) <= MOST_PIECES_BY_ROOT:
            return
        counts = {}
        total = 0
        for _, digest in roots:
            if digest not in counts:
                counts[digest] = len(self.below(digest))
            total += counts[digest]
            refuse_unless(total <= MOST_PIECES_BY_ROOT, "more than 5 000 000 pieces of content, counted by root")

    def below(self, digest):
        """Everything that a manifest leads to, itself included."""
        found = set()
        for manifest_digest in self.manifests_below(digest):
            if manifest_digest not in self.pieces:
                self.pieces[manifest_digest] = self.named_by(manifest_digest)
            found |= self.pieces[manifest_digest]
        return found

    def named_by(self, digest):
        """A manifest, and what it names itself."""
        manifest = self.manifests[digest]
        found = {digest, *(blob.digest for blob in manifest.blobs), *(entry.digest for entry in manifest.manifests)}
        if manifest.config:
            found.add(manifest.config.digest)
        return found

    def manifests_below(self, digest):
        """The manifests that a manifest leads to, itself included; without those that were left out."""
        found = {digest}
        waiting = [digest]
        while waiting:
            for entry in self.manifests[waiting.pop()].manifests:
                if entry.names_a_manifest and entry.digest not in found and entry.digest not in self.away:
                    found.add(entry.digest)
                    waiting.append(entry.digest)
        return found

    @property
    def algorithms(self):
        return sorted({algorithm_of(digest) for digest in self.sizes})

    def may_be_left_out(self, digest):
        """A blob, never a manifest, of which at least one Descriptor has `urls` and none is the content itself; or a
        manifest of another platform, which nothing leads to in another way."""
        if digest in self.away:
            return digest not in self.named_otherwise
        return digest in self.with_urls and digest not in self.manifests and digest not in self.data

    def may_be_in_base(self, digest):
        """A blob, never a manifest, that is in no Descriptor."""
        return digest not in self.manifests and digest not in self.data

    def order(self):
        """All digests as a bundle has them: manifests, configs, and all other blobs."""
        configs = sorted(self.configs - self.manifests.keys())
        others = [digest for digest in self.sizes if digest not in self.manifests and digest not in self.configs]
        others.sort(key=lambda digest: (-self.sizes[digest], digest))
        return [*self.manifests, *configs, *others]
