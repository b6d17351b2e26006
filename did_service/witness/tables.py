"""Rows that a witness keeps beside its replicas."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Field, SQLModel, UniqueConstraint

from did_service.storage.history import TableHistory


class HeldRow(SQLModel, table=True):
    """The newest head that was cosigned, as the log signed it."""

    __tablename__ = "witness_held"

    log: str = Field(primary_key=True)
    size: int
    root: bytes
    note: bytes


class AlarmRow(SQLModel, table=True):
    """A checkpoint that the log signed and that was not cosigned.

    `offered` is its note, `held` that of the head which was held then, empty for none.
    """

    __tablename__ = "witness_alarm"
    __table_args__ = (UniqueConstraint("log", "code", "offered"),)

    id: int | None = Field(default=None, primary_key=True)
    log: str
    at: int
    code: str
    offered: bytes
    held: bytes


class ApprovalRow(SQLModel, table=True):
    """A did:webvh version that was approved; never another one of the same number."""

    __tablename__ = "witness_approval"

    scid: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    version_id: str


class SettlementRow(SQLModel, table=True):
    """What settled an alarm, kept beside it for ever.

    `kind` is `policy`, with its digest in hex, or `statement`, with what an officer has said.
    """

    __tablename__ = "witness_settlement"

    alarm: int = Field(primary_key=True)
    at: int
    kind: str
    what: str
    officer: str


MODELS = (HeldRow, AlarmRow, ApprovalRow, SettlementRow)

HISTORY = TableHistory(
    "witness",
    MODELS,
    newest=2,
    folder=Path(__file__).parent / "migrations",
    since_0_2_0="witness_held",
)
HELD, ALARM, APPROVAL, SETTLEMENT = (
    SQLModel.metadata.tables[str(m.__tablename__)] for m in MODELS
)
