"""Which of several processes on one schema leads: a lock of the server, and a number.

    lock     of a session of its own; it ends with the session, however that ends
    term     one row; whoever gets the lock adds one, in a writing transaction

The lock chooses, the term protects. A process that has lost the lock and does not know it still
has the former term: its next transaction finds another one in the row, and does not commit.

The server ends a session that is silent for so long as a leader may be (`_SILENT_SECONDS`), so
a process that was stopped, or cannot be reached, does not keep the others waiting; nor does a
transaction that it has left open (`holders`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

import psycopg
from psycopg.errors import QueryCanceled
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    MetaData,
    Table,
    insert,
    select,
    update,
)

from did_service.core.errors import DidServiceError, UnavailableError, kind_and_place
from did_service.storage.postgres.claim import own_connection
from did_service.storage.postgres.engine import lock_key, schema_of
from did_service.storage.postgres.holders import end_silent_holders
from did_service.storage.transactions import for_writing

_LOOK_SECONDS = 0.5  # between two looks of the leader at its lock
_ASK_SECONDS = 1  # for which one that waits stands in line for the lock, before it asks again
_SILENT_SECONDS = 4  # after which a leader has gone; the next one is in line already
_STAND_BACK_SECONDS = 2  # for which one that has lost the lock lets the others have it
_TRY = "SELECT pg_try_advisory_lock(%s)"
_WAIT = "SELECT true FROM pg_advisory_lock(%s)"
_TERM = Table("storage_leader", MetaData(), Column("term", BigInteger, nullable=False))
_LOG = logging.getLogger("did_service.storage")


class PostgresElection:
    """The part of one process in an election; it stands from `start` to `close`.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._gained: Callable[[], None] = lambda: None
        self._asking: psycopg.Connection[tuple[object, ...]] | None = None
        self._session: psycopg.Connection[tuple[object, ...]] | None = None
        self._term: int | None = None
        self._lost, self._closed = Event(), Event()
        self._told = ""
        self._looking = Thread(target=self._run, name="election", daemon=True)
        self._preparing: Thread | None = None
        self._prepared: int | None = None

    @property
    def is_leading(self) -> bool:
        """Whether it has the lock, and has prepared for the work."""
        term = self._prepared
        return term is not None and term == self._term and not self._lost.is_set()

    def start(self, gained: Callable[[], None]) -> None:
        """Stand for it in a thread of its own; return once it has led or has not got it."""
        self._gained = gained
        self._look(_TRY)
        self._looking.start()
        if self._preparing is not None:
            self._preparing.join()

    def check(self, connection: Connection) -> None:
        """Check that the term is still ours; the lock of writers keeps it so until the end.

        Raises:
            UnavailableError: `another_leads`.
        """
        ours = self._term
        if ours is None or connection.execute(select(_TERM.c.term)).scalar() != ours:
            self._lost.set()
            raise UnavailableError("another_leads", "another process writes this database")

    def close(self) -> None:
        """Stand no longer, and let another process have it at once."""
        self._closed.set()
        for thread in (self._looking, self._preparing):
            if thread is not None and thread.is_alive():
                thread.join()
        self._leave()

    def _run(self) -> None:
        pause = _LOOK_SECONDS
        while not self._closed.wait(pause):
            had_it = self._session is not None
            self._look(_WAIT)
            lost_it = had_it and self._session is None
            pause = _STAND_BACK_SECONDS if lost_it else _LOOK_SECONDS if self._is_off() else 0
        self._leave()

    def _is_off(self) -> bool:
        """Whether there is something to wait for other than the lock."""
        return self._session is not None or bool(self._told)

    def _look(self, ask: str) -> None:
        """Look whether the lock is ours still, or can be; whatever fails, it is not."""
        try:
            if self._session is None:
                self._stand(ask)
            elif self._lost.is_set():
                self._lose()
            else:
                self._session.execute("SELECT 1")
        except Exception as error:  # noqa: BLE001 - nobody else would stand for it again
            self._lose()
            self._tell(type(error).__name__)
        else:
            self._tell("")

    def _stand(self, ask: str) -> None:
        """Take the lock once nobody has it, and begin a term."""
        if self._asking is None:
            self._asking = _session_of(self._engine)
        key = lock_key(schema_of(self._engine), "claim")
        try:
            (is_ours,) = self._asking.execute(ask.encode(), (key,)).fetchone() or (False,)
        except QueryCanceled:
            return  # another one has it still
        if is_ours:
            self._begin(self._asking)
            self._asking = None

    def _begin(self, session: psycopg.Connection[tuple[object, ...]]) -> None:
        self._lost.clear()
        end_silent_holders(session, lock_key(schema_of(self._engine), "write"))
        self._term = term = self._next_term()
        self._session = session
        # Beside the looks, for the session must not be silent while this lasts.
        self._preparing = Thread(target=self._prepare, args=(term,), name="leading")
        self._preparing.start()

    def _prepare(self, term: int) -> None:
        try:
            self._gained()
        except Exception as error:  # noqa: BLE001 - whatever it was, another process may fare better
            why = error.code if isinstance(error, DidServiceError) else kind_and_place(error)
            _LOG.error("cannot lead: %s", why)
            if self._term == term:  # a later term prepares for itself
                self._lost.set()
        else:
            if self._term == term:
                self._prepared = term
                _LOG.info("leads, in term %d", term)

    def _next_term(self) -> int:
        with self._engine.connect() as connection, for_writing(connection).begin():
            _TERM.create(connection, checkfirst=True)
            held = connection.execute(select(_TERM.c.term)).scalar()
            term = 1 if held is None else int(held) + 1
            write = insert(_TERM) if held is None else update(_TERM)
            connection.execute(write.values(term=term))
        return term

    def _leave(self) -> None:
        self._term = None
        for session in (self._session, self._asking):
            if session is not None:
                session.close()
        self._session = self._asking = None

    def _lose(self) -> None:
        if self._session is not None:
            _LOG.warning("leads no longer")
        self._leave()

    def _tell(self, why: str) -> None:
        """Tell once what keeps it from knowing who leads."""
        if why and why != self._told:
            _LOG.warning("nobody knows who leads: %s", why)
        self._told = why


def _session_of(engine: Engine) -> psycopg.Connection[tuple[object, ...]]:
    """Return a session beside those of the pool, which ends when it is silent."""
    driver = own_connection(engine)
    try:
        driver.execute(f"SET idle_session_timeout = '{_SILENT_SECONDS}s'")
        driver.execute(f"SET statement_timeout = '{_ASK_SECONDS}s'")
    except BaseException:
        driver.close()
        raise
    return driver
