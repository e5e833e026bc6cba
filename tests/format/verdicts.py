"""Compares the verdicts of the reader and the program about every mutated file."""

import gc
import multiprocessing
import os
import shutil
import traceback
from typing import NamedTuple

from mutate import all_cases
from mutations.mutated import write
from program import run
from reader import verdict

WORKERS = 2


class Result(NamedTuple):
    """What came of a case: `fault` is something that is wrong by itself, or empty."""

    number: int
    program: str
    program_reason: str
    reader: str
    reader_reason: str
    fault: str


def compare(program, folder, keep):
    """Gives all cases, and what is not the same: `[(case, Result)]`."""
    cases = all_cases()
    context = multiprocessing.get_context("fork")
    with context.Pool(WORKERS, prepare, (cases, program, folder, keep)) as pool:
        results = sorted(pool.imap_unordered(one, range(len(cases)), chunksize=1))
    return cases, [
        (cases[result.number], result) for result in results if result.fault or result.program != result.reader
    ]


def prepare(cases, program, folder, keep):
    """What each worker knows. It lives for a minute, and collecting garbage would be a fifth of that."""
    global shared
    gc.disable()
    shared = cases, program, folder, keep


def one(number):
    cases, program, folder, keep = shared
    case = cases[number]
    try:
        path = write(case, folder)
        status, said = run(program, ["verify", "--no-progress", path], folder)
        word, reason = verdict(path)
    except Exception:
        return Result(number, "", "", "", "", "the comparison itself failed: " + traceback.format_exc())
    fault = ""
    words = {0: "ACCEPT", **dict.fromkeys(case.statuses, "REFUSE")}
    if status not in words:
        fault = f"the program ends with {status}"
    elif case.expected and word != case.expected:
        fault = f"the reader says {word} where the author of the case expected {case.expected}"
    result = Result(number, words.get(status, "?"), said, word, reason, fault)
    put_away(path, keep if fault or result.program != word else None)
    return result


def put_away(path, keep):
    """Removes a file, or keeps it."""
    for real in {path, path.removesuffix(".link")}:
        if keep:
            shutil.move(real, os.path.join(keep, os.path.basename(real)))
        elif os.path.isdir(real) and not os.path.islink(real):
            shutil.rmtree(real)
        else:
            os.unlink(real)


def told(case, result):
    """A disagreement as lines of text."""
    lines = [f"{'FAULT' if result.fault else 'DISAGREE':10} {case.name}", f"  sentence  {case.sentence}"]
    if result.fault:
        lines.append(f"  fault     {result.fault}")
    lines.append(f"  program   {result.program}  {result.program_reason}")
    lines.append(f"  reader    {result.reader}  {result.reader_reason}")
    if case.guess:
        lines.append(f"  guess     {case.guess}")
    return "\n".join(lines)
