"""Revision 1: what a witness keeps beside its replicas, as release 0.2.0 has them."""

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

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "witness_alarm",
        Column("id", Integer, nullable=False),
        Column("log", String, nullable=False),
        Column("at", Integer, nullable=False),
        Column("code", String, nullable=False),
        Column("offered", LargeBinary, nullable=False),
        Column("held", LargeBinary, nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("log", "code", "offered"),
    )
    op.create_table(
        "witness_approval",
        Column("scid", String, nullable=False),
        Column("number", Integer, nullable=False),
        Column("version_id", String, nullable=False),
        PrimaryKeyConstraint("scid", "number"),
    )
    op.create_table(
        "witness_held",
        Column("log", String, nullable=False),
        Column("size", Integer, nullable=False),
        Column("root", LargeBinary, nullable=False),
        Column("note", LargeBinary, nullable=False),
        PrimaryKeyConstraint("log"),
    )
