"""ASGI middleware: the few routes that are asked for most, answered without the framework.

    frame (counts, faults, paths, limits) ─▶ HotRoutes ─┬─▶ the endpoint itself
                                                        └─▶ FastAPI: every other request

A route of class `HotRoute` is declared and described as any other. Its endpoint takes the
request and nothing else, so all that the framework would do for it (find the route among
dozens, solve dependencies, open exit stacks) comes to calling it; here that is done at once,
behind the same frame. A request that is not exactly of such a method and path goes on, so that
what is wrong with it is answered by FastAPI as ever (docs/adr/0090).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from inspect import iscoroutinefunction, signature
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from did_service.core.errors import DidServiceError
from did_service.web.answers import problem_answer

Endpoint = Callable[[Request], Awaitable[Response]]
_TAIL = re.compile(r"\{[a-z]+:path\}")


class HotRoute(APIRoute):
    """A route that `HotRoutes` may answer.

    Its path is exact, or ends in the one parameter that takes any path. Its endpoint is a
    coroutine of the request alone, and makes its response itself.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        **options: Any,  # noqa: ANN401 - FastAPI's own, handed on
    ) -> None:
        assert iscoroutinefunction(endpoint), endpoint  # noqa: S101 - of whoever writes a route
        assert [*signature(endpoint).parameters] == ["request"], endpoint  # noqa: S101 - likewise
        super().__init__(path, endpoint, **options)
        self.begin, *rest = _TAIL.split(path)
        self.is_exact = not rest
        assert "{" not in self.begin, path  # noqa: S101 - likewise
        assert rest in ([], [""]), path  # noqa: S101 - likewise


class HotTable:
    """The hot routes of one application, by method and path."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], Endpoint] = {}
        self._below: dict[str, list[tuple[str, Endpoint]]] = {}

    def add(self, routes: Iterable[BaseRoute]) -> None:
        """Add those of a router that are hot."""
        for route in routes:
            if not isinstance(route, HotRoute):
                continue
            for method in route.methods or ():
                if route.is_exact:
                    self._exact[method, route.begin] = route.endpoint
                else:
                    self._below.setdefault(method, []).append((route.begin, route.endpoint))

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        """Return what answers a request, None where that is the framework's business."""
        found = self._exact.get((method, path))
        if found is not None:
            return found
        below = self._below.get(method, ())
        return next((each for begin, each in below if path.startswith(begin)), None)


class HotRoutes:
    """Answer hot routes, and let everything else through.

    Args:
        app: The framework.
        table: The routes.
    """

    def __init__(self, app: ASGIApp, table: HotTable) -> None:
        self._app = app
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found = None
        if scope["type"] == "http":
            found = self._table.endpoint(scope["method"], scope["path"])
        if found is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            response = await found(request)
        except DidServiceError as error:
            response = problem_answer(request, error)
        await response(scope, receive, send)
