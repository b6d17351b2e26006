"""JSON bodies: of requests through the one strict door, of answers from the one writer.

FastAPI would parse a body leniently before anybody sees it; these dependencies hand out what
the strict parser accepts. Answers are canonical, so that equal ones are the same bytes. What
the API document says of bodies is in `description`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request, Response

from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.limits import MAX_BODY_BYTES

JSON_TYPE = "application/json"


async def strict_object(request: Request) -> JsonObject:
    """Return the body as one JSON object.

    Raises:
        LimitError, MalformedError: as `strict_json.load_object`.
    """
    return strict_json.load_object(await request.body(), max_bytes=MAX_BODY_BYTES)


JsonBody = Annotated[JsonObject, Depends(strict_object)]


def json_answer(
    value: JsonObject, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON that nobody keeps on the way.

    Args:
        value: What is answered.
        status: The HTTP status code.
        headers: Further ones.
    """
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return Response(jcs.encode(value), status, kept, JSON_TYPE)
