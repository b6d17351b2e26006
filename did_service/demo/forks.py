"""A second branch of a log, made by whoever has the log's true key."""

from __future__ import annotations

from contextlib import suppress

from did_service.bundler.collect import about_itself
from did_service.bundler.copies import copy_of
from did_service.core.anchor.entry import parse_entry
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in, sign_checkpoint
from did_service.demo.world import DemoWorld
from did_service.node.region import lone_registry
from did_service.registry.publisher import HeadsEntry
from did_service.registry.registry import Registry
from did_service.registry.sequencer import QueuedEntry
from did_service.replica.store import ReplicaStore

_REGION = "gd"


def forked_evidence(world: DemoWorld) -> tuple[JsonObject, int]:
    """Run a second registry of Guangdong and return the evidence that its branch offers.

    Its control log is forked; what was written in another year's log could not be written now.
    The branch says the same of every subject, at other places and times, and is as long as the
    true log. The witnesses hold that one, so none of them cosigns; the evidence carries the
    log's signature alone, beside the true checkpoint that a wallet has as well.

    Returns:
        The evidence, and how many witnesses raised an alarm.
    """
    true = world.registries[_REGION]
    note, size = _published(true)
    folder = world.folder / "forked" / _REGION
    with lone_registry(world.setup(_REGION, folder), {}) as forged:
        own, log = true.region.control, forged.region.stores[true.region.control]
        forged.sequencer.append(own, _replayed(true.region.stores[own]))
        while log.size() < size:
            forged.sequencer.append(own, [HeadsEntry(own, own)])
        with suppress(DidServiceError):  # no quorum: that is the point
            forged.publish_now()
        alone = _log_signed(world, log, size)
        evidence = UnverifiedEvidence((*alone.checkpoints, note), alone.items)
        return evidence.encode(), sum(forged.fork_alarms().values())


def _published(registry: Registry) -> tuple[bytes, int]:
    """Return the checkpoint of the control log that everybody may read, and its size."""
    note = registry.logs[registry.region.control].tree.checkpoint() or b""
    return note, checkpoint_in(note).size


def _log_signed(world: DemoWorld, store: ReplicaStore, size: int) -> UnverifiedEvidence:
    """Return the beginning of a log under a checkpoint that its key alone has signed."""
    head = Checkpoint(store.origin, size, store.root(size))
    note = sign_checkpoint(head, world.founded.keys[_REGION].logs[store.origin])
    copy = copy_of(store.origin, note, store.entries(0, size))
    return UnverifiedEvidence((note,), tuple(about_itself(copy)))


def _replayed(store: ReplicaStore) -> list[QueuedEntry]:
    """Return the first entry of each chain of a log, to be written once more elsewhere."""
    rows = []
    for entry in (parse_entry(data) for data in store.entries(0, store.size())):
        content = store.content(entry.digest) if entry.digest else None
        contents = {entry.digest: content} if entry.digest and content else {}
        if entry.number == 1 and entry.type != "heads":
            rows.append(QueuedEntry(entry.submission(), contents))
    return rows
