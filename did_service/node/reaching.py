"""How peers are reached: what a configuration says of them, for services and commands alike."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from did_service.client.routes import (
    LoopbackRoute,
    Route,
    Routes,
    TlsRoute,
    UnixRoute,
    parse_route,
    routes_from_environment,
)
from did_service.core.errors import DidServiceError, NotFoundError, UsageError
from did_service.node.configuration import FILE, Configuration, read_configuration
from did_service.node.setting_table import ServiceKind
from did_service.program.files import whole


def routes_of(configuration: Configuration, environment: Mapping[str, str]) -> Routes:
    """Return how peers are reached: as configured, else as DIDSVC_ROUTES says.

    A region's own host is reached where it listens: its witness reads its logs too.
    """
    places = {**routes_from_environment(environment).places}
    for host, peer in configuration.named["peers"].items():
        places[host] = _route(configuration, str(peer["address"]), str(peer["ca"]))
    if configuration.kind is ServiceKind.REGION:
        for host in configuration.texts("service.hosts"):
            places.setdefault(host, own_route(configuration))
    return Routes(places)


def routes_beside(configuration: Configuration, environment: Mapping[str, str]) -> Routes:
    """Return how a command beside a service reaches its peers and the service itself."""
    places = {**routes_of(configuration, environment).places}
    if configuration.kind is not ServiceKind.WITNESS:  # the host's logs are served elsewhere
        for host in configuration.texts("service.hosts"):
            places.setdefault(host, own_route(configuration))
    return Routes(places)


def routes_to_peers(folder: Path | None, environment: Mapping[str, str]) -> Routes:
    """Return how a command reaches hosts.

    Args:
        folder: Of the service beside which it runs; None where only DIDSVC_ROUTES says it.
        environment: Of the process.

    Raises:
        NotFoundError: `configuration_missing`, `file_missing` for a CA file.
        UsageError: `configuration_invalid`, `ca_invalid`.
        DidServiceError: as `routes_from_environment`.
    """
    if folder is None:
        return routes_from_environment(environment)
    return routes_beside(read_configuration(folder / FILE, environment), environment)


def own_route(configuration: Configuration) -> Route:
    """Return where a service of this machine listens."""
    path = socket_of(configuration)
    if path is None:
        address = configuration.text("listen.address").replace("0.0.0.0:", "127.0.0.1:")
        return LoopbackRoute(address.replace("[::]:", "[::1]:"))
    return UnixRoute(str(path))


def socket_of(configuration: Configuration) -> Path | None:
    """Return the Unix socket that a service listens on, None for a port."""
    address = configuration.text("listen.address")
    if not address.startswith("unix:"):
        return None
    return configuration.below(address.removeprefix("unix:"))


def _route(
    configuration: Configuration, address: str, ca: str
) -> UnixRoute | LoopbackRoute | TlsRoute:
    if not ca or address.startswith("unix:"):
        with suppress(DidServiceError):
            return parse_route(address)
    return TlsRoute(address or None, _authorities(configuration.below(ca)) if ca else None)


def _authorities(path: Path) -> ssl.SSLContext:
    """Return a TLS context in which only the authorities of a file count."""
    try:
        return ssl.create_default_context(cafile=str(path))
    except FileNotFoundError as error:
        raise NotFoundError("file_missing", whole(path)) from error
    except (ssl.SSLError, OSError) as error:
        raise UsageError("ca_invalid", f"{whole(path)} holds no PEM certificates") from error
