"""Reading a log that `grown_log` made: by its files as an auditor, by evidence as a counter."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.region import REG
from did_service.bundler.collect import collect, encode_checked
from did_service.client.answers import HttpAnswer
from did_service.client.registry import LogReader
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy, parse_policy
from did_service.core.anchor.entry import parse_entry
from did_service.core.encoding import strict_json
from did_service.core.evidence.bundle import encode_bundle
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import MAX_RESPONSE_BYTES
from did_service.core.log.merkle import CompactRange, leaf_hash
from did_service.registry.registry import Registry
from did_service.replica.tree import StaticTree
from did_service.storage.folder import FolderBlobs
from tests.support.grown_log import DATA_LOG, HOUR, POLICY, PlayedClock, registry_in
from tests.trust_items import measured, told


def read(folder: Path) -> tuple[bool, str]:
    """Hash every entry out of the files, and say whether that leads to what a quorum signed."""
    tree = StaticTree(FolderBlobs(folder / "data").below(DATA_LOG.partition("/")[2]))
    verified = policy_of(folder).log_policy(DATA_LOG).verify(tree.checkpoint() or b"")
    head, edge, size = verified.checkpoint, CompactRange(), 0
    for data in tree.entries(0, head.size):
        edge.append(leaf_hash(data))
        size += len(data)
    told = f"read: {head.size:,} entries of {size / head.size:,.0f} bytes"
    return edge.root() == head.root, told


def take_in(folder: Path, count: int) -> tuple[bool, str]:
    """Have did-verify take evidence of so many entries in, and say whether all of it counts."""
    policy, clock = policy_of(folder), PlayedClock()
    with registry_in(folder, policy, clock) as registry:
        newest = registry.region.stores[DATA_LOG].last_at()
        evidence = merged(_evidence(registry, count))
    proven = verify_evidence([("bundle", evidence)], policy)
    taken = [each for each in proven.entries if each.origin == DATA_LOG]
    steps = max(len(each.as_received.path) for each in taken)
    with tempfile.TemporaryDirectory() as name:
        bundle, trust = Path(name, "bundle"), ("--trust", Path(name, "trust"))
        bundle.write_bytes(encode_bundle(evidence))
        size = bundle.stat().st_size
        pin = ("trust", "pin", folder / POLICY, "--fingerprint", policy.fingerprint)
        pinned = measured(newest + HOUR, *pin, *trust)
        imported = measured(newest + HOUR, "trust", "import", bundle, *trust)
    said = f"evidence: {len(taken)} entries, paths of {steps}, {size:,} B"
    all_counts = len(taken) == count and not (proven.dropped or pinned[0] or imported[0])
    return all_counts, f"{said}, did-verify trust import: {told(*imported)}"


def bundle(folder: Path) -> tuple[bool, str]:
    """Make a trust bundle of the region as `did-service bundle` does, out of its files."""
    policy, transport = policy_of(folder), _Files(folder / "data")
    readers = {origin: LogReader.of_log(transport, origin) for origin in (REG, DATA_LOG)}
    collected = collect(policy, readers)
    data, read = encode_checked(policy, collected), [log.size for log in collected.logs]
    items = len(collected.evidence.items)
    told = f"bundle: {items} items of {sum(read):,} entries, {len(data):,} B"
    return len(read) == len(readers), told


class _Files(Transport):
    """Answers with the files of a folder, as the host of the region does."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        max_bytes: int = MAX_RESPONSE_BYTES,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Read the file that the path names."""
        file = self._folder / url.removeprefix("https://gd.example/")
        if file.is_file():
            return HttpAnswer(200, {}, file.read_bytes())
        return HttpAnswer(404, {}, b"")


def policy_of(folder: Path) -> Policy:
    """Return the policy of a grown log."""
    return parse_policy(strict_json.load_object((folder / POLICY).read_bytes()))


def merged(sets: Iterator[UnverifiedEvidence]) -> UnverifiedEvidence:
    """Put sets together; what several of them have stands once."""
    checkpoints, items = {}, {}
    for each in sets:
        checkpoints |= dict.fromkeys(each.checkpoints)
        items |= {(item.log, item.size, item.index): item for item in each.items}
    return UnverifiedEvidence(tuple(checkpoints), tuple(items.values()))


def _evidence(registry: Registry, count: int) -> Iterator[UnverifiedEvidence]:
    """Yield the evidence of entries at equal distances, the first and the last among them."""
    store, newest = registry.region.stores[DATA_LOG], EvidenceMoment.NEWEST
    last = store.size() - 1
    for number in range(count):
        entry = parse_entry(*store.entries(at := last * number // (count - 1), at + 1))
        yield registry.evidence[DATA_LOG].numbered(
            entry.type, entry.subject, entry.number, newest
        )
