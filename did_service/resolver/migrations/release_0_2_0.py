"""Revision 1: DIDs at home elsewhere, in a table of the registry, as release 0.2.0 has them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, PrimaryKeyConstraint, String, UniqueConstraint

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "registry_foreign_did",
        Column("id", Integer, nullable=False),
        Column("scid", String, nullable=False),
        Column("version_id", String, nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("scid"),
    )
