"""Serving an app: uvicorn on a Unix socket or a port.

`Server` runs in a thread of its own and is ready when `start` returns, so that a demo or a
test can hold many of them in one process, and so that signals are the main thread's: uvicorn
would end by raising a signal again, and no `finally` would run. `run` serves until one comes; a
program with more to do calls `prepare_process` before its threads start.
A socket's name must fit into 108 bytes, the kernel's limit. TLS is a proxy's business.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

from did_service.core.errors import UnavailableError, UsageError, quote
from did_service.program.memory import give_back_memory
from did_service.program.signals import ENDING, Signals
from did_service.web.connections import LoopFaults, raise_file_limit
from did_service.web.description import DescribedApp
from did_service.web.protocol import Protocol

MAX_SOCKET_NAME_BYTES = 107  # sun_path of unix(7), without its last zero byte
_BACKLOG = 128  # accepted in one go, so RESERVED_FILES has room for them
_START_SECONDS = 30
_GRACE_SECONDS = 2
_TURNS = 5  # of asyncio's loop, from accept to `connection_made`, or from `abort` to its end


def unix_socket(path: Path, *, shared: bool = False) -> socket.socket:
    """Listen on a Unix socket that only this user may open; a stale one is replaced.

    Args:
        path: Its name.
        shared: Members of this process's group may open it as well.

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
    path.chmod(0o660 if shared else 0o600)
    listener.listen(_BACKLOG)
    return listener


def loopback(port: int) -> socket.socket:
    """Listen on a port of 127.0.0.1; 0 takes a free one, see `getsockname`.

    Raises:
        UnavailableError: `address_in_use`.
    """
    return tcp_socket("127.0.0.1", port)


def tcp_socket(address: str, port: int) -> socket.socket:
    """Listen on a port of an IP address.

    Raises:
        UnavailableError: `address_in_use`, also where the machine has no such address.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        what = f"port {port} of {quote(address)}: {error.strerror}"
        raise UnavailableError("address_in_use", what) from error
    listener.listen(_BACKLOG)
    return listener


def prepare_process() -> None:
    """Take as many files as may be had, and two heaps: once, before the first thread starts."""
    raise_file_limit()
    give_back_memory()


def run(app: FastAPI, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM, and return then."""
    prepare_process()
    with Signals() as signals, Server(app, listener):
        while signals.wait() not in ENDING:
            pass


class Server:
    """An app served by a thread, from `start` to `stop`.

    Args:
        app: The application.
        listener: From `unix_socket` or `loopback`; closed by `stop`.
        lasting: It stays open at the end, and who connects meanwhile waits for the next server.
    """

    def __init__(self, app: FastAPI, listener: socket.socket, *, lasting: bool = False) -> None:
        self._lasting = lasting
        self._listener = listener.dup() if lasting else listener
        self._name = listener.getsockname()  # a path, or address and port
        ends = app.ends if isinstance(app, DescribedApp) else ()
        self._server = _Announcing(_config(app), ends)
        self._thread = threading.Thread(
            target=self._server.serve_on, args=(self._listener,), daemon=True
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

    @property
    def is_alive(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Begin to stop and return at once, so that many servers stop side by side."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Let requests that are being answered finish, then stop and take the name away."""
        self.ask_to_stop()
        self._thread.join()
        self._listener.close()
        if isinstance(self._name, str) and not self._lasting:
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
    """Says when it has come up, or has failed to, and tells those who wait when it ends."""

    def __init__(self, config: uvicorn.Config, ends: Iterable[Callable[[], None]]) -> None:
        super().__init__(config)
        self.decided = threading.Event()
        self._ends = ends

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
        asyncio.get_running_loop().set_exception_handler(LoopFaults())
        await super().startup(sockets=sockets)
        self.decided.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer whoever waits, then all others that can be answered in a short time.

        What has been accepted and not been made a connection yet is one before uvicorn looks.
        uvicorn leaves those open that were not answered in time; nothing would ever close them.
        """
        for server in self.servers:
            server.close()
        for end in self._ends:
            end()
        await _turns_of_the_loop()
        await super().shutdown(sockets=sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await _turns_of_the_loop()


async def _turns_of_the_loop() -> None:
    """Let what is ready be done, and what that makes ready."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


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
        backlog=_BACKLOG,
    )


def _check_stale(path: Path, listener: socket.socket) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) == 0:
            listener.close()
            raise UnavailableError("address_in_use", f"{quote(path)} is being served")
    path.unlink()
