"""Revision 1: every head that a log has shown, and what was wrong."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    Boolean,
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
        "monitor_head",
        Column("log", String, nullable=False),
        Column("size", Integer, nullable=False),
        Column("root", LargeBinary, nullable=False),
        Column("at", Integer, nullable=False),
        Column("note", LargeBinary, nullable=False),
        Column("checked", Boolean, nullable=False),
        PrimaryKeyConstraint("log", "size", "root"),
    )
    op.create_index("monitor_head_checked", "monitor_head", ["log", "checked"])
    op.create_table(
        "monitor_alarm",
        Column("id", Integer, nullable=False),
        Column("log", String, nullable=False),
        Column("at", Integer, nullable=False),
        Column("code", String, nullable=False),
        Column("told", String, nullable=False),
        Column("note", LargeBinary, nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("log", "code", "note"),
    )
