"""A child process that dies between two named steps, or whose disk fails at the nth sync.

    said, events, syncs, code = run(work, given, STEPS)    # a whole run's events, in order
    for at in range(0, len(events), STRIDE):
        run(work, given, STEPS, at=at)                     # SIGKILL before event `at`
    for at in range(1, syncs + 1, STRIDE):
        run(work, given, STEPS, sync=at)                   # this sync fails, and the next

Nothing in the product knows of it: the named functions are wrapped in the child alone, and each
call makes two events, its begin and its end. Work runs in a fork of the test's process, so that
process must not have threads of its own that matter to the child.
"""

import errno
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

import pytest

from did_service.core.errors import ConflictError
from tests.support.storage import SQLITE

T = TypeVar("T")
Step = tuple[object, str]
# `make soak PART=crashes` tries each event; every day it is one of so many.
STRIDE = int(os.environ.get("CRASH_STRIDE", "7"))
_PATIENCE = 30  # seconds; a server sees a moment later that a process was killed


def in_files_by_day(test: Callable[..., None]) -> Callable[..., None]:
    """Have a test run elsewhere as well, but not every day."""
    return pytest.mark.sqlite_only(test) if STRIDE > 1 else test


def stride_in(place: str) -> int:
    """Return how many events there are to one that is tried: elsewhere fewer than in files."""
    return STRIDE if STRIDE == 1 or place == SQLITE else 3 * STRIDE


def started(start: Callable[[], T]) -> T:
    """Start a service whose process was killed, as soon as the server knows that it was."""
    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            return start()
        except ConflictError as error:
            if error.code != "database_in_use" or time.monotonic() > ends:
                raise
        time.sleep(0.05)


def told(counts: str) -> None:
    """Say how large a matrix was; pytest shows it with -s or -rP."""
    sys.stdout.write(f"{counts}\n")


def names_in(events: Sequence[str]) -> set[str]:
    """The functions whose begin or end is among the events."""
    return {event.partition(" ")[0].rpartition(".")[2] for event in events}


class Recorder:
    """Counts events; at one of them the process is gone."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.events: list[str] = []

    def event(self, name: str) -> None:
        if self.at is not None and len(self.events) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.events.append(name)

    def wrap(self, owner: object, name: str) -> None:
        real = getattr(owner, name)
        told = f"{getattr(owner, '__name__', owner)}.{name}".rpartition("did_service.")[2]

        @wraps(real)
        def step(*given: object, **named: object) -> object:
            self.event(f"{told} begins")
            result = real(*given, **named)
            self.event(f"{told} ended")
            return result

        setattr(owner, name, step)


def fail_sync(at: int) -> Callable[[], int]:
    """Let the nth sync of this process, and the one after it, fail; return a counter."""
    real, count = os.fsync, [0]

    def fsync(descriptor: int) -> None:
        count[0] += 1
        if at <= count[0] < at + 2:
            raise OSError(errno.EIO, "the disk does not answer")
        real(descriptor)

    os.fsync = fsync
    return lambda: count[0]


def run(
    work: Callable[..., None],
    given: Sequence[object],
    steps: Sequence[Step],
    *,
    at: int | None = None,
    sync: int = 0,
) -> tuple[list[object], list[str], int, int]:
    """Run work in a child of its own.

    Args:
        work: A function of a module, called with `say` and then `given`; what it says is heard
            whenever the child dies.
        given: Picklable.
        steps: Functions that are wrapped, by owner and name.
        at: The event before which it is killed.
        sync: The sync that fails, from 1.

    Returns:
        What was said; the events of a child that came to its end; how many syncs it asked for;
        its exit code.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.support.crashing", "tests.support.live"])
    ours, theirs = context.Pipe(duplex=False)
    names = [(pickle.dumps(owner), name) for owner, name in steps]
    child = context.Process(target=_child, args=(theirs, work, given, names, at, sync))
    child.start()
    theirs.close()
    said: list[object] = []
    with suppress(EOFError):
        while True:
            said.append(ours.recv())
    child.join()
    ended = said.pop() if said and isinstance(said[-1], Ended) else Ended([], 0)
    return said, ended.events, ended.syncs, child.exitcode or 0


class Ended:
    """The last word of a child that was not killed."""

    def __init__(self, events: list[str], syncs: int) -> None:
        self.events, self.syncs = events, syncs


def _child(
    pipe: Connection,
    work: Callable[..., None],
    given: Sequence[object],
    names: Sequence[tuple[bytes, str]],
    at: int | None,
    sync: int,
) -> None:
    recorder = Recorder(at)
    for owner, name in names:
        recorder.wrap(pickle.loads(owner), name)
    syncs = fail_sync(sync) if sync else fail_sync(1 << 60)
    work(pipe.send, *given)
    pipe.send(Ended(recorder.events, syncs()))
