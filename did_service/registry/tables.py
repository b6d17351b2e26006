"""Rows that a registry keeps beside its replicas.

The newest tree head each log has signed, and the newest version seen of DIDs in no log of ours.
"""

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


class ForeignDidRow(SQLModel, table=True):
    """The newest version seen of a did:webvh at home elsewhere; `id` rises by arrival."""

    __tablename__ = "registry_foreign_did"

    id: int | None = Field(default=None, primary_key=True)
    scid: str = Field(unique=True)
    version_id: str


FOREIGN_DID = SQLModel.metadata.tables[ForeignDidRow.__tablename__]
CHECKPOINT = SQLModel.metadata.tables[CheckpointRow.__tablename__]
