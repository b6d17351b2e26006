"""The end of a writing transaction: committed here and on the standby, or not called so.

Where the server has a synchronous standby, COMMIT waits until that has it, for as long as it
takes: no time-out of the server ends it. Ours does. The server goes on waiting then, with the
lock of writers, so that nobody sees a row that the standby has not. Who cancels such a wait at
the server is answered COMMIT, with a warning: that is no word that the standby has it either.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import psycopg
from psycopg.errors import Diagnostic, InFailedSqlTransaction, lookup
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from did_service.core.errors import UnavailableError

_WARNING = "WARNING"


def commit(driver: psycopg.Connection[tuple[object, ...]], seconds: float) -> None:
    """Commit the transaction of a connection.

    Args:
        driver: Closed where the server does not answer in time.
        seconds: For which its answer is waited for.

    Raises:
        InFailedSqlTransaction: an error was passed over, so there was nothing to commit.
        UnavailableError: `commit_unconfirmed`: whether it stays is not known.
        psycopg.Error: what the server says.
    """
    if driver.info.transaction_status is TransactionStatus.INERROR:
        raise InFailedSqlTransaction("an error in this transaction was passed over")
    with _noticed(driver) as severities:
        driver.pgconn.send_query(b"COMMIT")
        driver.pgconn.flush()
        _wait(driver, monotonic() + seconds)
        for result in iter(driver.pgconn.get_result, None):
            _check(result)
    if _WARNING in severities:
        raise _unconfirmed("the server does not wait for a standby any more")


@contextmanager
def _noticed(driver: psycopg.Connection[tuple[object, ...]]) -> Iterator[list[str | None]]:
    """Hear how severe the remarks of the server are while a `with` lasts."""
    heard: list[str | None] = []

    def hear(remark: Diagnostic) -> None:
        heard.append(remark.severity_nonlocalized)  # it can be read only now

    driver.add_notice_handler(hear)
    try:
        yield heard
    finally:
        driver.remove_notice_handler(hear)


def _wait(driver: psycopg.Connection[tuple[object, ...]], until: float) -> None:
    """Wait for the answer; never cancel, for that would be a commit on one machine alone."""
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    while driver.pgconn.is_busy():
        if not poll.poll(max(0, until - monotonic()) * 1_000):
            driver.close()
            raise _unconfirmed("neither server nor standby has confirmed in time")
        driver.pgconn.consume_input()


def _check(result: PGresult) -> None:
    if result.status != ExecStatus.COMMAND_OK:
        state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
        raise lookup(state)("not committed") if state else psycopg.OperationalError("lost")


def _unconfirmed(what: str) -> UnavailableError:
    return UnavailableError("commit_unconfirmed", what)
