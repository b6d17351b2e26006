"""Signals of a process that serves: waited for in its main thread, told by number.

A signal may reach any thread; a handler of Python runs in the main one, and only once that one
runs. So nothing is done in a handler: the number comes through a socket pair
(`signal.set_wakeup_fd`), on which the main thread waits. What comes before the first `wait`
is not lost.
"""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Self

ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
RELOADING = frozenset({signal.SIGHUP})


class Signals:
    """Takes the signals of this process over while a `with` lasts; in its main thread."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.settimeout(0)

    def __enter__(self) -> Self:
        self._before = {n: signal.signal(n, _pass_over) for n in ENDING | RELOADING}
        self._descriptor = signal.set_wakeup_fd(
            self._writer.fileno(), warn_on_full_buffer=False
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._descriptor)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float | None = None) -> int | None:
        """Return the next signal, or None when so long has passed without one."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return self._reader.recv(1)[0] if ready else None


def _pass_over(_number: int, _frame: FrameType | None) -> None:
    """Let the wake-up alone tell of it."""
