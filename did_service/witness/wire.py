"""What travels from a witness, for the API description. Shapes: docs/formats.md §9."""

from __future__ import annotations

from pydantic import BaseModel


class Alarm(BaseModel):
    """A checkpoint that its log signed and this witness refused."""

    log: str
    at: int
    code: str
    offered: str
    held: str


class Alarms(BaseModel):
    """Everything refused so far, oldest first."""

    alarms: list[Alarm]
