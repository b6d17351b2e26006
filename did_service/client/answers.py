"""Answers of peers, and the errors that they name (RFC 9457).

A problem document of ours comes back as the error that its sender raised: same code, same
details. What a stranger answers is understood by its status alone. Text of a peer is foreign
text: a code is a code or nothing, and what it says in words stands apart, in `peer_says`,
which no sentence of ours contains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import (
    PROBLEM_TYPE,
    ConflictError,
    DidServiceError,
    LimitError,
    MalformedError,
    NotFoundError,
    OrderError,
    RuleError,
    UnavailableError,
    is_code,
)
from did_service.core.limits import MAX_JSON_BYTES, MAX_URL_CHARACTERS

_MOST_SAID = 2_048  # characters of a peer's own words
# Members that are no details: what a document says about itself, what an error has anyway.
_RESERVED = frozenset(
    ("type", "title", "status", "detail", "next", "code", "instance", "message", "self")
)
_BY_STATUS: Mapping[int, type[DidServiceError]] = {
    400: MalformedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    413: LimitError,
    429: UnavailableError,
}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a peer answered.

    Attributes:
        status: The HTTP status code.
        headers: By lower-case name.
        body: At most as many bytes as were allowed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without parameters, empty where there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def raise_problem(answer: HttpAnswer) -> HttpAnswer:
    """Return an answer that went well, or raise the error that it names.

    Raises:
        DidServiceError: with code and details of the problem document; where there is none,
            code `peer_refused`, or `peer_unavailable` for a 5xx or 429.
    """
    if 200 <= answer.status < 300:
        return answer
    raise error_of(answer)


def error_of(answer: HttpAnswer) -> DidServiceError:
    """Return the error that an answer other than 2xx names; see `raise_problem`."""
    document = _problem(answer)
    code, detail = document.get("code"), document.get("detail")
    unavailable = answer.status >= 500 or answer.status == 429
    default = "peer_unavailable" if unavailable else "peer_refused"
    named = code if isinstance(code, str) and is_code(code) else default
    kind = UnavailableError if unavailable else _BY_STATUS.get(answer.status, RuleError)
    if named == "out_of_order":
        kind = OrderError
    details = {
        name: value
        for name, value in document.items()
        if is_code(name) and name not in _RESERVED and _is_plain(value)
    }
    error = kind(named, f"the peer answered {answer.status}", **details)
    error.peer_says = detail[:_MOST_SAID] if isinstance(detail, str) else None
    return error


def _is_plain(value: JsonValue) -> TypeGuard[str | int | None]:
    """Say whether a value can be a detail: a number, or a word of plain ASCII."""
    if isinstance(value, str):
        return len(value) <= MAX_URL_CHARACTERS and value.isascii() and value.isprintable()
    return value is None or isinstance(value, int)


def _problem(answer: HttpAnswer) -> JsonObject:
    if answer.content_type != PROBLEM_TYPE:
        return {}
    try:
        return strict_json.load_object(answer.body, max_bytes=MAX_JSON_BYTES)
    except MalformedError:
        return {}
