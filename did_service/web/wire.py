"""What every server answers about itself, for the API description."""

from __future__ import annotations

from pydantic import BaseModel


class Health(BaseModel):
    """The process lives."""

    status: str


class PartNotWell(BaseModel):
    """A part of a server that is not well."""

    part: str
    log: str | None
    word: str
    since: str | None
    age: int | None
    meaning: str
    next: str
    page: str


class ReadinessAnswer(BaseModel):
    """Whether a server may be asked, and what it waits for."""

    status: str
    waiting_for: list[str]
    parts: list[PartNotWell]
