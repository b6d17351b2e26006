"""What the door and each kind of database say to each other about a transaction."""

from __future__ import annotations

from sqlalchemy import Connection

ROW_EXISTS = "row_exists"  # the key of a row is taken
_WRITING = "didsvc_writing"


def for_writing(connection: Connection) -> Connection:
    """Say, before it begins, that the transaction of a connection is going to write."""
    return connection.execution_options(**{_WRITING: True})


def is_writing(connection: Connection) -> bool:
    """Say whether the transaction of a connection is going to write."""
    return bool(connection.get_execution_options().get(_WRITING))
