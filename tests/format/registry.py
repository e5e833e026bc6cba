#!/usr/bin/env python3
"""A read-only registry over a layout directory: just enough of the distribution API for an export.

The images stand under the paths of their names; hosts are left away, since there is one host here.
"""

import http.server
import json
import os
import re
import sys
import threading

from page.descriptors import OCI_INDEX
from page.digests import is_digest
from page.manifests import read_manifest
from page.references import reference
from page.refusal import Refused
from writer import Store, images_of

ROUTE = re.compile(r"/v2/(?P<path>.+)/(?P<what>manifests|blobs|referrers)/(?P<which>[^/?]+)(\?.*)?")
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Shelf:
    """What the registry serves."""

    def __init__(self, layout):
        self.store = Store(layout)
        named, unnamed = images_of(layout)
        self.tags = {}
        self.types = {}
        for name, descriptor in named.items():
            read = reference(name)
            if read.tag:
                self.tags[read.path, read.tag] = descriptor.digest
            self.types[descriptor.digest] = descriptor.media_type
        self.referrers = self.by_subject(unnamed)

    def by_subject(self, unnamed):
        """The referrers API is there only if something refers to something."""
        found = {}
        for descriptor in unnamed:
            self.types[descriptor.digest] = descriptor.media_type
            manifest = read_manifest(self.store.fetch(descriptor.digest), descriptor.digest)
            if manifest.subject:
                entry = {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}
                if manifest.artifact_type:
                    entry["artifactType"] = manifest.artifact_type
                found.setdefault(manifest.subject.digest, []).append(entry)
        return found

    def manifest(self, path, which):
        """Digest, type and content of a manifest by tag or digest; None where there is none."""
        digest = which if is_digest(which) else self.tags.get((path, which))
        content = digest and self.store.fetch(digest)
        if not content:
            return None
        try:
            manifest = read_manifest(content, digest)
        except Refused:
            return None
        for entry in manifest.manifests:
            self.types.setdefault(entry.digest, entry.media_type)
        return digest, manifest.stated_type or self.types.get(digest, OCI_INDEX), content

    def referrers_of(self, digest):
        if not self.referrers:
            return None
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": self.referrers.get(digest, [])}
        return json.dumps(index).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET and HEAD; the shelf is that of the server."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.respond(with_body=True)

    def do_HEAD(self):
        self.respond(with_body=False)

    def respond(self, with_body):
        shelf = self.server.shelf
        if self.path in ("/v2", "/v2/"):
            return self.send(200, {"Content-Type": "application/json"}, b"{}", with_body)
        route = ROUTE.fullmatch(self.path)
        if not route:
            return self.not_found(with_body)
        if route["what"] == "manifests":
            found = shelf.manifest(route["path"], route["which"])
            if found:
                digest, media_type, content = found
                headers = {"Content-Type": media_type, "Docker-Content-Digest": digest}
                return self.send(200, headers, content, with_body)
        elif route["what"] == "referrers":
            content = shelf.referrers_of(route["which"])
            if content:
                return self.send(200, {"Content-Type": OCI_INDEX}, content, with_body)
        elif is_digest(route["which"]):
            content = shelf.store.fetch(route["which"])
            if content is not None:
                return self.send_blob(content, with_body)
        return self.not_found(with_body)

    def send_blob(self, content, with_body):
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        wanted = RANGE.fullmatch(self.headers.get("Range", ""))
        if not wanted:
            return self.send(200, headers, content, with_body)
        first = int(wanted[1])
        last = min(int(wanted[2]) if wanted[2] else len(content) - 1, len(content) - 1)
        if first > last:
            return self.send(416, {"Content-Range": f"bytes */{len(content)}"}, b"", with_body)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return self.send(206, headers, content[first : last + 1], with_body)

    def not_found(self, with_body):
        body = b'{"errors":[{"code":"NOT_FOUND","message":"not here"}]}'
        self.send(404, {"Content-Type": "application/json"}, body, with_body)

    def send(self, status, headers, body, with_body):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format, *arguments):
        """Nothing is logged: what matters is the file that comes out."""


class Server(http.server.ThreadingHTTPServer):
    """Says nothing when the other side closes a connection, which it may."""

    daemon_threads = True
    request_queue_size = 128  # fewer, and whoever connects many times at once waits a second for the next try

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Registry:
    """Serves a layout directory on 127.0.0.1 as long as the `with` block lasts."""

    def __init__(self, layout, port=0):
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.shelf = Shelf(layout)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()

    def name(self, name):
        """The name under which this registry has an image of the layout."""
        return f"{self.host}/{name.split('/', 1)[1]}"


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit("usage: registry.py LAYOUT_DIR")
    with Registry(sys.argv[1]) as registry:
        print(registry.host, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
