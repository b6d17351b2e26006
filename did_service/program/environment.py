"""What a command reads from the world: time, randomness, files, standard input."""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

from did_service.core.encoding import timestamps
from did_service.core.errors import MalformedError, UsageError, quote
from did_service.program.language import Language
from did_service.program.streams import read_input

_STEP = re.compile(r"([+-])([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Environment(NamedTuple):
    """The world at the moment a command starts.

    Attributes:
        clock: The machine's time, aware UTC.
        rng: Random bytes, as many as asked for.
        boot: Names the current boot of the machine; empty where it cannot be told.
        variables: Environment variables.
        home: The user's home directory.
        stdin: Standard input as bytes.
        language: In which verdicts are given.
    """

    clock: datetime
    rng: Callable[[int], bytes]
    boot: str
    variables: Mapping[str, str]
    home: Path
    stdin: BinaryIO
    language: Language

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read a file, or standard input for `-`; see `streams.read_input`.

        A byte order mark before a text is passed over (RFC 8259 §8.1): editors put it there.
        """
        return read_input(name, max_bytes, self.stdin).removeprefix(BOM_UTF8)

    def instant(self, given: str | None) -> datetime:
        """Return the clock's time, or what `--now` makes of it.

        Raises:
            UsageError: `now_invalid`.
        """
        if given is None:
            return self.clock
        step = _STEP.fullmatch(given)
        try:
            if step is None:
                return timestamps.parse_utc(given)
            length = timedelta(**{_UNITS[step[3]]: int(step[2])})
            return self.clock + length if step[1] == "+" else self.clock - length
        except (MalformedError, OverflowError) as error:
            raise UsageError("now_invalid", quote(given)) from error
