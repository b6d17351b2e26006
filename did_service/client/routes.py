"""Where hosts are reached: the routes file, and the addresses that may be dialled.

    {"gd.example": "unix:/run/didsvc/gd.sock", "gz.gd.example": "127.0.0.1:8443"}

A host of this file is spoken to over plain HTTP at that place; its https URL stays its
identity. One that an operator configured (`TlsRoute`) is reached over TLS, also inside our own
network. Any other is looked up once and dialled at the very address that was checked: a public
one. Names in `.example` are never looked up (formats.md §8).
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import as_text
from did_service.core.errors import MalformedError, UnavailableError, quote
from did_service.core.limits import MAX_ROUTES_BYTES

VARIABLE = "DIDSVC_ROUTES"
_NEVER_LOOKED_UP = ("example", "invalid", "localhost", "test", "local", "internal")


@dataclass(frozen=True, slots=True)
class UnixRoute:
    """A Unix socket."""

    path: str


@dataclass(frozen=True, slots=True)
class LoopbackRoute:
    """A loopback address, `127.0.0.1:8443` or `[::1]:8443`."""

    address: str


@dataclass(frozen=True, slots=True)
class TlsRoute:
    """A host that an operator knows: over TLS, in whichever network it lies.

    Attributes:
        address: `10.1.2.3:443` or `[fd00::1]:443`; None for what the name's look-up gives.
        tls: Whose certificates count for it; None for the transport's.
    """

    address: str | None
    tls: ssl.SSLContext | None


Route = UnixRoute | LoopbackRoute | TlsRoute


@dataclass(frozen=True, slots=True)
class Routes:
    """Places of hosts that are not looked up, by lower-case host name."""

    places: Mapping[str, Route] = field(default_factory=dict)


def parse_routes(data: bytes) -> Routes:
    """Read a routes file.

    Raises:
        LimitError, MalformedError: not JSON, or `route_invalid`.
    """
    members = strict_json.load_object(data, max_bytes=MAX_ROUTES_BYTES)
    return Routes({host: parse_route(as_text(place, host)) for host, place in members.items()})


def routes_from_environment(environment: Mapping[str, str] | None = None) -> Routes:
    """Read the file that `DIDSVC_ROUTES` names in the process's environment, or in another.

    It may name none: then there are no routes.

    Raises:
        LimitError, MalformedError: as `parse_routes`.
        UnavailableError: `routes_missing` when the file cannot be read.
    """
    name = (os.environ if environment is None else environment).get(VARIABLE)
    if not name:
        return Routes()
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise UnavailableError(
            "routes_missing", f"{VARIABLE}: no file {quote(name)}"
        ) from error
    return parse_routes(data)


def public_address(host: str, port: int) -> str:
    """Look a host up and return one address that may be dialled.

    Every address of the name must be public: one that is not makes the name suspect.

    Raises:
        UnavailableError: `peer_unreachable` when the name has no address or may not be looked
            up, `address_refused` when it leads into a network of our own.
    """
    if host.rpartition(".")[2] in _NEVER_LOOKED_UP:
        raise UnavailableError("peer_unreachable", f"{quote(host)} has no route")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnavailableError("peer_unreachable", f"{quote(host)} has no address") from error
    addresses = [str(item[4][0]) for item in found]
    for address in addresses:
        if not is_public(address):
            raise UnavailableError("address_refused", f"{quote(host)} is not a public host")
    return addresses[0]


def is_public(address: str) -> bool:
    """Say whether an IP address lies in the public internet; look through IPv4 in IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or _nat64(parsed)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address inside a well-known NAT64 address, RFC 6052 §2.1."""
    inside = address in ipaddress.ip_network("64:ff9b::/96")
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if inside else None


def parse_route(place: str) -> UnixRoute | LoopbackRoute:
    """Read one place; raises `route_invalid`."""
    kind, _, path = place.partition(":")
    if kind == "unix" and path.startswith("/"):
        return UnixRoute(path)
    host, _, port = place.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    try:
        loopback = ipaddress.ip_address(bare).is_loopback
    except ValueError:
        loopback = False
    if not loopback or not (port.isascii() and port.isdigit()):
        raise MalformedError("route_invalid", f"not a socket or loopback: {quote(place)}")
    return LoopbackRoute(place)
