#!/usr/bin/env python3
"""Makes the mutated files: each for one sentence of the page, always the same ones."""

import argparse
import importlib
import os

from mutations.mutated import write

MODULES = """
large
bundle_entries bundle_sizes bundle_plan bundle_orders bundle_headers bundle_texts
bundle_roots bundle_referrers bundle_left_out bundle_platforms bundle_deltas bundle_volumes bundle_docker
json_rules descriptor_rules data_rules manifest_rules plan_rules name_rules layout_rules
gzip_rules zstd_rules tar_rules tar_names tar_extension_rules tar_extension_names hard_links hauler_rules
directory_rules blind blind_parts chance
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
