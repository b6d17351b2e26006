"""Revision 2: the table has the name of the room that keeps it."""

from __future__ import annotations

from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Give the table its name; the rows stay."""
    op.rename_table("registry_foreign_did", "resolver_foreign_did")
