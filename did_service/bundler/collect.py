"""Make a trust bundle from the static files of logs and mirrors.

What a counter loads beforehand: for each region's logs the newest heads entry, and under it the
newest entry of every subject, of types that this release does not know as well, with the status
lists themselves and the heads snapshots, which show that nothing was left out. Nobody has to be
trusted for it: each log is read whole, compared with a checkpoint that the policy's quorum
cosigned, and every proof is built from what was read. What is made is then read as a counter
reads it, and goes out only if all of it counts there: a counter that drops a list says "cannot
tell" to everybody.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from did_service.bundler.copies import (
    DataCopy,
    LeafTree,
    LogCopy,
    Readers,
    newest_of_all,
    read_data,
    read_log,
)
from did_service.client.registry import LogReader
from did_service.core.anchor.bodies.heads import read_heads_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.freshness import statement_time
from did_service.core.anchor.region import Region, control_origin
from did_service.core.anchor.snapshot import HeadRecord, HeadsSnapshot
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import (
    MalformedError,
    NotFoundError,
    ProofError,
    UnavailableError,
    quote,
)
from did_service.core.evidence.bundle import encode_bundle, parse_bundle
from did_service.core.evidence.pieces import UnverifiedHead, UnverifiedItem
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import MAX_TREE_SIZE

_LEFT_OUT = ("evidence",)  # what exists does not go out of date: it comes with its record


@dataclass(frozen=True, slots=True)
class BundledLog:
    """One log in a bundle: how many entries of it count, and as of which POSIX second."""

    origin: str
    size: int
    as_of: int


@dataclass(frozen=True, slots=True)
class CollectedBundle:
    """The evidence of a bundle, and the logs that it is about."""

    evidence: UnverifiedEvidence
    logs: tuple[BundledLog, ...]


def collect(policy: Policy, readers: Readers) -> CollectedBundle:
    """Read the logs of all regions and return the evidence of a bundle.

    Args:
        policy: Says which logs there are and which quorum each needs.
        readers: Where to read each log, by origin; a log without reader is left out.

    Raises:
        ProofError: what was read does not match a cosigned checkpoint or its digest.
        NotFoundError: `heads_missing`: a log has no heads entry yet.
        UnavailableError: a host does not answer; `mirror_behind`.
    """
    checkpoints: list[bytes] = []
    items: list[UnverifiedItem] = []
    contents: dict[bytes, bytes] = {}
    snapshots: dict[bytes, bytes] = {}
    logs: list[BundledLog] = []
    for region in policy.regions:
        if control_origin(region) not in readers:
            continue
        control = read_log(policy, control_origin(region), readers)
        checkpoints.append(control.note)
        items.extend(about_itself(control))
        snapshots |= _snapshot(control)
        logs.append(_bundled(control, control.origin, newest_heads(control, control.origin)))
        for data_log, heads in _data_copies(policy, region, control, readers):
            found = list(about_data(control, data_log, heads))
            items.extend(found)
            contents |= _contents(found, readers[data_log.origin])
            logs.append(_bundled(control, data_log.origin, heads))
    evidence = UnverifiedEvidence(
        tuple(checkpoints), tuple(items), contents, heads_files=snapshots
    )
    return CollectedBundle(evidence, tuple(logs))


def encode_checked(policy: Policy, collected: CollectedBundle) -> bytes:
    """Write a bundle file, and judge it as the counter that will load it does.

    Raises:
        LimitError: `too_large`.
        ProofError: `bundle_unproven`: some of it would not count there, or is missing.
    """
    data = encode_bundle(collected.evidence)
    proven = verify_evidence([("bundle", parse_bundle(data))], policy)
    for dropped in proven.dropped:
        raise ProofError("bundle_unproven", f"{dropped.what}: {dropped.code}")
    for log in collected.logs:
        if log.origin.endswith("/reg") and log.origin not in proven.complete:
            raise ProofError("bundle_unproven", f"{quote(log.origin)} is not complete")
    for item in collected.evidence.items:
        if item.entry.type == "status" and proven.content(item.entry.digest or b"") is None:
            raise ProofError("bundle_unproven", f"no list for {quote(item.entry.subject)}")
    return data


def about_itself(control: LogCopy) -> Iterator[UnverifiedItem]:
    """Yield the newest heads entry of a control log, and the items that it names."""
    heads = newest_heads(control, control.origin)
    size = len(control.placed)
    yield control.item(heads.index, size)
    for placed, head in _named(newest_of_all(control.placed[: heads.index])):
        yield control.item(placed.index, size, head)


def about_data(
    control: LogCopy, data_log: DataCopy, heads: LoggedEntry
) -> Iterator[UnverifiedItem]:
    """Yield the heads entry about a data log, and the items of that log that it names."""
    yield control.item(heads.index, len(control.placed))
    for placed, head in _named(data_log.newest):
        yield data_log.item(placed, head)


def _data_copies(
    policy: Policy, region: Region, control: LogCopy, readers: Readers
) -> Iterator[tuple[DataCopy, LoggedEntry]]:
    """Yield the data logs of a region, each with the newest heads entry that its copy reaches.

    One that no heads entry is about has nothing that could be shown to be the latest.
    """
    for origin in region.logs:
        about = origin != control.origin and any(_all_heads_about(control, origin))
        if about and origin in readers:
            head = policy.log_policy(origin).verify(readers[origin].checkpoint()).checkpoint
            heads = newest_heads(control, origin, head.size)
            yield read_data(readers[origin], head, _covered(heads)), heads


def newest_heads(control: LogCopy, origin: str, most: int = MAX_TREE_SIZE) -> LoggedEntry:
    """Return the newest heads entry about a log that covers at most so many entries.

    Raises:
        NotFoundError: `heads_missing`: there is none.
        UnavailableError: `mirror_behind`: all cover more than was read of the log.
    """
    known = list(_all_heads_about(control, origin))
    if not known:
        raise NotFoundError("heads_missing", f"{quote(origin)} has no heads entry yet")
    for each in known:
        if _covered(each) <= most:
            return each
    raise UnavailableError(
        "mirror_behind", f"{quote(origin)} was read where it has only {most} entries"
    )


def _all_heads_about(control: LogCopy, origin: str) -> Iterator[LoggedEntry]:
    """Yield the heads entries about a log, newest first."""
    for each in reversed(control.placed):
        if each.entry.type == "heads" and each.entry.subject == origin:
            yield each


def _covered(heads: LoggedEntry) -> int:
    return read_heads_body(heads.entry.body).size


def _bundled(control: LogCopy, origin: str, heads: LoggedEntry) -> BundledLog:
    body = read_heads_body(heads.entry.body)
    return BundledLog(origin, body.size, statement_time(control.fresh_at, body.at))


def _named(newest: Mapping[bytes, LoggedEntry]) -> Iterator[tuple[LoggedEntry, UnverifiedHead]]:
    """Yield the newest entry of each subject that a bundle carries, with its head proof."""
    snapshot = HeadsSnapshot.of(HeadRecord.of(each) for each in newest.values())
    tree = LeafTree(snapshot.leaf_hashes())
    for position, record in enumerate(snapshot.records):
        placed = newest[record.key]
        if placed.entry.type not in _LEFT_OUT:
            path = tree.path(position, len(tree))
            yield placed, UnverifiedHead(position, record.encode(), path)


def _snapshot(control: LogCopy) -> dict[bytes, bytes]:
    """Return the heads snapshot of a control log, gzipped, by its root."""
    heads = newest_heads(control, control.origin)
    newest = newest_of_all(control.placed[: heads.index])
    snapshot = HeadsSnapshot.of(HeadRecord.of(each) for each in newest.values())
    return {snapshot.root: gzip.compress(snapshot.encode(), mtime=0)}


def _contents(items: Sequence[UnverifiedItem], reader: LogReader) -> dict[bytes, bytes]:
    """Return the lists behind status entries; other digests are of no content, or unknown."""
    lists = (item.entry.digest for item in items if item.entry.type == "status")
    return {each: _content(each, reader.content(each)) for each in lists if each is not None}


def _content(digest: bytes, content: bytes) -> bytes:
    """Take what a host serves as content only if it is that content, and text."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise MalformedError("utf8_invalid", f"content {digest.hex()}") from error
    if sha256(content) != digest:
        raise ProofError("digest_wrong", f"other bytes were served as content {digest.hex()}")
    return content
