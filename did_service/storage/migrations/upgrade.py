"""Bring the tables of a database to the newest revisions, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from did_service.storage.database import writing
from did_service.storage.history import FIRST, UNNUMBERED, TableHistory
from did_service.storage.revisions import DatabaseStatus, opened, status_in


def upgrade(
    url: str, histories: Sequence[TableHistory]
) -> tuple[DatabaseStatus, DatabaseStatus]:
    """Run the steps that a database lacks, all of them or none.

    Returns:
        The database before and after.

    Raises:
        ConflictError: `database_newer`.
        NotFoundError, UsageError, UnavailableError: as `revisions.status_of`.
    """
    with opened(url) as engine, writing(engine) as connection:
        before = status_in(connection, histories)
        for history in histories:
            held = history.held(connection)
            if held is not None and held != history.newest:
                history.check(max(held, history.newest))  # a newer one is refused
                _run(connection, history, held)
        return before, status_in(connection, histories)


def run_steps(connection: Connection, history: TableHistory, to: int) -> None:
    """Run the steps that lead to a revision, in a transaction of the caller."""
    command.upgrade(_config(connection, history), str(to))


def _run(connection: Connection, history: TableHistory, held: int) -> None:
    if held == UNNUMBERED:
        command.stamp(_config(connection, history), str(FIRST))
    run_steps(connection, history, history.newest)


def _config(connection: Connection, history: TableHistory) -> Config:
    """Return alembic's settings for one room; no file has any."""
    config = Config()
    config.set_main_option("script_location", _literal(Path(__file__).parent))
    config.set_main_option("path_separator", "newline")  # a folder may hold any other character
    config.set_main_option("version_locations", _literal(history.folder))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = history.revision_table
    return config


def _literal(path: Path) -> str:
    return str(path).replace("%", "%%")  # the settings are read by configparser
