"""Whoever holds up the lock of writers after it has lost the lead: ended by who has it now.

A process that was stopped, or that the network hides, may be in the middle of a transaction.
The server waits two minutes for it. The new leader does not: a holder that has asked nothing
for a moment is ended, its transaction undone, and whoever waits for it is told that it failed.
"""

from __future__ import annotations

from time import sleep

import psycopg

_HOLDERS = """
SELECT a.pid, a.state_change::text
FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND ((l.classid::bigint << 32) | l.objid::bigint) = %s AND a.state = 'idle in transaction'
"""
_END = "SELECT pg_terminate_backend(%s::int)"
_GRACE_SECONDS = 0.3  # between two questions of one transaction; judging takes less


def end_silent_holders(driver: psycopg.Connection[tuple[object, ...]], key: int) -> None:
    """End the transactions that hold a lock and ask nothing; one that is at work goes on.

    Args:
        driver: A session beside them.
        key: Of the lock, in this database.
    """
    before = driver.execute(_HOLDERS, (key,)).fetchall()
    if not before:
        return
    sleep(_GRACE_SECONDS)
    for holder in driver.execute(_HOLDERS, (key,)).fetchall():
        if holder in before:  # the same question, and nothing since
            driver.execute(_END, (holder[0],))
