"""Whatever goes wrong, the answer is a problem document.

Errors of ours, bodies that FastAPI cannot read, unknown paths, and faults, which say nothing
about themselves.
"""

from __future__ import annotations

import asyncio
import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from did_service.core.encoding import jcs
from did_service.core.errors import (
    PROBLEM_TYPE,
    DidServiceError,
    MalformedError,
    NotFoundError,
    UnavailableError,
    UsageError,
    kind_and_place,
)
from did_service.core.text import quote
from did_service.program.failure import FAULT
from did_service.program.logs import about
from did_service.web.answers import problem_answer
from did_service.web.problems import preferred, problem_of

_LOG = logging.getLogger("did_service.web")


def install(app: FastAPI) -> None:
    """Let an app answer every error with a problem document."""
    app.add_exception_handler(DidServiceError, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _not_routed)


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, DidServiceError):
        raise error
    return problem_answer(request, error)


def _not_understood(request: Request, error: Exception) -> Response:
    """Name the members that do not fit, and never what stood in them."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    places = sorted({".".join(str(part) for part in each["loc"]) for each in found})
    named = ", ".join(quote(place) for place in places[:8])
    what = MalformedError("request_malformed", f"the request does not fit at {named}")
    return _refused(request, what)


def _not_routed(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    match status:
        case 404:
            return _refused(
                request, NotFoundError("path_unknown", "there is nothing at this path")
            )
        case 405:
            what = UsageError("method_not_allowed", "this path does not take this method")
            response = _refused(request, what)
            response.headers.update(getattr(error, "headers", None) or {})
            return response
        case _:
            return _refused(request, MalformedError("request_malformed", "not understood"))


class FaultBarrier:
    """ASGI middleware: a fault of ours becomes a 500 that says nothing about itself.

    The log gets the class and the place, not the message: it may quote what was handed in. Who
    is still unanswered when the time of a server that ends is over is told to come again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except asyncio.CancelledError:
            if scope["type"] == "http" and not begun:
                ends = UnavailableError("server_ending", "it ends, or is started anew")
                await problem_answer(Request(scope), ends)(scope, receive, send)
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence of a server
            _LOG.error("fault: %s", kind_and_place(error), extra=about(code=FAULT))
            if scope["type"] == "http" and not begun:
                await _fault(scope)(scope, receive, send)


def _fault(scope: Scope) -> Response:
    headers = {name: value for name, value in scope["headers"] if name == b"accept-language"}
    language = preferred(headers.get(b"accept-language", b"").decode("latin-1"))
    document = problem_of(DidServiceError(FAULT, ""), language)
    del document["detail"]
    return Response(jcs.encode(document), 500, {"Content-Language": language}, PROBLEM_TYPE)
