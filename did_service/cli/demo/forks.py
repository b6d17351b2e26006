"""A second branch of a log, made by whoever has the log's true key."""

from __future__ import annotations

from contextlib import closing, suppress

from did_service.cli.demo.world import DemoWorld
from did_service.client.bundle import about_itself, copy_of
from did_service.core.anchor.entry import parse_entry
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.registry.publisher import HeadsEntry
from did_service.registry.registry import Registry
from did_service.registry.sequencer import QueuedEntry
from did_service.replica.store import ReplicaStore

_REGION = "gd"


def forked_evidence(world: DemoWorld) -> tuple[JsonObject, int]:
    """Run a second registry of Guangdong and return the evidence that its branch offers.

    Its control log is forked; what was written in another year's log could not be written now.
    The branch says the same of every subject, at other places and times. The witnesses hold the
    true log, so none of them cosigns; the evidence carries the log's signature alone.

    Returns:
        The evidence, and how many witnesses raised an alarm.
    """
    true = world.registries[_REGION].region
    folder = world.folder / "forked" / _REGION
    with closing(Registry(world.settings(_REGION, folder))) as forged:
        forged.sequencer.append(true.control, _replayed(true.stores[true.control]))
        forged.sequencer.append(true.control, [HeadsEntry(true.control, true.control)])
        with suppress(DidServiceError):  # no quorum: that is the point
            forged.publish_now()
        return _log_signed(world, forged), forged.gauges()["fork_alarms"]


def _log_signed(world: DemoWorld, forged: Registry) -> JsonObject:
    """Return everything in a log under the checkpoint that its key alone has signed."""
    origin = forged.region.control
    store = forged.region.stores[origin]
    head = Checkpoint(origin, store.size(), store.root(store.size()))
    note = sign_checkpoint(head, world.founded.keys[_REGION].logs[origin])
    copy = copy_of(origin, note, store.entries(0, store.size()))
    return UnverifiedEvidence((note,), tuple(about_itself(copy))).encode()


def _replayed(store: ReplicaStore) -> list[QueuedEntry]:
    """Return the first entry of each chain of a log, to be written once more elsewhere."""
    rows = []
    for entry in (parse_entry(data) for data in store.entries(0, store.size())):
        content = store.content(entry.digest) if entry.digest else None
        contents = {entry.digest: content} if entry.digest and content else {}
        if entry.number == 1 and entry.type != "heads":
            rows.append(QueuedEntry(entry.submission(), contents))
    return rows
