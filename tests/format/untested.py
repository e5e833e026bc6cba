"""Sentences of the page that no mutation tests, and why: by a quotation from each."""

EXPLAINS = "explains, and asks for nothing"
TERM = "a term"
EXAMPLE = "an example that examples.py works out anew"
LEADS = "leads to the lines below it"
WRITER = "about writers: exports are compared byte by byte"
CHECK = "a check by hand of what other sentences ask for"

WITHOUT = [
    ("This page is precise enough to write a reader", EXPLAINS),
    ("are the terms of the OCI specifications.", TERM),
    ("A Reference is what a person types to name an image.", TERM),
    ("These terms are ours:", LEADS),
    ("| bundle | a file in the format of this page |", TERM),
    ("| root | an entry of `index.json`", TERM),
    ("| plan | everything that the roots lead to", TERM),
    ("| finding | one thing that is wrong", TERM),
    ("So the start of a bundle, usually a few hundred KiB", EXPLAINS),
    ("A file of 9 GiB has the size field", EXAMPLE),
    ("All sizes stand in descriptors, so a writer knows", WRITER),
    ("A writer may fill the file in any order.", WRITER),
    ("Other tools ignore the file.", "about other tools"),
    ("A reader may refuse one of more than 256 MiB", "leaves it to the reader"),
    ("A reader may refuse a plan whose manifests are more", "leaves it to the reader"),
    ("A reader may refuse one in which more than", "leaves it to the reader"),
    ("A reader may refuse more than 10 000 of them", "leaves it to the reader"),
    ("The reasons are:", LEADS),
    ("is *intact*.", TERM),
    ("That says nothing about where it comes from", EXPLAINS),
    ("Compare the digest with one that reached you another way.", EXPLAINS),
    ("JSON readers that match keys without regard to case", EXPLAINS),
    ("Anything else is refused.", "what it refuses is tested with the sentence before it"),
    ("**Normalised** as Docker does it:", LEADS),
    ("With `tar`, `sha256sum` and `jq`.", CHECK),
    ("The file here holds one multi-platform image", EXAMPLE),
    ("Its identity is the hash of `index.json`, and", EXAMPLE),
    ("The images and their digests:", CHECK),
    ("Every blob hashes to its name:", CHECK),
    ("Every manifest that an index or a root names is there", CHECK),
    ("Still in `look/blobs/sha256`:", CHECK),
    ("No output: nothing is missing.", CHECK),
    ("And the headers are all of one kind", CHECK),
    ("as a bundle of 21 504 bytes:", EXAMPLE),
    ("| 0 | 30 | `oci-layout` |", EXAMPLE),
    ("| 2 | 363 | `index.json` |", EXAMPLE),
    ("| 4 | 133 | `bundle.json` |", EXAMPLE),
    ("| 6 | – | `blobs/` |", EXAMPLE),
    ("| 7 | – | `blobs/sha256/` |", EXAMPLE),
    ("| 8 | 501 | `blobs/sha256/bbaf0b35db1f…`", EXAMPLE),
    ("| 10 | 422 | `blobs/sha256/71863180bae8…`", EXAMPLE),
    ("| 12 | 10 263 | `blobs/sha256/a98631bc05a9…`", EXAMPLE),
    ("| 34 | 2 071 | `blobs/sha256/cc2d9b1f2466…`", EXAMPLE),
    ("| 40 | – | two blocks of zeros |", EXAMPLE),
    ("is the digest of this bundle:", EXAMPLE),
    ("The header of the manifest, in block 8", EXAMPLE),
    ("Size 501 is octal 765", EXAMPLE),
]
