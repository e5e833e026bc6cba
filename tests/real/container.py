"""Runs what the only container of a Job runs, as its manifest in deploy/ says it, with its volumes mounted elsewhere.

    container.py MANIFEST INDEX NAME=DIRECTORY... [VARIABLE=VALUE...]

NAME=DIRECTORY says where a volume of the manifest is here. A VARIABLE that the manifest sets gets another VALUE; one that
it does not set is refused, and so is a manifest that mounts more.
"""

import os
import sys

import yaml


def main():
    manifest, index, *given = sys.argv[1:]
    with open(manifest, encoding="utf-8") as file:
        (job,) = yaml.safe_load_all(file)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    values = dict(one.split("=", 1) for one in given)
    variables = {one["name"]: one["value"] for one in container.get("env", [])}
    for name in variables:
        if name in values:
            variables[name] = values.pop(name)
    mounts = {one["mountPath"]: values.pop(one["name"]) for one in container["volumeMounts"]}
    if values:
        sys.exit(f"{manifest} has no such volumes or variables: {', '.join(values)}")
    words = container["command"] + container["args"]
    # The longest first, so that none is taken for a part of another.
    for path in sorted(mounts, key=len, reverse=True):
        words = [word.replace(f"{path}/", f"{mounts[path]}/") for word in words]
    os.execvpe(words[0], words, {**os.environ, **variables, "JOB_COMPLETION_INDEX": index})


main()
