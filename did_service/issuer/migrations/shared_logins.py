"""Revision 3: wrong log-ins are counted in rows, for all processes of an agency together."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Add the table, in which nobody has been wrong so far."""
    op.create_table(
        "issuer_login",
        Column("key", LargeBinary, nullable=False),
        Column("until", Integer, nullable=False),
        PrimaryKeyConstraint("key"),
    )
