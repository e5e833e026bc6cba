"""Names of images: what is a Reference, and how it is normalised."""

import ipaddress
import re
from typing import NamedTuple, Optional

from .digests import is_digest
from .refusal import refuse_unless

LONGEST_NAME = 253
LONGEST_PATH = 255

NAME_PART = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
NAME = re.compile(rf"{NAME_PART}(?:\.{NAME_PART})*")
PORT = re.compile(r"[0-9]+")
IPV6 = re.compile(r"[0-9A-Fa-f:.]+")
PATH_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
PATH = re.compile(rf"{PATH_PART}(?:/{PATH_PART})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class Reference(NamedTuple):
    """A Reference, normalised."""

    host: str
    path: str
    tag: Optional[str]
    digest: Optional[str]

    @property
    def name(self):
        """The full name of the image: by the tag where there is one."""
        end = f":{self.tag}" if self.tag else f"@{self.digest}"
        return f"{self.host}/{self.path}{end}"


def reference(text):
    """Reads and normalises what a person types."""
    refuse_unless(text.isascii(), f"{text!r}: a name is ASCII")
    rest, at, digest = text.partition("@")
    refuse_unless(not at or is_digest(digest), f"{text!r}: what follows the @ is no digest")
    tag = None
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    if colon >= 0:
        rest, tag = rest[:colon], rest[colon + 1 :]
        refuse_unless(TAG.fullmatch(tag), f"{text!r}: {tag!r} is no tag")
    host, path = divide(rest)
    host = normal_host(host, text)
    if host == "docker.io" and "/" not in path:
        path = "library/" + path
    refuse_unless(PATH.fullmatch(path), f"{text!r}: {path!r} is no path")
    refuse_unless(len(path) <= LONGEST_PATH, f"{text!r}: a path of more than {LONGEST_PATH} characters")
    if tag is None and not at:
        tag = "latest"
    return Reference(host, path, tag, digest or None)


def divide(text):
    """Host and path, as Docker tells them apart."""
    host, slash, path = text.partition("/")
    if not slash or not (re.search(r"[.:\[A-Z]", host) or host == "localhost"):
        return "docker.io", text
    return host, path


def normal_host(host, text):
    """The host in lower case, IPv6 in its one form, and without the port 443 where it is a host without it too."""
    if host.startswith("["):
        address, bracket, port = host[1:].partition("]")
        refuse_unless(bracket, f"{text!r}: no ] in the host")
        refuse_unless(port == "" or port.startswith(":"), f"{text!r}: something between ] and the port")
        name, port = f"[{normal_ipv6(address, text)}]", port[1:] if port else None
    else:
        name, colon, port = host.partition(":")
        port = port if colon else None
        refuse_unless(NAME.fullmatch(name) and len(name) <= LONGEST_NAME, f"{text!r}: {name!r} is no host")
        name = name.lower()
    is_host_alone = "." in name or "[" in name or name == "localhost"
    if port is not None:
        refuse_unless(PORT.fullmatch(port), f"{text!r}: {port!r} is no port")
        digits = port.lstrip("0") or "0"
        number = int(digits) if len(digits) <= 5 else 0
        refuse_unless(1 <= number <= 65535, f"{text!r}: {port!r} is no port")
        if number != 443 or not is_host_alone:
            return f"{name}:{number}"
    refuse_unless(is_host_alone, f"{text!r}: only upper-case letters tell the host from a part of the path")
    return "docker.io" if name == "index.docker.io" else name


def normal_ipv6(address, text):
    """RFC 5952, with section 5 for addresses that map an IPv4 address."""
    try:
        refuse_unless(IPV6.fullmatch(address), f"{text!r}: {address!r} is no IPv6 address")
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        refuse_unless(False, f"{text!r}: {address!r} is no IPv6 address")
    mapped = parsed.ipv4_mapped
    return f"::ffff:{mapped}" if mapped else parsed.compressed


def has_a_host(text):
    """Whether an annotation names a repository, and not a tag alone."""
    before, slash, _ = text.partition("/")
    return bool(slash) and ("." in before or ":" in before or before == "localhost")
