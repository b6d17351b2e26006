"""Revision 1: what a registry keeps beside its replicas, as release 0.2.0 has them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, String

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "registry_checkpoint",
        Column("log", String, nullable=False),
        Column("note", LargeBinary, nullable=False),
        PrimaryKeyConstraint("log"),
    )
