"""A registry with one image that names a layer of 5 GiB: python3 giant.py LISTEN-ADDRESS-FILE

One line on standard output per request: its path.
"""

import hashlib
import http.server
import json
import os
import sys

OCI = "application/vnd.oci.image."


def descriptor(kind, text, size):
    return {"mediaType": OCI + kind, "digest": "sha256:" + hashlib.sha256(text).hexdigest(), "size": size}


MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": OCI + "manifest.v1+json",
        "config": descriptor("config.v1+json", b"{}", 2),
        "layers": [descriptor("layer.v1.tar", b"never read", 5 << 30)],
    }
).encode()
# The tag and the digest. Whatever else is asked for is not here: a tag that would list referrers least of all.
NAMES = ("/manifests/1", "/manifests/sha256:" + hashlib.sha256(MANIFEST).hexdigest())


class Giant(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, flush=True)
        found = self.path.endswith(NAMES)
        body = MANIFEST if found else b"{}"
        self.send_response(200 if found or self.path == "/v2/" else 404)
        self.send_header("Content-Type", OCI + "manifest.v1+json" if found else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Giant)
with open(sys.argv[1] + ".new", "w") as file:
    file.write("127.0.0.1:%d\n" % server.server_address[1])
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
