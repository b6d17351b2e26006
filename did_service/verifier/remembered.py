"""The memory of a trust directory in its rows: read as a value, written where it differs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from did_service.core.encoding import timestamps
from did_service.core.errors import ConflictError
from did_service.verifier import nonces
from did_service.verifier.cells import instant, number, octets, text, text_or_none
from did_service.verifier.memory import Memory, RememberedLog

if TYPE_CHECKING:
    from did_service.verifier.database import Cell, Cells, Rows

_TIMES = ("witnessed", "decided")
_NAMES = ("boot", "audience")


def read_memory(rows: Rows, ask: Callable[..., list[Cells]]) -> Memory:
    """Return what is remembered.

    Args:
        rows: The state.
        ask: By which single nonces are read later, when the transaction may be over.
    """
    facts = {text(name): value for name, value in rows.all("SELECT name, value FROM facts")}
    logs = {
        text(origin): RememberedLog(number(size), octets(root), instant(time))
        for origin, size, root, time in rows.all("SELECT origin, size, root, time FROM logs")
    }
    witnessed, decided = (_time(facts.get(name)) for name in _TIMES)
    stored = nonces.StoredNonces(ask)
    boot, audience = (text_or_none(facts.get(name)) for name in _NAMES)
    return Memory(logs, stored, witnessed, decided, boot, audience)


def write_memory(rows: Rows, before: Memory, after: Memory) -> None:
    """Write what one value has and the other has not."""
    for origin in before.logs.keys() - after.logs.keys():
        rows.change("DELETE FROM logs WHERE origin = ?", origin)
    for origin, log in after.logs.items():
        if before.logs.get(origin) != log:
            seen = timestamps.to_posix(log.time)
            rows.change(
                "REPLACE INTO logs VALUES (?, ?, ?, ?)", origin, log.size, log.root, seen
            )
    for name in _TIMES:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            _put_fact(rows, name, None if now is None else timestamps.to_posix(now))
    if before.boot != after.boot:
        nonces.close_others(rows, after.boot)
        _put_fact(rows, "boot", after.boot)
    if before.audience != after.audience:
        _put_fact(rows, "audience", after.audience)
    for asked, nonce in after.spent.items():
        nonces.put(rows, asked, nonce)


def take_over(rows: Rows, memory: Memory, former: Memory) -> None:
    """Add what a former release remembered to what is remembered here: nothing gets less."""
    after = memory
    for origin, log in former.logs.items():
        with suppress(ConflictError):  # the other tree was seen here: the fork comes to light
            after = after.with_log(origin, log)
    if former.witnessed is not None:
        after = after.with_witnessed(former.witnessed)
    if former.decided is not None:
        after = after.with_decided(former.decided)
    if memory.boot is None and former.boot is not None:
        after = after.in_boot(former.boot)
    write_memory(rows, memory, after)
    for asked, nonce in former.nonces.items():
        nonces.put(rows, asked, nonce)


def _put_fact(rows: Rows, name: str, value: Cell) -> None:
    rows.change("REPLACE INTO facts VALUES (?, ?)", name, value)


def _time(seconds: Cell | None) -> datetime | None:
    return None if seconds is None else instant(seconds)
