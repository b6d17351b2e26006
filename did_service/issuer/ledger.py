"""The issuer's rows about what stands in the log, or is on its way: chains, lists, batches.

Each change is one transaction that says whole what follows from an answer of the log, and finds
out by compare-and-swap whether another process was faster.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.status import parse_status_body
from did_service.core.anchor.entry import LoggedEntry, Submission
from did_service.core.encoding import strict_json
from did_service.core.errors import ConflictError, DidServiceError, NotFoundError
from did_service.issuer.records import AnchoredLeaf, AnchoredList, ChainRecord, Value
from did_service.issuer.tables import BATCH, CHAIN, CREDENTIAL, LEAF, LIST
from did_service.storage.database import (
    insert_if_absent,
    insert_or_replace,
    reading,
    rows,
    writing,
)
from did_service.storage.transactions import ROW_EXISTS

_ENTRIES: tuple[tuple[str, Callable[[bytes], object], tuple[str, ...]], ...] = (
    ("newest", entries.parse_entry, ("log", "index")),
    (
        "pending",
        lambda data: entries.parse_submission(strict_json.load_object(data)),
        ("pending_log", "content"),
    ),
)
_UNSENT = (
    select(BATCH.c.root)
    .where(BATCH.c.entry_index.is_(None))
    .order_by(BATCH.c.made, BATCH.c.root)
)
_END = ("log", "newest")
_LOG = logging.getLogger("did_service.issuer")
_NOTHING_PENDING: dict[str, Value] = {"pending": None, "pending_log": None, "content": None}


class Ledger:
    """What one agency has written, and what it is about to write."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def status_list(self, url: str) -> AnchoredList | None:
        """Return the anchored list of a URL, None before the first."""
        found = rows(self._engine, select(LIST).where(LIST.c.url == url))
        return AnchoredList(**found[0]) if found else None

    def chain(self, kind: str, subject: str) -> ChainRecord | None:
        """Return the record of a chain, None before its first entry.

        What cannot be read is forgotten: the log has it, and the next entry learns it there.
        """
        found = rows(self._engine, select(CHAIN).filter_by(type=kind, subject=subject))
        if not found:
            return None
        record = ChainRecord(**found[0])
        lost = _unreadable(record)
        if lost:
            damaged = update(CHAIN).filter_by(**found[0])
            with writing(self._engine) as connection:
                connection.execute(damaged.values(**lost))
            _LOG.error("a row of a chain was damaged: %s is forgotten", ", ".join(lost))
        return replace(record, **lost)

    def chains(self) -> set[tuple[str, str]]:
        """Return kind and subject of each chain that was written."""
        found = rows(self._engine, select(CHAIN.c.type, CHAIN.c.subject))
        return {(row["type"], row["subject"]) for row in found}

    def pending_count(self) -> int:
        """Return how many entries are on their way to the log."""
        question = select(func.count()).where(CHAIN.c.pending.is_not(None))
        with reading(self._engine) as connection:
            return connection.execute(question).scalar_one()

    def set_pending(
        self, entry: Submission, log: str, content: bytes | None, seen: ChainRecord | None
    ) -> bool:
        """Remember an entry, its log, and the bytes behind its digest, before it is sent.

        Args:
            entry: What is to be sent.
            log: Origin of the log that is to take it.
            content: The bytes behind its digest.
            seen: The record of its chain when it was composed.

        Returns:
            Whether the chain still stood there; else another process has gone on with it.
        """
        chain = {"type": entry.type, "subject": entry.subject}
        values = {"pending": entry.encode(), "pending_log": log, "content": content}
        ends = {"log": seen.log, "newest": seen.newest} if seen else dict.fromkeys(_END)
        free = update(CHAIN).filter_by(**chain, **ends, pending=None)
        with writing(self._engine) as connection:
            connection.execute(insert_if_absent(CHAIN).values(**chain))
            return connection.execute(free.values(**values)).rowcount == 1

    def forget_pending(self, chain: ChainRecord) -> None:
        """Forget the entry that the log has refused, of a record of `chain`; no other one."""
        refused = {
            "type": chain.type,
            "subject": chain.subject,
            "pending": chain.pending,
        }
        with writing(self._engine) as connection:
            connection.execute(update(CHAIN).filter_by(**refused).values(**_NOTHING_PENDING))

    def anchored(self, sent: ChainRecord, placed: LoggedEntry) -> None:
        """Record that the entry on its way stands in its log, with what follows from it.

        Another process may have recorded it, or forgotten it when the log refused it there; a
        chain that has gone on stays where it is.

        Args:
            sent: The record whose pending entry was sent.
            placed: That entry in its log.
        """
        log = str(sent.pending_log)
        done = {"type": sent.type, "subject": sent.subject, "pending": sent.pending}
        with writing(self._engine) as connection:
            if _goes_on(_found(connection, sent.type, sent.subject), placed, log):
                _hold(connection, placed, log, sent.content)
            else:
                _hold_batch(connection, placed, log)
            connection.execute(update(CHAIN).filter_by(**done).values(**_NOTHING_PENDING))

    def take_over(
        self, seen: ChainRecord | None, placed: LoggedEntry, log: str, content: bytes | None
    ) -> bool:
        """Record an entry that a log has and this database had not; nothing is on its way.

        Args:
            seen: The record of its chain when it turned out not to have it.
            placed: The entry.
            log: Its log.
            content: The bytes behind its digest.

        Returns:
            Whether the chain still stood there; else another process has gone on with it.
        """
        chain = {"type": placed.entry.type, "subject": placed.entry.subject}
        with writing(self._engine) as connection:
            if _found(connection, **chain) != seen:
                return False
            connection.execute(insert_if_absent(CHAIN).values(**chain))
            _hold(connection, placed, log, content)
            idle = update(CHAIN).filter_by(**chain).values(**_NOTHING_PENDING)
            connection.execute(idle)
            return True

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

    def add_batch(self, root: bytes, made: int, leaves: Sequence[dict[str, Value]]) -> bool:
        """Store a batch and the places of its records before it is sent to the log.

        Returns:
            Whether it was stored; not where another batch is unsent, or has one of its records.
        """
        try:
            with writing(self._engine) as connection:
                if connection.execute(_UNSENT).first() is not None:
                    return False
                connection.execute(insert(BATCH).values(root=root, made=made))
                if leaves:
                    connection.execute(insert(LEAF), list(leaves))
        except ConflictError as error:
            if error.code != ROW_EXISTS:
                raise
            return False
        return True

    def has_batch(self, root: bytes) -> bool:
        """Say whether a batch was made here."""
        return bool(rows(self._engine, select(BATCH.c.root).where(BATCH.c.root == root)))

    def unsent_batch(self) -> bytes | None:
        """Return the root of a batch that the log has not taken yet."""
        with reading(self._engine) as connection:
            return connection.execute(_UNSENT).scalars().first()

    def leaf(self, record: bytes) -> AnchoredLeaf:
        """Return the place of a record in an anchored batch.

        Raises:
            NotFoundError: `batch_unknown`: no such record, or its batch is not anchored yet.
        """
        question = (
            select(LEAF, BATCH.c.log, BATCH.c.entry_index)
            .join(BATCH, BATCH.c.root == LEAF.c.root)
            .where(LEAF.c.record == record, BATCH.c.entry_index.is_not(None))
        )
        found = rows(self._engine, question)
        if not found:
            raise NotFoundError("batch_unknown", "this record is in no anchored batch")
        return AnchoredLeaf(**found[0])


def _unreadable(record: ChainRecord) -> dict[str, Any]:
    """Return the columns of a record that hold no entry, each with nothing in its place."""
    lost: dict[str, Any] = {}
    for column, parse, beside in _ENTRIES:
        columns = (column, *beside)
        if all(getattr(record, each) is None for each in columns):
            continue
        try:
            parse(getattr(record, column) or b"")
        except DidServiceError:
            lost |= dict.fromkeys(columns)
    return lost


def _hold(connection: Connection, placed: LoggedEntry, log: str, content: bytes | None) -> None:
    """Make an entry the newest of its chain, with what follows from it."""
    # One transaction with what the caller does: the list that is served has to be the one whose
    # digest the log has, and nothing may be on its way any more once it stands there.
    entry = placed.entry
    held = {"log": log, "newest": entry.encode(), "index": placed.index}
    chain = update(CHAIN).filter_by(type=entry.type, subject=entry.subject)
    connection.execute(chain.values(**held))
    if entry.type == "status":
        issued = parse_status_body(entry.body).issued
        served = {"url": entry.subject, "issued": issued, "content": content}
        connection.execute(insert_or_replace(LIST).values(served))
    _hold_batch(connection, placed, log)


def _hold_batch(connection: Connection, placed: LoggedEntry, log: str) -> None:
    """Say where a batch stands that has had no place so far."""
    if placed.entry.type == "evidence":
        batch = update(BATCH).where(BATCH.c.root == placed.entry.digest)
        first = batch.where(BATCH.c.entry_index.is_(None))
        connection.execute(first.values(log=log, entry_index=placed.index))


def _found(connection: Connection, type: str, subject: str) -> ChainRecord | None:  # noqa: A002
    found = connection.execute(select(CHAIN).filter_by(type=type, subject=subject))
    row = found.mappings().first()
    return None if row is None else ChainRecord(**row)


def _goes_on(held: ChainRecord | None, placed: LoggedEntry, log: str) -> bool:
    """Say whether an entry comes after the one in which its chain ends."""
    if held is None or held.newest is None:
        return True
    number = entries.parse_entry(held.newest).number
    return (str(held.log), number) < (log, placed.entry.number)
