"""The container engine: whether one answers, and where its containers find this machine."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import override
from urllib.parse import urlsplit

from lab.errors import LabError
from lab.server import ADDRESS_VARIABLE

HOST_VARIABLE = "DOCKER_HOST"
SOCKETS = ("/var/run/docker.sock", "/run/podman/podman.sock")
USER_SOCKETS = ("docker.sock", "podman/podman.sock")
"""Of an engine without root, in XDG_RUNTIME_DIR."""

BRIDGE = "bridge"
"""The network of containers that name none; podman answers to this name of Docker's as well."""

ANSWERS_WITHIN = 10.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine that answers: its DOCKER_HOST, and this machine's address for its containers."""

    host: str
    address: str


def find_engine(environment: Mapping[str, str]) -> Engine:
    """The engine that DOCKER_HOST names, else one on a usual socket; `LabError` if none answers."""
    host = environment.get(HOST_VARIABLE) or _usual_host(environment)
    if host is None:
        raise LabError(
            f"no container engine: {HOST_VARIABLE} is not set, and there is no {SOCKETS[0]}"
        )
    ask(host, "/_ping")
    return Engine(host=host, address=environment.get(ADDRESS_VARIABLE) or _bridge_address(host))


def ask(host: str, path: str) -> bytes:
    """What the engine's API answers to GET; `LabError` if it does not, or refuses."""
    connection = _connection(host)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException) as error:
        raise LabError(f"no container engine answers at {host}: {error}") from error
    finally:
        connection.close()
    if response.status != 200:  # noqa: PLR2004 - HTTP's
        raise LabError(f"the container engine at {host} answers {response.status} to {path}")
    return body


def _usual_host(environment: Mapping[str, str]) -> str | None:
    folder = environment.get("XDG_RUNTIME_DIR")
    own = [f"{folder}/{each}" for each in USER_SOCKETS] if folder else []
    found = next((path for path in (*own, *SOCKETS) if os.access(path, os.R_OK | os.W_OK)), None)
    return None if found is None else f"unix://{found}"


def _bridge_address(host: str) -> str:
    network = json.loads(ask(host, f"/networks/{BRIDGE}"))
    addresses = [each.get("Gateway") for each in network["IPAM"]["Config"] or ()]
    found = next((each for each in addresses if each and ":" not in each), None)
    if found is None:
        raise LabError(
            f"the network {BRIDGE} of {host} has no gateway: set {ADDRESS_VARIABLE} to an "
            "address of this machine that containers reach"
        )
    return str(found)


def _connection(host: str) -> HTTPConnection:
    address = urlsplit(host)
    match address.scheme:
        case "unix":
            return _UnixConnection(address.path)
        case "tcp" | "http" if address.hostname:
            return HTTPConnection(address.hostname, address.port, timeout=ANSWERS_WITHIN)
        case _:
            raise LabError(f"{HOST_VARIABLE} is {host}, not unix://PATH or tcp://HOST:PORT")


class _UnixConnection(HTTPConnection):
    """HTTP over a socket of this machine."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWERS_WITHIN)
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
