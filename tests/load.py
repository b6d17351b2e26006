"""`make soak PART=load`: ten minutes at half of what the federation can do.

Five regions and two agencies of `did-service up`, one process each. First everybody works as
fast as answers come: that is the capacity. Then they work at half that pace: nothing may be
refused, and no process may grow by more than 5 % from the end of the warm-up to the end. What a
call took, p50 and p99, is printed by kind.
"""

import shutil
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from did_service.core.errors import DidServiceError
from did_service.node.local.members import AGENCIES, REGIONS
from tests.support.optional import CHECKOUT
from tests.support.processes import Processes, processes

FOLDER = CHECKOUT / "build" / "soak" / "load"
SECONDS = 600
MOST_GROWTH = 1.05
_CAPACITY_SECONDS = 20
_SAMPLES = 60  # of memory
_WARM = _SAMPLES // 3

Call = Callable[[], object]


class Clients:
    """One client for each kind of call and service; each waits for its answer."""

    def __init__(self, town: Processes) -> None:
        self.town = town
        self.calls: list[tuple[str, Call]] = []
        for region in REGIONS:
            host = region.host
            self.calls.append(("submit", lambda name=region.id: town.submit(name)))
            self.calls.append(("checkpoint", lambda host=host: town.sees(f"{host}/reg")))
        for agency in AGENCIES:
            self.calls.append(("issue", lambda agency=agency: town.issue(agency)))
        self.took: dict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()

    def work(self, seconds: float, pauses: Mapping[str, float]) -> dict[str, float]:
        """Work for so long, each kind at its own pace; return calls a second and client."""
        self.took.clear()
        over = threading.Event()
        threads = [
            threading.Thread(target=self._go_on, args=(kind, call, over, pauses.get(kind, 0.0)))
            for kind, call in self.calls
        ]
        for thread in threads:
            thread.start()
        over.wait(seconds)
        over.set()
        for thread in threads:
            thread.join()
        clients = Counter(kind for kind, _ in self.calls)
        return {kind: len(took) / seconds / clients[kind] for kind, took in self.took.items()}

    def _go_on(self, kind: str, call: Call, over: threading.Event, pause: float) -> None:
        due = time.monotonic()
        while not over.wait(max(0.0, due - time.monotonic())):
            begun = time.monotonic()
            try:
                call()
            except DidServiceError as error:
                self.errors[f"{kind}: {error.code}"] += 1
            self.took[kind].append(time.monotonic() - begun)
            due = max(due + pause, begun)


class Memory:
    """Samples of every process, taken while others work."""

    def __init__(self, town: Processes, seconds: float) -> None:
        self.samples: list[dict[str, int]] = []
        self._town, self._every = town, seconds / _SAMPLES
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(self._every):
            self.samples.append(self._town.memory())

    def growth(self) -> dict[str, float]:
        """The last tenth against the tenth after the warm-up, by process."""
        tenth = max(1, len(self.samples) // 10)
        warm = len(self.samples) * _WARM // _SAMPLES
        first, last = self.samples[warm : warm + tenth], self.samples[-tenth:]
        return {
            name: mean(each[name] for each in last) / mean(each[name] for each in first)
            for name in first[0]
        }


def soak(folder: Path, seconds: float) -> list[str]:
    """Work at half the capacity for so long; say what it took, and return what is wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    with processes(folder / "f") as town:
        clients = Clients(town)
        capacity = clients.work(min(_CAPACITY_SECONDS, seconds), {})
        clients.errors.clear()  # beyond its capacity it may refuse
        pauses = {kind: 2 / each for kind, each in capacity.items()}
        with Memory(town, seconds) as memory:
            clients.work(seconds, pauses)
        growth = memory.growth()
        found = [f"{name} ended by itself" for name in town.ended()]
    for kind, took in clients.took.items():
        print(f"{kind}: {told(took)}; a client could do {capacity[kind]:.1f}/s")
    print("memory:", ", ".join(f"{name} {times:.3f}" for name, times in growth.items()))
    found += [f"{what}, {times} times" for what, times in clients.errors.items()]
    found += [f"{name} grew" for name, times in growth.items() if times > MOST_GROWTH]
    return found


def told(took: list[float]) -> str:
    """How many, and how long one of two and one of a hundred took at least."""
    rising = sorted(took)
    half, most = (rising[int(len(rising) * part)] * 1_000 for part in (0.5, 0.99))
    return f"{len(took)}, p50 {half:.0f} ms, p99 {most:.0f} ms, longest {rising[-1]:.1f} s"


def main() -> int:
    """Run the part; 1 where anything was refused, or a process grew."""
    found = soak(FOLDER, SECONDS)
    for each in found:
        print(each)
    shutil.rmtree(FOLDER)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
