"""Revision 1: an agency, as release 0.2.0 has them."""

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
        "issuer_application",
        Column("id", String, nullable=False),
        Column("item", String, nullable=False),
        Column("claims", String, nullable=False),
        Column("holder", String, nullable=False),
        Column("state", String, nullable=False),
        Column("note", String, nullable=False),
        Column("received", Integer, nullable=False),
        Column("accepted_by", String, nullable=True),
        Column("approved_by", String, nullable=True),
        Column("returned_by", String, nullable=True),
        Column("pickup_sha256", LargeBinary, nullable=False),
        Column("credential", String, nullable=True),
        Column("handed_out", Integer, nullable=True),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("pickup_sha256"),
    )
    op.create_index("ix_issuer_application_state", "issuer_application", ["state"])
    op.create_table(
        "issuer_batch",
        Column("root", LargeBinary, nullable=False),
        Column("made", Integer, nullable=False),
        Column("log", String, nullable=True),
        Column("entry_index", Integer, nullable=True),
        PrimaryKeyConstraint("root"),
    )
    op.create_table(
        "issuer_chain",
        Column("type", String, nullable=False),
        Column("subject", String, nullable=False),
        Column("log", String, nullable=True),
        Column("newest", LargeBinary, nullable=True),
        Column("index", Integer, nullable=True),
        Column("pending_log", String, nullable=True),
        Column("pending", LargeBinary, nullable=True),
        Column("content", LargeBinary, nullable=True),
        PrimaryKeyConstraint("type", "subject"),
    )
    op.create_table(
        "issuer_challenge",
        Column("challenge", String, nullable=False),
        Column("expires", Integer, nullable=False),
        PrimaryKeyConstraint("challenge"),
    )
    op.create_table(
        "issuer_credential",
        Column("id", String, nullable=False),
        Column("application", String, nullable=False),
        Column("record", LargeBinary, nullable=False),
        Column("index", Integer, nullable=False),
        Column("state", String, nullable=False),
        Column("issued", Integer, nullable=False),
        Column("changed", Integer, nullable=True),
        Column("changed_by", String, nullable=True),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("record"),
        UniqueConstraint("index"),
    )
    op.create_table(
        "issuer_leaf",
        Column("record", LargeBinary, nullable=False),
        Column("root", LargeBinary, nullable=False),
        Column("salt", LargeBinary, nullable=False),
        Column("position", Integer, nullable=False),
        Column("path", LargeBinary, nullable=False),
        PrimaryKeyConstraint("record"),
    )
    op.create_index("ix_issuer_leaf_root", "issuer_leaf", ["root"])
    op.create_table(
        "issuer_list",
        Column("url", String, nullable=False),
        Column("content", LargeBinary, nullable=False),
        Column("issued", Integer, nullable=False),
        PrimaryKeyConstraint("url"),
    )
    op.create_table(
        "issuer_lost",
        Column("index", Integer, nullable=False),
        Column("state", String, nullable=False),
        PrimaryKeyConstraint("index"),
    )
