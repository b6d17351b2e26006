"""Settings and the edge of a process: its clock, its randomness, its settings file.

Everything below takes `now` and `rng` as arguments; an app takes one `Edge` and hands them on,
so that a test or a demo can stand at any time. A settings file is one closed object in TOML or
JSON, read member by member like any other document.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonValue
from did_service.core.errors import MalformedError, NotFoundError, quote
from did_service.core.limits import MAX_SETTINGS_BYTES

Clock = Callable[[], datetime]
Rng = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Edge:
    """Where time and randomness come from.

    Attributes:
        clock: Returns the present instant, aware, in UTC.
        rng: Returns so many random bytes.
    """

    clock: Clock
    rng: Rng

    def posix(self) -> int:
        """Return the present POSIX second."""
        return timestamps.to_posix(self.clock())


def _system_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the clock of every server stands here


SYSTEM = Edge(_system_clock, os.urandom)  # noqa: TID251 - and so does its randomness


def read_settings(path: Path) -> Fields:
    """Read a settings file: TOML where its name ends in `.toml`, JSON otherwise.

    Returns:
        The members, to be read by the app that owns them and closed.

    Raises:
        NotFoundError: `settings_missing`.
        LimitError, MalformedError: `settings_invalid`, or a code of strict JSON.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError("settings_missing", f"no file {quote(path)}") from error
    if path.suffix != ".toml":
        return Fields(strict_json.load_object(data, max_bytes=MAX_SETTINGS_BYTES), "settings")
    try:
        values = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MalformedError("settings_invalid", f"{quote(path)} is not TOML") from error
    return Fields(_plain(values), "settings")


def _plain(value: object) -> JsonValue:
    """Take the part of TOML that JSON has as well."""
    match value:
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case str() | bool() | int():
            return value
        case _:
            raise MalformedError("settings_invalid", f"no setting has the value {quote(value)}")
