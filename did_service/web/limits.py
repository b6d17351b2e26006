"""ASGI middleware that bounds request bodies before anybody reads them.

A length that is announced is refused before the first byte; one that is not is counted as it
arrives. Either way the answer is a 413 problem document and nothing behind this line has seen
more than the limit.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
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
        count = _Count(receive, send, limit, language)
        await self._app(scope, count.receive, count.send)


class _Count:
    """One request whose body arrives in pieces."""

    def __init__(self, receive: Receive, send: Send, limit: int, language: str) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._language = language
        self._read = 0
        self._answered = False

    async def receive(self) -> Message:
        """Hand on a piece, or end the request where the limit is passed."""
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._limit:
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        """Hand on an answer; once the limit is passed, the refusal in its place."""
        if self._read <= self._limit:
            await self._send(message)
        elif not self._answered:
            self._answered = True
            refusal = problem_response(_too_large(self._limit), self._language)
            await refusal({"type": "http", "method": "POST"}, self._receive, self._send)


def _announced(headers: Headers, limit: int) -> DidServiceError | None:
    length = headers.get("content-length")
    if length is None:
        return None
    if not (length.isascii() and length.isdigit()):
        return MalformedError("request_malformed", "content-length is not a number")
    return _too_large(limit) if int(length) > limit else None


def _too_large(limit: int) -> LimitError:
    return LimitError("too_large", f"a body where at most {limit} bytes are taken")
