"""Timing: the operations of a group in shuffled order, round by round, beside a reference.

    round 1:  verify · V · pyld · issue        one slice each: some milliseconds of repetitions
    round 2:  V · issue · verify · pyld        another order
    …                                          ratio in every round, then the median of rounds

Absolute times drift with the machine and its neighbours, and what is timed within one round
drifts alike: a row is therefore a ratio, and never a promise in microseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median

from nacl.signing import SigningKey

V = "V"
"""One raw Ed25519 verification of a 64-byte message through PyNaCl: the unit of ratios."""

_MAX_REPETITIONS = 1_000_000


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work a run may be.

    Attributes:
        rounds: Of which the median is taken.
        slice_seconds: What one operation gets in a round, at least one repetition.
        entries: Entries of the registry whose memory is measured.
        requests: Requests in one round against the registry.
        name: Of the effort.
    """

    rounds: int
    slice_seconds: float
    entries: int
    requests: int
    name: str


FULL = Effort(rounds=9, slice_seconds=0.01, entries=100_000, requests=256, name="full")
QUICK = Effort(rounds=1, slice_seconds=0.0, entries=48, requests=8, name="quick")


@dataclass(frozen=True, slots=True)
class Operation:
    """Something to be timed: `run(n)` does it n times and returns the seconds that took.

    `units` is how many of what is reported, entries of a batch for example, one time makes.
    """

    name: str
    run: Callable[[int], float]
    units: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One measured line. `target` limits `ratio`, or `value` where there is no `to`.

    A limit is the most that may be, and the least where the unit is a rate (`…/s`).
    """

    name: str
    value: float
    unit: str
    ratio: float | None
    to: str | None
    target: float | None
    rounds: int

    @property
    def meets_target(self) -> bool | None:
        """Whether the limit is kept; None without one."""
        if self.target is None:
            return None
        measured = self.value if self.ratio is None else self.ratio
        return measured >= self.target if self.unit.endswith("/s") else measured <= self.target


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that could not be measured, and why."""

    name: str
    to: str | None
    skipped: str


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds for one unit of each operation, one sample a round."""

    seconds: dict[str, list[float]]

    @property
    def rounds(self) -> int:
        """How many there were."""
        return len(next(iter(self.seconds.values())))

    def median(self, name: str) -> float:
        """Return the median of an operation, in seconds."""
        return median(self.seconds[name])

    def ratio(self, name: str, to: str) -> float:
        """Return the median of the rounds' ratios between two operations."""
        pairs = zip(self.seconds[name], self.seconds[to], strict=True)
        return median(one / other for one, other in pairs)


class Session:
    """One run: measures, and collects rows.

    Args:
        effort: How much work it may be.
        progress: Is told what comes next.

    Attributes:
        rows: What was measured or skipped so far, in order.
    """

    def __init__(self, effort: Effort, progress: Callable[[str], None]) -> None:
        self.effort = effort
        self.rows: list[Row | Skipped] = []
        self._progress = progress
        self._random = Random()  # noqa: S311 - the order of measurements is no secret
        self._v: list[float] = []

    @property
    def v_us(self) -> float:
        """The median of V over the run, in microseconds."""
        self._v = self._v or self._measure([verification()]).seconds[V]
        return median(self._v) * 1e6

    def measure(self, operations: Sequence[Operation]) -> Samples:
        """Time operations and V against each other."""
        self._progress(", ".join(operation.name for operation in operations))
        samples = self._measure([verification(), *operations])
        self._v += samples.seconds[V]
        return samples

    def compare(
        self, name: str, samples: Samples, operation: str, to: str, target: float | None = None
    ) -> None:
        """Add the row of an operation's time and its ratio to another's."""
        value, ratio = samples.median(operation) * 1e6, samples.ratio(operation, to)
        self.rows.append(Row(name, value, "us", ratio, to, target, samples.rounds))

    def tell(self, what: str) -> None:
        """Say what comes next to the person who waits."""
        self._progress(what)

    def add(self, row: Row) -> None:
        """Add a row that was measured in another way."""
        self.rows.append(row)

    def skip(self, name: str, to: str | None, why: str) -> None:
        """Add a row for what could not be measured."""
        self.rows.append(Skipped(name, to, why))

    def _measure(self, operations: Sequence[Operation]) -> Samples:
        counts = {each.name: self._repetitions(each) for each in operations}
        seconds: dict[str, list[float]] = {each.name: [] for each in operations}
        for _ in range(self.effort.rounds):
            for each in self._random.sample(operations, len(operations)):
                count = counts[each.name]
                seconds[each.name].append(each.run(count) / count / each.units)
        return Samples(seconds)

    def _repetitions(self, operation: Operation) -> int:
        """Warm up, and find how many repetitions fill a slice."""
        count = 1
        while True:
            seconds = operation.run(count)
            if seconds >= self.effort.slice_seconds / 2 or count >= _MAX_REPETITIONS:
                fitting = count * self.effort.slice_seconds / max(seconds, 1e-9)
                return max(1, min(round(fitting), _MAX_REPETITIONS))
            count *= 4


def repeat(name: str, action: Callable[[], object], units: int = 1) -> Operation:
    """Make an operation of a function that does it once and waits for nobody.

    What counts is the processor time of this process: a neighbour's turn is not ours.
    """

    def run(count: int) -> float:
        begun = time.process_time()
        for _ in range(count):
            action()
        return time.process_time() - begun

    return Operation(name, run, units)


def verification() -> Operation:
    """Return the reference V."""
    key = SigningKey(b"\x01" * 32)
    message = b"\x02" * 64
    signature = key.sign(message).signature
    public = key.verify_key
    return repeat(V, lambda: public.verify(message, signature))
