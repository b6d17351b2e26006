"""Wrong log-ins are counted, and answered slowly, by peer and by how the token begins.

Each peer, and each beginning of a token, may be wrong ten times at once and then once in six
seconds; what is over that is told to come later. A right token never comes here: it is known by
its digest before anything is counted, so nobody's guesses shut an officer out. They are counted
in rows, so that another process, or the same one after a restart, gives nobody more; the rows
hold digests alone, and who has been quiet for longest is forgotten first.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from did_service.core.crypto.hashes import sha256
from did_service.core.errors import UnavailableError
from did_service.issuer.login_store import LoginPace, LoginStore

PREFIX_CHARACTERS = 6
_SECOND = 1_000  # milliseconds
PACE = LoginPace(each=6 * _SECOND, most=60 * _SECOND)


class LoginLimit:
    """Counts wrong log-ins.

    Args:
        store: Where all processes of the agency count them.
        clock: POSIX seconds.
    """

    def __init__(self, store: LoginStore, clock: Callable[[], float]) -> None:
        self._store, self._clock, self._lock = store, clock, Lock()
        self._wrong = 0

    @property
    def wrong(self) -> int:
        """How many log-ins were wrong here since the process began."""
        return self._wrong

    def count_wrong(self, peer: str, token: str) -> None:
        """Count a log-in that was judged and is wrong.

        Args:
            peer: Who asks, as the server sees it.
            token: What was shown.

        Raises:
            UnavailableError: `too_many_requests`, with `retry_after` in seconds.
        """
        with self._lock:
            self._wrong += 1
        said = (f"peer {peer}", f"token {token[:PREFIX_CHARACTERS]}")
        keys, now = [sha256(each.encode()) for each in said], int(self._clock() * _SECOND)
        # Who is over it already costs a look and no transaction that others wait for.
        over = self._store.over(keys, now) or self._store.spend(keys, now)
        if over:
            raise UnavailableError(
                "too_many_requests",
                "too many wrong log-ins",
                retry_after=max(1, round(over / _SECOND)),
            )
