"""Names: what is a Reference, how it is normalised, and which entry of a layout has which."""

from page.digests import digest_of

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .material import NAME, named, one_image

FORM = "The name of an image is a Reference"
HOST = "| HOST |"
PART = "| NAME |"
PORT = "| PORT |"
PATH = "| PATH |"
TAG = "| TAG |"
FORM_OF_DIGEST = "The full name is `HOST/PATH:TAG` or"
ASCII = "All of it is ASCII."
NO_HOST = "Where the text before the first `/` contains no"
CASE = "The host is written in lower case, IPv6 in the form of RFC 5952"
LEFT_OFF = "The port 443 is left off where the rest still has a"
LETTERS = "A host that only its upper-case letters tell from a part of the path is refused"
INDEX = "The host `index.docker.io`, without a port, is `docker.io`."
LIBRARY = "A path on `docker.io` that has no `/` gets `library/` in front."
LATEST = "Without tag and digest, the tag is `latest`."
BOTH = "With tag and digest, the name is the one with the tag"

DIGEST = one_image()[1]["digest"]
OTHER = "sha256:" + "0" * 64

NORMAL = [
    # What is a name as it stands.
    ("tag", FORM, "a.b/c:d"),
    ("digest", FORM, f"a.b/c@{DIGEST}"),
    ("port", HOST, "a.b:5000/c:d"),
    ("ipv4", HOST, "127.0.0.1:5000/c:d"),
    ("ipv6", HOST, "[2001:db8::1]/c:d"),
    ("ipv6-and-port", HOST, "[2001:db8::1]:5000/c:d"),
    ("ipv6-loopback", HOST, "[::1]/c:d"),
    ("ipv6-nothing", HOST, "[::]/c:d"),
    ("localhost", NO_HOST, "localhost/c:d"),
    ("one-label-443", LEFT_OFF, "registry:443/c:d"),
    ("one-label-with-port", NO_HOST, "registry:5000/c:d"),
    ("hyphens", PART, "a--b.c-d/c:d"),
    ("digits", PART, "1.2/c:d"),
    ("label-of-100", PART, "a" * 100 + ".b/c:d"),
    ("host-of-253", PART, ".".join(["a" * 49] * 5) + ".bbb/c:d"),
    ("port-1", PORT, "a.b:1/c:d"),
    ("port-65535", PORT, "a.b:65535/c:d"),
    ("port-80", PORT, "a.b:80/c:d"),
    ("path-parts", PATH, "a.b/c/d/e/f:g"),
    ("path-separators", PATH, "a.b/a.b/a_b/a__b/a-b/a---b/1:d"),
    ("path-of-255", PATH, "a.b/" + "x" * 255 + ":d"),
    ("path-like-host", PATH, "a.b/c.d/e:f"),
    ("tag-of-128", TAG, "a.b/c:" + "x" * 128),
    ("tag-letters", TAG, "a.b/c:_A.z-9_"),
    ("ipv6-ending-in-zeros", HOST, "[2001:db8::]/c:d"),
    ("ipv6-of-eight-groups", HOST, "[1:2:3:4:5:6:7:8]/c:d"),
    ("ipv6-mapped-and-port", HOST, "[::ffff:1.2.3.4]:5000/c:d"),
    ("ipv6-mapped-zero", HOST, "[::ffff:0.0.0.0]/c:d"),
    ("ipv6-compatible", CASE, "[::102:304]/c:d"),
    ("ipv6-translated", CASE, "[::ffff:0:102:304]/c:d"),
    ("ipv6-well-known-prefix", CASE, "[64:ff9b::102:304]/c:d"),
    ("path-of-255-with-slashes", PATH, "a.b/" + "x/" * 127 + "x:d"),
    ("path-of-255-of-library", PATH, "docker.io/library/" + "x" * 247 + ":d"),
    ("path-part-of-digits", PATH, "a.b/0/00:d"),
    ("path-like-tag", PATH, "a.b/latest:latest"),
    ("path-like-host-and-port", HOST, "a.b:1/c.d/e:f"),
    ("tag-of-one-underscore", TAG, "a.b/c:_"),
    ("tag-of-digits", TAG, "a.b/c:5000"),
    ("tag-dots-after-letter", TAG, "a.b/c:a..--__"),
    ("tag-like-digest", TAG, "a.b/c:" + DIGEST[7:]),
    ("host-of-digits-with-port", HOST, "1:5000/c:d"),
    ("host-like-digest-with-port", HOST, "sha256:5000/c:d"),
    ("host-like-address-that-is-none", PART, "256.1.1.1/c:d"),
    ("host-of-one-label-with-port-444", LEFT_OFF, "registry:444/c:d"),
    ("docker-hub-subdomain", LIBRARY, "index.docker.io.x/c:d"),
    ("docker-hub", LIBRARY, "docker.io/library/c:d"),
    ("docker-hub-path", LIBRARY, "docker.io/c/d:e"),
    ("docker-hub-with-port", LIBRARY, "docker.io:5000/c:d"),
    ("docker-index-with-port", INDEX, "index.docker.io:5000/c:d"),
    ("docker-registry", INDEX, "registry-1.docker.io/c:d"),
]

OTHERWISE = [
    # What becomes another text when it is normalised.
    ("upper-case-host", CASE, "A.B/c:d", "a.b/c:d"),
    ("port-443", LEFT_OFF, "a.b:443/c:d", "a.b/c:d"),
    ("ipv6-upper-case", CASE, "[2001:DB8::1]/c:d", "[2001:db8::1]/c:d"),
    ("ipv6-zeros", CASE, "[2001:0db8:0:0:0:0:0:1]/c:d", "[2001:db8::1]/c:d"),
    ("ipv6-two-runs", CASE, "[1:0:0:2:0:0:0:3]/c:d", "[1:0:0:2::3]/c:d"),
    ("ipv6-equal-runs", CASE, "[1:0:0:2:3:0:0:4]/c:d", "[1::2:3:0:0:4]/c:d"),
    ("ipv6-one-zero", CASE, "[1:2:3:4:5::7:8]/c:d", "[1:2:3:4:5:0:7:8]/c:d"),
    ("ipv6-port-443", LEFT_OFF, "[::1]:443/c:d", "[::1]/c:d"),
    ("ipv6-mapped", CASE, "[::FFFF:102:304]/c:d", "[::ffff:1.2.3.4]/c:d"),
    ("ipv6-mapped-dotted", CASE, "[0::ffff:1.2.3.4]/c:d", "[::ffff:1.2.3.4]/c:d"),
    ("ipv6-dotted", CASE, "[64:ff9b::1.2.3.4]/c:d", "[64:ff9b::102:304]/c:d"),
    ("upper-case-localhost", CASE, "LOCALHOST.x/c:d", "localhost.x/c:d"),
    ("localhost-443", LEFT_OFF, "localhost:443/c:d", "localhost/c:d"),
    ("upper-case-localhost-443", LEFT_OFF, "LocalHost:443/c:d", "localhost/c:d"),
    ("one-label-443-upper-case", LEFT_OFF, "Registry:443/c:d", "registry:443/c:d"),
    ("one-label-0443", LEFT_OFF, "registry:0443/c:d", "registry:443/c:d"),
    ("port-zeros", CASE, "a.b:05000/c:d", "a.b:5000/c:d"),
    ("port-0443", LEFT_OFF, "a.b:0443/c:d", "a.b/c:d"),
    ("docker-index", INDEX, "index.docker.io/c/d:e", "docker.io/c/d:e"),
    ("docker-index-upper-case", INDEX, "Index.Docker.IO:443/c/d:e", "docker.io/c/d:e"),
    ("docker-index-library", INDEX, "index.docker.io/c:d", "docker.io/library/c:d"),
    ("ipv6-mapped-in-hex-zeros", CASE, "[0:0:0:0:0:ffff:0102:0304]/c:d", "[::ffff:1.2.3.4]/c:d"),
    ("ipv6-compatible-dotted", CASE, "[::1.2.3.4]/c:d", "[::102:304]/c:d"),
    ("ipv6-translated-dotted", CASE, "[::ffff:0:1.2.3.4]/c:d", "[::ffff:0:102:304]/c:d"),
    ("ipv6-nothing-in-full", CASE, "[0:0:0:0:0:0:0:0]:5000/c:d", "[::]:5000/c:d"),
    ("ipv6-run-at-the-end", CASE, "[1:2:0:0:0:0:0:0]/c:d", "[1:2::]/c:d"),
    ("ipv6-shorter-run", CASE, "[1::2:0:0:0:3]/c:d", "[1:0:0:2::3]/c:d"),
    ("ipv6-of-seven-and-a-gap", CASE, "[1:2:3:4:5:6:7::]/c:d", "[1:2:3:4:5:6:7:0]/c:d"),
    ("ipv6-gap-and-seven", CASE, "[::2:3:4:5:6:7:8]/c:d", "[0:2:3:4:5:6:7:8]/c:d"),
    ("ipv6-port-0443", LEFT_OFF, "[::1]:00443/c:d", "[::1]/c:d"),
    ("port-of-many-zeros", CASE, "a.b:" + "0" * 400 + "5000/c:d", "a.b:5000/c:d"),
    ("path-of-247-of-docker-hub", PATH, "docker.io/" + "x" * 247 + ":d", "docker.io/library/" + "x" * 247 + ":d"),
    ("docker-index-0443", INDEX, "index.docker.io:0443/c:d", "docker.io/library/c:d"),
    ("tag-latest-and-digest", BOTH, f"a.b/c:latest@{DIGEST}", "a.b/c:latest"),
    ("library", LIBRARY, "docker.io/c:d", "docker.io/library/c:d"),
    ("library-443", LEFT_OFF, "docker.io:443/c:d", "docker.io/library/c:d"),
    ("latest", LATEST, "a.b/c", "a.b/c:latest"),
    ("tag-and-digest", BOTH, f"a.b/c:d@{DIGEST}", "a.b/c:d"),
    (
        "library-latest",
        "So `nginx` is `docker.io/library/nginx:latest`.",
        "docker.io/nginx",
        "docker.io/library/nginx:latest",
    ),
]

WRONG = [
    ("space", FORM, "a.b/c: d"),
    ("two-digests", FORM, f"a.b/c@{DIGEST}@{DIGEST}"),
    ("digest-then-tag", FORM, f"a.b/c@{DIGEST}:d"),
    ("empty-digest", FORM, "a.b/c@"),
    ("short-digest", FORM, f"a.b/c@{DIGEST[:-1]}"),
    ("upper-case-digest", FORM, f"a.b/c@{DIGEST.upper().replace('SHA', 'sha')}"),
    ("sha384", FORM, "a.b/c@sha384:" + "0" * 96),
    ("empty-tag", TAG, "a.b/c:"),
    ("scheme", FORM, "https://a.b/c:d"),
    ("no-path", PATH, "a.b/"),
    ("no-path-and-tag", PATH, "a.b/:d"),
    ("empty-host-label", PART, "a..b/c:d"),
    ("dot-at-the-end", PART, "a.b./c:d"),
    ("dot-first", PART, ".a/c:d"),
    ("hyphen-first", PART, "-a.b/c:d"),
    ("hyphen-last", PART, "a.b-/c:d"),
    ("hyphen-before-dot", PART, "a-.b/c:d"),
    ("underscore-in-host", PART, "a_b.c/c:d"),
    ("host-of-254", PART, ".".join(["a" * 49] * 5) + ".bbbb/c:d"),
    ("user", HOST, "me@a.b/c:d"),
    ("port-0", PORT, "a.b:0/c:d"),
    ("port-65536", PORT, "a.b:65536/c:d"),
    ("port-huge", PORT, "a.b:" + "9" * 30 + "/c:d"),
    ("port-empty", PORT, "a.b:/c:d"),
    ("port-sign", PORT, "a.b:+80/c:d"),
    ("port-letters", PORT, "a.b:http/c:d"),
    ("two-ports", PORT, "a.b:1:2/c:d"),
    ("ipv6-without-brackets", HOST, "2001:db8::1/c:d"),
    ("ipv6-cut-off", HOST, "[2001:db8::1/c:d"),
    ("ipv6-empty", HOST, "[]:1/c:d"),
    ("ipv6-zone", HOST, "[fe80::1%25eth0]/c:d"),
    ("ipv6-nine-groups", HOST, "[1:2:3:4:5:6:7:8:9]/c:d"),
    ("ipv6-two-gaps", HOST, "[1::2::3]/c:d"),
    ("ipv6-long-group", HOST, "[12345::1]/c:d"),
    ("ipv6-zone-in-text", HOST, "[fe80::1%eth0]/c:d"),
    ("ipv6-dotted-with-zeros", HOST, "[::ffff:1.2.3.04]/c:d"),
    ("ipv6-dotted-too-large", HOST, "[::ffff:1.2.3.256]/c:d"),
    ("ipv6-dotted-of-three", HOST, "[::ffff:1.2.3]/c:d"),
    ("ipv6-dotted-in-the-middle", HOST, "[::1.2.3.4:5]/c:d"),
    ("ipv6-eight-groups-and-gap", HOST, "[1:2:3:4::5:6:7:8]/c:d"),
    ("ipv6-seven-groups-and-dotted", HOST, "[1:2:3:4:5:6:7:1.2.3.4]/c:d"),
    ("ipv6-three-colons", HOST, "[:::1]/c:d"),
    ("ipv6-colon-first", HOST, "[:1::]/c:d"),
    ("ipv6-space", HOST, "[ ::1]/c:d"),
    ("ipv6-two-brackets", HOST, "[[::1]]/c:d"),
    ("ipv6-mask", HOST, "[::1/128]/c:d"),
    ("ipv6-port-0", PORT, "[::1]:0/c:d"),
    ("port-of-zeros-alone", PORT, "a.b:0000/c:d"),
    ("port-of-zeros-and-65536", PORT, "a.b:0065536/c:d"),
    ("port-2-to-32-more", PORT, "a.b:4294972296/c:d"),
    ("port-space", PORT, "a.b: 80/c:d"),
    ("path-of-256-with-slashes", PATH, "a.b/" + "x/" * 127 + "xx:d"),
    ("path-of-248-of-docker-hub", PATH, "docker.io/" + "x" * 248 + ":d"),
    ("path-underscore-first", PATH, "a.b/_c:d"),
    ("path-four-underscores", PATH, "a.b/c____d:e"),
    ("path-hyphen-and-dot", PATH, "a.b/c-.d:e"),
    ("path-tilde", PATH, "a.b/~c:d"),
    ("two-tags", TAG, "a.b/c:d:e"),
    ("tag-space-last", TAG, "a.b/c:d "),
    ("tag-in-the-path", PATH, "a.b/c:d/e:f"),
    ("sha512-of-sha256", FORM, "a.b/c@" + DIGEST.replace("256", "512")),
    ("empty-tag-and-digest", TAG, f"a.b/c:@{DIGEST}"),
    ("digest-without-path", FORM, f"a.b/@{DIGEST}"),
    ("ipv6-text-after", HOST, "[::1]x/c:d"),
    ("ipv6-port-empty", PORT, "[::1]:/c:d"),
    ("ipv4-in-brackets", HOST, "[1.2.3.4]:1/c:d"),
    ("path-upper-case", PATH, "a.b/C:d"),
    ("path-empty-part", PATH, "a.b/c//d:e"),
    ("path-slash-at-the-end", PATH, "a.b/c/:d"),
    ("path-dot-first", PATH, "a.b/.c:d"),
    ("path-dot-last", PATH, "a.b/c.:d"),
    ("path-two-dots", PATH, "a.b/c..d:e"),
    ("path-dots", PATH, "a.b/../c:d"),
    ("path-three-underscores", PATH, "a.b/c___d:e"),
    ("path-mixed-separators", PATH, "a.b/c._d:e"),
    ("path-hyphen-last", PATH, "a.b/c-:d"),
    ("path-hyphen-first", PATH, "a.b/-c:d"),
    ("path-plus", PATH, "a.b/c+d:e"),
    ("path-of-256", PATH, "a.b/" + "x" * 256 + ":d"),
    ("path-of-250-and-library", PATH, "docker.io/" + "x" * 250 + ":d"),
    ("tag-of-129", TAG, "a.b/c:" + "x" * 129),
    ("tag-dot-first", TAG, "a.b/c:.d"),
    ("tag-hyphen-first", TAG, "a.b/c:-d"),
    ("tag-plus", TAG, "a.b/c:1+2"),
    ("tag-slash", TAG, "a.b/c:d/e"),
    ("not-ascii-host", ASCII, "é.b/c:d"),
    ("not-ascii-path", ASCII, "a.b/é:d"),
    ("not-ascii-tag", ASCII, "a.b/c:é"),
    ("arabic-digit", ASCII, "a.b/c\u0661:d"),
    ("kelvin", ASCII, "\u212a.b/c:d"),
    ("line-feed", ASCII, "a.b/c:d\n"),
    ("nul", ASCII, "a.b/c:d\0"),
]


def cases():
    for label, quote, text in NORMAL:
        yield Case(f"name-{label}-in-bundle", quote, in_bundle(text), ACCEPT)
        yield Case(f"name-{label}-in-layout", quote, in_layout(text, text), ACCEPT)
    for label, quote, text, normal in OTHERWISE:
        yield Case(f"name-{label}-in-bundle", quote, in_bundle(text), REFUSE)
        yield Case(f"name-{label}-normalised-in-bundle", quote, in_bundle(normal), ACCEPT)
        yield Case(f"name-{label}-and-normalised", quote, in_layout(text, normal), ACCEPT)
        yield Case(f"name-normalised-and-{label}", quote, in_layout(normal, text), ACCEPT)
        yield Case(
            f"name-{label}-of-two-images",
            "One name, once normalised, stands for one digest.",
            of_two(text, normal),
            REFUSE,
        )
    for label, quote, text in WRONG:
        yield Case(f"name-wrong-{label}-in-bundle", quote, in_bundle(text), REFUSE)
        yield Case(f"name-wrong-{label}-in-layout", quote, in_layout(text, None), REFUSE)
    yield from of_digests()
    yield from of_short_names()


def in_bundle(name):
    def build():
        box, image = one_image()
        draft = sound(box, {NAME: image})
        root = {key: image[key] for key in ("mediaType", "digest", "size")}
        draft.index["manifests"] = [named(root, name)]
        return draft.file()

    return build


def in_layout(first, second):
    """An entry of a layout with these two annotations, or without one that is None."""

    def build():
        box, image = one_image()
        return foreign.tar(box, [{**image, "annotations": annotations(first, second)}])

    return build


def annotations(first, second):
    both = {"io.containerd.image.name": first, "org.opencontainers.image.ref.name": second}
    return {key: value for key, value in both.items() if value is not None}


def of_two(first, second):
    def build():
        box, image = one_image()
        return foreign.tar(box, [named(image, first), named(box.image("two"), second)])

    return build


def of_digests():
    held = "If it holds a digest, that is the digest of the entry."
    yield Case("name-digest-of-other", held, in_layout(f"a.b/c@{OTHER}", None), REFUSE)
    yield Case("name-tag-and-digest-of-other", BOTH, in_layout(f"a.b/c:d@{OTHER}", None), REFUSE)
    yield Case("name-tag-and-digest-of-other-second", held, in_layout("a.b/c:d", f"a.b/c:d@{OTHER}"), REFUSE)
    yield Case("name-digest-second", held, in_layout(None, f"a.b/c@{DIGEST}"), ACCEPT)
    for algorithm in ("sha256", "sha512"):
        by = lambda of, form, algorithm=algorithm: lambda: by_digest(algorithm, of, form)
        yield Case(f"name-by-{algorithm}-in-bundle", FORM_OF_DIGEST, by(algorithm, "bundle"), ACCEPT)
        yield Case(f"name-by-{algorithm}-in-layout", held, by(algorithm, "layout"), ACCEPT)
        other = {"sha256": "sha512", "sha512": "sha256"}[algorithm]
        yield Case(f"name-by-{algorithm}-of-{other}-in-bundle", FORM_OF_DIGEST, by(other, "bundle"), REFUSE)
        yield Case(f"name-by-{algorithm}-of-{other}-in-layout", held, by(other, "layout"), REFUSE)
    first_by_digest = in_layout(f"a.b/c@{DIGEST}", "a.b/c:latest")
    yield Case("name-digest-and-tag-of-one-entry", "If both have a host, both are References", first_by_digest, REFUSE)
    yield Case("name-tag-and-digest-in-bundle-of-other", BOTH, in_bundle(f"a.b/c:d@{OTHER}"), REFUSE)


def by_digest(algorithm, named_by, form):
    """An image by one algorithm, which is named by the digest that its content has by this one or the other."""
    box, image = one_image(algorithm=algorithm)
    name = "a.b/c@" + digest_of(box.blobs[image["digest"]], named_by)
    if form == "layout":
        return foreign.tar(box, [named(image, name)])
    draft = sound(box, {NAME: image})
    draft.index["manifests"] = [named({key: image[key] for key in ("mediaType", "digest", "size")}, name)]
    return draft.file()


def of_short_names():
    """Names that have no host: whole in a bundle they are none, and in a layout they are tags."""
    for label, text in (
        ("nginx", "nginx"),
        ("nginx-tag", "nginx:1"),
        ("path", "org/one:1"),
        ("localhost", "localhost:5000"),
        ("upper-case", "Foo/bar:1"),
    ):
        yield Case(f"name-short-{label}-in-bundle", NO_HOST, in_bundle(text), REFUSE)
        yield Case(f"name-short-{label}-in-layout", "Otherwise the entry has no name", in_layout(text, text), ACCEPT)
    for label, name in (
        ("foo", "foo/bar:1"),
        ("upper-case-foo", "FOO/bar:1"),
        ("one-upper-case-letter", "fOo/bar/x:1"),
        ("upper-case-and-443", "FOO:443/bar:1"),
        ("upper-case-localhost-alone", "LOCALHOST/bar:1"),
        ("upper-case-letters-and-digits", "A1-B2/bar:1"),
        ("upper-case-and-underscore", "A_B/bar:1"),
    ):
        yield Case(f"name-{label}-in-bundle", LETTERS, in_bundle(name), REFUSE)
