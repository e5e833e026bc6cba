"""Which volume has what, as "Volumes" has it, and the entries of parts."""

import hashlib

from . import tar_write
from .digests import algorithm_of
from .refusal import refuse_unless

LEAST_ROOM = 4096
MOST_VOLUMES = 9999
MOST_TIMES = 50
SUM_BLOCK = 512


def part_path(digest, number):
    return f"parts/{algorithm_of(digest)}/{digest.partition(':')[2]}/{number:03}"


def sum_path(digest, number):
    return part_path(digest, number) + ".sha256"


def sum_line(chunks, number):
    """The checksum of a part, as it stands after it."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return f"{state.hexdigest()}  {number:03}\n".encode()


def cost(path, size):
    return len(tar_write.head(path, size)) + size + len(tar_write.padding(size))


def cost_of_sum(digest):
    return len(tar_write.head(sum_path(digest, 1), 0)) + SUM_BLOCK


class Division:
    """How a form is divided into volumes of at most `size` bytes; `head_of(count, table)` gives the length of the head
    of the last volume."""

    def __init__(self, form, size, head_of):
        self.form = form
        self.in_bundle = set(form.blobs()) - form.plan.manifests.keys()
        self.order = {digest: at for at, digest in enumerate(form.blobs())}
        longest = head_of(1, {digest: 1 for digest in self.in_bundle})
        for _ in range(MOST_TIMES):
            self.room = (size - longest - len(tar_write.END)) // 512 * 512
            refuse_unless(self.room >= LEAST_ROOM, f"no volumes of {size} bytes: there is no room in them")
            self.divide()
            head = head_of(len(self.left), self.table)
            if head <= longest:
                return
            longest = head
        refuse_unless(False, f"no volumes of {size} bytes: their heads grow on")

    def divide(self):
        self.table = {}
        self.left = []  # what each volume has left, the first one first
        for root in self.form.roots:
            self.place(root.digest)

    def place(self, root):
        below = self.form.plan.below(root) & self.in_bundle
        new = sorted((digest for digest in below if digest not in self.table), key=self.order.get)
        near = sorted({number for digest in below for number in volumes_of(self.table.get(digest, []))})
        costs = [cost("blobs/" + digest.replace(":", "/"), self.form.plan.sizes[digest]) for digest in new]
        if sum(costs) <= self.room:
            if new:
                number = self.volume_for(sum(costs), near)
                self.table.update(dict.fromkeys(new, number))
            return
        for digest, one in zip(new, costs):
            self.table[digest] = self.volume_for(one, near) if one <= self.room else self.cut(digest)

    def volume_for(self, wanted, near):
        for number in [*near, *range(1, len(self.left) + 1)]:
            if self.left[number - 1] >= wanted:
                self.left[number - 1] -= wanted
                return number
        return self.new_volume(wanted)

    def new_volume(self, wanted):
        refuse_unless(len(self.left) < MOST_VOLUMES, "more than 9 999 volumes")
        self.left.append(self.room - wanted)
        return len(self.left)

    def cut(self, digest):
        most = self.room - cost_of_sum(digest) - len(tar_write.head(part_path(digest, 1), 0))
        rest, volumes = self.form.plan.sizes[digest], []
        while rest:
            part = min(rest, most)
            volumes.append(self.new_volume(cost(part_path(digest, 1), part) + cost_of_sum(digest)))
            rest -= part
        return {"bytes": most, "volumes": volumes}


def volumes_of(entry):
    """The volumes that an entry of a table names."""
    if type(entry) is dict:
        return entry["volumes"]
    return [entry] if type(entry) is int else []


def part_in(entry, number, size):
    """`(number of the part, its first byte, its length)` of a cut blob in this volume."""
    at = entry["volumes"].index(number)
    return at + 1, at * entry["bytes"], min(entry["bytes"], size - at * entry["bytes"])
