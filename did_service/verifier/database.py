"""The state of a trust directory as one SQLite file: made, opened, its faults told as ours.

    state.sqlite    facts, logs, nonces; what was imported    (docs/formats.md 8, docs/adr/0031)

Only this module knows sqlite3. Whoever asks or changes something is handed `Rows`: one
transaction, all of it or nothing. A rollback journal beside the file undoes what a killed
writer had begun. The file is made whole under another name first, so that an empty file is
damage and never a directory that remembers nothing.
"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias
from weakref import WeakSet

from did_service.core.errors import MalformedError, UnavailableError
from did_service.core.limits import MAX_BUNDLE_LINE_BYTES
from did_service.program.files import replace_file
from did_service.verifier.tables import FACTS, STATE_FILE, TABLES

Cell: TypeAlias = str | int | bytes | None
Cells: TypeAlias = tuple[Cell, ...]

_APPLICATION = 0x64735631  # "dsV1", where file(1) and SQLite look for the owner of a file
_VERSION = 1
_PATIENCE_SECONDS = 300  # for a writer that commits; they are in line at the lock file before
# A page that was damaged is refused and not read past.
_OPENING = (
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA synchronous=EXTRA",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16384",  # KiB: what an import holds before it spills to the disk
)
# An index that SQLite makes for a key has no statement.
_STATEMENTS = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL LIMIT ?"
_DAMAGE = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
)
_BESIDE = ("-journal", "-wal", "-shm")  # what SQLite opens as well
_MOST_BYTES = MAX_BUNDLE_LINE_BYTES + 65_536  # of a row or a value: a line, and what names it


class Rows:
    """One transaction on the state: questions and changes, each a statement with its values."""

    def __init__(self, connection: sqlite3.Connection, code: str) -> None:
        self._connection = connection
        self._code = code
        self._asked: WeakSet[sqlite3.Cursor] = WeakSet()

    def one(self, question: str, *values: Cell) -> Cells | None:
        """Return the first row of an answer, None where there is none."""
        with _told(self._code):
            found: Cells | None = self._connection.execute(question, values).fetchone()
        return found

    def all(self, question: str, *values: Cell) -> Iterator[Cells]:
        """Yield the rows of an answer as they are read."""
        with _told(self._code):
            cursor = self._connection.execute(question, values)
            self._asked.add(cursor)
            yield from map(tuple, cursor)  # the cursor itself would be closed with the answer

    def close(self) -> None:
        """End answers that nobody read to their end: SQLite keeps the file shared for them.

        It would go on to do so after the connection is closed, until the last one is gone.
        """
        for cursor in self._asked:
            cursor.close()

    def change(self, statement: str, *values: Cell) -> None:
        """Change rows; nothing is kept before the transaction ends."""
        with _told(self._code):
            self._connection.execute(statement, values)

    def change_each(self, statement: str, rows: Iterable[Cells]) -> None:
        """Run one statement for each row of values."""
        with _told(self._code):
            self._connection.executemany(statement, rows)


def create(path: Path) -> None:
    """Make an empty state file: all of it or nothing.

    Raises:
        UnavailableError: `file_not_written`.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in (*TABLES, FACTS):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={_APPLICATION}")
        connection.execute(f"PRAGMA user_version={_VERSION}")
        data = connection.serialize()
    replace_file(path, data)


@contextmanager
def reading(path: Path) -> Iterator[Rows]:
    """Open the state for questions; other windows go on meanwhile.

    Raises:
        UnavailableError: `file_not_read`.
        MalformedError: `trust_damaged`.
    """
    code = "file_not_read"
    with _opened(path, code) as connection, closing(Rows(connection, code)) as rows:
        yield rows


@contextmanager
def writing(path: Path) -> Iterator[Rows]:
    """Open the state for changes, which are kept together at the end or not at all.

    Raises:
        UnavailableError: `file_not_written`: the disk is full or refuses; nothing has changed.
        MalformedError: `trust_damaged`.
    """
    code = "file_not_written"
    with _opened(path, code) as connection:
        with _told(code):
            connection.execute("BEGIN IMMEDIATE")
        yield Rows(connection, code)  # closing without a commit takes everything back
        with _told(code):
            connection.execute("COMMIT")


@contextmanager
def _opened(path: Path, code: str) -> Iterator[sqlite3.Connection]:
    _check_own(path, code)
    with _told(code):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            timeout=_PATIENCE_SECONDS,
            isolation_level=None,
            uri=True,
        )
    with closing(connection):
        with _told(code):
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
            for pragma in _OPENING:
                connection.execute(pragma)
            marks = [_pragma(connection, name) for name in ("application_id", "user_version")]
            size = _pragma(connection, "page_count") * _pragma(connection, "page_size")
        if marks != [_APPLICATION, _VERSION]:
            raise MalformedError(
                "trust_damaged", f"{STATE_FILE} is of another kind", file=STATE_FILE
            )
        if path.stat().st_size < size:  # a writer at work only makes it longer
            raise MalformedError("trust_damaged", f"{STATE_FILE} was cut off", file=STATE_FILE)
        with _told(code):
            _check_tables(connection)
        yield connection


def _check_tables(connection: sqlite3.Connection) -> None:
    """Refuse a file with other tables, triggers or views than ours: SQLite would run them.

    A trigger could open a spent nonce again, a view in the place of a table answer for ever.

    Raises:
        MalformedError: `trust_damaged`.
    """
    found = connection.execute(_STATEMENTS, (len(TABLES) + 1,)).fetchall()
    if sorted(str(sql) for (sql,) in found) != sorted(TABLES):
        raise MalformedError("trust_damaged", f"{STATE_FILE} has other tables", file=STATE_FILE)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _check_own(path: Path, code: str) -> None:
    """Refuse a link, a pipe or a folder in the place of a file that SQLite would open."""
    for each in (path, *(path.with_name(f"{path.name}{end}") for end in _BESIDE)):
        try:
            found = each.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UnavailableError(code, f"{each.name}: {error.strerror}") from error
        if not stat.S_ISREG(found.st_mode):
            raise UnavailableError(code, f"{each.name} is no regular file")


@contextmanager
def _told(code: str) -> Iterator[None]:
    """Tell a fault of the file or the disk as an error of ours.

    Raises:
        MalformedError: `trust_damaged`.
        UnavailableError: `code`: the file or the disk refuses.
    """
    try:
        yield
    except sqlite3.Error as error:
        kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if kind in _DAMAGE:
            raise MalformedError(
                "trust_damaged", f"{STATE_FILE}: {error}", file=STATE_FILE
            ) from error
        raise UnavailableError(code, f"{STATE_FILE}: {error}") from error
