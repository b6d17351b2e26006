"""Revision 1: copies of logs, as release 0.2.0 has them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
)

from did_service.storage.clauses import index_where, stored_by_key

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "replica_content",
        Column("log", String, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("data", LargeBinary, nullable=False),
        PrimaryKeyConstraint("log", "digest"),
    )
    op.create_table(
        "replica_cosigned",
        Column("log", String, nullable=False),
        Column("at", Integer, nullable=False),
        Column("size", Integer, nullable=False),
        PrimaryKeyConstraint("log", "at"),
    )
    op.create_table(
        "replica_entry",
        Column("log", String, nullable=False),
        Column("index", Integer, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("number", Integer, nullable=False),
        Column("at", Integer, nullable=False),
        Column("leaf", LargeBinary, nullable=False),
        Column("data", LargeBinary, nullable=False),
        Column("total", Integer, nullable=False),
        PrimaryKeyConstraint("log", "index"),
        UniqueConstraint("log", "key", "number"),
    )
    op.create_index("replica_entry_at", "replica_entry", ["log", "at", "index"])
    op.create_table(
        "replica_node",
        Column("log", String, nullable=False),
        Column("level", Integer, nullable=False),
        Column("index", Integer, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("log", "level", "index"),
    )
    op.create_table(
        "replica_subject",
        Column("log", String, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("type", String, nullable=False),
        Column("number", Integer, nullable=False),
        Column("index", Integer, nullable=False),
        Column("at", Integer, nullable=False),
        Column("leaf", LargeBinary, nullable=False),
        Column("grantee", String, nullable=True),
        PrimaryKeyConstraint("log", "key"),
        **stored_by_key(),
    )
    op.create_index(
        "replica_subject_grantee",
        "replica_subject",
        ["grantee"],
        **index_where("grantee IS NOT NULL"),
    )
