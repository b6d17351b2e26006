"""The last net under each step: whatever goes wrong in one, the others run and a report comes.

Nothing is meant to fall here; what does is a fault of this program, and says nothing about what
is shown. So it is UNDECIDED, and named by its class alone: its text may hold foreign content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from did_service.core.verification.codes import FAULTS
from did_service.core.verification.report import Check

T = TypeVar("T")

_RUST = "pyo3_runtime"  # where the panics of libraries in Rust come from; not to be imported


def guarded(
    step: str,
    credential: int | None,
    work: Callable[[], T],
    otherwise: Callable[[Check], T],
) -> T:
    """Return what a step's work gives or, after a fault, what `otherwise` makes of its check.

    MemoryError counts as a fault: what did not fit was not allocated. A BaseException that is
    no panic (KeyboardInterrupt, SystemExit, GeneratorExit, a cancelled task) passes through:
    somebody wants to leave, and that is none of a step's business.
    """
    try:
        return work()
    except BaseException as fault:
        if not isinstance(fault, Exception) and type(fault).__module__ != _RUST:
            raise
        return otherwise(Check(FAULTS[step], credential, detail=type(fault).__name__))


def guarded_checks(
    step: str, credential: int | None, work: Callable[[], Iterable[Check]]
) -> list[Check]:
    """Gather a step's checks; after a fault those that came before it, and the fault's."""
    found: list[Check] = []
    guarded(step, credential, lambda: found.extend(work()), found.append)
    return found
