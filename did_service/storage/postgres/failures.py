"""What PostgreSQL says of itself, as errors of ours; of a statement it says our own faults."""

from __future__ import annotations

import re

import psycopg
from psycopg.errors import lookup
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from did_service.core.errors import ConflictError, DidServiceError, UnavailableError
from did_service.storage.transactions import ROW_EXISTS

FAILURES: tuple[type[Exception], ...] = (psycopg.Error, DBAPIError, NoConnectionError)

# SQLSTATE, whole or the two characters of its class.
_MEANINGS = {
    "40": "database_busy",  # a deadlock; two transactions that cannot both be
    "55P03": "database_busy",  # waited for a lock
    "57014": "database_busy",  # ran for too long
    "53300": "database_busy",  # too many connections
    "25P04": "database_busy",  # the transaction was idle for too long
    "08": "database_refused",  # the connection
    "25006": "database_reads_only",  # a standby
    "28": "database_refused",  # who we are
    "42501": "database_refused",  # what we may do
    "53": "database_refused",  # its disk, its memory
    "57P": "database_refused",  # it is going down, or coming up
    "58": "database_refused",  # its system
    "XX001": "database_damaged",
    "XX002": "database_damaged",
}
_TAKEN = "23505"
_FATAL = re.compile(
    r"FATAL:\s+([^\n]+)"
)  # why a server refuses a connection; libpq has no code


def told(error: Exception) -> DidServiceError | None:
    """Tell what the server or the driver says; None for a fault of ours."""
    if isinstance(error, NoConnectionError):
        return UnavailableError("database_busy", "all connections are in use")
    reason = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(reason, psycopg.Error):
        return None
    state = reason.sqlstate or ""
    if state == _TAKEN:
        return ConflictError(ROW_EXISTS, _said(reason))
    code = _meaning(state)
    if code is None and not state and _is_of_connection(reason):
        code = "database_refused"
    return None if code is None else UnavailableError(code, _said(reason))


def told_of_opening(error: Exception) -> DidServiceError | None:
    """Tell it to whoever opens a database, with the name that the server does not know."""
    meant = told(error)
    fatal = _FATAL.search(str(error))
    if fatal is None or not isinstance(meant, UnavailableError):
        return meant
    return UnavailableError(meant.code, fatal[1].strip())


def _meaning(state: str) -> str | None:
    return next((_MEANINGS[s] for s in (state, state[:3], state[:2]) if s in _MEANINGS), None)


def _is_of_connection(reason: psycopg.Error) -> bool:
    return isinstance(reason, psycopg.OperationalError | psycopg.InterfaceError)


def _said(reason: psycopg.Error) -> str:
    """Return what was said in general: details name rows, and the driver's text its hosts."""
    if reason.sqlstate is None:
        return "the server does not answer"
    return reason.diag.message_primary or lookup(reason.sqlstate).__name__
