#!/usr/bin/env python3
"""Compares a program with docs/format.md: the bundles that it exports, and its verdicts about mutated files."""

import argparse
import os
import sys
import tempfile
import time

import examples
import exports
import sentences
import untested
import verdicts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "program", metavar="PROGRAM", help="the program: it is run as PROGRAM export and PROGRAM verify"
    )
    parser.add_argument("--keep", metavar="DIR", help="keep the files here about which there is disagreement")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    keep = arguments.keep and os.path.abspath(arguments.keep)
    if keep:
        os.makedirs(keep, exist_ok=True)
    started = time.monotonic()
    wrong = [f"EXAMPLE    {fault}" for fault in examples.faults(examples.page_text())]
    with tempfile.TemporaryDirectory() as folder:
        exported, faults = exports.compare(program, folder, keep)
        wrong += faults
    with tempfile.TemporaryDirectory() as folder:
        cases, differences = verdicts.compare(program, folder, keep)
        wrong += [verdicts.told(case, result) for case, result in differences]
    if wrong:
        print("\n".join(wrong), end="\n\n")
    guessed = sum(1 for case, _ in differences if case.guess)
    _, stale = sentences.table(examples.page_text(), cases, untested.WITHOUT)
    print(f"exports    {exported} compared, {len(faults)} differ")
    print(f"verdicts   {len(cases)} compared, {len(differences)} differ, {guessed} of them where the page was guessed")
    print(f"sentences  {len(stale)} that the mutations do not cover or know by other words")
    print(f"took       {time.monotonic() - started:.0f} s")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
