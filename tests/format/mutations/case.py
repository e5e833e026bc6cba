"""A case: one file, the sentence that it tests, and the verdict that its author reads there."""

from typing import Callable, NamedTuple, Optional

ACCEPT = "ACCEPT"
REFUSE = "REFUSE"


class Case(NamedTuple):
    """`build` gives the bytes of a file, `Pieces` of one, or a `Tree`. `sentence` is a quotation from one sentence of
    the page.

    `expected` is None where nobody thought of that very file: then the reader's verdict alone is compared. `guess`
    says what was guessed, where the page leaves it open. `statuses` are what the program may end with where it refuses
    the file: 2 says that it is none that is read, and is to be unpacked first.
    """

    name: str
    sentence: str
    build: Callable
    expected: Optional[str]
    guess: str = ""
    statuses: tuple = (3,)


class Tree(dict):
    """A directory: paths, and for each the bytes of a file, or one of the things below."""

    given_as_link = False


class Pieces:
    """A file that is written piece by piece, since it is large."""

    def __init__(self, pieces):
        self.pieces = pieces


class Link(str):
    """A symbolic link with this target."""


class Folder:
    """An empty directory."""


class Fifo:
    """A named pipe."""
