"""Group `postgres`, second half: new DIDs over HTTP to a registry whose rows a server keeps.

As in `http_log`, with the processor time of the registry and, apart from it, that of all
processes of the engine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import http_log
from bench.harness import Operation, Row, Samples, Session, V
from bench.http_log import Submitter
from bench.private import engine_seconds, postgres
from bench.region import Province
from bench.registry_process import DATABASE
from bench.served import RegistryProcess
from tests.support.postgres import Server

NAME = "log.append-http-postgres"
_KINDS = {"single": http_log.singly, "batch": http_log.together}


def run(session: Session) -> None:
    """Measure the half."""
    with postgres() as server:
        if isinstance(server, str):
            for kind in _KINDS:
                session.skip(f"{NAME}.{kind}", None, server)
            return
        spent, samples = _measured(session, server)
    for kind, each in spent.items():
        rate = 1 / samples.median(kind)
        session.add(Row(f"{NAME}.{kind}", rate, "entries/s", None, None, None, samples.rounds))
        _report(session, samples, f"{NAME}.{kind}-processor", each.submitter.processor)
        _report(session, samples, f"{NAME}.{kind}-engine", each.engine)


@dataclass(slots=True)
class Spent:
    """A submitter, and what an entry took of the engine's processor time."""

    submitter: Submitter
    engine_seconds: Callable[[], float]
    engine: list[float] = field(default_factory=list)

    def run(self, times: int) -> float:
        """Hand in so often."""
        begun = self.engine_seconds()
        seconds = self.submitter.run(times)
        took = self.engine_seconds() - begun
        self.engine.append(took / times / self.submitter.count)
        return seconds


def _measured(session: Session, server: Server) -> tuple[dict[str, Spent], Samples]:
    province, count = Province(), session.effort.requests
    url = server.url(server.create())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        started = RegistryProcess.started(folder, province.fed.policy, DATABASE + url)
        registry = stack.enter_context(started)
        spent = {
            kind: Spent(
                Submitter(registry, province, count, requests_of),
                lambda: engine_seconds(server),
            )
            for kind, requests_of in _KINDS.items()
        }
        operations = [Operation(kind, each.run, count) for kind, each in spent.items()]
        return spent, session.measure(operations)


def _report(session: Session, samples: Samples, name: str, taken: list[float]) -> None:
    rounds = samples.rounds  # those before them were to warm up
    of_round = Samples({"taken": taken[-rounds:], V: samples.seconds[V]})
    session.compare(name, of_round, "taken", V)
