"""ASGI middleware: what RFC 9112 asks of a server that uvicorn leaves to the application.

A target in absolute-form names the host as well, and that counts instead of `Host` (§3.2.2).
A request with `Content-Length` and `Transfer-Encoding` may be an attempt to smuggle another one
past a proxy: it is read by the latter, answered, and the connection ends (§6.1).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ABSOLUTE = re.compile(rb"https?://([^/?#]+)(/.*)?", re.IGNORECASE)


class Http11Message:
    """Read each request as HTTP/1.1 defines it, and end a connection that it says to end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        names = {name for name, _ in scope["headers"]}
        two_lengths = {b"content-length", b"transfer-encoding"} <= names

        async def answer(message: Message) -> None:
            if two_lengths and message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(_origin_form(scope), receive, answer)


def _origin_form(scope: Scope) -> Scope:
    """Take the host out of a target in absolute-form, and into `Host`."""
    absolute = _ABSOLUTE.fullmatch(scope.get("raw_path") or b"")  # ASGI lets it be absent
    if absolute is None:
        return scope
    host, path = absolute[1], absolute[2] or b"/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "raw_path": path,
        "path": unquote(path.decode("ascii")),
        "headers": [(b"host", host), *headers],
    }
