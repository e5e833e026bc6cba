#!/usr/bin/env python3
"""Makes the mutated files: each for one sentence of the page, always the same ones."""

import argparse
import importlib
import os

from mutations.case import Fifo, Folder, Link, Tree

MODULES = """
large
bundle_entries bundle_headers bundle_texts bundle_roots bundle_referrers bundle_left_out
json_rules descriptor_rules manifest_rules plan_rules name_rules layout_rules
tar_rules tar_names tar_extension_rules directory_rules blind
""".split()


def all_cases():
    """Every case: those that take long first, and then in the order of the page as far as there is one."""
    cases = []
    for name in MODULES:
        cases += importlib.import_module(f"mutations.{name}").cases()
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()
    assert not twice, f"names that stand twice: {twice}"
    return cases


def write(case, folder):
    """Writes the file of a case, or its directory, and gives the path."""
    made = case.build()
    if isinstance(made, Tree):
        path = os.path.join(folder, case.name)
        write_tree(made, path)
        if made.given_as_link:
            os.symlink(path, path + ".link")
            return path + ".link"
        return path
    path = os.path.join(folder, case.name + ".tar")
    with open(path, "wb") as file:
        file.write(made)
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", metavar="DIR", help="where to write the files, and a list of them")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    with open(os.path.join(arguments.folder, "cases.tsv"), "w", encoding="utf-8") as listing:
        for case in all_cases():
            path = write(case, arguments.folder)
            listing.write("\t".join((os.path.basename(path), case.expected or "?", case.sentence)) + "\n")


if __name__ == "__main__":
    main()
