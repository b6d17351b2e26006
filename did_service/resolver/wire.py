"""What travels from a resolver, for the API description. Shapes: docs/formats.md §9."""

from __future__ import annotations

from pydantic import BaseModel, JsonValue


class ResolutionResultBody(BaseModel):
    """W3C DID Resolution: the triple."""

    didDocument: dict[str, JsonValue] | None  # noqa: N815 - the standard's name
    didDocumentMetadata: dict[str, JsonValue]  # noqa: N815
    didResolutionMetadata: dict[str, JsonValue]  # noqa: N815
