"""Errors as answers: RFC 9457 problem documents, and the one switch that picks a status code.

    {"type":"urn:didsvc:problem:out_of_order","title":"…","status":409,"detail":"…",
     "next":"…","code":"out_of_order","newest":4}

`title` and `next` are in the language that the caller prefers, Chinese or English; `detail`
names what is wrong in this case, in English, as logs do. Whatever goes wrong, the answer is
one of these: bodies that FastAPI cannot read, unknown paths, and faults of ours, which say
nothing about themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    PROBLEM_TYPE,
    ConflictError,
    DidServiceError,
    LimitError,
    MalformedError,
    NotFoundError,
    OrderError,
    PolicyError,
    ProofError,
    RuleError,
    UnavailableError,
    UsageError,
    kind_and_place,
)
from did_service.core.text import quote
from did_service.program.failure import FAULT
from did_service.program.words import words_of_error

TYPE_PREFIX = "urn:didsvc:problem:"
RETRY_AFTER_SECONDS = 2  # the pace at which a log publishes
_UNAUTHORIZED = 401
_FACE = "http"
_TOPICS = ("service",)  # the others speak of files and command lines
_LOG = logging.getLogger("did_service.web")

# The most particular class decides; a subclass stands above the class it belongs to.
_BY_CLASS: tuple[tuple[type[DidServiceError], int], ...] = (
    (LimitError, 413),
    (MalformedError, 400),
    (OrderError, 409),
    (RuleError, 422),
    (ProofError, 422),
    (PolicyError, 422),
    (NotFoundError, 404),
    (ConflictError, 409),
    (UnavailableError, 503),
    (UsageError, 400),
)

# Codes whose meaning in HTTP is narrower than their class.
BY_CODE: Mapping[str, int] = {
    "method_not_allowed": 405,
    "same_officer": 403,
    "not_signed_by_log": 403,  # c2sp.org/tlog-witness
    "officer_unknown": 401,
    "officer_role_missing": 403,
    "pickup_used": 410,
    "too_many_requests": 429,
    FAULT: 500,
}


def status_of(error: DidServiceError) -> int:
    """Return the HTTP status code of an error."""
    if error.code in BY_CODE:
        return BY_CODE[error.code]
    return next((status for kind, status in _BY_CLASS if isinstance(error, kind)), 400)


def problem_of(error: DidServiceError, accept_language: str = "") -> JsonObject:
    """Return the problem document of an error.

    Args:
        error: What was refused; its details become members of their own.
        accept_language: The request's header.
    """
    language = preferred(accept_language)
    meaning, following = words_of_error(error, _FACE, _TOPICS)
    return {
        **error.details,
        "type": TYPE_PREFIX + error.code,
        "title": getattr(meaning, language),
        "status": status_of(error),
        "detail": error.message,
        "next": getattr(following, language),
        "code": error.code,
    }


def problem_response(
    error: DidServiceError, accept_language: str = "", members: JsonObject | None = None
) -> Response:
    """Answer with the problem document of an error.

    Args:
        error: What was refused.
        accept_language: The request's header.
        members: Further members of the document, as an absence proof has them.
    """
    document = {**(members or {}), **problem_of(error, accept_language)}
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
    headers["Content-Language"] = preferred(accept_language)
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(error.details.get("retry_after", RETRY_AFTER_SECONDS))
    if status_of(error) == _UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 §11.6.1
    return Response(jcs.encode(document), status_of(error), headers, PROBLEM_TYPE)


def preferred(accept_language: str) -> str:
    """Return `zh` or `en`, whichever an Accept-Language header ranks higher (RFC 9110 §12.5.4).

    English where neither is named.
    """
    ranks = {"zh": 0.0, "en": 0.0}
    for item in accept_language.lower().split(","):
        tag, _, parameter = item.partition(";")
        language = tag.strip().partition("-")[0]
        if language in ranks:
            ranks[language] = max(ranks[language], _quality(parameter))
    return "zh" if ranks["zh"] > ranks["en"] else "en"


def _quality(parameter: str) -> float:
    _, _, value = parameter.strip().partition("q=")
    try:
        return float(value or "1")
    except ValueError:
        return 0.0


# --- handlers ---------------------------------------------------------------------------------


def install(app: FastAPI) -> None:
    """Let an app answer every error with a problem document."""
    app.add_exception_handler(DidServiceError, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _not_routed)


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, DidServiceError):
        raise error
    return problem_response(error, request.headers.get("accept-language", ""))


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

    The log gets the class and the place, not the message: it may quote what was handed in.
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
        except Exception as error:  # noqa: BLE001 - the last line of defence of a server
            _LOG.error("fault: %s", kind_and_place(error))
            if scope["type"] == "http" and not begun:
                await _fault(scope)(scope, receive, send)


def _fault(scope: Scope) -> Response:
    headers = {name: value for name, value in scope["headers"] if name == b"accept-language"}
    language = preferred(headers.get(b"accept-language", b"").decode("latin-1"))
    document = problem_of(DidServiceError(FAULT, ""), language)
    del document["detail"]
    return Response(jcs.encode(document), 500, {"Content-Language": language}, PROBLEM_TYPE)
