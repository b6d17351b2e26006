"""Every answer of a server is made here: JSON, bytes, nothing, elsewhere, and refusals.

JSON is canonical, so that equal answers are the same bytes. Each says how long it may be kept,
and that its type is what it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from fastapi import Request, Response

from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import PROBLEM_TYPE, DidServiceError, UnavailableError
from did_service.web.problems import RETRY_AFTER_SECONDS, preferred, problem_of, status_of

JSON_TYPE = "application/json"
_NO_CONTENT, _SEE_OTHER, _UNAUTHORIZED = 204, 303, 401
_AS_CALLED = {"X-Content-Type-Options": "nosniff"}


class Kept(StrEnum):
    """How long caches may keep an answer: a value of `Cache-Control`."""

    NEVER = "no-store"
    CHECKED = "no-cache"
    SECOND = "public, max-age=1"
    MINUTE = "public, max-age=60"
    FOREVER = "public, max-age=31536000, immutable"


def json_answer(
    value: JsonObject,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    kept: Kept = Kept.NEVER,
    media_type: str = JSON_TYPE,
) -> Response:
    """Answer with canonical JSON.

    Args:
        value: What is answered.
        status: The HTTP status code.
        headers: Further ones.
        kept: How long caches may keep it.
        media_type: A type whose syntax is JSON.
    """
    return bytes_answer(jcs.encode(value), media_type, status, headers, kept=kept)


def bytes_answer(
    data: bytes,
    media_type: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    kept: Kept = Kept.NEVER,
) -> Response:
    """Answer with bytes of a type, which is sent as it is given, without a charset."""
    sent = {"Cache-Control": kept.value, **_AS_CALLED, **(headers or {})}
    return Response(data, status, {**sent, "Content-Type": media_type})


def empty_answer() -> Response:
    """Answer that it is done, and nothing more."""
    return Response(status_code=_NO_CONTENT)


def redirect_answer(url: str) -> Response:
    """Answer that what was asked for is somewhere else."""
    return Response(status_code=_SEE_OTHER, headers={"Location": url})


def problem_answer(
    request: Request, error: DidServiceError, members: JsonObject | None = None
) -> Response:
    """Refuse a request in its caller's language; see `problem_response`."""
    return problem_response(error, language_of(request), members)


def language_of(request: Request) -> str:
    """Return what the caller says of languages: the header, empty where there is none."""
    return request.headers.get("accept-language", "")


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
