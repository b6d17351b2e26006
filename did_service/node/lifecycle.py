"""The life of a service's process: prepared, opened, served, reloaded, ended.

    signals ── prepare ── listen ──┬─ open ── serve ── READY=1 ── wait ──┬─ SIGTERM: close
                                   └────────── SIGHUP: close ◄───────────┘

A reload prepares everything anew first; what is off then is logged, and the service goes on as
it was. Else it is closed and opened behind the same listening socket: who connects meanwhile
waits, and nobody is refused. Every end closes parts, databases and the socket's name.
"""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from did_service.core.errors import DidServiceError, UnavailableError
from did_service.node.configuration import Configuration
from did_service.node.reaching import socket_of
from did_service.node.services import OpenService, Setup, open_service
from did_service.program.files import make_private_directory
from did_service.program.logs import about
from did_service.program.service_manager import ServiceManager
from did_service.program.signals import ENDING, Signals
from did_service.web.app import forget_apps
from did_service.web.serve import Server, tcp_socket, unix_socket

_LOG = logging.getLogger("did_service.node")
_LOOK_SECONDS = 5.0  # after so long it is seen that a server has ended by itself


@contextmanager
def listening(configuration: Configuration) -> Iterator[socket.socket]:
    """Listen where a configuration says while a `with` lasts; a socket's name goes after it.

    Raises:
        UsageError: `socket_name_long`.
        UnavailableError: `address_in_use`, `file_not_written`.
    """
    path = socket_of(configuration)
    if path is None:
        host, _, port = configuration.text("listen.address").rpartition(":")
        with tcp_socket(host.strip("[]"), int(port)) as listener:
            yield listener
        return
    make_private_directory(path.parent)
    shared = bool(configuration.sections["listen"]["shared"])
    with unix_socket(path, shared=shared) as listener:
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def serve(
    prepare: Callable[[], Setup],
    listener: socket.socket,
    signals: Signals,
    manager: ServiceManager,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        prepare: Makes what the service is given; called again at each SIGHUP.
        listener: Where it is reached; the caller closes it.
        signals: Taken over before anything was opened.
        manager: Is told how far it is.

    Raises:
        DidServiceError: it could not be prepared or opened; or `server_ended`.
    """
    setup: Setup | None = prepare()
    while setup is not None:
        with closing(setup.transport), closing(open_service(setup)) as service:
            setup = _served(service, prepare, listener, signals, manager)
        del service
        forget_apps()
        gc.collect()  # at a moment when nobody is being answered
    _LOG.info("ended")


def _served(
    service: OpenService,
    prepare: Callable[[], Setup],
    listener: socket.socket,
    signals: Signals,
    manager: ServiceManager,
) -> Setup | None:
    """Serve it; return what is to be served next, None for nothing."""
    service.start()
    with Server(service.app, listener, lasting=True) as server:
        manager.ready()
        _LOG.info("serving")
        return _until_changed(prepare, server, signals, manager)


def _until_changed(
    prepare: Callable[[], Setup], server: Server, signals: Signals, manager: ServiceManager
) -> Setup | None:
    """Wait; return what is to be served next, None for nothing."""
    while True:
        number = signals.wait(min(manager.watch_seconds or _LOOK_SECONDS, _LOOK_SECONDS))
        if number in ENDING:
            manager.stopping()
            return None
        if not server.is_alive:
            raise UnavailableError("server_ended", "the server has ended by itself")
        if number is None:
            manager.alive()
            continue
        manager.reloading()
        try:
            return prepare()
        except DidServiceError as error:
            _LOG.error("not reloaded: %s: %s", error.code, error.message, extra=about(error))
            manager.ready()
