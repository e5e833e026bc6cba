"""Reads a JSON document by the rules of "What is read as JSON".

The parser is the one of Python, which follows RFC 8259 but for four liberties; each is taken away here: the constants
NaN and Infinity, halves of surrogate pairs, keys that stand twice, and numbers of any size.
"""

import functools
import json
import math

from .refusal import Refused, refuse_unless

DEEPEST = 32

KEYS_WITH_A_MEANING = """
annotations architecture artifactType blobs config data digest features fsLayers imageLayoutVersion layers manifests
mediaType os os.features os.version platform schemaVersion size subject urls variant
""".split()

FOLDING = {ord(upper): upper.lower() for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} | {0x17F: "s"}


def fold(key):
    """The key as readers see it that match without regard to case."""
    return key.translate(FOLDING)


FOLDED = {fold(key): key for key in KEYS_WITH_A_MEANING}


def read_document(data, where):
    """The object that the document is.

    In what comes out, an `int` is a number without sign, point and exponent, and every other number is a `float`.
    """
    refuse_unless(not data.startswith(b"\xef\xbb\xbf"), f"{where}: byte order mark")
    try:
        text = bytes(data).decode("utf-8")
        value = DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise Refused(f"{where}: not UTF-8") from error
    except json.JSONDecodeError as error:
        raise Refused(f"{where}: not JSON: {error}") from error
    except RecursionError as error:
        raise Refused(f"{where}: nested too deep") from error
    except Refused as error:
        raise Refused(f"{where}: {error}") from error
    refuse_unless(type(value) is dict, f"{where}: not an object")
    look(value, 1, False, "\\u" in text, where)
    return value


def look(value, depth, free, escapes, where):
    """Looks at what the parser does not: depth, letters of keys, halves of surrogate pairs.

    Only the keys of an object that is itself the value of a key `annotations` are free.
    """
    if depth > DEEPEST:
        raise Refused(f"{where}: nested more than {DEEPEST} deep")
    if type(value) is dict:
        for key, member in value.items():
            if not free and not is_written_so(key):
                raise Refused(f"{where}: key {key!r} differs from one with a meaning only in letters")
            if escapes and not (is_whole(key) and is_whole(member)):
                raise Refused(f"{where}: half of a surrogate pair")
            if type(member) in NESTED:
                look(member, depth + 1, key == "annotations" and type(member) is dict, escapes, where)
    else:
        for element in value:
            if escapes and not is_whole(element):
                raise Refused(f"{where}: half of a surrogate pair")
            if type(element) in NESTED:
                look(element, depth + 1, False, escapes, where)


NESTED = (dict, list)


@functools.lru_cache(maxsize=4096)
def is_written_so(key):
    """Whether the key is one with a meaning, or none that folding makes one."""
    return FOLDED.get(fold(key), key) == key


def is_whole(value):
    """Whether this is no text with half of a surrogate pair in it."""
    return type(value) is not str or value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def object_of(pairs):
    members = dict(pairs)
    refuse_unless(len(members) == len(pairs), "an object has a key twice")
    return members


def number_with_point_or_exponent(text):
    number = float(text)
    refuse_unless(math.isfinite(number), "a number rounds to infinity")
    return number


def number_of_digits(text):
    if text.startswith("-") or len(text) > 300:
        # The sign is gone from `-0` as an int; and Python refuses to read very long ones as an int.
        return number_with_point_or_exponent(text)
    return int(text)


def constant(text):
    raise Refused(f"{text} is not JSON")


DECODER = json.JSONDecoder(
    object_pairs_hook=object_of,
    parse_float=number_with_point_or_exponent,
    parse_int=number_of_digits,
    parse_constant=constant,
    strict=True,
)
