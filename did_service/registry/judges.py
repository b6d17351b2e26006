"""Entries that begin a DID are judged by processes in front of the one writer (docs/adr/0091).

    look_at(rows) ─▶ waiting rows ─▶ a thread for each process ─▶ judge ─▶ rows with `first`
                         └── none at hand, dead or late: the rows as they came ──▶ writer

A process is asked and answers over its pipes. Only its "yes" counts, and only to what an entry
says of itself; everything else the writer judges, and so it does whatever no process has
answered in time. Nothing is refused here.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Condition, Thread
from time import monotonic
from typing import IO

from did_service.core.anchor.first_version import FirstVersion
from did_service.core.errors import kind_and_place
from did_service.core.limits import MAX_WAITING_ENTRIES
from did_service.registry.judge import (
    LENGTH,
    MAX_FRAME_BYTES,
    MOST_ROWS,
    frame,
    join_rows,
    parse_found,
)
from did_service.registry.sequencer import QueuedEntry
from did_service.web.metrics import Metric, counter

COMMAND = (sys.executable, "-P", "-m", "did_service.registry.judge")
ANSWER_SECONDS = 5.0  # for 64 entries, which take 20 ms
_AGAIN_SECONDS = 1.0  # before a process is started in the place of one that failed
_PIECE = 65_536
# How an interpreter finds itself, its library and its modules, and reads texts and times.
_INHERITED = frozenset(
    {"PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "LANG", "LC_ALL", "TZ"}
)
_COVERAGE = "COVERAGE"  # what measures tests follows them into their processes
_LOG = logging.getLogger("did_service.registry")


class JudgeProcess:
    """One process, started when it is first asked, and anew after it has failed.

    Args:
        command: What is run.
        seconds: An answer that takes longer is not waited for.
    """

    def __init__(self, command: Sequence[str], seconds: float) -> None:
        self._command = command
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0
        self.failures = 0

    def ask(self, rows: Sequence[bytes]) -> list[FirstVersion | None]:
        """Return what it found of submissions; nothing of any where it fails."""
        nothing: list[FirstVersion | None] = [None] * len(rows)
        if self._process is None and monotonic() < self._not_before:
            return nothing
        try:
            asked = join_rows(rows)
            return parse_found(self._exchange(frame(asked)), asked, len(rows))
        except Exception as error:  # noqa: BLE001 - the writer judges then, whatever it was
            self.failures += 1
            self._not_before = monotonic() + _AGAIN_SECONDS
            _LOG.warning("a judge failed: %s; the writer judges", kind_and_place(error))
            self.end()
            return nothing

    def end(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not taken by a dead process is lost
                    pipe.close()
        process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - a command of ours
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env=_environment(),
                start_new_session=True,  # the terminal's Ctrl-C is ours to hear
            )
            os.set_blocking(_number(self._process.stdin), False)
        return self._process

    def _exchange(self, sent: bytes) -> bytes:
        """Send a frame and receive one.

        Raises:
            OSError: it is dead, late or not to be started.
        """
        process, deadline = self._started(), monotonic() + self._seconds
        into, out = _number(process.stdin), _number(process.stdout)
        left = memoryview(sent)
        while left:
            _await(into, select.POLLOUT, deadline)
            left = left[os.write(into, left[:_PIECE]) :]
        (length,) = LENGTH.unpack(_receive(out, LENGTH.size, deadline))
        if length > MAX_FRAME_BYTES:
            raise OSError("an answer that is too long")
        return _receive(out, length, deadline)


@dataclass(slots=True)
class _Asked:
    rows: Sequence[QueuedEntry]
    answer: Future[list[QueuedEntry]] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.answer.set_running_or_notify_cancel()  # its rows may be with a judge already


class Judges:
    """So many processes that judge; none with 0. `close` when done.

    Args:
        count: How many.
        command: What each runs.
        seconds: See `JudgeProcess`.

    Attributes:
        count: How many.
    """

    def __init__(
        self, count: int, command: Sequence[str] = COMMAND, seconds: float = ANSWER_SECONDS
    ) -> None:
        self.count = count
        self._waiting: deque[_Asked] = deque()
        self._changed = Condition()
        self._rows_waiting = 0
        self._closed = False
        self._found = 0
        self._processes = [JudgeProcess(command, seconds) for _ in range(count)]
        self._threads = [
            Thread(target=self._run, args=(each,), name="judges", daemon=True)
            for each in self._processes
        ]
        for thread in self._threads:
            thread.start()

    def look_at(self, rows: Sequence[QueuedEntry]) -> list[Future[list[QueuedEntry]]]:
        """Have rows judged that begin a DID.

        Returns:
            Up to 64 rows each, together the same rows in order, with what was found of them.
        """
        pieces = [_Asked(rows[i : i + MOST_ROWS]) for i in range(0, len(rows), MOST_ROWS)]
        with self._changed:
            has_room = self._rows_waiting + len(rows) <= MAX_WAITING_ENTRIES
            if self._processes and not self._closed and has_room:
                self._waiting.extend(pieces)
                self._rows_waiting += len(rows)
                self._changed.notify(len(pieces))
            else:
                for each in pieces:
                    each.answer.set_result([*each.rows])
        return [each.answer for each in pieces]

    def metrics(self) -> Iterator[Metric]:
        """Return how many entries were found good here, and how often a process failed."""
        told = "Entries that a judge beside the writer has found good."
        yield counter("judged_total", told, self._found)
        failures = sum(each.failures for each in self._processes)
        yield counter("judge_failures_total", "Judges that died or were late.", failures)

    def close(self) -> None:
        """Hand on what waits, and end the processes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self, judge: JudgeProcess) -> None:
        while asked := self._next():
            rows = [row for each in asked for row in each.rows]
            found = iter(self._judged(judge, rows))
            for each in asked:
                each.answer.set_result([next(found) for _ in each.rows])
        judge.end()

    def _next(self) -> list[_Asked]:
        """Wait for work; take as much as fits one frame. Empty when closed."""
        taken: list[_Asked] = []
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            room = MOST_ROWS
            while self._waiting and len(self._waiting[0].rows) <= room:
                taken.append(self._waiting.popleft())
                room -= len(taken[-1].rows)
            self._rows_waiting -= MOST_ROWS - room
        return taken

    def _judged(self, judge: JudgeProcess, rows: Sequence[QueuedEntry]) -> list[QueuedEntry]:
        begin = [row for row in rows if begins_did(row)]
        if not begin or self._closed:
            return [*rows]
        found = judge.ask([row.entry.data for row in begin])
        with self._changed:
            self._found += len(found) - found.count(None)
        by_row = {id(row): each for row, each in zip(begin, found, strict=True)}
        return [replace(row, first=by_row.get(id(row))) for row in rows]


def begins_did(row: QueuedEntry) -> bool:
    """Say whether a judge may have a word for a row."""
    return row.entry.type == "did" and row.entry.number == 1


def _environment() -> dict[str, str]:
    """Return what an interpreter needs of ours: secrets that we were started with stay here."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or name.startswith(_COVERAGE)
    }


def _number(pipe: IO[bytes] | None) -> int:
    assert pipe is not None  # noqa: S101 - Popen was asked for both
    return pipe.fileno()


def _await(descriptor: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, deadline - monotonic()) * 1_000):
        raise TimeoutError("no answer in time")


def _receive(descriptor: int, size: int, deadline: float) -> bytes:
    data = b""
    while len(data) < size:
        _await(descriptor, select.POLLIN, deadline)
        piece = os.read(descriptor, min(_PIECE, size - len(data)))
        if not piece:
            raise BrokenPipeError("it has ended")
        data += piece
    return data
