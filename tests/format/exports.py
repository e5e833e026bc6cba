"""Compares what the writer writes with what the program exports from a registry that has the same images."""

import concurrent.futures
import os

from page.refusal import Refused
from program import run
from registry import Registry
from scenes import scenes
from writer import bundle_of, volumes_of

AT_ONCE = 4


def compare(program, folder, keep):
    """Exports every scene; gives how many there are, and what is not the same as lines of text."""
    faults = []
    every = [(scene, os.path.join(folder, f"{number}.tar")) for number, scene in enumerate(scenes(folder), 1)]
    # An export waits most of the time, so several are under way at once.
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda pair: one(program, *pair, folder), every))
    for (scene, path), fault in zip(every, found):
        if fault:
            faults.append(f"EXPORT     {scene.label}\n  {fault}")
            if keep:
                faults[-1] += "\n  kept: " + kept(scene, path, keep)
    return len(every), faults


def one(program, scene, path, folder):
    """Exports a scene; gives what is wrong, or None."""
    with Registry(scene.layout) as registry:
        typed = [registry.name(typed) for typed, _ in scene.asked]
        arguments = ["export", "--no-progress", f"--plain-http={registry.host}", *typed]
        arguments += [f"--platform={platform}" for platform in scene.platforms]
        arguments += ["--ref-name=tag"] if scene.short else []
        whole = [*arguments, *(["--docker-load=linux/amd64"] if scene.docker else []), "-o", path]
        status, said = run(program, whole, folder)
        names = list(dict.fromkeys(name for _, name in scene.asked))
        try:
            expected = bundle_of(
                scene.layout, names, scene.left_out, registry.name, None, scene.away, scene.short, scene.docker
            )
        except Refused as refused:
            return f"the writer refuses this: {refused}"
        with open(path + ".expected", "wb") as file:
            file.write(expected)
        if status != 0 or not os.path.exists(path):
            return f"the program ends with {status}: {said}"
        with open(path, "rb") as file:
            fault = difference(expected, file.read())
        return fault or in_volumes(program, scene, registry, arguments, path, names)


def in_volumes(program, scene, registry, arguments, path, names):
    """Exports a scene into volumes, as long as a third of it and long enough; gives what is wrong, or None."""
    size = os.path.getsize(path) // 3 + 8 * 1024
    path = path.removesuffix(".tar") + "-in-volumes.tar"
    status, said = run(program, [*arguments, "--volume-size", str(size), "-o", path], os.path.dirname(path))
    try:
        expected = volumes_of(scene.layout, size, names, scene.left_out, registry.name, scene.away, scene.short)
    except Refused as refused:
        return None if status == 2 else f"{status}, where there are no volumes of {size} bytes: {refused}"
    if status != 0:
        return f"volumes of {size} bytes: the program ends with {status}: {said}"
    for number, data in enumerate(expected, 1):
        volume = path.removesuffix(".tar") + f"-{number}of{len(expected)}.tar"
        if not os.path.exists(volume):
            return f"volumes of {size} bytes: no {os.path.basename(volume)}"
        with open(volume, "rb") as file:
            fault = difference(data, file.read())
        if fault:
            return f"{os.path.basename(volume)}, at most {size} bytes: {fault}"
    return None


def difference(expected, actual):
    """Where two files begin to differ."""
    if expected == actual:
        return None
    at = next(
        (at for at, pair in enumerate(zip(expected, actual)) if pair[0] != pair[1]), min(len(expected), len(actual))
    )
    page, program = (data[max(0, at - 60) : at + 60] for data in (expected, actual))
    lengths = f"of {len(expected)} bytes by the page and {len(actual)} by the program"
    return f"byte {at}, {lengths}:\n  page     {page}\n  program  {program}"


def kept(scene, path, keep):
    """Keeps both files, and gives where."""
    name = os.path.join(keep, "export-" + scene.label.replace("/", "-").replace(" ", "-") + ".tar")
    for suffix in ("", ".expected"):
        if os.path.exists(path + suffix):
            os.replace(path + suffix, name + suffix)
    return name
