"""Clients of `bundle serve`, for bench/serve-load.

python3 load.py idle HOST:PORT REPOSITORY TAG COUNT
    How long a fast client takes for 200 manifests, first alone, then beside COUNT that sent half of a request.

python3 load.py mixed HOST:PORT REPOSITORY TAG PID FILE OTHER SECONDS
    Eight clients ask for everything of an image, whole and in parts, while FILE, which the process PID serves, is
    changed, cut, removed, and replaced by OTHER, and is what it was again in between. Whatever comes whole has to be
    right. It prints what came, and ends with 1 where anything is wrong.
"""

import hashlib
import http.client
import json
import os
import random
import resource
import shutil
import signal
import socket
import sys
import threading
import time

ACCEPT = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
CLIENTS = 8


def get(connection, path, headers=ACCEPT):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def connect(address):
    host, port = address.rsplit(":", 1)
    return http.client.HTTPConnection(host, int(port), timeout=60)


# --- many that are slow, and one that is not


def seconds_for(address, path, count=200):
    connection = connect(address)
    began = time.monotonic()
    for _ in range(count):
        status, _ = get(connection, path)
        assert status == 200, status
    return time.monotonic() - began


def idle(address, repository, tag, count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, int(count) + 256), hard))
    path = f"/v2/{repository}/manifests/{tag}"
    seconds_for(address, path)
    alone = min(seconds_for(address, path) for _ in range(3))
    host, port = address.rsplit(":", 1)
    slow = []
    for _ in range(int(count)):
        slow.append(socket.create_connection((host, int(port))))
        slow[-1].sendall(b"GET /v2/ HTTP/1.1\r\nHo")
    beside = min(seconds_for(address, path) for _ in range(3))
    connection = connect(address)
    _, text = get(connection, "/metrics")
    there = [line for line in text.decode().splitlines() if line.startswith("bundle_serve_connections ")]
    if int(there[0].split()[1]) < int(count):
        sys.exit(f"only {there[0]} are there")
    for one in slow:
        one.close()
    print(f"{alone * 1000 / 200:.2f} {beside * 1000 / 200:.2f}")


# --- files that do not stay as they are


class Counted:
    def __init__(self):
        self.lock = threading.Lock()
        self.counts = {}
        self.wrong = []

    def add(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def bad(self, what):
        with self.lock:
            self.wrong.append(what)


def ask(address, connection, expected, repository, tag, counted):
    """One question of a kind that chance chooses; what comes whole is compared."""
    digest, content = random.choice(list(expected.items()))
    kind = random.choice(["whole", "part", "manifest", "tag", "look"])
    path, headers, right, wanted = f"/v2/{repository}/blobs/{digest}", {}, content, 200
    if kind == "part":
        first = random.randrange(len(content))
        last = min(len(content) - 1, first + random.choice([0, 1000, 1 << 20]))
        headers, right, wanted = {"Range": f"bytes={first}-{last}"}, content[first : last + 1], 206
    elif kind == "manifest":
        path, headers, right = f"/v2/{repository}/manifests/{expected.root}", ACCEPT, expected.manifest
    elif kind == "tag":
        path, headers, right = f"/v2/{repository}/manifests/{tag}", ACCEPT, expected.manifest
    try:
        connection.request("HEAD" if kind == "look" else "GET", path, headers=headers)
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (http.client.HTTPException, OSError):
        connection.close()
        counted.add("broken off")
        return
    # The other file has none of this.
    if status in (404, 500):
        counted.add(f"status {status}")
    elif status != wanted:
        counted.bad(f"{kind} {path}: status {status}")
    elif kind == "look" or body == right:
        counted.add("right")
    else:
        counted.bad(f"{kind} {path}: {len(body)} bytes that are wrong")


def client(address, until, *more):
    while time.monotonic() < until:
        connection = connect(address)
        # Many questions on one connection, as nodes ask them.
        for _ in range(random.randrange(1, 40)):
            if time.monotonic() < until:
                ask(address, connection, *more)
        connection.close()


class Served(dict):
    """Content by digest, of one image."""

    def __init__(self, address, repository, tag):
        super().__init__()
        connection = connect(address)
        status, self.manifest = get(connection, f"/v2/{repository}/manifests/{tag}")
        assert status == 200, status
        self.root = "sha256:" + hashlib.sha256(self.manifest).hexdigest()
        parsed = json.loads(self.manifest)
        for descriptor in [parsed["config"], *parsed["layers"]]:
            status, self[descriptor["digest"]] = get(connection, f"/v2/{repository}/blobs/{descriptor['digest']}", {})
            actual = "sha256:" + hashlib.sha256(self[descriptor["digest"]]).hexdigest()
            assert status == 200 and actual == descriptor["digest"], actual


def flipped(file, whole, pid, other):
    at = random.randrange(len(whole))
    with open(file, "r+b") as opened:
        opened.seek(at)
        opened.write(bytes([whole[at] ^ 1]))


def cut(file, whole, pid, other):
    os.truncate(file, random.randrange(len(whole)))


def zeroed(file, whole, pid, other):
    with open(file, "r+b") as opened:
        opened.truncate(0)
        opened.truncate(len(whole))


def replaced(file, whole, pid, other):
    shutil.copyfile(other, file + ".new")
    os.rename(file + ".new", file)
    if random.random() < 0.7:
        os.kill(pid, signal.SIGHUP)


def removed(file, whole, pid, other):
    os.unlink(file)
    if random.random() < 0.5:
        os.kill(pid, signal.SIGHUP)


def restored(file, whole, pid):
    """In place, which a server sees without being told; or as another file, with a signal."""
    if os.path.exists(file) and os.path.getsize(file) <= len(whole) and random.random() < 0.5:
        with open(file, "r+b") as opened:
            opened.write(whole)
            opened.truncate(len(whole))
    else:
        with open(file + ".new", "wb") as opened:
            opened.write(whole)
        os.rename(file + ".new", file)
    os.kill(pid, signal.SIGHUP)


def mixed(address, repository, tag, pid, file, other, seconds):
    expected, counted, pid = Served(address, repository, tag), Counted(), int(pid)
    with open(file, "rb") as opened:
        whole = opened.read()
    until = time.monotonic() + float(seconds)
    clients = [
        threading.Thread(target=client, args=(address, until, expected, repository, tag, counted))
        for _ in range(CLIENTS)
    ]
    for one in clients:
        one.start()
    changes = 0
    while time.monotonic() < until:
        random.choice([flipped, cut, zeroed, replaced, removed])(file, whole, pid, other)
        time.sleep(random.choice([0.01, 0.1, 0.4]))
        restored(file, whole, pid)
        changes += 1
        # Now and then for so long that what was hashed is believed.
        time.sleep(random.choice([0.05, 0.3, 6]))
    for one in clients:
        one.join()
    restored(file, whole, pid)
    connection = connect(address)
    deadline = time.monotonic() + 60
    while True:
        status, manifest = get(connection, f"/v2/{repository}/manifests/{tag}")
        if (status, manifest) == (200, expected.manifest):
            break
        assert time.monotonic() < deadline, "the restored file is not taken in"
        time.sleep(0.1)
    for digest, content in expected.items():
        if get(connection, f"/v2/{repository}/blobs/{digest}", {}) != (200, content):
            counted.bad(f"{digest} is not served after all")
    said = ", ".join(f"{count} {what}" for what, count in sorted(counted.counts.items()))
    print(f"{changes} changes of the file; {said}; {len(counted.wrong)} wrong")
    for line in counted.wrong[:20]:
        print(line, file=sys.stderr)
    if counted.wrong or not counted.counts.get("right"):
        sys.exit(1)


if __name__ == "__main__":
    {"idle": idle, "mixed": mixed}[sys.argv[1]](*sys.argv[2:])
