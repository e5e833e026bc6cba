"""Types of keys with a meaning, and what a Descriptor has to have, in every place where one stands."""

import base64

from page.digests import digest_of

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .material import Box, LAYER, named, noise
from .places import manifest_of_layout, with_descriptor_in_bundle, with_descriptor_in_layout

HAS = "**A Descriptor** has a `mediaType` that is not empty"
ALMOST = "A `mediaType` is refused if it is not one of the four manifest types"
SCHEMA_1 = "So is one that begins with exactly"
DATA = "`data` is the content itself: base64"
ENTRY = "In a bundle, content that is there as `data` has its entry like any other, and is never left out"
STANDS = "In a layout of another tool a blob may be missing, but not a manifest"
DIGESTS = "no other algorithm and no upper case"
NULL = "`null` as the value of a key with a meaning counts as if"
IN_ARRAY = "Among annotations, and as an element of one of the arrays below, it is refused."
ANYTHING_ELSE = "an array or another value in the place of an object above all"
OTHER = "All other keys may hold anything, and so may a key of the list above"
FREE = "Only the keys of an object that is itself the value of a key `annotations` are free"
ROWS = {
    "annotations": "| Descriptor | `annotations` |",
    "artifactType": "| | `artifactType` | string |",
    "data": "| | `data` | string |",
    "digest": "| | `digest` | string |",
    "mediaType": HAS,
    "platform": "| | `platform` | object with",
    "size": "| | `size` | whole number, 0 to 2^53",
    "urls": "| | `urls` | array of strings |",
}
OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"
# All that Unicode calls white space.
SPACES = "".join(
    map(chr, [*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000])
)
TARGET = noise("target", 64)


def cases():
    for label, quote, change, expected in [*of_types(), *of_parts(), *of_media_types(), *of_data()]:
        for place in ("layers", "config", "blobs", "manifests", "subject"):
            yield Case(f"descriptor-{label}-in-{place}", quote, with_descriptor_in_layout(place, change), expected)
        place = "layers" if len(label) % 2 else "manifests"
        yield Case(f"descriptor-{label}-in-bundle", quote, with_descriptor_in_bundle(place, change), expected)
        if not label.startswith("media-type"):
            in_index = with_descriptor_in_layout("roots", root_like(change))
            yield Case(f"descriptor-{label}-in-index.json", quote, in_index, expected)
    yield from of_documents()


def root_like(change):
    """The same change of a root, whose content is a manifest and whose `data` would be another."""

    def change_root(root):
        probe = {"mediaType": root["mediaType"], "digest": digest_of(TARGET), "size": len(TARGET)}
        before = dict(probe)
        change(probe)
        for key, value in probe.items():
            if key not in before or repr(value) != repr(before[key]):
                root[key] = value
        for key in before.keys() - probe.keys():
            del root[key]

    return change_root


def of_types():
    """Values of each key that are of another type, and `null`."""
    for key in ("annotations", "artifactType", "data", "platform", "urls"):
        yield f"{key}-null", NULL, setter(key, None), ACCEPT
    for key in ("digest", "mediaType", "size"):
        yield f"{key}-null".replace("mediaType", "type"), HAS, setter(key, None), REFUSE
    wrong = {
        "annotations": ([], "x", 1, {"a": 1}, {"a": ["b"]}, {"a": {}}, False),
        "artifactType": (1, [], {}, True),
        "data": (1, [], {}, False),
        "digest": (1, [digest_of(TARGET)], {}),
        "mediaType": (1, [LAYER], {}),
        "platform": ([], "linux/amd64", 1, True),
        "size": ("64", 64.0, [64], True, {}),
        "urls": ("https://example.org/", {}, [1], [["x"]], 1),
    }
    for key, values in wrong.items():
        for number, value in enumerate(values):
            yield f"{key.replace('mediaType', 'type')}-wrong-{number}", ROWS[key], setter(key, value), REFUSE
    yield "annotations-array", ANYTHING_ELSE, setter("annotations", ["a", "b"]), REFUSE
    yield "annotations-null-inside", IN_ARRAY, setter("annotations", {"a": None}), REFUSE
    yield "annotations-empty", ROWS["annotations"], setter("annotations", {}), ACCEPT
    yield (
        "annotations-of-any-key",
        FREE,
        setter("annotations", {"SIZE": "x", "": "y", "Digest": "z"}),
        ACCEPT,
    )
    yield "urls-null-inside", IN_ARRAY, setter("urls", ["x", None]), REFUSE
    yield "urls-empty", ROWS["urls"], setter("urls", []), ACCEPT
    yield "urls-any-text", ROWS["urls"], setter("urls", ["no url at all", ""]), ACCEPT
    yield "other-key", OTHER, setter("other", [None, {"x": 1.5}]), ACCEPT
    for key in ("architecture", "os", "os.version", "variant"):
        yield f"platform-{key}", ROWS["platform"], setter("platform", {key: "x"}), ACCEPT
        yield f"platform-{key}-number", ROWS["platform"], setter("platform", {key: 1}), REFUSE
        yield f"platform-{key}-null", NULL, setter("platform", {key: None}), ACCEPT
    yield "platform-empty", ROWS["platform"], setter("platform", {}), ACCEPT
    yield "platform-os-features", OTHER, setter("platform", {"os.features": 5, "features": [None]}), ACCEPT
    yield "platform-in-array", ANYTHING_ELSE, setter("platform", [{"os": "linux"}]), REFUSE
    yield "platform-unknown-key", OTHER, setter("platform", {"cpu": []}), ACCEPT


def setter(key, value):
    return lambda descriptor: descriptor.update({key: value})


def without(key):
    return lambda descriptor: descriptor.pop(key)


def of_parts():
    yield "no-digest", HAS, without("digest"), REFUSE
    yield "no-size", HAS, without("size"), REFUSE
    yield "no-type", HAS, without("mediaType"), REFUSE
    yield "empty-type", HAS, setter("mediaType", ""), REFUSE
    size = ROWS["size"]
    yield "size-negative", size, setter("size", -1), REFUSE
    yield "size-too-large", size, setter("size", 2**53 + 1), REFUSE
    yield "size-far-too-large", size, setter("size", 2**64 + 64), REFUSE
    digest = digest_of(TARGET)
    for label, value in (
        ("upper-case", digest.replace("a", "A").replace("b", "B").replace("c", "C")),
        ("upper-case-algorithm", digest.replace("sha", "SHA")),
        ("short", digest[:-1]),
        ("long", digest + "0"),
        ("bare", digest[7:]),
        ("empty", ""),
        ("other-sign", digest.replace(":", "-")),
        ("sha384", digest_of(TARGET, "sha384")),
        ("sha1", digest_of(TARGET, "sha1")),
        ("md5", digest_of(TARGET, "md5")),
        ("sha512-of-64", digest.replace("256", "512")),
        ("sha256-of-128", digest_of(TARGET, "sha512").replace("512", "256")),
        ("line-feed", digest + "\n"),
        ("space", " " + digest),
        ("with-parameter", digest.replace(":", "+b64:")),
        ("letters", digest[:-1] + "g"),
        ("path", digest[:-5] + "/../x"),
    ):
        yield f"digest-{label}", DIGESTS, setter("digest", value), REFUSE


def of_media_types():
    for label, value, expected in (
        ("upper-case", OCI_IMAGE.upper(), REFUSE),
        ("one-upper-case", OCI_IMAGE.replace("oci", "OCI"), REFUSE),
        ("docker-upper-case", "application/vnd.docker.distribution.manifest.v2+JSON", REFUSE),
        ("space-before", " " + OCI_IMAGE, REFUSE),
        ("space-after", OCI_IMAGE + " ", REFUSE),
        ("tab-and-line-feed", "\t" + OCI_IMAGE + "\r\n", REFUSE),
        ("parameter", OCI_IMAGE + ";charset=utf-8", REFUSE),
        ("parameter-and-space", OCI_IMAGE + " ; charset=utf-8", REFUSE),
        ("semicolon", OCI_IMAGE + ";", REFUSE),
        ("two-semicolons", OCI_IMAGE + ";;", REFUSE),
        ("all-at-once", " " + OCI_IMAGE.upper() + " ;;x", REFUSE),
        ("semicolon-first", ";" + OCI_IMAGE, ACCEPT),
        ("space-inside", OCI_IMAGE.replace("/", "/ "), ACCEPT),
        ("comma", OCI_IMAGE + ",x", ACCEPT),
        ("no-break-space", OCI_IMAGE + "\u00a0", REFUSE),
        ("ideographic-space", "\u3000" + OCI_IMAGE, REFUSE),
        ("separator-1f", OCI_IMAGE + "\x1f", ACCEPT),
        ("zero-width-space", OCI_IMAGE + "\u200b", ACCEPT),
        ("kelvin", "application/vnd.doc\u212aer.distribution.manifest.v2+json", REFUSE),
        ("dotted-capital-i", OCI_IMAGE.replace("i", "\u0130"), ACCEPT),
        ("one-dotted-capital-i", OCI_IMAGE.replace("oci", "oc\u0130"), ACCEPT),
        ("dotless-i", OCI_IMAGE.replace("oci", "oc\u0131"), ACCEPT),
        ("long-s", "application/vnd.docker.di\u017ftribution.manifest.v2+json", ACCEPT),
        ("full-width", OCI_IMAGE.replace("oci", "\uff2f\uff23\uff29"), ACCEPT),
        ("kelvin-and-upper-case", "Application/vnd.DOC\u212aER.distribution.manifest.list.v2+JSON", REFUSE),
        ("next-line", OCI_IMAGE + "\x85", REFUSE),
        ("line-separator", "\u2028" + OCI_IMAGE + "\u2029", REFUSE),
        ("all-spaces", SPACES + OCI_IMAGE + SPACES, REFUSE),
        ("separator-1c", "\x1c" + OCI_IMAGE, ACCEPT),
        ("vowel-separator", "\u180e" + OCI_IMAGE, ACCEPT),
        ("word-joiner", OCI_IMAGE + "\u2060", ACCEPT),
        ("byte-order-mark", "\ufeff" + OCI_IMAGE, ACCEPT),
        ("braille-blank", OCI_IMAGE + "\u2800", ACCEPT),
        ("vertical-tab-and-form-feed", "\v" + OCI_IMAGE + "\f", REFUSE),
        ("spaces-around-semicolon", OCI_IMAGE.upper() + "\u3000;\u3000x", REFUSE),
        ("space-after-first-of-two-semicolons", OCI_IMAGE + "; ; x", REFUSE),
        ("semicolon-inside", OCI_IMAGE.replace("+", ";+"), ACCEPT),
        ("quoted", f'"{OCI_IMAGE}"', ACCEPT),
        ("only-space", " ", ACCEPT),
        ("only-semicolon", ";", ACCEPT),
        ("nul", OCI_IMAGE + "\0", ACCEPT),
        ("other", "text", ACCEPT),
        ("of-artifact-manifest", "application/vnd.oci.artifact.manifest.v1+json", ACCEPT),
        ("longer", OCI_IMAGE + "x", ACCEPT),
    ):
        yield f"media-type-{label}", ALMOST, setter("mediaType", value), expected
    start = "application/vnd.docker.distribution.manifest.v1+"
    for label, value, expected in (
        ("json", start + "json", REFUSE),
        ("signed", start + "prettyjws", REFUSE),
        ("nothing", start, REFUSE),
        ("parameter", start + "json; x", REFUSE),
        ("in-a-longer-one", "x" + start + "json", ACCEPT),
        ("one-upper-case", start.replace("docker", "Docker") + "json", ACCEPT),
        ("list", start.replace("v1+", "list.v1+") + "json", ACCEPT),
        ("without-plus", start[:-1], ACCEPT),
        ("upper-case", start.upper() + "json", ACCEPT),
        ("space", " " + start + "json", ACCEPT),
    ):
        yield f"media-type-schema-1-{label}", SCHEMA_1, setter("mediaType", value), expected


def of_data():
    """`data` of the 64 bytes that the Descriptor is of. Their base64 ends in one byte of the last three."""
    right = base64.b64encode(TARGET).decode()
    loose = right[:-3] + chr(ord(right[-3]) + 1) + "=="
    assert right.endswith("==") and base64.b64decode(loose) == TARGET
    for label, quote, value in (
        ("no-padding", DATA, right.rstrip("=")),
        ("one-padding", DATA, right[:-1]),
        ("more-padding", DATA, right + "="),
        ("unused-bits", DATA, loose),
        ("line-feed", DATA, right[:60] + "\n" + right[60:]),
        ("space-after", DATA, right + " "),
        ("url-letters", DATA, base64.urlsafe_b64encode(b"\xff" * 64).decode()),
        ("empty", DATA, ""),
        ("all-padding", DATA, "===="),
        ("padding-first", DATA, "==" + right[:-2]),
        ("padding-in-the-middle", DATA, right[:40] + "==" + right[40:-2]),
        ("letter-after-padding", DATA, right + "AAAA"),
        ("unused-bit-of-last-letter", DATA, right[:-3] + "/=="),
        ("tab-first", DATA, "\t" + right),
        ("nul-last", DATA, right + "\0"),
        ("percent-encoded", DATA, right.replace("=", "%3D")),
        ("as-url", DATA, "data:;base64," + right),
        ("too-short", DATA, base64.b64encode(TARGET[:-1]).decode()),
        ("too-long", DATA, base64.b64encode(TARGET + b"x").decode()),
        ("other-content", DATA, base64.b64encode(bytes(64)).decode()),
        ("no-base64", DATA, "?" * 88),
        ("not-ascii", DATA, "é" + right[1:]),
    ):
        yield f"data-{label}", quote, setter("data", value), REFUSE


def of_documents():
    """`data` that is right, sizes at the limit, and the keys of whole documents."""
    data = setter("data", base64.b64encode(TARGET).decode())
    for place in ("layers", "config", "blobs", "manifests", "subject"):
        yield Case(f"data-right-in-{place}", DATA, with_descriptor_in_layout(place, data), ACCEPT)
        yield Case(f"data-right-in-{place}-of-bundle", ENTRY, with_descriptor_in_bundle(place, data), ACCEPT)
    yield Case("data-instead-of-entry", STANDS, data_instead, ACCEPT)
    yield Case("data-of-root", DATA, data_of_root, ACCEPT)
    yield Case("data-of-nothing", DATA, data_of_nothing, ACCEPT)
    largest = lambda descriptor: descriptor.update(size=2**53, digest="sha256:" + "0" * 64, urls=["x"])
    yield Case("size-largest", ROWS["size"], with_descriptor_in_layout("layers", largest), ACCEPT)
    yield Case(
        "size-sha512", DIGESTS, with_descriptor_in_layout("subject", setter("digest", "sha512:" + "0" * 128)), ACCEPT
    )
    for label, raw in (
        ("exponent", b"64e0"),
        ("exponent-and-point", b"6.4e1"),
        ("negative-exponent", b"640E-1"),
        ("minus-zero", b"-0"),
        ("point", b"64.00"),
        ("point-of-far-below", b"64.0000000000000000000000000000001"),
        ("zero-first", b"064"),
        ("2-to-64-more", b"%d" % (64 + 2**64)),
        ("2-to-128-more", b"%d" % (64 + 2**128)),
        ("300-digits", b"9" * 300),
        ("object", b'{"$numberLong": "64"}'),
    ):

        def change(manifest, raw=raw):
            start = manifest.rindex(b'"size": ') + len(b'"size": ')
            end = start + manifest[start:].index(b"\n")
            return manifest[:start] + raw + manifest[end:]

        yield Case(f"size-written-with-{label}", ROWS["size"], manifest_of_layout(change), REFUSE)


def data_instead():
    box = Box()
    layer = box.layer("x", 64)
    layer["data"] = base64.b64encode(box.blobs.pop(layer["digest"])).decode()
    return foreign.tar(box, [named(box.image("one", [layer]))])


def data_of_root():
    box = Box()
    image = box.image("one")
    return foreign.tar(box, [named({**image, "data": base64.b64encode(box.blobs[image["digest"]]).decode()})])


def data_of_nothing():
    box = Box()
    empty = {**box.add(b"", "application/x"), "data": ""}
    return foreign.tar(box, [named(box.image("one", [empty]))])
