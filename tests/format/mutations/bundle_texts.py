"""How JSON is written: other texts of the same `index.json` and `bundle.json`, with digests that fit them."""

import json

from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import all_kinds, Box, NAME, one_image

COMPACT = "are compact JSON in UTF-8"
NUMBERS = "Numbers are whole, without a sign"
MANIFESTS = "| `manifests` | the roots, in the order below"
NO_OTHER_KEYS = "There are no other keys and no other reasons."
STRINGS = "have a backslash in front; backspace, tab, line feed"


def everything():
    return sound(*all_kinds())


def with_index(change):
    def build():
        draft = everything()
        draft.change_index_text = change
        return draft.file()

    return build


def with_bundle(change):
    def build():
        draft = everything()
        draft.change_bundle_text = change
        return draft.file()

    return build


def cases():
    for where, of in (("index", with_index), ("bundle", with_bundle)):
        for label, change in texts():
            yield Case(f"{where}-json-{label}", COMPACT, of(change), REFUSE)
    yield from of_numbers()
    yield from of_strings()
    yield from of_members()


def of_members():
    """Members that mean nothing, or the same, and are in no bundle."""
    for label, old, new in (
        ("annotations-null", b'"manifests":', b'"annotations":null,"manifests":'),
        ("annotations-empty", b'"manifests":', b'"annotations":{},"manifests":'),
        ("artifact-type-null", b'"manifests":', b'"artifactType":null,"manifests":'),
        ("subject-null", b'"schemaVersion":2', b'"schemaVersion":2,"subject":null'),
        ("config-null", b'"manifests":', b'"config":null,"manifests":'),
        ("root-artifact-type-null", b'"digest":', b'"artifactType":null,"digest":'),
        ("root-data-null", b'"digest":', b'"data":null,"digest":'),
        ("root-platform-null", b'"size":', b'"platform":null,"size":'),
        ("root-urls-null", b"}]", b',"urls":null}]'),
        ("root-urls-empty", b"}]", b',"urls":[]}]'),
        ("root-empty-key", b'{"annotations"', b'{"":"","annotations"'),
        ("root-null", b"[{", b"[null,{"),
        ("size-key-escaped", b'"size":', b'"siz\\u0065":'),
        ("schema-version-again", b'"schemaVersion":2', b'"schemaVersion":2,"schemaVersion":2'),
    ):
        change = lambda data, old=old, new=new: data.replace(old, new, 1)
        yield Case(f"index-json-{label}", MANIFESTS, of_one(change, index=True), REFUSE)
    for label, old, new in (
        ("absent-null", b"{", b'{"absent":null,'),
        ("absent-empty", b"{", b'{"absent":[],'),
        ("annotations", b"{", b'{"annotations":{},'),
        ("unknown-null", b"}}", b'},"zzz":null}'),
        ("empty-key", b"{", b'{"":0,'),
        ("volume-null", b'{"count":1,"number":1}', b"null"),
        ("volume-array", b'{"count":1,"number":1}', b"[1,1]"),
        ("volume-keys-swapped", b'{"count":1,"number":1}', b'{"number":1,"count":1}'),
        ("volume-digest", b'"number":1', b'"digest":null,"number":1'),
        ("version-null", b'"formatVersion":1', b'"formatVersion":null'),
        ("version-in-text", b'"formatVersion":1', b'"formatVersion":"1"'),
        ("version-upper-case", b'"formatVersion"', b'"FormatVersion"'),
        ("version-escaped", b'"formatVersion"', b'"form\\u0061tVersion"'),
        ("version-later", b'{"formatVersion":1,', b'{"a":"","formatVersion":1,'),
        ("version-twice", b'"formatVersion":1', b'"formatVersion":1,"formatVersion":1'),
        ("version-two-and-one", b'"formatVersion":1', b'"formatVersion":2,"formatVersion":1'),
        ("index-in-list", b'"index":', b'"index":[],"Index":'),
    ):
        change = lambda data, old=old, new=new: data.replace(old, new, 1)
        yield Case(f"bundle-json-{label}", NO_OTHER_KEYS, of_one(change, index=False), REFUSE)


def of_one(change, index):
    """A bundle of one image, of which one text was changed; that the change is one is made sure of."""

    def checked(data):
        assert change(data) != data
        return change(data)

    def build():
        box, image = one_image()
        draft = sound(box, {NAME: image})
        setattr(draft, "change_index_text" if index else "change_bundle_text", checked)
        return draft.file()

    return build


def texts():
    yield "line-feed", lambda data: data + b"\n"
    yield "carriage-return", lambda data: data + b"\r\n"
    yield "space-before", lambda data: b" " + data
    yield "space-after", lambda data: data + b" "
    yield "space-after-colon", lambda data: data.replace(b'":', b'": ', 1)
    yield "space-after-last-comma", lambda data: b", ".join(data.rsplit(b",", 1))
    yield "byte-order-mark", lambda data: b"\xef\xbb\xbf" + data
    yield "utf-16", lambda data: data.decode().encode("utf-16")
    yield "indented", lambda data: json.dumps(json.loads(data), indent=2, sort_keys=True, ensure_ascii=False).encode()
    yield "keys-reversed", lambda data: compact(reversed_keys(json.loads(data)))
    yield "inner-keys-reversed", lambda data: compact(inner_reversed(json.loads(data)))
    yield "nul-after", lambda data: data + b"\0"
    yield "twice", lambda data: data + data
    yield "cut-off", lambda data: data[:-1]
    yield "comma-at-the-end", lambda data: data[:-1] + b",}"
    yield "key-twice", lambda data: data[:-1] + b"," + data[1:]
    yield "comment", lambda data: data + b"/**/"
    yield "in-an-array", lambda data: b"[" + data + b"]"
    yield "letter-escaped", lambda data: data.replace(b"sha256:", b"sha25\\u0036:", 1)
    yield (
        "solidus-escaped",
        lambda data: data.replace(b"/", b"\\/", 1) if b"/" in data else data.replace(b"sha", b"sh\\u0061", 1),
    )
    yield "key-escaped", lambda data: data.replace(b'"digest"', b'"d\\u0069gest"', 1)


def compact(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def reversed_keys(document):
    return {key: document[key] for key in reversed(document)}


def inner_reversed(value):
    if isinstance(value, dict):
        return {
            key: inner_reversed(value[key])
            for key in sorted(value, reverse=any(type(one) in (str, int) for one in value.values()))
        }
    return [inner_reversed(element) for element in value] if isinstance(value, list) else value


def of_numbers():
    for label, new in (
        ("point", b"2.0"),
        ("exponent", b"2e0"),
        ("plus", b"+2"),
        ("zero", b"02"),
        ("string", b'"2"'),
    ):
        old = b'"schemaVersion":2'
        yield Case(
            f"index-json-number-{label}",
            NUMBERS,
            with_index(lambda data, new=new, old=old: data.replace(old, old[:-1] + new)),
            REFUSE,
        )
    for label, new in (
        ("point", b"1.0"),
        ("exponent", b"1E0"),
        ("exponent-of-one", b"10e-1"),
        ("plus", b"+1"),
        ("zero", b"01"),
        ("string", b'"1"'),
        ("true", b"true"),
    ):
        for key in (b"formatVersion", b"number", b"count"):
            old = b'"' + key + b'":1'
            name = f"bundle-json-number-{key.decode()}-{label}"
            yield Case(
                name, NUMBERS, with_bundle(lambda data, new=new, old=old: data.replace(old, old[:-1] + new)), REFUSE
            )
    yield Case(
        "bundle-json-size-point",
        NUMBERS,
        with_bundle(lambda data: data.replace(b'"size":500', b'"size":500.0')),
        REFUSE,
    )
    yield Case("index-json-size-sign", NUMBERS, with_index(sized(b"-%d")), REFUSE)
    yield Case("index-json-size-zero", NUMBERS, with_index(sized(b"0%d")), REFUSE)
    yield Case("index-json-size-point", NUMBERS, with_index(sized(b"%d.0")), REFUSE)
    yield Case("index-json-size-exponent", NUMBERS, with_index(sized(b"%de0")), REFUSE)


def sized(form):
    """Writes the size of the first root in another form."""

    def change(data):
        start = data.index(b'"size":') + len(b'"size":')
        end = start + min(data[start:].index(b"}"), data[start:].index(b","))
        return data[:start] + form % int(data[start:end]) + data[end:]

    return change


def of_strings():
    """The artifact type of a referrer may be any text, so it shows how strings are written."""
    yield Case("string-sound", STRINGS, typed('a"b\\c\b\t\n\f\r\0\x01\x1f\x7f\x80\u2028é😀/\ufeff\ufffd'), ACCEPT)
    for label, letter, other in (
        ("quote", '"', b"\\u0022"),
        ("backslash", "\\", b"\\u005c"),
        ("backspace", "\b", b"\\u0008"),
        ("tab", "\t", b"\\u0009"),
        ("line-feed", "\n", b"\\u000a"),
        ("form-feed", "\f", b"\\u000c"),
        ("carriage-return", "\r", b"\\u000d"),
        ("upper-case-hex", "\x1f", b"\\u001F"),
        ("delete", "\x7f", b"\\u007f"),
        ("solidus", "/", b"\\/"),
        ("e-acute", "é", b"\\u00e9"),
        ("line-separator", "\u2028", b"\\u2028"),
        ("emoji", "😀", b"\\ud83d\\ude00"),
        ("less-than", "<", b"\\u003c"),
        ("ampersand", "&", b"\\u0026"),
        ("raw-tab", "\t", b"\t"),
        ("raw-nul", "\0", b"\0"),
    ):
        yield Case(f"string-{label}", STRINGS, typed(f"_{letter}_"), ACCEPT)
        yield Case(f"string-{label}-otherwise", STRINGS, typed(f"_{letter}_", other), REFUSE)


def typed(artifact_type, other=None):
    """A referrer with this artifact type; `other` is how `index.json` has what is between the two underscores."""

    def build():
        box = Box()
        image = box.image("one")
        draft = sound(box, {NAME: image}, [box.image("about", artifactType=artifact_type, subject=image)])
        if other:

            def change(data):
                before, letter, after = data.split(b"_")
                assert letter != other
                return before + b"_" + other + b"_" + after

            draft.change_index_text = change
        return draft.file()

    return build
