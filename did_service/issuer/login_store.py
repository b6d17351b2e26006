"""The rows of wrong log-ins: by whom they are counted, and until when that is remembered.

Of each key one number is kept: the millisecond at which it will have spent nothing any more.
Times come from the caller, whose clock may be another machine's than that of the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, func, select

from did_service.issuer.tables import LOGIN
from did_service.storage.database import insert_or_replace, reading, writing

MAX_REMEMBERED = 4_096
_KEPT = 600_000  # milliseconds after its end, for clocks of several machines may differ


@dataclass(frozen=True, slots=True)
class LoginPace:
    """How often somebody may be wrong, in milliseconds.

    Attributes:
        each: What one wrong log-in spends, and the time in which that is forgotten.
        most: What may be spent.
    """

    each: int
    most: int


class LoginStore:
    """Who was wrong of late."""

    def __init__(self, engine: Engine, pace: LoginPace) -> None:
        self._engine, self._pace = engine, pace

    def over(self, keys: Sequence[bytes], now: int) -> int:
        """Return by how much one more wrong log-in is too much, 0 where it is not."""
        with reading(self._engine) as connection:
            return self._over(self._spent(connection, keys, now))

    def spend(self, keys: Sequence[bytes], now: int) -> int:
        """Count a wrong log-in for all keys, or for none where it is too much for one.

        Returns:
            As `over`; 0 where it was counted.
        """
        with writing(self._engine) as connection:
            spent = self._spent(connection, keys, now)
            over = self._over(spent)
            if not over:
                ends = [now + each + self._pace.each for each in spent]
                values = [{"key": k, "until": end} for k, end in zip(keys, ends, strict=True)]
                connection.execute(insert_or_replace(LOGIN), values)
                _forget(connection, now)
            return over

    def _over(self, spent: Sequence[int]) -> int:
        return max(0, max(spent) + self._pace.each - self._pace.most)

    def _spent(self, connection: Connection, keys: Sequence[bytes], now: int) -> list[int]:
        """Return what each key has spent; a clock that was wrong spends nobody's for longer."""
        held = select(LOGIN.c.key, LOGIN.c.until).where(LOGIN.c.key.in_(keys))
        until = {bytes(key): int(end) for key, end in connection.execute(held)}
        return [min(max(0, until.get(key, 0) - now), self._pace.most) for key in keys]


def _forget(connection: Connection, now: int) -> None:
    """Forget who has been quiet for longest: memory is bounded."""
    connection.execute(delete(LOGIN).where(LOGIN.c.until <= now - _KEPT))
    count = connection.execute(select(func.count()).select_from(LOGIN)).scalar_one()
    if count > MAX_REMEMBERED:
        quiet = select(LOGIN.c.key).order_by(LOGIN.c.until, LOGIN.c.key)
        quiet = quiet.limit(count - MAX_REMEMBERED)
        connection.execute(delete(LOGIN).where(LOGIN.c.key.in_(quiet)))
