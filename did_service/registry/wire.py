"""What travels to and from a registry, for the API description.

Requests are not parsed by these classes: entries are read by the strict JSON of the core, which
refuses what pydantic would let through. Shapes: docs/formats.md §9.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class SubmissionBody(BaseModel):
    """An entry handed in; one object, or one a line for a batch."""

    model_config = ConfigDict(extra="forbid")

    entry: Annotated[
        dict[str, JsonValue], Field(description="log entry without `a`, formats.md 2")
    ]
    content: Annotated[
        str | None, Field(description="the text behind `d`, for status and didweb entries")
    ] = None


class Receipt(BaseModel):
    """Where an entry stands, durable in its log."""

    log: str
    index: int
    leaf: Annotated[str, Field(description="base64url leaf hash")]
    a: Annotated[int, Field(description="POSIX second of sequencing")]
    witnessed: bool
    item: dict[str, JsonValue] | None = None
    checkpoint: str | None = None
