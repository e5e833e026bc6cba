"""Directories: layouts of other tools, and bundles that were unpacked."""

from page.bundle_form import LEFT_OUT
from page.digests import digest_of, path_of

from . import foreign
from .case import ACCEPT, Case, Fifo, Folder, Link, REFUSE, Tree
from .draft import sound
from .material import all_kinds, Box, NAME, named, noise, one_image

PLAIN = "`index.json` and `bundle.json` are plain files."
DIRECTORIES = "`blobs`, `blobs/sha256` and `blobs/sha512`, where they exist, are directories"
NO_LINK = "No link is followed, but the directory itself may be given as one."
IGNORED = "Other files are ignored."
UNPACKED = "**A bundle in a directory**, unpacked, has a `bundle.json` too."
FORM = "and below `blobs/`, at any depth, there are exactly the files that it must have."
EMPTY = "Directories may be empty, but none has the path of a blob."
ELSEWHERE = "What lies elsewhere is ignored."
LINKS = "Everything that is not a directory counts as a file here, links too."
DOCUMENTS = ("oci-layout", "index.json", "bundle.json")


def layout():
    box, images, referrers, _ = all_kinds()
    return foreign.tree(box, [named(image, name) for name, image in images.items()] + referrers)


def bundle():
    return foreign.tree_of_draft(sound(*all_kinds()))


def changed(make, change):
    def build():
        tree = make()
        return change(tree) or tree

    return build


def moved(tree, name, to):
    """Takes a file away, and leaves a link to it in its place."""
    tree[to] = tree.pop(name)
    tree[name] = Link("../" * name.count("/") + to)


def cases():
    yield Case(
        "directory-layout", "A tar without `bundle.json`, or a directory, is read as an image layout", layout, ACCEPT
    )
    yield Case("directory-bundle", UNPACKED, bundle, ACCEPT)
    for make in (layout, bundle):
        yield from of_both(make, make.__name__)
    yield from of_layouts()
    yield from of_bundles()


def first_blob(tree, algorithm="sha256"):
    return next(name for name in sorted(tree) if name.startswith(f"blobs/{algorithm}/"))


def of_both(make, label):
    present = [name for name in DOCUMENTS if name in make()]
    for name in present:
        for what, thing in (("folder", Folder()), ("fifo", Fifo()), ("dead-link", Link("nowhere"))):
            yield Case(
                f"directory-{label}-{name}-is-{what}",
                PLAIN,
                changed(make, lambda tree, name=name, thing=thing: tree.update({name: thing})),
                REFUSE,
            )
        yield Case(
            f"directory-{label}-{name}-is-link",
            NO_LINK,
            changed(make, lambda tree, name=name: moved(tree, name, "elsewhere")),
            REFUSE,
        )
    blob = first_blob(make())
    for what, thing in (("folder", Folder()), ("fifo", Fifo()), ("dead-link", Link("nowhere"))):
        yield Case(
            f"directory-{label}-blob-is-{what}",
            DIRECTORIES,
            changed(make, lambda tree, thing=thing: tree.update({blob: thing})),
            REFUSE,
        )
    yield Case(
        f"directory-{label}-blob-is-link", NO_LINK, changed(make, lambda tree: moved(tree, blob, "elsewhere")), REFUSE
    )
    for name in ("blobs", "blobs/sha256", "blobs/sha512"):
        yield Case(
            f"directory-{label}-{name.replace('/', '-')}-is-link",
            NO_LINK,
            changed(make, lambda tree, name=name: all_moved(tree, name)),
            REFUSE,
        )
    given = changed(make, lambda tree: setattr(tree, "given_as_link", True))
    yield Case(f"directory-{label}-given-as-link", NO_LINK, given, ACCEPT)
    for name in sorted(make()):
        label_of = name.replace("/", "-")[:24]
        quote = PLAIN if name in DOCUMENTS else DIRECTORIES
        if name != "bundle.json":
            yield Case(
                f"directory-{label}-without-{label_of}",
                quote,
                changed(make, lambda tree, name=name: tree.pop(name) and None),
                REFUSE,
            )
        damage = changed(make, lambda tree, name=name: tree.update({name: tree[name][:-1] + b"?"}))
        yield Case(f"directory-{label}-damaged-{label_of}", "Content is hashed every time it is read.", damage, REFUSE)
    other = IGNORED if label == "layout" else ELSEWHERE
    for what, name, thing in (
        ("file", "README", b"text"),
        ("json", "manifest.json", b"["),
        ("link", "link", Link("index.json")),
        ("dead-link", "link.json", Link("nowhere")),
        ("fifo", "fifo", Fifo()),
        ("folder", "more", Folder()),
        ("inner-file", "more/index.json", b"text"),
        ("blobs-elsewhere", "blobs2/sha256/" + "0" * 64, b"text"),
        ("upper-case", "INDEX.JSON", b"text"),
    ):
        yield Case(
            f"directory-{label}-other-{what}",
            other,
            changed(make, lambda tree, name=name, thing=thing: tree.update({name: thing})),
            ACCEPT,
        )


def all_moved(tree, name):
    """A folder is moved away, and a link to it stands in its place."""
    for path in [path for path in tree if path.startswith(name + "/")]:
        tree["elsewhere/" + path[len(name) + 1 :]] = tree.pop(path)
    tree[name] = Link("../" * name.count("/") + "elsewhere")


def of_layouts():
    for what, name, thing, quote in (
        ("file-in-blobs", "blobs/x", b"text", IGNORED),
        ("file-in-sha256", "blobs/sha256/x", b"text", IGNORED),
        ("upper-case-digest", "blobs/sha256/" + "A" * 64, b"text", IGNORED),
        ("long-digest", "blobs/sha256/" + "0" * 65, b"text", IGNORED),
        ("other-algorithm", "blobs/sha384/" + "0" * 96, b"text", IGNORED),
        ("link-in-sha256", "blobs/sha256/x", Link("nowhere"), IGNORED),
        ("folder-in-sha256", "blobs/sha256/x", Folder(), IGNORED),
        ("unreferenced-blob", path_of(digest_of(b"x")), b"x", "A blob may be there that nothing refers to."),
    ):
        yield Case(
            f"directory-layout-{what}",
            quote,
            changed(layout, lambda tree, name=name, thing=thing: tree.update({name: thing})),
            ACCEPT,
        )
    wrong = changed(layout, lambda tree: tree.update({"blobs/sha256/" + "0" * 64: b"x"}))
    yield Case("directory-layout-unreferenced-blob-damaged", "It has to hash to its name all the same.", wrong, REFUSE)
    link = changed(layout, lambda tree: tree.update({"blobs/sha256/" + "0" * 64: Link("nowhere")}))
    yield Case("directory-layout-unreferenced-blob-is-link", DIRECTORIES, link, REFUSE)
    folder = changed(layout, lambda tree: tree.update({"blobs/sha512/" + "0" * 128: Folder()}))
    yield Case("directory-layout-unreferenced-blob-is-folder", DIRECTORIES, folder, REFUSE)
    yield Case("directory-layout-sha512-is-file", DIRECTORIES, lambda: small(**{"blobs/sha512": b"text"}), REFUSE)
    yield Case("directory-layout-sha512-is-fifo", DIRECTORIES, lambda: small(**{"blobs/sha512": Fifo()}), REFUSE)
    yield Case("directory-layout-sha512-is-empty", DIRECTORIES, lambda: small(**{"blobs/sha512": Folder()}), ACCEPT)
    yield Case("directory-layout-no-blobs", DIRECTORIES, lambda: Tree(foreign.documents([one_image()[1]])), REFUSE)
    yield Case("directory-empty", PLAIN, lambda: Tree({"x": b"y"}), REFUSE)
    yield Case(
        "directory-layout-with-bundle.json",
        UNPACKED,
        changed(layout, lambda tree: tree.update({"bundle.json": b"{}"})),
        REFUSE,
    )
    dead = changed(layout, lambda tree: tree.update({"bundle.json": Link("nowhere")}))
    yield Case("directory-layout-with-bundle.json-dead-link", PLAIN, dead, REFUSE)


def small(**more):
    box, image = one_image()
    tree = foreign.tree(box, [named(image)])
    tree.update(more)
    return tree


def of_bundles():
    without = changed(bundle, lambda tree: tree.pop("bundle.json") and None)
    yield Case(
        "directory-bundle-without-bundle.json", "A layout that another tool made has no `bundle.json`", without, ACCEPT
    )
    extra = noise("extra", 30)
    for what, name, thing in (
        ("file-in-blobs", "blobs/x", b"text"),
        ("file-in-sha256", "blobs/sha256/x", b"text"),
        ("other-algorithm", "blobs/sha384/" + "0" * 96, b"text"),
        ("unreferenced-blob", path_of(digest_of(extra)), extra),
        ("link", "blobs/sha256/x", Link("nowhere")),
        ("link-to-folder", "blobs/x", Link("sha256")),
        ("fifo", "blobs/sha256/x", Fifo()),
        ("hidden-file", "blobs/.x", b""),
        ("file-deep-below", "blobs/sha256/x/y/z", b"text"),
    ):
        yield Case(
            f"directory-bundle-more-{what}",
            FORM if isinstance(thing, bytes) else LINKS,
            changed(bundle, lambda tree, name=name, thing=thing: tree.update({name: thing})),
            REFUSE,
        )
    for label, name, expected in (
        ("in-blobs", "blobs/more", ACCEPT),
        ("in-sha256", "blobs/sha256/more", ACCEPT),
        ("sha384", "blobs/sha384", ACCEPT),
        ("deep-below", "blobs/x/y/z/.hidden", ACCEPT),
        ("named-as-a-short-digest", "blobs/sha256/" + "0" * 63, ACCEPT),
        ("named-as-a-long-digest", "blobs/sha256/" + "0" * 65, ACCEPT),
        ("named-as-a-digest-of-upper-case", "blobs/sha256/" + "A" * 64, ACCEPT),
        ("named-as-a-digest-of-the-other-algorithm", "blobs/sha256/" + "0" * 128, ACCEPT),
        ("named-as-a-digest-of-sha384", "blobs/sha384/" + "0" * 96, ACCEPT),
        ("named-as-a-digest-deeper", "blobs/x/sha256/" + "0" * 64, ACCEPT),
        ("named-as-a-digest-below-itself", "blobs/blobs/sha256/" + "0" * 64, ACCEPT),
        ("named-as-a-digest-in-blobs", "blobs/" + "0" * 64, ACCEPT),
        ("named-as-a-digest", "blobs/sha256/" + "0" * 64, REFUSE),
        ("named-as-a-digest-of-sha512", "blobs/sha512/" + "0" * 128, REFUSE),
        ("in-a-folder-named-as-a-digest", "blobs/sha256/" + "0" * 64 + "/x", REFUSE),
    ):
        empty = changed(bundle, lambda tree, name=name: tree.update({name: Folder()}))
        yield Case(f"directory-bundle-empty-folder-{label}", EMPTY, empty, expected)
    yield Case("directory-bundle-empty-folder-sha512", EMPTY, empty_sha512(""), ACCEPT)
    yield Case("directory-bundle-empty-folder-named-as-first-of-sha512", EMPTY, empty_sha512("/" + "0" * 128), REFUSE)
    for what, name, thing in (
        ("fifo-in-blobs", "blobs/x", Fifo()),
        ("dead-link-in-blobs", "blobs/x", Link("nowhere")),
        ("link-to-itself", "blobs/x", Link("x")),
        ("link-out-of-it", "blobs/sha256/x", Link("../../..")),
        ("link-to-folder-deep-below", "blobs/x/y/z", Link("../../sha256")),
        ("file-of-other-algorithm", "blobs/sha1/" + "0" * 40, b"x"),
        ("file-named-json", "blobs/index.json", b"{}"),
        ("file-of-upper-case", "blobs/sha256/" + "A" * 64, b"x"),
        ("file-that-is-no-utf-8", "blobs/sha256/\udcff", b"x"),
        ("file-of-spaces", "blobs/ ", b""),
        ("file-in-folder-named-as-a-digest", "blobs/sha256/" + "0" * 64 + "/x", b"x"),
        ("link-named-as-a-digest", "blobs/sha256/" + "0" * 64, Link("../../index.json")),
        ("copy-of-index.json", "blobs/sha256/index.json", b"{}"),
    ):
        more = changed(bundle, lambda tree, name=name, thing=thing: tree.update({name: thing}))
        quote = FORM if isinstance(thing, bytes) else DIRECTORIES if "digest" in what else LINKS
        yield Case(f"directory-bundle-{what}", quote, more, REFUSE)
    for what, name, thing in (
        ("file-that-is-no-utf-8", "\udcff", b"x"),
        ("link-out-of-it", "x", Link("..")),
        ("link-to-itself", "x", Link("x")),
        ("folder-of-blobs", "x/blobs/sha256/x", b"x"),
        ("upper-case-blobs", "BLOBS/sha256/x", b"x"),
        ("partial-file", "blobs.tmp", b"x"),
        ("second-bundle.json", "x/bundle.json", b"x"),
    ):
        more = changed(bundle, lambda tree, name=name, thing=thing: tree.update({name: thing}))
        yield Case(f"directory-bundle-elsewhere-{what}", ELSEWHERE, more, ACCEPT)
    for name in DOCUMENTS:
        for what, change in (
            ("line-feed", lambda data: data + b"\n"),
            ("space", lambda data: data.replace(b":", b": ", 1)),
            ("escape", lambda data: data.replace(b"1", b"\\u0031", 1)),
            ("byte-order-mark", lambda data: b"\xef\xbb\xbf" + data),
            ("empty", lambda data: b""),
        ):
            other = changed(bundle, lambda tree, name=name, change=change: tree.update({name: change(tree[name])}))
            yield Case(f"directory-bundle-{name}-{what}", "are in their one form, and below", other, REFUSE)
    yield Case("directory-bundle-left-out-is-there", FORM, left_out_is_there, REFUSE)
    yield Case("directory-bundle-left-out-and-not-said", FORM, lambda: left_out_unsaid(True), REFUSE)
    yield Case("directory-bundle-left-out-and-annotation-alone", FORM, lambda: left_out_unsaid(False), REFUSE)
    yield Case("directory-bundle-with-superfluous-annotation", "are in their one form, and below", superfluous, REFUSE)
    yield Case("directory-bundle-roots-swapped", "are in their one form, and below", swapped_roots, REFUSE)
    yield Case("directory-bundle-of-one-name-twice", "are in their one form, and below", name_twice, REFUSE)
    yield Case("directory-bundle-nothing-of-sha512-left", FORM, nothing_of_sha512, ACCEPT)


def left_out_is_there():
    box = Box()
    away = box.layer("away", urls=["x"])
    tree = foreign.tree_of_draft(sound(box, {NAME: box.image("one", [away])}, left_out=[away["digest"]]))
    tree[path_of(away["digest"])] = box.blobs[away["digest"]]
    return tree


def left_out_unsaid(without_annotation):
    """A layer that may be left out is not there, and `bundle.json` does not say so."""
    box = Box()
    away = box.layer("away", urls=["x"])
    draft = sound(box, {NAME: box.image("one", [away])}, left_out=[away["digest"]])
    draft.absent = []
    if without_annotation:
        del draft.index["annotations"]
    return foreign.tree_of_draft(draft)


def empty_sha512(below):
    """A bundle with nothing by sha512, and the directory of it, or one below that."""

    def build():
        box, image = one_image()
        tree = foreign.tree_of_draft(sound(box, {NAME: image}))
        tree["blobs/sha512" + below] = Folder()
        return tree

    return build


def superfluous():
    box, image = one_image()
    draft = sound(box, {NAME: image})
    draft.index["annotations"] = {LEFT_OUT: digest_of(b"[]")}
    return foreign.tree_of_draft(draft)


def swapped_roots():
    draft = sound(*all_kinds())
    draft.index["manifests"][:2] = reversed(draft.index["manifests"][:2])
    return foreign.tree_of_draft(draft)


def name_twice():
    box, image = one_image()
    draft = sound(box, {NAME: image})
    draft.index["manifests"] *= 2
    return foreign.tree_of_draft(draft)


def nothing_of_sha512():
    box = Box()
    away = box.layer("away", algorithm="sha512", urls=["x"])
    return foreign.tree_of_draft(sound(box, {NAME: box.image("one", [away])}, left_out=[box.leave_out(away)]))
