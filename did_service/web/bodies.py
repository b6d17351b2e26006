"""Request bodies through the one strict JSON door, and what the API document says of them.

FastAPI would parse a body leniently before anybody sees it; these dependencies hand out what
the strict parser accepts. `described` and `refusals` put the shapes into the API document all
the same.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.limits import MAX_BODY_BYTES
from did_service.web.problems import MEDIA_TYPE

_TEXT = {"type": "string"}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem document; details of the case are further members",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "next": _TEXT,
        "code": _TEXT,
    },
}
_MEANINGS = {
    400: "malformed",
    401: "no login",
    403: "not for this login",
    404: "not there",
    409: "the state has moved on",
    410: "used before",
    413: "too large",
    422: "not allowed by the rules",
    503: "try again later",
}


async def strict_object(request: Request) -> JsonObject:
    """Return the body as one JSON object.

    Raises:
        LimitError, MalformedError: as `strict_json.load_object`.
    """
    return strict_json.load_object(await request.body(), max_bytes=MAX_BODY_BYTES)


JsonBody = Annotated[JsonObject, Depends(strict_object)]


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `openapi_extra` for a route whose JSON body has this schema."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return `responses` for the problem documents that a route answers with."""
    content = {MEDIA_TYPE: {"schema": _PROBLEM}}
    return {each: {"description": _MEANINGS[each], "content": content} for each in statuses}
