"""JSON bodies of requests, through the one strict door.

FastAPI would parse a body leniently before anybody sees it; these dependencies hand out what
the strict parser accepts. What the API document says of bodies is in `description`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.limits import MAX_BODY_BYTES


async def strict_object(request: Request) -> JsonObject:
    """Return the body as one JSON object.

    Raises:
        LimitError, MalformedError: as `strict_json.load_object`.
    """
    return strict_json.load_object(await request.body(), max_bytes=MAX_BODY_BYTES)


JsonBody = Annotated[JsonObject, Depends(strict_object)]
