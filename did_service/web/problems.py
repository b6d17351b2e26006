"""Errors as answers: RFC 9457 problem documents, and the one switch that picks a status code.

    {"type":"urn:didsvc:problem:out_of_order","title":"…","status":409,"detail":"…",
     "next":"…","code":"out_of_order","newest":4}

`title` and `next` are in the language that the caller prefers, Chinese or English; `detail`
names what is wrong in this case, in English, as logs do. Answers are made of them in `answers`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
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
)
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
    "officer_expired": 401,
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
