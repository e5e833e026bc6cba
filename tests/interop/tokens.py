"""A token server: python3 tokens.py LISTEN-ADDRESS-FILE KEY CERTIFICATE USER:PASSWORD SECONDS STATED [TLS-CERTIFICATE TLS-KEY]

Gives what is asked for to whoever has the password, in tokens signed with KEY (RS256, with CERTIFICATE in x5c) that a
registry with a minute of leeway refuses after SECONDS. STATED is the life it speaks of; 0 says nothing.
One line on standard output per answer: the status, and the scopes.
"""

import base64
import http.server
import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.parse

# Registries of the distribution family go on taking a token for so long after its end.
LEEWAY = 60

address_file, key, certificate, login, seconds, stated = sys.argv[1:7]


def packed(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signed(claims):
    with open(certificate) as file:
        body = re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", file.read(), re.S).group(1)
    header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(body.split())]}
    text = packed(json.dumps(header).encode()) + b"." + packed(json.dumps(claims).encode())
    # The standard library has no RSA.
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text, stdout=subprocess.PIPE, check=True)
    return (text + b"." + packed(signature.stdout)).decode()


def access(scope):
    kind, rest = scope.split(":", 1)
    name, actions = rest.rsplit(":", 1)
    return {"type": kind, "name": name, "actions": actions.split(",")}


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        scopes = [one for value in asked.get("scope", []) for one in value.split()]
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(login.encode()).decode():
            self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "who are you"}]}, scopes)
            return
        now = int(time.time())
        claims = {
            "iss": "lane", "sub": login.split(":")[0], "aud": asked.get("service", ["lane"])[0],
            "exp": now + int(seconds) - LEEWAY, "nbf": now - 2 * LEEWAY, "iat": now - 2 * LEEWAY,
            "jti": os.urandom(8).hex(), "access": [access(scope) for scope in scopes],
        }
        answer = {"token": signed(claims)}
        if int(stated):
            answer["expires_in"] = int(stated)
        self.answer(200, answer, scopes)

    def answer(self, status, body, scopes):
        print(status, *scopes, flush=True)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
if len(sys.argv) > 7:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[7], sys.argv[8])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(address_file + ".new", "w") as file:
    file.write("127.0.0.1:%d\n" % server.server_address[1])
os.rename(address_file + ".new", address_file)
server.serve_forever()
