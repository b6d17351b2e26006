"""Group `log`, third part: new DIDs judged by processes beside the one writer, without HTTP.

`log.judging.two` is the rate of two processes beside that of one, by the wall clock. Of either
`…-processor` is the processor time of an entry, ours and theirs, which should not grow with
their number. The same entries are judged again and again: a judge remembers nothing.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, closing

from bench.harness import Operation, Row, Samples, Session, V
from bench.region import Province
from bench.served import processor_seconds
from did_service.registry.judges import Judges
from did_service.registry.sequencer import QueuedEntry

_ENTRIES = 512
_ONE, _TWO = "one-judge", "two-judges"


def run(session: Session) -> None:
    """Measure the part."""
    rows = [QueuedEntry(each, {}) for each in Province().did_entries(_ENTRIES)]
    with ExitStack() as stack:
        pools = {
            name: stack.enter_context(closing(Judges(count)))
            for name, count in ((_ONE, 1), (_TWO, 2))
        }
        taken: dict[str, list[float]] = {name: [] for name in pools}
        samples = session.measure(
            [_operation(name, pool, rows, taken[name]) for name, pool in pools.items()]
        )
    session.compare("log.judging.one", samples, _ONE, V)
    rate, ratio = 1 / samples.median(_TWO), samples.ratio(_ONE, _TWO)
    session.add(Row("log.judging.two", rate, "entries/s", ratio, _ONE, 1.5, samples.rounds))
    for name, row in ((_ONE, "one"), (_TWO, "two")):
        of_round = {name: taken[name][-samples.rounds :], V: samples.seconds[V]}
        session.compare(f"log.judging.{row}-processor", Samples(of_round), name, V)


def _operation(
    name: str, pool: Judges, rows: list[QueuedEntry], taken: list[float]
) -> Operation:
    def run_it(times: int) -> float:
        used, begun = processor_seconds(os.getpid()), time.perf_counter()
        for _ in range(times):
            found = [row for answer in pool.look_at(rows) for row in answer.result()]
            assert all(row.first is not None for row in found)
        seconds = time.perf_counter() - begun
        taken.append((processor_seconds(os.getpid()) - used) / times / len(rows))
        return seconds

    return Operation(name, run_it, len(rows))
