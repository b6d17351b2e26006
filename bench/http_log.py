"""Group `log`, second half: new DIDs handed in to the real registry over HTTP.

One process serves, this one sends. Every answer means: judged, sequenced and durable; signed
and witnessed checkpoints follow while the registry goes on. `.single` is one entry a request
over 32 connections, `.batch` 256 in JSON lines; `.batch-unchecked` is a registry that checks no
signature, so the difference is what proofs cost.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.harness import Effort, Row, Session
from bench.region import Province
from bench.registry_process import WITHOUT_SIGNATURES
from bench.served import Load, RegistryProcess, post, send
from did_service.core.anchor.entry import Entry
from did_service.core.encoding import jcs

_PATH = "/reg/entries"
_CONNECTIONS = 32
_BATCH = 256


def run(session: Session) -> None:
    """Measure the half."""
    province, effort = Province(), session.effort
    session.tell("a registry over HTTP")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        start = RegistryProcess.started
        policy = province.fed.policy
        checked = stack.enter_context(start(folder / "checked", policy))
        unchecked = stack.enter_context(start(folder / "unchecked", policy, WITHOUT_SIGNATURES))
        loads: dict[str, Callable[[], Load]] = {
            "single": lambda: _single(checked, province, effort),
            "batch": lambda: _batch(checked, province, effort),
            "batch-unchecked": lambda: _batch(unchecked, province, effort),
        }
        samples = session.rounds(loads)
    _report(session, samples)


def _report(session: Session, samples: dict[str, list[Load]]) -> None:
    rounds, name = session.effort.rounds, "log.append-http"
    targets = {"single": 3_000.0, "batch": None, "batch-unchecked": 20_000.0}
    for kind, loads in samples.items():
        entries = session.effort.requests
        rate = median(entries / load.seconds for load in loads)
        session.add(Row(f"{name}.{kind}", rate, "entries/s", None, None, targets[kind], rounds))
    slowest = median(load.percentile(0.99) for load in samples["single"]) * 1e3
    session.add(Row(f"{name}.single-p99", slowest, "ms", None, None, 250, rounds))


def _single(registry: RegistryProcess, province: Province, effort: Effort) -> Load:
    rows = province.did_entries(effort.requests)
    requests = [post(_PATH, _row(entry), "application/json") for entry in rows]
    return send(registry.socket, requests, min(_CONNECTIONS, effort.requests))


def _batch(registry: RegistryProcess, province: Province, effort: Effort) -> Load:
    rows = [_row(entry) + b"\n" for entry in province.did_entries(effort.requests)]
    bodies = [b"".join(rows[i : i + _BATCH]) for i in range(0, len(rows), _BATCH)]
    requests = [post(_PATH, body, "application/jsonl") for body in bodies]
    return send(registry.socket, requests, len(requests))


def _row(entry: Entry) -> bytes:
    return jcs.encode({"entry": entry.members})
