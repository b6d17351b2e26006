"""The rows of a trust directory: a transaction of whoever holds its lock, or one question.

    lock ─► read, decide, write ─► commit ─► unlock       killed on the way: nothing was written
    no lock ─► one question ─► its answer

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

if TYPE_CHECKING:
    from did_service.verifier.database import Cell, Cells, Rows

T = TypeVar("T")
STATE_FILE = "state.sqlite"


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


class State:
    """The state file of one trust directory, and the transaction that is going on in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / STATE_FILE
        self._holder: int | None = None
        self._open = ExitStack()
        self._rows: Rows | None = None
        self._seen: Rows | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep what is changed meanwhile together; the caller holds the directory's lock."""
        self._holder = threading.get_ident()
        try:
            with ExitStack() as self._open:
                yield
        finally:
            self._holder, self._rows, self._seen = None, None, None

    @property
    def is_mine(self) -> bool:
        """Whether this thread's transaction is going on."""
        return self._holder == threading.get_ident()

    @property
    def is_former(self) -> bool:
        """Whether a former release wrote here what is not taken over yet."""
        return self._former() is not None or (self._folder / EVIDENCE_FILE).exists()

    def rows(self) -> Rows:
        """Return the rows of this thread's transaction; the file is made if there is none."""
        from did_service.verifier import database  # noqa: PLC0415 - none without a directory

        if self._rows is None:
            self._open.close()  # a question left half answered would hold up the commit
            self._seen = None
            self._prepare()
            self._rows = self._open.enter_context(database.writing(self._path))
        return self._rows

    @contextmanager
    def reading(self) -> Iterator[Rows | None]:
        """Open the rows for questions: this transaction's, or as they lie; None before any."""
        from did_service.verifier import database  # noqa: PLC0415 - none without a directory

        if self._rows is not None and self.is_mine:
            yield self._rows
        elif not self._exists():
            self._check_never_made()
            yield None
        elif self.is_mine:  # opened once for all that is asked before anything is changed
            if self._seen is None:
                self._seen = self._open.enter_context(database.reading(self._path))
            yield self._seen
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
