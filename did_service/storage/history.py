"""Which revision the tables of a room have in a database, found without alembic.

    HISTORY = TableHistory("replica", MODELS, newest=1, folder=…, since_0_2_0="replica_entry")
    prepare(engine, HISTORY)        at each start: make them, or check that they are the newest

Each room that has tables has a history of its own, whatever database they lie in. A database
says its number in a table `ROOM_revision`, which is alembic's own version table. Release 0.2.0
kept no number: where one of its tables is found and no number, that is revision 0, which is
what `did-service database upgrade` begins with (docs/adr/0047).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
)
from sqlmodel import SQLModel

from did_service.core.errors import ConflictError, UnavailableError
from did_service.storage.database import reading, writing

FIRST = 1  # the tables as release 0.2.0 made them
UNNUMBERED = 0  # those tables, in a database that release 0.2.0 made
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class TableHistory:
    """The tables of one room, and the revisions that led to them.

    Attributes:
        room: Its name.
        models: The tables as this release has them.
        newest: The number of that revision.
        folder: One module for each revision, for alembic.
        since_0_2_0: A table by which a database of release 0.2.0 is known; None where that
            release had no such room.
    """

    room: str
    models: tuple[type[SQLModel], ...]
    newest: int
    folder: Path
    since_0_2_0: str | None = None

    @property
    def revision_table(self) -> str:
        """The name of the table that holds the number."""
        return f"{self.room}_revision"

    def keys(self) -> dict[str, list[str]]:
        """Return the columns of the primary key of each table, also under its former name."""
        tables = [model.__table__ for model in self.models]  # type: ignore[attr-defined]
        found = {str(t.name): [str(c.name) for c in t.primary_key] for t in tables}
        if self.since_0_2_0 is not None and self.since_0_2_0 not in found:
            found[self.since_0_2_0] = next(iter(found.values()))  # it has one table, renamed
        return found

    def held(self, connection: Connection) -> int | None:
        """Return the number of a database, None where it has no such tables.

        Raises:
            UnavailableError: `database_damaged`: where the number belongs there is none.
        """
        tables = inspect(connection)
        if tables.has_table(self.revision_table):
            found = connection.execute(select(_numbered(self).c.version_num)).scalars().all()
            if len(found) != 1 or not _NUMBER.fullmatch(found[0]):
                what = f"{self.revision_table} holds no number"
                raise UnavailableError("database_damaged", what)
            return int(found[0])
        former = self.since_0_2_0
        return UNNUMBERED if former and tables.has_table(former) else None

    def make(self, connection: Connection) -> None:
        """Make the tables as this release has them."""
        tables = [model.__table__ for model in self.models]  # type: ignore[attr-defined]
        SQLModel.metadata.create_all(connection, tables=tables)
        numbered = _numbered(self)
        numbered.create(connection)
        connection.execute(insert(numbered).values(version_num=str(self.newest)))

    def check(self, held: int) -> None:
        """Check that the tables of a database are those of this release.

        Raises:
            ConflictError: `database_outdated` before an upgrade; `database_newer` where a later
                release has changed them, which this one must not touch.
        """
        if held != self.newest:
            code = "database_newer" if held > self.newest else "database_outdated"
            has = f"tables of {self.room} have revision {held}"
            raise ConflictError(code, f"{has}, this release has {self.newest}")


def prepare(engine: Engine, history: TableHistory) -> None:
    """Make the tables of a room in a database that has none, else check them.

    Raises:
        ConflictError: as `TableHistory.check`.
        UnavailableError: as `database.writing`.
    """
    with reading(engine) as connection:
        held = history.held(connection)
    if held is None:
        with writing(engine) as connection:
            held = history.held(connection)  # another process may have been faster
            if held is None:
                history.make(connection)
                return
    history.check(held)


def _numbered(history: TableHistory) -> Table:
    """Return the table of the number, written as alembic writes it."""
    name = history.revision_table
    number = Column("version_num", String(32), nullable=False)
    key = PrimaryKeyConstraint("version_num", name=f"{name}_pkc")
    return Table(name, MetaData(), number, key)
