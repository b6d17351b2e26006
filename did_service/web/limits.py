"""ASGI middleware that bounds request bodies before anybody reads them.

A length that is announced is refused before the first byte; one that is not is counted as it
arrives. Either way the answer is a 413 problem document and nothing behind this line has seen
more than the limit.

Whatever is answered before its body has come ends a moment later: what still comes is taken and
thrown away. Else the next write of a proxy that is still sending would fail, and it would say
that nobody is here (RFC 9112 section 9.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from did_service.core.errors import DidServiceError, LimitError, MalformedError
from did_service.core.limits import MAX_BODY_BYTES
from did_service.web.answers import problem_response

_REST_SECONDS = 2.0
_REST_BYTES = 4 * MAX_BODY_BYTES


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
        whole = _Whole(receive, send, headers)
        error = _announced(headers, limit)
        if error is not None:
            await problem_response(error, language)(scope, whole.receive, whole.send)
            return
        count = _Count(whole.receive, whole.send, limit)
        with suppress(ClientDisconnect):
            await self._app(scope, count.receive, count.send)
        if count.exceeded and not count.begun:
            await problem_response(_too_large(limit), language)(
                scope, whole.receive, whole.send
            )


class _Whole:
    """One request whose answer ends after its body, or after what is waited for of it."""

    def __init__(self, receive: Receive, send: Send, headers: Headers) -> None:
        self._receive = receive
        self._send = send
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        self._is_coming = has_body and "expect" not in headers  # who expects sends nothing yet

    async def receive(self) -> Message:
        """Hand on a piece."""
        message = await self._receive()
        self._is_coming = self._is_coming and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Hand on the answer, and its end once the rest of the body has come."""
        is_last = message["type"] == "http.response.body" and not message.get("more_body")
        if not (is_last and self._is_coming):
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(_REST_SECONDS):
                await self._take_the_rest()
        await self._send({"type": "http.response.body", "body": b""})

    async def _take_the_rest(self) -> None:
        left = _REST_BYTES
        while self._is_coming and left > 0:
            left -= len((await self.receive()).get("body", b""))


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
