"""Revision 2: what settled an alarm is kept beside it."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, PrimaryKeyConstraint, String

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "witness_settlement",
        Column("alarm", Integer, nullable=False),
        Column("at", Integer, nullable=False),
        Column("kind", String, nullable=False),
        Column("what", String, nullable=False),
        Column("officer", String, nullable=False),
        PrimaryKeyConstraint("alarm"),
    )
