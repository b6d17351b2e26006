"""What is dear to compute, once for all who ask at the same time, and kept for a few keys."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Computed = TypeVar("Computed")


class SingleFlight(Generic[Key, Computed]):
    """Values by key, of which the last few asked for are kept.

    Whoever asks for a value that is being computed waits for it. A computation that failed is
    kept for nobody; those who waited get its error.

    Args:
        compute: Makes the value of a key, always the same.
        most: How many are kept.
    """

    def __init__(self, compute: Callable[[Key], Computed], most: int) -> None:
        self._compute = compute
        self._most = most
        self._kept: OrderedDict[Key, Future[Computed]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, key: Key) -> Computed:
        """Return the value of a key.

        Raises:
            Exception: whatever the computation raises.
        """
        with self._lock:
            found = self._kept.get(key)
            ours = found is None
            if found is None:
                found = self._kept[key] = Future()
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
        if ours:
            self._run(key, found)
        return found.result()

    def _run(self, key: Key, value: Future[Computed]) -> None:
        try:
            value.set_result(self._compute(key))
        except BaseException as error:
            with self._lock:
                if self._kept.get(key) is value:
                    del self._kept[key]
            value.set_exception(error)
            raise
