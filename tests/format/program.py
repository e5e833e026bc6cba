"""Runs the program that is compared, in surroundings that have no influence on it."""

import os
import subprocess

TOO_LONG = 120


def run(program, arguments, folder):
    """`(exit status, what it printed)`; the status is None if it took too long."""
    surroundings = {
        key: value for key, value in os.environ.items() if not key.startswith(("BUNDLE_", "DOCKER_", "XDG_"))
    }
    surroundings = {key: value for key, value in surroundings.items() if not key.lower().endswith("_proxy")}
    surroundings |= {"HOME": folder, "TMPDIR": folder}
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=surroundings,
            timeout=TOO_LONG,
        )
    except subprocess.TimeoutExpired:
        return None, f"took more than {TOO_LONG} seconds"
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    return done.returncode, " / ".join(line.strip() for line in lines)[:600]
