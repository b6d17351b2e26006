"""Group `log`, second half: new DIDs handed in to the real registry over HTTP.

One process serves, this one sends. Every answer means: judged, sequenced and durable; signed
and witnessed checkpoints follow while the registry goes on. `.single` is one entry a request
over 64 connections, `.batch` 256 in JSON lines, four at a time. A registry with a process that
judges beside it takes `….judged`; `.batch-unchecked` is one that checks no signature, so the
difference is what proofs cost. `.witnessed` waits each time for the quorum, of a registry that
publishes again as soon as it has published. `resolver.get` is the processor time that the
registry takes to answer for one of 64 DIDs, with the log's proof in the answer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.harness import Operation, Row, Samples, Session, V
from bench.region import Province
from bench.registry_process import AT_ONCE, JUDGE, WITHOUT_SIGNATURES
from bench.served import RegistryProcess, get, post, send
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import as_text
from did_service.resolver.routes import PREFIX

NAME = "log.append-http"
_PATH = "/reg/entries"
_CONNECTIONS = 64  # so that a transaction has many entries, as in a registry that is busy
_TIMES = 4  # of the requests of a group, else a round is over before all threads are at work
_BATCH = 256
_SUBJECTS = 64
_WAIT_SECONDS = 10
_MOST_MS = 250.0
_PROCESSOR_TARGETS = {"single": 13.5}
_TARGETS = {
    "single": 2_000.0,
    "single.judged": 3_000.0,
    "batch.judged": 4_000.0,
    "batch-unchecked": 6_000.0,
}


@dataclass(slots=True)
class Submitter:
    """Hands in `count` new DIDs at a time.

    Of each time `slowest` has the 99th percentile, and `processor` what an entry took of the
    processor time of the registry and its judge, signing and publishing meanwhile included.
    """

    registry: RegistryProcess
    province: Province
    count: int
    requests_of: Callable[[Sequence[bytes]], list[bytes]]
    slowest: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def run(self, times: int) -> float:
        """Hand them in; making them is not counted."""
        return sum(self._hand_in() for _ in range(times))

    def _hand_in(self) -> float:
        made = self.province.did_entries(self.count)
        requests = self.requests_of([jcs.encode({"entry": each.members}) for each in made])
        begun = self.registry.processor_seconds()
        load = send(self.registry.socket, requests, min(_CONNECTIONS, len(requests)))
        self.processor.append((self.registry.processor_seconds() - begun) / self.count)
        self.slowest.append(load.percentile(0.99))
        return load.seconds


def run(session: Session) -> None:
    """Measure the half."""
    province, count = Province(), session.effort.requests * _TIMES
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        start, policy = RegistryProcess.started, province.fed.policy
        checked = stack.enter_context(start(folder / "checked", policy))
        judged = stack.enter_context(start(folder / "judged", policy, JUDGE))
        unchecked = stack.enter_context(start(folder / "unchecked", policy, WITHOUT_SIGNATURES))
        at_once = stack.enter_context(start(folder / "at-once", policy, AT_ONCE))
        submitters = {
            "single": Submitter(checked, province, count, singly),
            "single.judged": Submitter(judged, province, count, singly),
            "batch": Submitter(checked, province, count, together),
            "batch.judged": Submitter(judged, province, count, together),
            "batch-unchecked": Submitter(unchecked, province, count, together),
            "witnessed": Submitter(at_once, province, count, _witnessed),
        }
        operations = [Operation(kind, each.run, count) for kind, each in submitters.items()]
        samples = session.measure(operations)
        checked.publish()
        _resolve(session, checked, province)
    for kind, submitter in submitters.items():
        _report(session, samples, kind)
        _report_processor(session, samples, kind, submitter)
    for kind in ("single", "witnessed"):
        slowest = median(submitters[kind].slowest[-samples.rounds :]) * 1e3
        session.add(
            Row(f"{NAME}.{kind}-p99", slowest, "ms", None, None, _MOST_MS, samples.rounds)
        )


def _resolve(session: Session, registry: RegistryProcess, province: Province) -> None:
    """Measure the processor time of the registry for one GET of a DID that it has published."""
    made = province.did_entries(_SUBJECTS)
    send(registry.socket, together([jcs.encode({"entry": each.members}) for each in made]), 1)
    registry.publish()
    paths = [f"{PREFIX}{as_text(each.body['did'], 'did')}" for each in made]

    def run_it(times: int) -> float:
        begun = registry.processor_seconds()
        send(registry.socket, [get(path) for path in paths] * times, _CONNECTIONS)
        return registry.processor_seconds() - begun

    samples = session.measure([Operation("resolve", run_it, len(paths))])
    session.compare("resolver.get", samples, "resolve", V, 30)


def _report(session: Session, samples: Samples, kind: str) -> None:
    rate, rounds = 1 / samples.median(kind), samples.rounds
    target = _TARGETS.get(kind)
    session.add(Row(f"{NAME}.{kind}", rate, "entries/s", None, None, target, rounds))
    session.compare(f"{NAME}.{kind}", samples, kind, V)


def _report_processor(
    session: Session, samples: Samples, kind: str, submitter: Submitter
) -> None:
    """Add the row of the registry's processor time, which a neighbour's turn is no part of."""
    rounds = samples.rounds  # those before them were to warm up
    taken = {"taken": submitter.processor[-rounds:], V: samples.seconds[V]}
    session.compare(
        f"{NAME}.{kind}-processor", Samples(taken), "taken", V, _PROCESSOR_TARGETS.get(kind)
    )


def singly(rows: Sequence[bytes]) -> list[bytes]:
    """Return a request for each entry."""
    return [post(_PATH, row, "application/json") for row in rows]


def _witnessed(rows: Sequence[bytes]) -> list[bytes]:
    return [post(_PATH, row, "application/json", _WAIT_SECONDS) for row in rows]


def together(rows: Sequence[bytes]) -> list[bytes]:
    """Return requests of a batch of entries each."""
    batches = [rows[i : i + _BATCH] for i in range(0, len(rows), _BATCH)]
    return [post(_PATH, b"\n".join(batch), "application/jsonl") for batch in batches]
