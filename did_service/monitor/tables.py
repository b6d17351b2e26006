"""Rows of a monitor: every head that a log has signed and shown, and what was wrong."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from did_service.storage.history import TableHistory


class SeenHeadRow(SQLModel, table=True):
    """A head as a log signed it, when it was seen first; `note` proves it to anybody.

    `checked` says that our copy of the log, which reached that size, was held against it.
    """

    __tablename__ = "monitor_head"
    __table_args__ = (Index("monitor_head_checked", "log", "checked"),)

    log: str = Field(primary_key=True)
    size: int = Field(primary_key=True)
    root: bytes = Field(primary_key=True)
    at: int
    note: bytes
    checked: bool = False


class MonitorAlarmRow(SQLModel, table=True):
    """Something that no honest log does; kept for ever, each once."""

    __tablename__ = "monitor_alarm"
    __table_args__ = (UniqueConstraint("log", "code", "note"),)

    id: int | None = Field(default=None, primary_key=True)
    log: str
    at: int
    code: str
    told: str
    note: bytes


MODELS = (SeenHeadRow, MonitorAlarmRow)
HISTORY = TableHistory(
    "monitor",
    MODELS,
    newest=1,
    folder=Path(__file__).parent / "migrations",
)
SEEN, RAISED = (SQLModel.metadata.tables[str(m.__tablename__)] for m in MODELS)
