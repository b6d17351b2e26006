"""Copies of what lies behind the two doors, taken while its service goes on writing.

    copy_database       one state, out of one reading transaction
    copy_blobs          every blob that is there when its turn comes, those that change first
    settle_database     every page examined; the copy is one file

Whoever needs both copies the blobs of a log first: they follow from rows that are there
already, so no blob of the copy knows more than the rows do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Engine, make_url

from did_service.storage.blobs import BlobStore
from did_service.storage.copying import Progress, copy_rooms
from did_service.storage.database import file_url, open_database, telling
from did_service.storage.disk import disk, sync
from did_service.storage.history import TableHistory
from did_service.storage.sqlite import Sqlite

_BLOBS_AT_ONCE = 64


def copy_database(
    url: str, target: Path, histories: Sequence[TableHistory], progress: Progress
) -> None:
    """Write one state of a database into a new file of SQLite, durably.

    A file is copied page by page, what a server holds row by row: a backup is the same, and
    is examined and restored in the same way, wherever it was taken.

    Args:
        url: The database; its service may write it meanwhile.
        target: Where nothing is yet.
        histories: Of the rooms that it may have.
        progress: Told in pages, or in rows.

    Raises:
        NotFoundError: `database_missing`.
        UnavailableError: what the database, or the disk of the copy, says.
    """
    engine = open_database(url, make=False)
    try:
        with telling(engine), disk(target):
            if engine.dialect.name == "sqlite":
                Sqlite().copy(engine, target, progress)
            else:
                _copy_rows(engine, target, histories, progress)
            sync(target)
    finally:
        engine.dispose()


def _copy_rows(
    engine: Engine, target: Path, histories: Sequence[TableHistory], progress: Progress
) -> None:
    copy = open_database(file_url(target))
    try:
        copy_rooms(engine, copy, histories, progress)
    finally:
        copy.dispose()


def settle_database(url: str) -> None:
    """Examine every page of a copy, and make it one file without a journal.

    Raises:
        UnavailableError: `database_damaged`.
    """
    made = make_url(url)
    engine = open_database(url, make=False)
    engine.dispose()
    path = Path(str(made.database))
    with telling(engine), disk(path):
        Sqlite().settle(path)
        sync(path)


def copy_blobs(source: BlobStore, target: BlobStore, changing: tuple[str, ...]) -> int:
    """Copy blobs, those that are replaced in place before those that they speak of.

    Args:
        source: Its service may add blobs meanwhile, and remove those that became superfluous.
        target: Empty.
        changing: Names of the blobs that are replaced.

    Returns:
        How many were copied.

    Raises:
        UnavailableError: `tree_not_read`, `tree_not_written`, `tree_not_synced`.
    """
    found: dict[str, bytes] = {}
    count = 0
    for name in (*changing, *_lasting(source)):
        data = source.get(name)
        if data is None:  # it was not there, or a wider one has taken its place
            continue
        found[name] = data
        count += 1
        if len(found) == _BLOBS_AT_ONCE:
            target.add(found)
            found = {}
    target.add(found)
    return count


def _lasting(source: BlobStore) -> Iterator[str]:
    for folder in ("epoch/", "heads/", "content/", "tile/"):
        yield from source.names(folder)
