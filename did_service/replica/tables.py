"""Rows of a replica. One database holds many logs; every key begins with the log's origin.

    entry     (log, index)          the entry as stored, and what questions ask for
    node      (log, level, index)   root of 256^level leaves: the log's tiles from level 1 up
    subject   (log, key)            which entry of each chain is the newest
    content   (log, digest)         the bytes behind a `d`
    cosigned  (log, at)             what this keeper cosigned, and when

`key` is SHA-256(type || 0x00 || subject), as in a heads record.
"""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from did_service.storage.clauses import index_where, stored_by_key
from did_service.storage.history import TableHistory


class EntryRow(SQLModel, table=True):
    """One entry. `total` counts the bytes of the log with this entry, contents included."""

    __tablename__ = "replica_entry"
    __table_args__ = (
        UniqueConstraint("log", "key", "number"),
        Index("replica_entry_at", "log", "at", "index"),
    )

    log: str = Field(primary_key=True)
    index: int = Field(primary_key=True)
    key: bytes
    number: int
    at: int
    leaf: bytes
    data: bytes
    total: int


class NodeRow(SQLModel, table=True):
    """The root of a complete subtree of 256^level leaves, level 1 or higher."""

    __tablename__ = "replica_node"

    log: str = Field(primary_key=True)
    level: int = Field(primary_key=True)
    index: int = Field(primary_key=True)
    hash: bytes


class SubjectRow(SQLModel, table=True):
    """The newest entry of a chain; `grantee` is the id of whom an authority entry is about."""

    __tablename__ = "replica_subject"
    # Stored in the order of keys, which is that of a heads snapshot.
    __table_args__ = (
        Index(
            "replica_subject_grantee",
            "grantee",
            **index_where("grantee IS NOT NULL"),
        ),
        {**stored_by_key()},
    )

    log: str = Field(primary_key=True)
    key: bytes = Field(primary_key=True)
    type: str
    number: int
    index: int
    at: int
    leaf: bytes
    grantee: str | None = None


class ContentRow(SQLModel, table=True):
    """Content that came with an entry, by its SHA-256."""

    __tablename__ = "replica_content"

    log: str = Field(primary_key=True)
    digest: bytes = Field(primary_key=True)
    data: bytes


class CosignedRow(SQLModel, table=True):
    """A size of the log that the keeper of this copy cosigned at a POSIX second."""

    __tablename__ = "replica_cosigned"

    log: str = Field(primary_key=True)
    at: int = Field(primary_key=True)
    size: int


MODELS = (EntryRow, NodeRow, SubjectRow, ContentRow, CosignedRow)

HISTORY = TableHistory(
    "replica",
    MODELS,
    newest=1,
    folder=Path(__file__).parent / "migrations",
    since_0_2_0="replica_entry",
)

# The same tables for statements: rows of a log are many, and an object for each costs more
# than the disk does.
ENTRY, NODE, SUBJECT, CONTENT, COSIGNED = (
    SQLModel.metadata.tables[str(model.__tablename__)] for model in MODELS
)
