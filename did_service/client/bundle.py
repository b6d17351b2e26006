"""Make a trust bundle from the static files of logs and mirrors.

What a counter loads beforehand: for each region's logs the newest heads entry, and under it the
newest entry of every subject, with the status lists themselves and the heads snapshots, which
show that nothing was left out. Nobody has to be trusted for it: each log is read whole,
compared with a checkpoint that the policy's quorum cosigned, and every proof is built from what
was read.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from did_service.client.registry import LogReader
from did_service.core.anchor.entry import Entry, Placed, parse_entry
from did_service.core.anchor.heads import HeadRecord, HeadsSnapshot, subject_key
from did_service.core.anchor.policy import Policy, Region, reg_origin
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import NotFoundError, ProofError, quote
from did_service.core.log.merkle import inclusion_path, tree_root
from did_service.core.verification.evidence import (
    UnverifiedEvidence,
    UnverifiedHead,
    UnverifiedItem,
)

_CARRIED = ("did", "authority", "schema", "policy", "status")

Readers = Mapping[str, LogReader]


@dataclass(frozen=True, slots=True)
class Copy:
    """A whole log as read, under a checkpoint that the quorum cosigned."""

    origin: str
    note: bytes
    placed: tuple[Placed, ...]
    leaves: tuple[bytes, ...]

    def item(self, index: int, size: int, head: UnverifiedHead | None = None) -> UnverifiedItem:
        """Return the evidence item of an entry in the tree of the first `size` entries."""
        path = tuple(inclusion_path(self.leaves[:size], index))
        return UnverifiedItem(self.origin, size, index, self.placed[index].entry, path, head)


def collect(policy: Policy, readers: Readers) -> UnverifiedEvidence:
    """Read the logs of all regions and return the evidence set of a bundle.

    Args:
        policy: Says which logs there are and which quorum each needs.
        readers: Where to read each log, by origin; a log without reader is left out.

    Raises:
        ProofError: what was read does not match a cosigned checkpoint.
        NotFoundError: `heads_missing`: a log has no heads entry yet.
        UnavailableError: a host does not answer.
    """
    checkpoints: list[bytes] = []
    items: list[UnverifiedItem] = []
    contents: dict[bytes, bytes] = {}
    snapshots: dict[bytes, bytes] = {}
    for region in policy.regions:
        if reg_origin(region) not in readers:
            continue
        reg = read_log(policy, reg_origin(region), readers)
        checkpoints.append(reg.note)
        items.extend(about_itself(reg))
        snapshots |= _snapshot(reg)
        for ev, heads in _ev_copies(policy, region, reg, readers):
            found = list(about_ev(reg, ev, heads))
            items.extend(found)
            contents |= _contents(found, readers[ev.origin])
    return UnverifiedEvidence(tuple(checkpoints), tuple(items), contents, heads_files=snapshots)


def read_log(policy: Policy, origin: str, readers: Readers) -> Copy:
    """Read a log whole and compare it with its cosigned checkpoint.

    Raises:
        ProofError: `root_mismatch`, or the checkpoint's own.
    """
    note = readers[origin].checkpoint()
    checkpoint = policy.log_policy(origin).verify(note).checkpoint
    size = checkpoint.size
    copy = copy_of(origin, note, readers[origin].entries(0, size, size))
    if tree_root(copy.leaves) != checkpoint.root:
        raise ProofError("root_mismatch", f"the entries of {quote(origin)} are not its tree's")
    return copy


def copy_of(origin: str, note: bytes, stored: Sequence[bytes]) -> Copy:
    """Put the entries of a whole log, as stored, beside a checkpoint; nothing is compared."""
    entries = [parse_entry(data) for data in stored]
    leaves = tuple(entry.leaf() for entry in entries)
    placed = tuple(
        Placed(entry, index, leaf)
        for index, (entry, leaf) in enumerate(zip(entries, leaves, strict=True))
    )
    return Copy(origin, note, placed, leaves)


def about_itself(reg: Copy) -> Iterator[UnverifiedItem]:
    """Yield the newest heads entry of a control log, and the items that it names."""
    heads = _heads_about(reg, reg.origin)
    if heads is None:
        raise NotFoundError("heads_missing", f"{quote(reg.origin)} has no heads entry yet")
    size = len(reg.placed)
    yield reg.item(heads.index, size)
    for index, head in _newest(reg.placed[: heads.index]):
        yield reg.item(index, size, head)


def about_ev(reg: Copy, ev: Copy, heads: Placed) -> Iterator[UnverifiedItem]:
    """Yield the heads entry about an ev log, and the items of that log that it names."""
    size = Fields(heads.entry.body, "heads").integer("size")
    yield reg.item(heads.index, len(reg.placed))
    for index, head in _newest(ev.placed[:size]):
        yield ev.item(index, size, head)


def _ev_copies(
    policy: Policy, region: Region, reg: Copy, readers: Readers
) -> Iterator[tuple[Copy, Placed]]:
    for origin in region.logs:
        heads = _heads_about(reg, origin)
        if origin != reg.origin and origin in readers and heads is not None:
            yield read_log(policy, origin, readers), heads


def _heads_about(reg: Copy, origin: str) -> Placed | None:
    for each in reversed(reg.placed):
        if each.entry.type == "heads" and each.entry.subject == origin:
            return each
    return None


def _newest(placed: Sequence[Placed]) -> Iterator[tuple[int, UnverifiedHead]]:
    """Yield index and head proof of the newest entry of each subject that a bundle carries."""
    newest = _newest_of_all(placed)
    snapshot = HeadsSnapshot.of(HeadRecord.of(each) for each in newest.values())
    for position, record in enumerate(snapshot.records):
        if newest[record.key].entry.type in _CARRIED:
            path = tuple(snapshot.path(position))
            yield record.index, UnverifiedHead(position, record.encode(), path)


def _newest_of_all(placed: Sequence[Placed]) -> dict[bytes, Placed]:
    return {_key(each.entry): each for each in placed if each.entry.type != "heads"}


def _key(entry: Entry) -> bytes:
    return subject_key(entry.type, entry.subject)


def _snapshot(reg: Copy) -> dict[bytes, bytes]:
    """Return the heads snapshot of a control log, gzipped, by its root."""
    heads = _heads_about(reg, reg.origin)
    newest = _newest_of_all(reg.placed[: heads.index] if heads else ())
    snapshot = HeadsSnapshot.of(HeadRecord.of(each) for each in newest.values())
    return {snapshot.root: gzip.compress(snapshot.encode(), mtime=0)}


def _contents(items: Sequence[UnverifiedItem], reader: LogReader) -> dict[bytes, bytes]:
    digests = [item.entry.digest for item in items if item.entry.digest is not None]
    return {digest: reader.content(digest) for digest in digests}
