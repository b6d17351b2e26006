"""The rows of a trust directory: a transaction of whoever holds its lock, or questions.

    lock ─► read, decide, write ─► commit ─► unlock       killed on the way: nothing was written
    no lock ─► questions, one by one ─► their answers     others write between them

What release 0.2.0 left as files is taken over when it is first met.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from did_service.core.errors import MalformedError, PolicyError
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.limits import MAX_BUNDLE_BYTES, MAX_MEMORY_BYTES
from did_service.program.files import read_own_file, replace_file
from did_service.verifier import shelves
from did_service.verifier.former import EVIDENCE_FILE, MEMORY_FILE, MOVED, parse_memory
from did_service.verifier.remembered import read_memory, take_over
from did_service.verifier.tables import STATE_FILE

if TYPE_CHECKING:
    from did_service.verifier.database import Cell, Cells, Rows

T = TypeVar("T")


def parse_or_damaged(name: str, parse: Callable[[bytes], T], data: bytes) -> T:
    """Parse a file of the directory: what is wrong with it is damage.

    Raises:
        MalformedError: `trust_damaged`, naming the file.
    """
    try:
        return parse(data)
    except (MalformedError, PolicyError) as error:
        raise MalformedError("trust_damaged", f"{name}: {error.message}", file=name) from error


def read_own(folder: Path, name: str, max_bytes: int) -> bytes | None:
    """Read a file of a trust directory, None where there is none.

    Raises:
        MalformedError: `trust_damaged`: longer than it may be.
        UnavailableError: `file_not_read`, as for what is no file of ours.
    """
    try:
        return read_own_file(folder / name, max_bytes)
    except MalformedError as error:
        raise MalformedError("trust_damaged", error.message, file=name) from error


class _Session:
    """What one thread has open: rows to be changed, or rows that are only read."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.changed: Rows | None = None
        self.seen: Rows | None = None


class State:
    """The state file of one trust directory, and what each thread has open of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / STATE_FILE
        self._mine = threading.local()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open the file once for all that this thread asks and changes meanwhile.

        What it changes is kept together at the end; for that it holds the directory's lock.
        """
        before, session = self._session, _Session()
        self._mine.session = session
        try:
            with session.stack:
                yield
        finally:
            self._mine.session = before

    @property
    def _session(self) -> _Session | None:
        session: _Session | None = getattr(self._mine, "session", None)
        return session

    @property
    def is_former(self) -> bool:
        """Whether a former release wrote here what is not taken over yet."""
        return self._former() is not None or (self._folder / EVIDENCE_FILE).exists()

    def rows(self) -> Rows:
        """Return the rows of this thread's transaction; the file is made if there is none.

        Only between `opened` and its end.
        """
        from did_service.verifier import database  # noqa: PLC0415 - none without a directory

        session: _Session = self._mine.session
        if session.changed is None:
            session.stack.close()  # a question left half answered would hold up the commit
            session.seen = None
            self._prepare()
            session.changed = session.stack.enter_context(database.writing(self._path))
        return session.changed

    @contextmanager
    def reading(self) -> Iterator[Rows | None]:
        """Open the rows for questions: this transaction's, or as they lie; None before any."""
        from did_service.verifier import database  # noqa: PLC0415 - none without a directory

        session = self._session
        if session is not None and session.changed is not None:
            yield session.changed
        elif not self._exists():
            self._check_never_made()
            yield None
        elif session is not None:
            if session.seen is None:
                session.seen = session.stack.enter_context(database.reading(self._path))
            yield session.seen
        else:
            with database.reading(self._path) as rows:
                yield rows

    def ask(self, question: str, *values: Cell) -> list[Cells]:
        """Return all rows of one answer; none where there is no state yet."""
        with self.reading() as rows:
            return [] if rows is None else _answer(rows, question, *values)

    # --- making it ------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Make the file where there is none, and take over what a former release left."""
        from did_service.verifier import database  # noqa: PLC0415 - none without a directory

        if not self._exists():
            self._check_never_made()
            database.create(self._path)
        former, evidence = self._former(), self._former_evidence()
        if former is not None or evidence is not None:
            with database.writing(self._path) as rows:
                _take_over(rows, former, evidence)
        (self._folder / EVIDENCE_FILE).unlink(missing_ok=True)
        if self._stored() != MOVED:
            replace_file(self._folder / MEMORY_FILE, MOVED)

    def _exists(self) -> bool:
        return self._path.is_symlink() or self._path.exists()

    def _stored(self) -> bytes | None:
        return read_own(self._folder, MEMORY_FILE, MAX_MEMORY_BYTES)

    def _former(self) -> bytes | None:
        stored = self._stored()
        return None if stored == MOVED else stored

    def _former_evidence(self) -> bytes | None:
        return read_own(self._folder, EVIDENCE_FILE, MAX_BUNDLE_BYTES)

    def _check_never_made(self) -> None:
        if self._stored() == MOVED:
            raise MalformedError("trust_damaged", f"{STATE_FILE} is gone", file=STATE_FILE)


def _answer(rows: Rows, question: str, *values: Cell) -> list[Cells]:
    return [*rows.all(question, *values)]


def _take_over(rows: Rows, former: bytes | None, evidence: bytes | None) -> None:
    """Take over what a former release remembered, and its evidence."""
    if former is not None:
        memory = parse_or_damaged(MEMORY_FILE, parse_memory, former)
        take_over(rows, read_memory(rows, partial(_answer, rows)), memory)
    if evidence is not None:
        shelves.add_unsorted(rows, parse_or_damaged(EVIDENCE_FILE, parse_bundle, evidence))
