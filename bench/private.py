"""What a benchmark starts beside itself: a PostgreSQL of its own, and what that computes.

    with postgres() as server:       the server, or why there is none
        begun = engine_seconds(server)

It keeps its word as one of an agency does: every commit is on the disk. It ends with the block.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.optional import find_postgres
from tests.support.postgres import Server

_SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "synchronous_commit": "on",
}
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def postgres() -> Iterator[Server | str]:
    """Run a server until the end, or yield why there is none."""
    programs = find_postgres()
    if programs is None:
        yield "PostgreSQL is not installed"
        return
    server = Server(programs, _SETTINGS)
    try:
        yield server
    finally:
        server.dispose()


def engine_seconds(server: Server) -> float:
    """Return the processor time that a server has used so far, in all of its processes (Linux).

    Of those that run, exactly; of those that have ended, as their parent counts them.
    """
    first = server.pid
    states = dict(_states())
    pids = [pid for pid, state in states.items() if pid == first or state[1] == str(first)]
    ended = sum(map(int, states[first][13:15])) / _TICKS
    return ended + sum(map(_seconds, pids))


def _states() -> Iterator[tuple[int, list[str]]]:
    """Yield what /proc says of each process, from its state on; proc_pid_stat(5)."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        yield int(folder.name), said.rpartition(") ")[2].split()


def _seconds(pid: int) -> float:
    try:
        return time.clock_gettime(~pid << 3 | 2)  # as bench/served.py explains
    except OSError:
        return 0.0  # likewise
