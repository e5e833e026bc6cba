"""Writes JSON in the one form of "How JSON is written"."""

import re

SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
ESCAPED = re.compile(r'["\\\x00-\x1f]')


def written(value):
    """The bytes of this value, which is made of objects, arrays, strings and whole numbers without a sign."""
    return text_of(value).encode("utf-8")


def text_of(value):
    if type(value) is dict:
        # Sorted by code points is sorted by bytes: UTF-8 keeps the order.
        return "{" + ",".join(f"{string(key)}:{text_of(value[key])}" for key in sorted(value)) + "}"
    if type(value) is list:
        return "[" + ",".join(map(text_of, value)) + "]"
    if type(value) is str:
        return string(value)
    if type(value) is int and value >= 0:
        return str(value)
    raise TypeError(f"{value!r} has no place in a bundle")


def string(text):
    return '"' + ESCAPED.sub(escape, text) + '"'


def escape(found):
    letter = found[0]
    return SHORT.get(letter) or f"\\u{ord(letter):04x}"
