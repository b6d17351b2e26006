"""Which of several processes on one database does the work that one alone may do.

    leadership.start(gained)               from now on it may become ours
    leadership.is_leading                  … and this says whether it is
    leadership.check(connection)           in a transaction that writes: it is, until it commits

Between processes on one machine the lock of a folder decides (`storage/lease`), and whoever has
it leads as long as it lives: `ALONE`. On a server's database leadership moves from one process
to another, and a leader that has lost it may not know yet: so what it writes is checked in the
transaction that writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Connection


class Leadership(Protocol):
    """Whether this process is the one that writes; `close` it when done."""

    @property
    def is_leading(self) -> bool:
        """Whether it was at the last look, and has prepared for it."""

    def start(self, gained: Callable[[], None]) -> None:
        """Stand for it from now on.

        Args:
            gained: Prepares for the work, each time that it becomes ours.
        """

    def check(self, connection: Connection, /) -> None:
        """Check in a writing transaction that no other process leads before it commits.

        Raises:
            UnavailableError: `another_leads`.
        """

    def close(self) -> None:
        """Let another process have it."""


class _Alone:
    """The leadership of whoever has the lock of a folder."""

    is_leading = True

    def start(self, gained: Callable[[], None]) -> None:
        """Do nothing: what opened the folder has prepared for it."""

    def check(self, _connection: Connection) -> None:
        """Do nothing: nobody else has the lock."""

    def close(self) -> None:
        """Do nothing: the lock is let go by whoever took it."""


ALONE: Leadership = _Alone()
