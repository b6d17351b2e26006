"""Rows that a registry keeps beside its replicas: the newest tree head each log has signed."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class CheckpointRow(SQLModel, table=True):
    """The newest checkpoint of a log, as a note with the log's own signature alone.

    It is the safety of the single writer: swapped only against the value that was read, before
    the signature is used for anything.
    """

    __tablename__ = "registry_checkpoint"

    log: str = Field(primary_key=True)
    note: bytes


CHECKPOINT = SQLModel.metadata.tables[CheckpointRow.__tablename__]
