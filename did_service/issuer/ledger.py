"""The issuer's rows about what stands in the log, or is on its way: chains, lists, batches.

Each change is one transaction that says whole what follows from an answer of the log, and finds
out by compare-and-swap whether another process was faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select, update
from sqlalchemy.dialects.sqlite import insert

from did_service.core.anchor.bodies.status import parse_status_body
from did_service.core.anchor.entry import LoggedEntry, Submission
from did_service.core.errors import NotFoundError, UnavailableError
from did_service.issuer.tables import BATCH, CHAIN, CREDENTIAL, LEAF, LIST
from did_service.web.database import reading, rows, writing

Value = str | int | bytes | None
Row = dict[str, Any]  # one row by column name, as `tables` describes it

_NOTHING_PENDING: dict[str, Value] = {"pending": None, "pending_log": None, "content": None}


class Ledger:
    """What one agency has written, and what it is about to write."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def status_list(self, url: str) -> Row | None:
        """Return the anchored list of a URL, None before the first."""
        return self._first(select(LIST).where(LIST.c.url == url))

    def chain(self, kind: str, subject: str) -> Row | None:
        """Return the row of a chain, None before its first entry."""
        return self._first(select(CHAIN).filter_by(type=kind, subject=subject))

    def pending_count(self) -> int:
        """Return how many entries are on their way to the log."""
        question = select(func.count()).where(CHAIN.c.pending.is_not(None))
        with reading(self._engine) as connection:
            return connection.execute(question).scalar_one()

    def set_pending(self, entry: Submission, log: str, content: bytes | None) -> None:
        """Remember an entry, its log, and the bytes behind its digest, before it is sent.

        Raises:
            UnavailableError: `chain_busy`: another process has one on its way.
        """
        chain = {"type": entry.type, "subject": entry.subject}
        values = {"pending": entry.encode(), "pending_log": log, "content": content}
        free = update(CHAIN).filter_by(**chain).where(CHAIN.c.pending.is_(None))
        with writing(self._engine) as connection:
            connection.execute(insert(CHAIN).values(**chain).on_conflict_do_nothing())
            if connection.execute(free.values(**values)).rowcount != 1:
                raise UnavailableError("chain_busy", "another entry is on its way")

    def forget_pending(self, row: Row) -> None:
        """Forget the entry that the log has refused, of a row of `chain`; no other one."""
        refused = {name: row[name] for name in ("type", "subject", "pending")}
        with writing(self._engine) as connection:
            connection.execute(update(CHAIN).filter_by(**refused).values(**_NOTHING_PENDING))

    def anchored(self, placed: LoggedEntry) -> None:
        """Record that the entry on its way stands in its log, with what follows from it.

        Nothing is left to do where another process has recorded it already.
        """
        entry = placed.entry
        sent = select(CHAIN.c.pending_log, CHAIN.c.content).filter_by(
            type=entry.type, subject=entry.subject, pending=entry.submission().encode()
        )
        with writing(self._engine) as connection:
            row = connection.execute(sent).first()
            if row is not None:
                _hold(connection, placed, row.pending_log, row.content)

    def take_over(self, placed: LoggedEntry, log: str, content: bytes | None) -> None:
        """Record an entry that a log has and this database had not; nothing is on its way."""
        with writing(self._engine) as connection:
            _hold(connection, placed, log, content)

    # --- issuance batches --------------------------------------------------------------------

    def unbatched(self) -> list[bytes]:
        """Return the records that stand in no batch yet, oldest first."""
        question = (
            select(CREDENTIAL.c.record)
            .where(CREDENTIAL.c.record.not_in(select(LEAF.c.record)))
            .order_by(CREDENTIAL.c.issued)
        )
        with reading(self._engine) as connection:
            return list(connection.execute(question).scalars())

    def add_batch(self, root: bytes, made: int, leaves: Sequence[dict[str, Value]]) -> None:
        """Store a batch and the places of its records before it is sent to the log."""
        with writing(self._engine) as connection:
            connection.execute(insert(BATCH).values(root=root, made=made))
            if leaves:
                connection.execute(insert(LEAF), list(leaves))

    def unsent_batch(self) -> bytes | None:
        """Return the root of a batch that the log has not taken yet."""
        with reading(self._engine) as connection:
            question = select(BATCH.c.root).where(BATCH.c.entry_index.is_(None))
            return connection.execute(question).scalars().first()

    def leaf(self, record: bytes) -> Row:
        """Return the place of a record in an anchored batch.

        Raises:
            NotFoundError: `batch_unknown`: no such record, or its batch is not anchored yet.
        """
        row = self._first(
            select(LEAF, BATCH.c.log, BATCH.c.entry_index)
            .join(BATCH, BATCH.c.root == LEAF.c.root)
            .where(LEAF.c.record == record, BATCH.c.entry_index.is_not(None))
        )
        if row is None:
            raise NotFoundError("batch_unknown", "this record is in no anchored batch")
        return row

    def _first(self, question: Select[tuple[Value, ...]]) -> Row | None:
        return next(iter(rows(self._engine, question)), None)


def _hold(connection: Connection, placed: LoggedEntry, log: str, content: bytes | None) -> None:
    """Make an entry the newest of its chain, with what follows from it."""
    # One transaction: the list that is served has to be the one whose digest the log has, and
    # nothing may be on its way any more once it stands there.
    entry = placed.entry
    held = {"log": log, "newest": entry.encode(), "index": placed.index}
    chain = update(CHAIN).filter_by(type=entry.type, subject=entry.subject)
    connection.execute(chain.values(**held, **_NOTHING_PENDING))
    if entry.type == "status":
        issued = parse_status_body(entry.body).issued
        served = {"url": entry.subject, "issued": issued, "content": content}
        stored = insert(LIST).values(served)
        connection.execute(stored.on_conflict_do_update(["url"], set_=served))
    else:
        batch = update(BATCH).where(BATCH.c.root == entry.digest)
        connection.execute(batch.values(log=log, entry_index=placed.index))
