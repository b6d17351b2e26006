"""Evidence sets (formats.md 5) built from logs in memory, as published."""

from collections.abc import Iterable, Mapping, Sequence

from did_service.core.anchor.entry import LoggedEntry
from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.proven_set import ChainKey, Evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.log.checkpoint import checkpoint_in
from tests.support.memory_log import MemoryLog

Logs = Mapping[str, MemoryLog]


def kept(evidence: Evidence) -> UnverifiedEvidence:
    """Return what a trust directory keeps of evidence, its chains and policies, as one set."""
    chains = sorted(evidence.kept_chains(), key=lambda each: _place(each[0]))
    sets = [own for _, own in chains]
    items = {(i.log, i.size, i.index): i for own in sets for i in own.items}
    return UnverifiedEvidence(
        checkpoints=tuple(dict.fromkeys(note for own in sets for note in own.checkpoints)),
        items=tuple(items.values()),
        contents={d: content for own in sets for d, content in own.contents.items()},
        batches=tuple(dict.fromkeys(batch for own in sets for batch in own.batches)),
        policies=evidence.policies,
        heads_files={root: file for own in sets for root, file in own.heads_files.items()},
    )


def _place(key: ChainKey) -> tuple[str, str, str]:
    return key.log, key.kind, key.subject


def collect_evidence(
    logs: Logs,
    notes: Mapping[str, bytes],
    contents: Mapping[bytes, bytes],
    subjects: Iterable[tuple[str, str]],
    batches: Sequence[JsonObject],
) -> JsonObject:
    """Collect items, heads entries, checkpoints and contents for subjects and batches.

    Args:
        logs: Logs by origin.
        notes: The newest witnessed checkpoint of each log.
        contents: Bytes by digest.
        subjects: Type and subject; those not in the newest heads are left out.
        batches: Members of `batches`; their entries are added.
    """
    items: dict[tuple[str, int, int], JsonObject] = {}
    found = [
        item for subject in dict.fromkeys(subjects) for item in _newest(logs, notes, subject)
    ]
    found += [item for batch in batches for item in _batch_entry(logs, notes, batch)]
    for item in found:
        items.setdefault((item["log"], item["index"], item["size"]), item)
    hosts = {_host(item["log"]) for item in items.values()}
    digests = [item["entry"]["d"] for item in items.values() if item["entry"]["t"] == "status"]
    return {
        "format": "didsvc-evidence/1",
        "checkpoints": [notes[f"{host}/reg"].decode() for host in sorted(hosts)],
        "items": list(items.values()),
        "contents": {d: contents[b64.decode_url(d)].decode() for d in digests},
        "batches": list(batches),
        "policies": [],
        "heads_files": {},
    }


def evidence_item(log: MemoryLog, placed: LoggedEntry, size: int) -> JsonObject:
    """An entry with its path in the tree of the first `size`, without head."""
    return {
        "log": log.origin,
        "size": size,
        "index": placed.index,
        "entry": placed.entry.members,
        "path": encode_hashes(log.path(placed.index, size)),
    }


def encode_hashes(hashes: Iterable[bytes]) -> list[str]:
    """Hashes as they stand in JSON."""
    return [b64.encode_url(each) for each in hashes]


def _newest(
    logs: Logs, notes: Mapping[str, bytes], subject: tuple[str, str]
) -> list[JsonObject]:
    """The newest entry of a subject with its head, and the heads entry that names it."""
    for origin, log in logs.items():
        control, size = logs[f"{_host(origin)}/reg"], _published(notes, origin)
        heads = control.newest("heads", origin, size)
        covered = 0 if heads is None else heads.entry.body["size"]
        placed = log.newest(*subject, covered)
        if heads is not None and placed is not None:
            item = evidence_item(log, placed, size if log is control else covered)
            head = _head(log, placed, covered)
            return [{**item, "head": head}, evidence_item(control, heads, size)]
    return []


def _head(log: MemoryLog, placed: LoggedEntry, covered: int) -> JsonObject:
    snapshot = log.snapshot(covered)
    position = snapshot.find(placed.entry.type, placed.entry.subject)
    record = b64.encode_url(snapshot.records[position].encode())
    return {
        "position": position,
        "record": record,
        "path": encode_hashes(snapshot.path(position)),
    }


def _batch_entry(logs: Logs, notes: Mapping[str, bytes], batch: JsonObject) -> list[JsonObject]:
    """The entry of a batch, under the earliest heads entry that covers it."""
    origin, index = batch["log"], batch["index"]
    control, size = logs[f"{_host(origin)}/reg"], _published(notes, origin)
    for heads in control.chain("heads", origin):
        covered = heads.entry.body["size"]
        if index < covered and heads.index < size:
            placed = logs[origin].entries[index]
            return [
                evidence_item(logs[origin], placed, covered),
                evidence_item(control, heads, size),
            ]
    return []


def _published(notes: Mapping[str, bytes], origin: str) -> int:
    """Return the size of the newest published checkpoint of the reg beside a log."""
    note = notes.get(f"{_host(origin)}/reg")
    return 0 if note is None else checkpoint_in(note).size


def _host(origin: str) -> str:
    return origin.partition("/")[0]
