"""Rows of a resolver."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Field, SQLModel

from did_service.storage.history import TableHistory


class ForeignDidRow(SQLModel, table=True):
    """The newest version seen of a did:webvh at home elsewhere; `id` rises by arrival."""

    __tablename__ = "resolver_foreign_did"

    id: int | None = Field(default=None, primary_key=True)
    scid: str = Field(unique=True)
    version_id: str


FOREIGN_DID = SQLModel.metadata.tables[ForeignDidRow.__tablename__]

HISTORY = TableHistory(
    "resolver",
    (ForeignDidRow,),
    newest=2,
    folder=Path(__file__).parent / "migrations",
    since_0_2_0="registry_foreign_did",
)
