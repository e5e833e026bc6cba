"""Writes what a case made: a file, or a directory."""

import os

from .case import Fifo, Folder, Link, Pieces, Tree


def write(case, folder):
    """Writes the file of a case, or its directory, and gives the path."""
    made = case.build()
    if isinstance(made, Tree):
        path = os.path.join(folder, case.name)
        write_tree(made, path)
        if made.given_as_link:
            os.symlink(case.name, path + ".link")
            return path + ".link"
        return path
    path = os.path.join(folder, case.name + ".tar")
    with open(path, "wb") as file:
        file.writelines(made.pieces if isinstance(made, Pieces) else [made])
    return path


def write_tree(tree, path):
    os.mkdir(path)
    for name, what in tree.items():
        full = os.path.join(path, name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if isinstance(what, Link):
            os.symlink(what, full)
        elif isinstance(what, Folder):
            os.makedirs(full, exist_ok=True)
        elif isinstance(what, Fifo):
            os.mkfifo(full)
        else:
            with open(full, "wb") as file:
                file.write(what)
