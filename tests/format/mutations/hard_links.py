"""The tar of a layout of another tool: hard links with the names of blobs."""

from page import tar_write
from page.digests import path_of

from . import foreign
from .case import ACCEPT, Case, REFUSE
from .draft import sound
from .foreign import entry
from .material import Box, LAYER, NAME, named, noise, one_image
from .tar_extension_rules import long_link, long_name, pax, record
from .tar_rules import layout

MAY = "In a layout of another tool a hard link may have the name of a blob."
LEADS = "It leads to the name of a blob that stands before it in the same tar"
WHERE = "Where it leads is said at offset 157 (100 bytes up to the first NUL"
NO_SIZE = "Directories, links, devices and FIFOs have size 0."


def content():
    """One layer by both algorithms, in one image: `(box, image, path by sha256, path by sha512)`."""
    box = Box()
    short, long = (box.layer("linked", 300, algorithm) for algorithm in ("sha256", "sha512"))
    image = box.image("one", [short, long])
    return box, image, path_of(short["digest"]).encode(), path_of(long["digest"]).encode()


def with_link(make, drop_long=True, first=False, **more):
    """The layout of `content` with one of its blobs away; `make` gives what stands instead of it by the two paths."""

    def build():
        box, image, short, long = content()
        away = next(digest for digest in box.blobs if (digest.startswith("sha512")) == drop_long and digest_in(digest))
        del box.blobs[away]
        link = make(short, long)
        return foreign.tar(box, [named(image)], **{"before" if first else "after": link}, **more)

    def digest_in(digest):
        _, _, short, long = content()
        return path_of(digest).encode() in (short, long)

    return build


def link(name, target=b"", patches=None, **more):
    """A hard link, by its header alone."""
    return entry(name[:100], kind=b"1", patches={157: target[:100], **(patches or {})}, **more)


def cases():
    yield from of_targets()
    yield from of_places()
    yield from of_others()


def of_targets():
    """The long blob is a link to the short one: where that leads stands in the header."""
    for label, quote, change, expected in (
        ("to-blob", MAY, lambda short: short, ACCEPT),
        ("with-dot", WHERE, lambda short: b"./" + short, ACCEPT),
        ("with-two-dots", WHERE, lambda short: b"././" + short, REFUSE),
        ("with-slash", WHERE, lambda short: b"/" + short, REFUSE),
        ("with-slash-at-the-end", WHERE, lambda short: short + b"/", REFUSE),
        ("with-two-slashes", WHERE, lambda short: short.replace(b"/", b"//", 1), REFUSE),
        ("from-its-folder", WHERE, lambda short: b"../" + short[6:], REFUSE),
        ("of-upper-case", LEADS, lambda short: short[:13] + short[13:].upper(), REFUSE),
        ("and-nul", WHERE, lambda short: short + b"\0", ACCEPT),
        ("and-nul-and-text", WHERE, lambda short: short + b"\0x", REFUSE),
        ("and-last-byte", WHERE, lambda short: short.ljust(99, b"\0") + b"x", REFUSE),
        ("to-nothing", LEADS, lambda short: b"", REFUSE),
        ("to-nul-and-blob", WHERE, lambda short: b"\0" + short, REFUSE),
        ("to-blob-not-there", LEADS, lambda short: b"blobs/sha256/" + b"0" * 64, REFUSE),
        ("to-file", LEADS, lambda short: b"index.json", REFUSE),
        ("to-short-name", LEADS, lambda short: short[:-1], REFUSE),
        ("to-not-utf-8", LEADS, lambda short: short + b"\xff", REFUSE),
    ):
        made = lambda short, long, change=change: long_name(long + b"\0") + link(long, change(short))
        yield Case(f"hard-link-{label}", quote, with_link(made), expected)
    other = path_of(content()[1]["digest"]).encode()
    made = lambda short, long: long_name(long + b"\0") + link(long, other)
    yield Case("hard-link-to-other-content", "under its own name.", with_link(made), REFUSE)
    before = lambda short, long: long_name(long + b"\0") + link(long, short)
    yield Case("hard-link-before-its-blob", LEADS, with_link(before, first=True), REFUSE)


def of_places():
    """Where a link leads: the header, `K` and `linkpath`."""
    for label, quote, make, drop_long, expected, guess in (
        ("K", WHERE, lambda s, l: long_link(l + b"\0") + link(s), False, ACCEPT, ""),
        ("K-without-nul", WHERE, lambda s, l: long_link(l) + link(s), False, ACCEPT, ""),
        ("K-with-dot", WHERE, lambda s, l: long_link(b"./" + l + b"\0") + link(s), False, ACCEPT, ""),
        ("K-and-start-of-it", WHERE, lambda s, l: long_link(l + b"\0") + link(s, l), False, ACCEPT, ""),
        ("start-of-it-alone", WHERE, lambda s, l: link(s, l), False, REFUSE, ""),
        ("K-and-another", WHERE, lambda s, l: long_link(l + b"\0") + link(s, b"x"), False, ACCEPT, ""),
        (
            "K-of-another",
            WHERE,
            lambda s, l: long_link(b"x\0") + long_name(l + b"\0") + link(l, s),
            True,
            REFUSE,
            "`K` counts where both are there",
        ),
        (
            "K-and-text-after-nul-in-header",
            WHERE,
            lambda s, l: long_link(l + b"\0") + link(s, b"x\0y"),
            False,
            ACCEPT,
            "nothing is asked of offset 157 where `K` says where it leads",
        ),
        (
            "K-with-text-after-nul",
            WHERE,
            lambda s, l: long_link(l + b"\0x") + link(s),
            False,
            REFUSE,
            "a target holds no NUL but one at its end",
        ),
        (
            "K-with-two-nuls",
            WHERE,
            lambda s, l: long_link(l + b"\0\0") + link(s),
            False,
            REFUSE,
            "a target holds no NUL but one at its end",
        ),
        (
            "K-of-nothing",
            WHERE,
            lambda s, l: long_link(b"") + long_name(l + b"\0") + link(l, s),
            True,
            REFUSE,
            "an empty `K` counts",
        ),
        ("K-after-L", WHERE, lambda s, l: long_name(l + b"\0") + long_link(s + b"\0") + link(l), True, ACCEPT, ""),
        ("linkpath", WHERE, lambda s, l: pax(record(b"linkpath", l)) + link(s), False, ACCEPT, ""),
        ("linkpath-with-dot", WHERE, lambda s, l: pax(record(b"linkpath", b"./" + l)) + link(s), False, ACCEPT, ""),
        ("linkpath-and-another", WHERE, lambda s, l: pax(record(b"linkpath", l)) + link(s, b"x"), False, ACCEPT, ""),
        ("linkpath-to-nothing", WHERE, lambda s, l: pax(record(b"linkpath", b"x")) + link(s, l), False, REFUSE, ""),
        (
            "path-and-linkpath",
            WHERE,
            lambda s, l: pax(record(b"path", l), record(b"linkpath", s)) + link(b"x"),
            True,
            ACCEPT,
            "",
        ),
        ("path-alone", WHERE, lambda s, l: pax(record(b"path", l)) + link(b"x", s), True, ACCEPT, ""),
        (
            "linkpath-empty",
            WHERE,
            lambda s, l: pax(record(b"path", l), record(b"linkpath", b"")) + link(b"x", s),
            True,
            REFUSE,
            "an empty `linkpath` counts",
        ),
        (
            "linkpath-and-text-after-nul-in-header",
            WHERE,
            lambda s, l: pax(record(b"linkpath", l)) + link(s, b"x\0y"),
            False,
            ACCEPT,
            "nothing is asked of offset 157 where `linkpath` says where it leads",
        ),
        (
            "linkpath-of-g",
            "Other keys are ignored.",
            lambda s, l: pax(record(b"linkpath", b"x"), kind=b"g") + pax(record(b"path", l)) + link(b"x", s),
            True,
            ACCEPT,
            "`linkpath` in a `g` is ignored",
        ),
        (
            "linkpath-of-g-alone",
            "Other keys are ignored.",
            lambda s, l: pax(record(b"linkpath", l), kind=b"g") + link(s),
            False,
            REFUSE,
            "`linkpath` in a `g` is ignored",
        ),
    ):
        yield Case(f"hard-link-by-{label}", quote, with_link(make, drop_long), expected, guess)


def of_others():
    box, image = one_image()
    path = path_of(image["digest"])
    raw = path.encode()
    for label, quote, after, expected in (
        ("to-itself-after-it", MAY, link(raw, raw), ACCEPT),
        ("twice", MAY, link(raw, raw) * 2, ACCEPT),
        ("of-name-with-dot", MAY, link(b"./" + raw, raw), ACCEPT),
        ("of-name-with-slash-at-the-end", MAY, link(raw + b"/", raw), ACCEPT),
        ("with-size", NO_SIZE, link(raw, raw, size=5), REFUSE),
        ("with-data", NO_SIZE, entry(raw, box.blobs[image["digest"]], b"1", patches={157: raw}), REFUSE),
        ("of-blobs", "At the first three kinds there are files only", link(b"blobs/x", raw), REFUSE),
        ("of-json", "At the first three kinds there are files only", link(b"blobs/x.json", raw), REFUSE),
        ("of-oci-layout", "At the first three kinds there are files only", link(b"oci-layout", raw), REFUSE),
        ("of-hauler-index", "At the first three kinds there are files only", link(b"hauler-index.json", raw), REFUSE),
        ("of-other-name", "Anything else is ignored, also if its name stands twice.", link(b"x", b"x\0y"), ACCEPT),
        ("of-other-algorithm", "At the first three kinds", link(b"blobs/sha384/" + b"0" * 96, raw), REFUSE),
        ("to-another-size", LEADS, link(raw, path_of(next(iter(box.blobs))).encode()), REFUSE),
    ):
        yield Case(f"hard-link-{label}", quote, lambda after=after: layout(after=after), expected)
    itself = lambda short, long: link(short, short)
    yield Case("hard-link-to-itself-alone", LEADS, with_link(itself, drop_long=False), REFUSE)
    chain = lambda short, long: long_name(long + b"\0") + link(long, short) + long_link(long + b"\0") + link(short)
    yield Case("hard-link-to-hard-link", LEADS, with_link(chain), ACCEPT, "a hard link is a blob that stands there")
    symbolic = lambda short, long: long_name(long + b"\0") + entry("x", kind=b"2", patches={157: short})
    yield Case("hard-link-that-is-symbolic", "At the first three kinds", with_link(symbolic), REFUSE)
    yield Case("hard-link-of-manifest", MAY, of_manifest, ACCEPT)
    yield Case("hard-link-of-nothing-refers-to", MAY, unreferenced, ACCEPT)
    yield Case("hard-link-in-bundle", MAY, in_bundle(False), REFUSE)
    yield Case("hard-link-in-bundle-more", MAY, in_bundle(True), REFUSE)


def of_manifest():
    """An image by sha256 and by sha512, of which one is a link."""
    box, image = one_image()
    again = box.add(box.blobs[image["digest"]], image["mediaType"], "sha512")
    box.leave_out(again)
    path = path_of(again["digest"]).encode()
    after = long_name(path + b"\0") + link(path, path_of(image["digest"]).encode())
    return foreign.tar(box, [named(image), named(again, "quay.io/org/two:1")], after=after)


def unreferenced():
    box, image = one_image()
    data = noise("unreferenced", 40)
    first, second = (path_of(Box().add(data, LAYER, algorithm)["digest"]) for algorithm in ("sha256", "sha512"))
    raw = second.encode()
    after = entry(first, data) + long_name(raw + b"\0") + link(raw, first.encode())
    return foreign.tar(box, [named(image)], after=after)


def in_bundle(more):
    """A bundle in which a blob is a link to the same content, or in which there is a link to a blob besides."""

    def build():
        box, image, short, long = content()
        draft = sound(box, {NAME: image})

        def change(entries):
            at = next(number for number, one in enumerate(entries) if one.path.encode() == long)
            entries[at].data, entries[at].padding = entries[at].data * more, entries[at].padding * more
            entries[at].head = tar_write.head(entries[at].path, 300 * more)
            if more:
                entries[at].data += entries[at].padding + link(short, short)
                entries[at].padding = b""
            else:
                entries[at].patch(157, short)
                entries[at].patch(156, b"1")

        draft.change_entries = change
        return draft.file()

    return build
