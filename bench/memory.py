"""Group `mem`: peaks of memory, of the program alone.

`mem.registry-100k` is a region's registry that has taken 100,000 entries: 64 agencies with
their authority, and evidence batches of theirs in turn, published every 4,096 entries, some
handed in over HTTP at the end, and evidence asked for. The entries reach its store directly,
since judging them would take minutes; a sample goes through the rules (`region.Stream`).
"""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from bench import counter, peak
from bench.harness import Row, Session
from bench.region import REG, Province
from bench.served import RegistryProcess, get, post, send
from did_service.core.did.syntax import did_id
from did_service.core.encoding import jcs

_AGENCIES = 64
_PUBLISHED_TOGETHER = 4_096


def run(session: Session) -> None:
    """Measure the group."""
    if not peak.is_known():
        for name in ("mem.did-verify", "mem.registry-100k"):
            session.skip(name, None, "this system does not tell peaks of memory")
        return
    session.tell("memory of did-verify")
    session.add(_row("mem.did-verify", counter.peak_kib(), 60))
    session.tell(f"memory of a registry after {session.effort.entries} entries")
    session.add(_row("mem.registry-100k", _registry(session.effort.entries), 200))


def _row(name: str, kib: int, target: float) -> Row:
    return Row(name, kib * 1_024 / 1e6, "MB", None, None, target, 1)


def _registry(count: int) -> int:
    province = Province()
    owners = province.agencies(min(_AGENCIES, count // 8))
    control, data_log = province.founding(), province.streams(owners, count)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        RegistryProcess.started(Path(folder), province.fed.policy) as registry,
    ):
        registry.store(REG, control)
        registry.publish()
        while entries := list(islice(data_log, _PUBLISHED_TOGETHER)):
            registry.store(province.data_log, entries)
            registry.publish()
        bodies = [jcs.encode({"entry": e.members}) + b"\n" for e in province.did_entries(64)]
        send(registry.socket, [post("/reg/entries", b"".join(bodies), "application/jsonl")], 1)
        registry.publish()
        asked = [f"/reg/evidence/did/{quote(did_id(owner.did), safe='')}" for owner in owners]
        send(registry.socket, [get(path) for path in [*asked, "/reg/checkpoint"]], 4)
        return registry.stop()
