"""ASGI middleware: a path with a control character is no path of ours.

Starlette ends the expression of a route with `$`, which Python also matches before a line end:
`/metrics%0A` would be `/metrics` here, and something else to a proxy in front that keeps
strangers away from it.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from did_service.core.errors import NotFoundError
from did_service.web.answers import problem_response

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class PlainPaths:
    """Say of every path with a control character that there is nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        app = self._app
        if scope["type"] == "http" and _CONTROL.search(scope["path"]) is not None:
            language = Headers(scope=scope).get("accept-language", "")
            unknown = NotFoundError("path_unknown", "there is nothing at this path")
            app = problem_response(unknown, language)
        await app(scope, receive, send)
