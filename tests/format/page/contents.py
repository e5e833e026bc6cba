"""What was found in a tar or a directory: three documents, the blobs, and a list for Docker."""

from .digests import hashes_to
from .volumes import part_path
from .refusal import refuse_unless


class Contents:
    """`documents` and `blobs` hold things that have a `size`, `read()` and `chunks()`."""

    def __init__(self):
        self.documents = {}
        self.blobs = {}
        self.parts = {}  # by path
        self.docker_list = None

    def chunks_of_part(self, digest, part):
        """The content of a part of a blob, where it stands and is as long as it must be."""
        place = self.parts.get(part_path(digest, part[0]))
        refuse_unless(place and place.size == part[2], f"part {part[0]} of {digest} is not there in its length")
        return place.chunks()

    def add_blob(self, digest, place):
        """A blob may stand several times, in one size; each time is hashed."""
        if digest in self.blobs:
            refuse_unless(self.blobs[digest][0].size == place.size, f"{digest} stands there in two sizes")
        self.blobs.setdefault(digest, []).append(place)

    def check_hashes(self):
        """All that stands under a digest hashes to it, also what nothing refers to."""
        for digest, places in self.blobs.items():
            for place in places:
                refuse_unless(hashes_to(place.chunks(), digest), f"{digest} does not hash to its name")

    def fetch(self, digest):
        """The content of a blob, None where it is missing."""
        places = self.blobs.get(digest)
        return places[0].read() if places else None

    def size_of(self, digest):
        return self.blobs[digest][0].size

    def chunks_of(self, digest):
        return self.blobs[digest][0].chunks()
