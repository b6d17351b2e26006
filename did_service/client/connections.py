"""Connections that end with the time of their request, whatever trickles in.

httpx bounds each single read. A peer that sends a byte of a header now and then, or one interim
answer (RFC 9110 §15.2) after the other, would be listened to for ever; here each read and write
has only what is left of the whole request's time. What this rests on inside httpx:
docs/adr/0039.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from did_service.client.deadline import Deadline

_CONNECTIONS = 100  # at once, to all hosts of one client
_IDLE = 20
_IDLE_SECONDS = 5.0
_PIECE_BYTES = 65_536  # after so much the time is looked at again


class BoundedTransport(httpx.HTTPTransport):
    """httpx's own transport over such connections, without proxies and retries.

    Args:
        deadline: Set by the caller before each request, in its own thread.
        tls: For https; None where a socket speaks plain HTTP.
        uds: Path of a Unix socket, if one leads to the host.
    """

    def __init__(
        self, deadline: Deadline, tls: ssl.SSLContext | None, uds: str | None = None
    ) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            uds=uds,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_IDLE,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_Backend(deadline),
        )


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._deadline, self._inner = deadline, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, timeout)
        stream = self._inner.connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(self._deadline, stream)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, timeout)
        stream = self._inner.connect_unix_socket(path, left, socket_options)
        return _Stream(self._deadline, stream)


class _Stream(httpcore.NetworkStream):
    def __init__(self, deadline: Deadline, inner: httpcore.NetworkStream) -> None:
        self._deadline, self._inner = deadline, inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE_BYTES):
            self._inner.write(
                buffer[start : start + _PIECE_BYTES], _left(self._deadline, timeout)
            )

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, timeout)
        stream = self._inner.start_tls(ssl_context, server_hostname, left)
        return _Stream(self._deadline, stream)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _left(deadline: Deadline, timeout: float | None) -> float:
    seconds = deadline.left()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the time of the request is over")
    return seconds if timeout is None else min(seconds, timeout)
