"""Revision 2: what the agency knows of itself, officers, alarms, signed applications, reasons.

Challenges are from now on those that were used. Those of release 0.2.0 were given out, so the
table is emptied: whoever holds one of them asks for another.
"""

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

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Add tables and columns; the rows of all tables but the challenges stay."""
    op.create_table(
        "issuer_about",
        Column("name", String, nullable=False),
        Column("value", LargeBinary, nullable=False),
        PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "issuer_officer",
        Column("name", String, nullable=False),
        Column("token_sha256", LargeBinary, nullable=False),
        Column("prefix", String, nullable=False),
        Column("roles", String, nullable=False),
        Column("added", Integer, nullable=False),
        Column("expires", Integer, nullable=False),
        Column("revoked", Integer, nullable=True),
        PrimaryKeyConstraint("name"),
        UniqueConstraint("token_sha256"),
    )
    op.create_table(
        "issuer_alarm",
        Column("word", String, nullable=False),
        Column("since", Integer, nullable=False),
        Column("until", Integer, nullable=True),
        Column("detail", String, nullable=False),
        PrimaryKeyConstraint("word", "since"),
    )
    op.execute("DELETE FROM issuer_challenge")
    op.add_column("issuer_application", Column("signed", LargeBinary, nullable=True))
    op.add_column("issuer_application", Column("ended", Integer, nullable=True))
    op.create_index("ix_issuer_application_ended", "issuer_application", ["ended"])
    op.add_column("issuer_credential", Column("reason", String, nullable=True))
    op.add_column("issuer_lost", Column("changed", Integer, nullable=True))
    op.add_column("issuer_lost", Column("changed_by", String, nullable=True))
    op.add_column("issuer_lost", Column("reason", String, nullable=True))
