"""ASGI middleware that bounds request bodies before anybody reads them.

A length that is announced is refused before the first byte; one that is not is counted as it
arrives. Either way the answer is a 413 problem document and nothing behind this line has seen
more than the limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from did_service.core.errors import DidServiceError, LimitError, MalformedError
from did_service.core.limits import MAX_BODY_BYTES
from did_service.web.problems import problem_response


class BodyLimit:
    """Refuse bodies that are larger than their path takes.

    Args:
        app: The application behind.
        larger: Bytes by exact path, where more than `MAX_BODY_BYTES` is taken.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int]) -> None:
        self._app = app
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        language = headers.get("accept-language", "")
        limit = self._larger.get(scope["path"], MAX_BODY_BYTES)
        error = _announced(headers, limit)
        if error is not None:
            await problem_response(error, language)(scope, receive, send)
            return
        count = _Count(receive, send, limit)
        with suppress(ClientDisconnect):
            await self._app(scope, count.receive, count.send)
        if count.exceeded and not count.begun:
            await problem_response(_too_large(limit), language)(scope, receive, send)


class _Count:
    """One request whose body arrives in pieces; past the limit it ends for the app behind."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._left = limit
        self.begun = False

    @property
    def exceeded(self) -> bool:
        """Whether the limit is passed."""
        return self._left < 0

    async def receive(self) -> Message:
        """Hand on a piece, or end the request where the limit is passed."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.exceeded else message

    async def send(self, message: Message) -> None:
        """Hand on the answer, unless the refusal is to stand in its place."""
        if self.begun or not self.exceeded:
            self.begun = True
            await self._send(message)


def _announced(headers: Headers, limit: int) -> DidServiceError | None:
    length = headers.get("content-length")
    if length is None:
        return None
    if not (length.isascii() and length.isdigit()):
        return MalformedError("request_malformed", "content-length is not a number")
    return _too_large(limit) if int(length) > limit else None


def _too_large(limit: int) -> LimitError:
    return LimitError("too_large", f"a body where at most {limit} bytes are taken")
