#!/usr/bin/env python3
"""Splits the page into its sentences, and prints which mutations each of them has: that is sentences.md.

A table row of the page is a sentence of its own. Code is none, and neither are heads of tables.
"""

import itertools
import re
import sys

from examples import page_text
from mutate import all_cases
from untested import WITHOUT

# A full stop within the bold words that begin a paragraph ends nothing.
END = re.compile(r"(?<=[.?!])\s+(?=[A-Z`*\[\"])")

# The line below the head of a table.
RULE = re.compile(r"\|[|\s-]+")


def sentences_of(page):
    """`(chapter, sentence)` for all of the page, in its order."""
    chapter = ""
    for chapter, block in blocks(page):
        for sentence in END.split(block) if not block.startswith("|") else [block]:
            if sentence.strip():
                yield chapter, sentence.strip()


def blocks(page):
    """`(chapter, text)`: paragraphs, list items and table rows, each on one line."""
    chapter, lines, in_code = "", [], False
    for line, following in itertools.pairwise([*page.splitlines(), "", ""]):
        begins_anew = not line.strip() or line.startswith(("#", "|", "- ", "```"))
        if begins_anew and lines:
            yield chapter, " ".join(lines)
            lines = []
        if line.startswith("```"):
            in_code = not in_code
        elif in_code or not line.strip() or RULE.fullmatch(line) or RULE.fullmatch(following):
            continue
        elif line.startswith("#"):
            chapter = line.lstrip("# ")
        else:
            lines.append(line.removeprefix("- ").strip())


def table(page, cases, without):
    """`[(chapter, sentence, names of its mutations, why it has none)]`, and what does not fit together.

    `without` says why a sentence has none. A quotation belongs to one sentence; of rows that are the same, to all.
    """
    rows = [(chapter, sentence, [], []) for chapter, sentence in sentences_of(page)]
    faults = []
    for quotation, column, entry in [
        *((case.sentence, 2, case.name) for case in cases),
        *((quotation, 3, reason) for quotation, reason in without),
    ]:
        found = [row for row in rows if quotation in row[1]]
        if len({sentence for _, sentence, _, _ in found}) != 1:
            faults.append(f"stands in {len(found)} sentences: {quotation}")
        for row in found:
            row[column].append(entry)
    for _, sentence, mutations, reasons in rows:
        if not mutations and not reasons:
            faults.append(f"has no mutation: {sentence}")
    return rows, sorted(set(faults))


FEW = 5


def printed(rows):
    """The table as Markdown."""
    yield "# Which mutations each sentence of docs/format.md has"
    yield ""
    yield "Printed by `sentences.py`. Where there are many, the first few are named."
    yield from ("", "| sentence | mutations |", "|---|---|")
    for chapter, of_chapter in itertools.groupby(rows, lambda row: row[0]):
        yield f"| **{chapter}** | |"
        for _, sentence, mutations, reasons in of_chapter:
            yield f"| {cell(sentence)} | {named(mutations) or 'none: ' + (reasons or ['NOT COVERED'])[0]} |"


def cell(sentence):
    """A sentence in one cell: the columns of a row are divided by dots, and links lead nowhere here."""
    columns = [column.strip() for column in sentence.strip("|").split("|")] if sentence.startswith("|") else [sentence]
    return re.sub(r"\[([^]]*)\]\(#[^)]*\)", r"\1", " · ".join(columns))


def named(mutations):
    few = ", ".join(mutations[:FEW])
    return few if len(mutations) <= FEW else f"{few} and {len(mutations) - FEW} more"


def main():
    rows, faults = table(page_text(), all_cases(), WITHOUT)
    print("\n".join(printed(rows)))
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
