"""What a registry keeps beside its replicas: the newest tree head that each log has signed."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Field, SQLModel

from did_service.storage.history import TableHistory


class CheckpointRow(SQLModel, table=True):
    """The newest checkpoint of a log, as a note with the log's own signature alone.

    It is the safety of the single writer: swapped only against the value that was read, before
    the signature is used for anything.
    """

    __tablename__ = "registry_checkpoint"

    log: str = Field(primary_key=True)
    note: bytes


CHECKPOINT = SQLModel.metadata.tables[CheckpointRow.__tablename__]

HISTORY = TableHistory(
    "registry",
    (CheckpointRow,),
    newest=1,
    folder=Path(__file__).parent / "migrations",
    since_0_2_0="registry_checkpoint",
)
