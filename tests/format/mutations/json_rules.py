"""What is read as JSON: rules of every document, in every place where documents stand."""

from page.json_read import KEYS_WITH_A_MEANING

from .case import ACCEPT, Case, REFUSE
from .places import PLACES

VALUE = "A document is one JSON value (RFC 8259) in UTF-8"
NUMBERS = "A `\\u` escape that is half of a surrogate pair is refused"
DEPTH = "Objects and arrays are nested at most 32 deep"
TWICE = "No object has a key twice."
FOLDED = "Keys with a meaning are written exactly so"
FREE = "Only the keys of an object that is itself the value of a key `annotations` are free"
MEANS = "Folded means: `A` to `Z` become `a` to `z`"
NULL = "Among annotations, and as an element of one of the arrays below, it is refused."
OTHER = "All other keys may hold anything, and so may a key of the list above"
# Halfway between the largest double and what would be the next one: to the nearest, and to even, it is infinity.
HALFWAY = 2**1024 - 2**970
EVERY = "The rules of this chapter are for every document that is read"


def cases():
    for label, quote, change, expected in [*texts(), *values(), *keys()]:
        for place, build in PLACES.items():
            yield Case(f"json-{label}-in-{place}", quote, build(change), expected)


def more(member):
    """Adds a member, as text, to the object of a document."""
    return lambda data: data.replace(b"{", b"{" + member.encode("utf-8", "surrogatepass") + b", ", 1)


def texts():
    for label, change, expected in (
        ("white-space-around", lambda data: b" \t\r\n" + data + b"\n\r\t ", ACCEPT),
        ("byte-order-mark", lambda data: b"\xef\xbb\xbf" + data, REFUSE),
        ("no-break-space", lambda data: data + "\u00a0".encode(), REFUSE),
        ("form-feed", lambda data: b"\f" + data, REFUSE),
        ("nul-after", lambda data: data + b"\0", REFUSE),
        ("in-an-array", lambda data: b"[" + data + b"]", REFUSE),
        ("a-string", lambda data: b'"text"', REFUSE),
        ("null", lambda data: b"null", REFUSE),
        ("empty", lambda data: b"", REFUSE),
        ("white-space-only", lambda data: b" ", REFUSE),
        ("twice", lambda data: data + b" " + data, REFUSE),
        ("comma-after", lambda data: data.rstrip()[:-1] + b",}", REFUSE),
        ("cut-off", lambda data: data.rstrip()[:-1], REFUSE),
        ("utf-16", lambda data: data.decode().encode("utf-16-le"), REFUSE),
        ("comment", lambda data: b"// text\n" + data, REFUSE),
        ("latin-1", lambda data: more('"x": "?"')(data).replace(b"?", b"\xe9"), REFUSE),
        ("vertical-tab", lambda data: data + b"\v", REFUSE),
        ("line-separator", lambda data: data + "\u2028".encode(), REFUSE),
        ("byte-order-mark-after", lambda data: data + b"\xef\xbb\xbf", REFUSE),
        ("byte-order-mark-within", lambda data: data.replace(b"{", b"{\xef\xbb\xbf", 1), REFUSE),
        ("two-byte-order-marks", lambda data: b"\xef\xbb\xbf" * 2 + data, REFUSE),
        ("too-large-for-unicode", lambda data: more('"x": "?"')(data).replace(b"?", b"\xf4\x90\x80\x80"), REFUSE),
        ("utf-8-of-five-bytes", lambda data: more('"x": "?"')(data).replace(b"?", b"\xf8\x88\x80\x80\x80"), REFUSE),
        ("utf-8-cut-off", lambda data: more('"x": "?"')(data).replace(b"?", b"\xe2\x82"), REFUSE),
        ("utf-8-continued", lambda data: more('"x": "?"')(data).replace(b"?", b"\x80"), REFUSE),
        ("surrogate-in-utf-8", lambda data: more('"x": "?"')(data).replace(b"?", b"\xed\xa0\x80"), REFUSE),
        ("overlong-utf-8", lambda data: more('"x": "?"')(data).replace(b"?", b"\xc0\xaf"), REFUSE),
    ):
        yield label, VALUE, change, expected
    yield "key-order", EVERY, more('"zzz": 1, "aaa": 2'), ACCEPT


def values():
    """Members with a key that has no meaning."""
    for label, quote, value, expected in (
        ("number-largest", NUMBERS, "1.7976931348623157e308", ACCEPT),
        ("number-rounds-down", NUMBERS, "1.7976931348623158e308", ACCEPT),
        ("number-too-large", NUMBERS, "1e309", REFUSE),
        ("number-too-small", NUMBERS, "-1e309", REFUSE),
        ("number-rounds-up", NUMBERS, "1.797693134862315909e308", REFUSE),
        ("number-of-400-digits", NUMBERS, "1" + "0" * 400, REFUSE),
        ("number-of-300-digits", NUMBERS, "9" * 300, ACCEPT),
        ("number-of-3000-digits", NUMBERS, "0." + "1" * 3000, ACCEPT),
        ("number-zero-with-exponent", NUMBERS, "0e99999", ACCEPT),
        ("number-underflow", NUMBERS, "1e-999", ACCEPT),
        ("number-halfway-to-infinity", NUMBERS, str(HALFWAY), REFUSE),
        ("number-almost-halfway-to-infinity", NUMBERS, str(HALFWAY - 1), ACCEPT),
        ("number-halfway-to-infinity-below", NUMBERS, f"-{HALFWAY}.0", REFUSE),
        ("number-almost-halfway-with-many-digits", NUMBERS, f"{HALFWAY - 1}." + "9" * 800, ACCEPT),
        ("number-halfway-with-exponent", NUMBERS, f"0.000{HALFWAY}e312", REFUSE),
        ("number-small-with-huge-exponent", NUMBERS, "0." + "0" * 400 + "1e700", ACCEPT),
        ("number-smallest", NUMBERS, "4.9406564584124654e-324", ACCEPT),
        ("number-huge-negative-exponent", NUMBERS, "-1e-99999999999999999999", ACCEPT),
        ("number-zero-with-huge-exponent", NUMBERS, "0e99999999999999999999", ACCEPT),
        ("number-minus-zero-with-point", VALUE, "-0.0E+00", ACCEPT),
        ("number-minus-alone", VALUE, "-", REFUSE),
        ("number-exponent-alone", VALUE, "1e", REFUSE),
        ("number-exponent-with-sign-alone", VALUE, "1e+", REFUSE),
        ("number-minus-leading-zero", VALUE, "-01", REFUSE),
        ("number-underscore", VALUE, "1_0", REFUSE),
        ("number-with-letter", VALUE, "1f", REFUSE),
        ("number-huge-exponent", NUMBERS, "1e99999999999999999999", REFUSE),
        ("number-minus-zero", VALUE, "-0", ACCEPT),
        ("number-leading-zero", VALUE, "01", REFUSE),
        ("number-plus", VALUE, "+1", REFUSE),
        ("number-point-first", VALUE, ".5", REFUSE),
        ("number-point-last", VALUE, "5.", REFUSE),
        ("number-hex", VALUE, "0x10", REFUSE),
        ("number-nan", VALUE, "NaN", REFUSE),
        ("number-infinity", VALUE, "Infinity", REFUSE),
        ("number-arabic-digits", VALUE, "\u0661", REFUSE),
        ("literal-upper-case", VALUE, "True", REFUSE),
        ("literal-true", OTHER, "true", ACCEPT),
        ("string-single-quotes", VALUE, "'x'", REFUSE),
        ("string-raw-tab", VALUE, '"\t"', REFUSE),
        ("string-raw-nul", VALUE, '"\0"', REFUSE),
        ("string-delete", VALUE, '"\x7f"', ACCEPT),
        ("string-escape-x", VALUE, '"\\x41"', REFUSE),
        ("string-escape-cut-off", VALUE, '"\\u12"', REFUSE),
        ("string-escape-with-sign", VALUE, '"\\u+123"', REFUSE),
        ("string-last-of-unicode", VALUE, '"\U0010ffff\ufffe\uffff\ufdd0"', ACCEPT),
        ("string-escape-of-upper-case", VALUE, '"\\U0041"', REFUSE),
        ("string-escape-of-quote", VALUE, '"\\\'"', REFUSE),
        ("string-escape-of-all", VALUE, '"\\"\\\\\\/\\b\\f\\n\\r\\t\\uFfFf"', ACCEPT),
        ("string-without-end", VALUE, '"x', REFUSE),
        ("string-raw-line-feed", VALUE, '"\n"', REFUSE),
        ("string-escape-nul", VALUE, '"\\u0000"', ACCEPT),
        ("surrogate-pair", NUMBERS, '"\\ud83d\\ude00"', ACCEPT),
        ("surrogate-high", NUMBERS, '"\\ud83d"', REFUSE),
        ("surrogate-low", NUMBERS, '"\\uDE00"', REFUSE),
        ("surrogate-swapped", NUMBERS, '"\\ude00\\ud83d"', REFUSE),
        ("surrogate-high-and-text", NUMBERS, '"\\ud83dx"', REFUSE),
        ("surrogate-high-and-escape", NUMBERS, '"\\ud83d\\u0041"', REFUSE),
        ("surrogate-in-inner-key", NUMBERS, '{"\\ud83d": 1}', REFUSE),
        ("surrogate-of-two-pairs", NUMBERS, '"\\ud83d\\ude00\\uD83D\\uDE00"', ACCEPT),
        ("surrogate-of-one-and-a-half-pairs", NUMBERS, '"\\ud83d\\ude00\\ud83d"', REFUSE),
        ("surrogate-high-twice", NUMBERS, '"\\ud83d\\ud83d\\ude00"', REFUSE),
        ("surrogate-behind-backslash", NUMBERS, '"\\\\ud83d"', ACCEPT),
        ("surrogate-in-annotations", NUMBERS, '{"annotations": {"\\ud83d": "x"}}', REFUSE),
        ("surrogate-in-annotation", NUMBERS, '{"annotations": {"x": "\\ude00"}}', REFUSE),
        ("surrogate-in-array", NUMBERS, '[["\\ud83d"]]', REFUSE),
        ("depth-32-arrays", DEPTH, "[" * 31 + "]" * 31, ACCEPT),
        ("depth-33-arrays", DEPTH, "[" * 32 + "]" * 32, REFUSE),
        ("depth-32-objects", DEPTH, '{"x":' * 30 + "{}" + "}" * 30, ACCEPT),
        ("depth-33-objects", DEPTH, '{"x":' * 31 + "{}" + "}" * 31, REFUSE),
        ("depth-33-mixed", DEPTH, '[{"x":' * 16 + "1" + "}]" * 16, REFUSE),
        ("depth-10000", DEPTH, "[" * 10000 + "]" * 10000, REFUSE),
        ("key-twice-inside", TWICE, '{"a": 1, "b": 2, "a": 1}', REFUSE),
        ("key-twice-escaped", TWICE, '{"a": 1, "\\u0061": 1}', REFUSE),
        ("key-twice-empty", TWICE, '{"": 1, "": 1}', REFUSE),
        ("key-in-other-letters", TWICE, '{"a": 1, "A": 1}', ACCEPT),
        ("key-in-other-normal-form", TWICE, '{"\u00e9": 1, "e\u0301": 1}', ACCEPT),
        ("key-twice-in-annotations", TWICE, '{"annotations": {"a": "1", "a": "2"}}', REFUSE),
        ("null-of-other-key", OTHER, "null", ACCEPT),
        ("null-in-other-array", NULL, "[null]", ACCEPT),
        ("null-in-array-of-other-manifests", NULL, '{"manifests": [null], "layers": [null], "urls": [null]}', ACCEPT),
        ("null-among-annotations-of-other", NULL, '{"annotations": {"x": null}}', ACCEPT),
        ("annotations-of-any-type", OTHER, '{"annotations": [1], "x": {"annotations": 5}}', ACCEPT),
        ("any-value", OTHER, '{"x": [1, "2", [true], {}]}', ACCEPT),
    ):
        yield label, quote, more(f'"other": {value}'), expected


def keys():
    yield "key-twice-on-top", TWICE, more('"other": 1, "other": 1'), REFUSE
    yield "surrogate-in-key", NUMBERS, more('"\\udead": 1'), REFUSE
    for key in KEYS_WITH_A_MEANING:
        yield f"folded-{key}", FOLDED, more(f'"{key.upper()}": 1'), REFUSE
    for label, key, quote, expected in (
        ("long-s", "\u017fize", MEANS, REFUSE),
        ("escaped-long-s", "url\\u017f", MEANS, REFUSE),
        ("kelvin", "loo\u212a", MEANS, ACCEPT),
        ("long-s-and-upper-case", "BLOB\u017f", MEANS, REFUSE),
        ("two-long-s", "ver\u017fion\u017f", MEANS, ACCEPT),
        ("long-s-in-the-middle", "o\u017f.ver\u017fion", MEANS, REFUSE),
        ("capital-sharp-s", "O\u1e9e", MEANS, ACCEPT),
        ("cyrillic", "\u0455ize", MEANS, ACCEPT),
        ("ligature", "\ufb06ize", MEANS, ACCEPT),
        ("escaped-upper-case", "\\u0055rls", FOLDED, REFUSE),
        ("nul", "Size\\u0000", FOLDED, ACCEPT),
        ("dotted-i", "d\u0130gest", MEANS, ACCEPT),
        ("dotless-i", "d\u0131gest", MEANS, ACCEPT),
        ("full-width", "\uff33ize", MEANS, ACCEPT),
        ("sharp-s", "o\u00df", MEANS, ACCEPT),
        ("escaped", "S\\u0049ZE", FOLDED, REFUSE),
        ("space", "Size ", FOLDED, ACCEPT),
        ("prefix", "Sizes", FOLDED, ACCEPT),
        ("hyphen", "Media-Type", FOLDED, ACCEPT),
    ):
        yield f"folded-by-{label}", quote, more(f'"{key}": 1'), expected
    yield "folded-deep-inside", FOLDED, more('"other": [{"x": {"Size": 1}}]'), REFUSE
    yield "folded-in-config-like", FOLDED, more('"other": {"OS": "linux"}'), REFUSE
    yield "folded-of-other-documents", FOLDED, more('"imagelayoutversion": "1.0.0"'), REFUSE
    yield "folded-in-annotations-of-other", FREE, more('"other": {"annotations": {"SIZE": "1", "Urls": "2"}}'), ACCEPT
    inside = more('"other": {"annotations": {"a": {"SIZE": "1"}}}')
    yield "folded-in-object-in-annotations", FREE, inside, REFUSE
    yield (
        "folded-in-annotations-in-annotations",
        FREE,
        more('"x": {"annotations": {"annotations": {"URLS": 1}}}'),
        ACCEPT,
    )
    yield "folded-in-other-in-annotations", FREE, more('"x": {"annotations": {"Annotations": {"URLS": 1}}}'), REFUSE
    yield "folded-in-array-in-annotations", FREE, more('"x": {"annotations": {"a": [{"URLS": 1}]}}'), REFUSE
    yield "folded-beside-annotations", FREE, more('"x": {"annotations": {"URLS": 1}, "URLS": 1}'), REFUSE
    yield "folded-below-key-like-annotations", FREE, more('"x": {"annotation": {"URLS": 1}}'), REFUSE
    yield "folded-in-escaped-annotations", FREE, more('"x": {"\\u0061nnotations": {"URLS": 1}}'), ACCEPT
    yield "folded-null-in-object", FOLDED, more('"x": {"SIZE": null}'), REFUSE
    beside = more('"other": {"Annotations": {"SIZE": "1"}}')
    yield "folded-annotations-itself", FOLDED, beside, REFUSE
    array = more('"other": {"annotations": [{"SIZE": "1"}]}')
    yield "folded-in-array-of-annotations", FREE, array, REFUSE
    meaning = more('"other": {"size": "text", "digest": 5, "mediaType": [], "urls": {"manifests": 1}, "data": null}')
    yield "keys-where-they-have-no-meaning", "at the places where they have that meaning", meaning, ACCEPT
