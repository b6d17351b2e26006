"""The one way out: synchronous HTTP to peers, with nothing taken on trust.

https only, no redirects, no proxies, no retries; sizes are capped before bytes are kept, one
deadline holds for the whole answer, and a compressed answer is refused. Hosts are reached as
`routes` says. Failures come back as our errors: a peer that cannot be reached is
UnavailableError, a problem document (RFC 9457) is the error it names (`answers`).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from did_service.client.answers import HttpAnswer, raise_problem
from did_service.client.deadline import Deadline
from did_service.client.routes import LoopbackRoute, Routes, TlsRoute, UnixRoute, public_address
from did_service.client.web_address import split_address
from did_service.core.errors import LimitError, UnavailableError, quote
from did_service.core.limits import (
    HTTP_TIMEOUT_SECONDS,
    MAX_RESPONSE_BYTES,
)

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    import httpx

_HTTPS_PORT = 443


class Transport:
    """Connections to peers, kept open between calls; close it or use it in a `with`.

    May be used by several threads at once.

    Args:
        routes: Hosts that are reached at a place of their own.
        timeout_seconds: For one whole answer.
        tls: Which certificates count; None for those of the commonly trusted authorities.
    """

    def __init__(
        self,
        routes: Routes | None = None,
        *,
        timeout_seconds: float = HTTP_TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self._routes = routes or Routes()
        self._timeout = timeout_seconds
        self._deadline = Deadline()
        self._clients: dict[str, httpx.Client] = {}

    def get(
        self,
        url: str,
        *,
        max_bytes: int = MAX_RESPONSE_BYTES,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Fetch a URL.

        Raises:
            DidServiceError: as `request`, and what `raise_problem` makes of another status
                than 2xx.
        """
        return raise_problem(self.request("GET", url, max_bytes=max_bytes, headers=headers))

    def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        max_bytes: int = MAX_RESPONSE_BYTES,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Post a body; errors as `get`."""
        sent = {**(headers or {}), "content-type": content_type}
        return raise_problem(
            self.request("POST", url, body=body, max_bytes=max_bytes, headers=sent)
        )

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        max_bytes: int = MAX_RESPONSE_BYTES,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Make one request and return the answer, whatever its status.

        Raises:
            UsageError: `url_invalid`: not an https URL of a host name.
            LimitError: `answer_too_large`.
            UnavailableError: `peer_unreachable`, `peer_timeout`, `address_refused`, or
                `answer_refused` for a redirect or a compressed answer.
        """
        import httpx  # noqa: PLC0415 - a wallet that stays offline does not wait for it

        place = split_address(url)
        self._deadline.begin(self._timeout)
        try:
            request = self._request(place, method, body, headers or {})
            client = self._client(place.hostname or "")
            response = client.send(request, stream=True)
            try:
                return _read(response, max_bytes)
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise _late(place) from error
        except httpx.HTTPError as error:
            what = f"{quote(place.netloc)} could not be asked"
            raise UnavailableError("peer_unreachable", what) from error

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give all requests of this thread in a `with` so long together; may be nested."""
        before = self._deadline.last
        self._deadline.last = min(before, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._deadline.last = before

    def close(self) -> None:
        """Close all connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _client(self, host: str) -> httpx.Client:
        """Return the client of a route, or the one for all hosts without a route."""
        import httpx  # noqa: PLC0415 - slow to load, not for --help

        from did_service.client.connections import BoundedTransport  # noqa: PLC0415 - slow to load, not for --help

        route = self._routes.places.get(host)
        name = host if isinstance(route, UnixRoute | TlsRoute) else ""
        if name not in self._clients:
            if isinstance(route, UnixRoute):  # plain HTTP: certificates would cost 50 ms
                tls, socket_path = None, route.path
            else:
                own = route.tls if isinstance(route, TlsRoute) else None
                tls, socket_path = (
                    own or self._tls or httpx.create_ssl_context(trust_env=False),
                    None,
                )
            client = httpx.Client(
                transport=BoundedTransport(self._deadline, tls, socket_path),
                timeout=self._timeout,
                follow_redirects=False,
                trust_env=False,
            )
            self._clients.setdefault(name, client)
        return self._clients[name]

    def _request(
        self, place: SplitResult, method: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Request:
        import httpx  # noqa: PLC0415 - slow to load, not for --help

        host = place.hostname or ""
        sent = {"accept-encoding": "identity", **headers, "host": place.netloc}
        tail = place.path + (f"?{place.query}" if place.query else "")
        match self._routes.places.get(host):
            case UnixRoute(path):
                if not Path(path).is_socket():
                    raise UnavailableError("peer_unreachable", f"{quote(host)} is not served")
                return httpx.Request(method, f"http://{host}{tail}", headers=sent, content=body)
            case LoopbackRoute(address):
                url = f"http://{address}{tail}"
                return httpx.Request(method, url, headers=sent, content=body)
            case TlsRoute(str(known)):
                url = f"https://{known}{tail}"
            case _:
                port = place.port or _HTTPS_PORT
                address = public_address(host, port)
                shown = f"[{address}]" if ":" in address else address
                url = f"https://{shown}:{port}{tail}"
        # The certificate must be the host's, not the address's.
        pinned = {"sni_hostname": host}
        return httpx.Request(method, url, headers=sent, content=body, extensions=pinned)


def _read(response: httpx.Response, max_bytes: int) -> HttpAnswer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if 300 <= response.status_code < 400:
        raise UnavailableError("answer_refused", "the peer answers with a redirect")
    if headers.get("content-encoding", "identity") != "identity":
        raise UnavailableError("answer_refused", "the peer answers in a compressed form")
    announced = headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > max_bytes:
        raise LimitError("answer_too_large", f"an answer of more than {max_bytes} bytes")
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > max_bytes:
            raise LimitError("answer_too_large", f"an answer of more than {max_bytes} bytes")
    return HttpAnswer(response.status_code, headers, bytes(body))


def _late(place: SplitResult) -> UnavailableError:
    return UnavailableError("peer_timeout", f"{quote(place.netloc)} did not answer in time")
