"""Serving an app: uvicorn on a Unix socket or a loopback port.

`Server` runs in a thread of its own and is ready when `start` returns, so that a demo or a
test can hold many of them in one process; `run` serves until a signal comes. A socket's name
must fit into 108 bytes, the kernel's limit. TLS and the outside world are a proxy's business.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

from did_service.core.errors import UnavailableError, UsageError, quote
from did_service.web.protocol import Protocol

MAX_SOCKET_NAME_BYTES = 107  # sun_path of unix(7), without its last zero byte
_BACKLOG = 128
_START_SECONDS = 30
_GRACE_SECONDS = 2


def unix_socket(path: Path) -> socket.socket:
    """Listen on a Unix socket that only this user may open; a stale one is replaced.

    Raises:
        UsageError: `socket_name_long`.
        UnavailableError: `address_in_use` when something answers there.
    """
    name = str(path)
    if len(name.encode()) > MAX_SOCKET_NAME_BYTES:
        raise UsageError("socket_name_long", f"{quote(name)} is too long for a socket")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if path.is_socket():
        _check_stale(path, listener)
    listener.bind(name)
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    return listener


def loopback(port: int) -> socket.socket:
    """Listen on a port of 127.0.0.1; 0 takes a free one, see `getsockname`.

    Raises:
        UnavailableError: `address_in_use`.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise UnavailableError("address_in_use", f"port {port} is taken") from error
    listener.listen(_BACKLOG)
    return listener


def run(app: FastAPI, listener: socket.socket) -> None:
    """Serve in this thread until SIGINT or SIGTERM."""
    uvicorn.Server(_config(app)).run(sockets=[listener])


class Server:
    """An app served by a thread, from `start` to `stop`.

    Args:
        app: The application.
        listener: From `unix_socket` or `loopback`; closed by `stop`.
    """

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        self._listener = listener
        self._name = listener.getsockname()  # a path, or address and port
        self._server = _Announcing(_config(app))
        self._thread = threading.Thread(
            target=self._server.serve_on, args=(listener,), daemon=True
        )

    def start(self) -> Self:
        """Serve, and return when requests are answered.

        Raises:
            UnavailableError: `server_not_started`.
        """
        self._thread.start()
        self._server.decided.wait(_START_SECONDS)
        if not self._server.started:
            self.stop()
            raise UnavailableError("server_not_started", "the server did not come up")
        return self

    def ask_to_stop(self) -> None:
        """Begin to stop and return at once, so that many servers stop side by side."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Let requests that are being answered finish, then stop and take the name away."""
        self.ask_to_stop()
        self._thread.join()
        self._listener.close()
        if isinstance(self._name, str):
            Path(self._name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Announcing(uvicorn.Server):
    """Says when it has come up, or has failed to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.decided = threading.Event()

    def serve_on(self, listener: socket.socket) -> None:
        """Serve in this thread; a failed start has been logged and ends it quietly."""
        try:
            self.run(sockets=[listener])
        except SystemExit:
            self.should_exit = True
        finally:
            self.decided.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Announce that requests are answered from now on."""
        await super().startup(sockets=sockets)
        self.decided.set()


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",  # an upgrade that is asked for is passed over
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _check_stale(path: Path, listener: socket.socket) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) == 0:
            listener.close()
            raise UnavailableError("address_in_use", f"{quote(path)} is being served")
    path.unlink()
