"""What the API document says of bodies that FastAPI does not read and answers it does not make.

Request bodies go through the strict JSON door (`bodies`) and errors are problem documents
(`problems`), so FastAPI knows the shape of neither; here both are told.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI

from did_service.core.errors import PROBLEM_TYPE
from did_service.web.hot import HotTable
from did_service.web.operations import PathPart, completed
from did_service.web.pools import Pools

Responses = dict[int | str, dict[str, Any]]

_TEXT = {"type": "string"}
_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem document; details of the case are further members",
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {**_TEXT, "description": "`urn:didsvc:problem:` and the code"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "what is wrong in this case"},
        "next": {**_TEXT, "description": "what to do about it"},
        "code": {**_TEXT, "description": "stable, for programs"},
    },
}
_CONTENT = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_MEANINGS = {
    400: "malformed",
    401: "no login",
    403: "not for this login",
    404: "not there",
    409: "the state has moved on",
    410: "used before",
    413: "too large",
    422: "not allowed by the rules",
    429: "too many of these",
    503: "try again later",
}
ANY_REFUSAL: Responses = {"default": {"description": "refused", "content": _CONTENT}}


class DescribedApp(FastAPI):
    """An application whose API document says what every operation does, with examples.

    Attributes:
        parts: The parts of paths that stand for something, as the name of a log does.
        pools: The threads of its routers.
        hot: Those of its routes that are answered without the framework.
        folder: Of the service's data, whose disk `/metrics` tells of.
        ends: Called when the server begins to end, so that whoever waits is answered first.
    """

    parts: tuple[PathPart, ...] = ()
    folder: Path | None = None
    ends: tuple[Callable[[], None], ...] = ()
    pools: Pools
    hot: HotTable

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - FastAPI's own, handed on
        self.hot = HotTable()
        super().__init__(**options)

    def include_router(
        self,
        router: APIRouter,
        **options: Any,  # noqa: ANN401 - FastAPI's own, handed on
    ) -> None:
        """Add the routes of a router, the hot ones to their table as well.

        With options, as a prefix, they are other routes than the router has: none is hot then.
        """
        super().include_router(router, **options)
        if not options:
            self.hot.add(router.routes)

    def openapi(self) -> dict[str, Any]:
        """Return the API document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            components = document.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = _PROBLEM
            self.openapi_schema = completed(document, self.parts)
        return self.openapi_schema


def file_of(media_type: str, told: str) -> Responses:
    """Return `responses` for a route that answers with bytes of a type."""
    is_text = media_type.startswith("text/")
    schema = _TEXT if is_text else {"type": "string", "format": "binary"}
    return {200: {"description": told, "content": {media_type: {"schema": schema}}}}


def path_parameter(name: str) -> dict[str, Any]:
    """Return `openapi_extra` for a path parameter that FastAPI does not read."""
    return {"parameters": [{"name": name, "in": "path", "required": True, "schema": _TEXT}]}


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `openapi_extra` for a route whose JSON body has this schema."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def refusals(*statuses: int) -> Responses:
    """Return `responses` for the problem documents that a route answers with."""
    return {each: {"description": _MEANINGS[each], "content": _CONTENT} for each in statuses}
