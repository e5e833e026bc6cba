"""One export: what is there, and what is asked for."""

from typing import NamedTuple

HOST = "registry.example/"


class Scene(NamedTuple):
    """A layout directory, the images of it that are asked for, and what of them is not there.

    `asked` are pairs: what is typed, with the host of the layout, and the name that the bundle has for it. `away` are
    the manifests that `platforms` do without. `short` is whether names are short, and `docker` what of each name is
    for linux/amd64 and on the list for Docker.
    """

    label: str
    layout: str
    asked: list
    left_out: list
    platforms: list = []
    away: list = []
    short: bool = False
    docker: dict = {}
