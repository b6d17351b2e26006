"""One input tried: what it is, what was done with it, and what is wrong with the answer.

seed ──target──► Attempt ──run, steps counted──► None, or a Hit with all that reproduces it
"""

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from did_service.core.encoding import strict_json


@dataclass(frozen=True)
class Attempt:
    """One input, ready to be judged.

    Attributes:
        inputs: The bytes that are tried, and the circumstances, by file name.
        run: Judges them; returns what is wrong with the answer, None where it is right.
    """

    inputs: Mapping[str, bytes]
    run: Callable[[], str | None]


@dataclass(frozen=True)
class Target:
    """What is fuzzed: `make` draws an attempt, which takes `most_steps` calls at most."""

    name: str
    make: Callable[[Random], Attempt]
    most_steps: int

    def attempt(self, seed: int) -> Attempt:
        """Make the input of a seed."""
        return self.make(Random(f"{self.name} {seed}"))


@dataclass(frozen=True)
class Hit:
    """An input on which an oracle does not hold."""

    target: Target
    seed: int
    complaint: str
    inputs: Mapping[str, bytes]

    @property
    def replay(self) -> str:
        """The command that tries the same input once more."""
        return f'make fuzz ARGS="{self.target.name} --seed {self.seed} --count 1"'

    def write(self, folder: Path) -> Path:
        """Write everything that reproduces it into a folder of its own."""
        place = folder / f"{self.target.name}-{self.seed}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "complaint.txt").write_text(f"{self.complaint}\n\n{self.replay}\n")
        for name, data in self.inputs.items():
            (place / name).write_bytes(data)
        return place


class TooManySteps(BaseException):
    """Work without bound; no Exception, since those are caught where they are meant to be."""


class Counter:
    """Calls and returns of functions, Python's and C's: the same number in every run."""

    def __init__(self, most: int) -> None:
        self.steps, self.most = 0, most

    def __call__(self, frame: object, event: str, argument: object) -> None:
        self.steps += 1
        if self.steps > self.most:
            raise TooManySteps


@contextmanager
def counted(most: int) -> Iterator[Counter]:
    """Count the steps of what runs inside.

    Raises:
        TooManySteps: more than `most`.
    """
    counter, before = Counter(most), sys.getprofile()
    sys.setprofile(counter)
    try:
        yield counter
    finally:
        sys.setprofile(before)


def tried(target: Target, seed: int) -> Hit | None:
    """Try the input of a seed."""
    attempt = target.attempt(seed)
    try:
        with counted(target.most_steps):
            complaint = attempt.run()
    except (KeyboardInterrupt, SystemExit):
        raise
    except TooManySteps:
        complaint = f"more than {target.most_steps} steps"
    except BaseException:  # noqa: BLE001 - a panic in Rust is no Exception
        complaint = traceback.format_exc()
    return None if complaint is None else Hit(target, seed, complaint, attempt.inputs)


def described(circumstances: Mapping[str, object]) -> bytes:
    """Write the circumstances of an attempt, for the reader of a hit."""
    return strict_json.dumps_printable(dict(circumstances)).encode() + b"\n"
