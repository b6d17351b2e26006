"""Examining, and repairing, what a region keeps: every log of its registry and of its witness.

Which entries are right is decided by heads that somebody has signed for: the signed row, the
guard, and a published checkpoint that bears the log's own signature. The largest of these that
rows and files together lead to is what is repaired; what a larger one asks for is lost here,
and has to come from the mirrors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from did_service.core.anchor.bodies.heads import parse_heads_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import Region, control_origin
from did_service.core.anchor.snapshot import HeadsSnapshot
from did_service.core.errors import DidServiceError, NotFoundError, quote
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in
from did_service.core.log.merkle import EMPTY_ROOT
from did_service.core.log.note import UnverifiedNote, VerifierKey, parse_note, verify_note
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.node.storage_setup import StorageSetup
from did_service.node.stores import OpenedStores, registry_stores, witness_stores
from did_service.registry.region import replicas_in
from did_service.registry.store import CheckpointStore
from did_service.replica.files import complete_files
from did_service.replica.fsck import Finding, examine
from did_service.replica.mirrors import mirrors_in
from did_service.replica.repair import leads_to, repair
from did_service.replica.replica import Replica
from did_service.replica.store import prepare
from did_service.storage.lease import owner_of
from did_service.witness.store import WitnessStore


def check_folder(
    storage: StorageSetup, policy: Policy, *, mend: bool = False
) -> dict[str, list[Finding]]:
    """Examine whatever a folder holds: a region's registry, a witness, or both.

    Args:
        storage: Its folder; the lock files in it say whose it is.
        policy: The pinned policy.
        mend: Whether to repair what differs.

    Returns:
        As `check_registry`; the copies of a witness stand under `mirror of ORIGIN`.

    Raises:
        NotFoundError: `folder_unknown`: no registry and no witness has ever written here.
        ConflictError, UnavailableError: as `check_registry`.
        PolicyError: `log_unknown`: the policy has no such log.
    """
    folder = storage.folder
    origin, name = owner_of(folder, "registry"), owner_of(folder, "witness")
    found: dict[str, list[Finding]] = {}
    if origin is not None:
        region = policy.region_of_log(origin)
        found |= check_registry(storage, policy, region, mend=mend)
    if name is not None:
        copies = check_witness(storage, policy, name, mend=mend)
        found |= {f"mirror of {log}": each for log, each in copies.items()}
    if origin is None and name is None:
        raise NotFoundError("folder_unknown", quote(folder))
    return found


def check_registry(
    storage: StorageSetup, policy: Policy, region: Region, *, mend: bool = False
) -> dict[str, list[Finding]]:
    """Examine the logs of a region's registry, which must not be running.

    Args:
        storage: The registry's.
        policy: The pinned policy, for the keys of the logs.
        region: The region.
        mend: Whether to repair what differs.

    Returns:
        What differs, afterwards, by log; `guard_ahead` where a larger tree was signed than is
        here.

    Raises:
        ConflictError: `folder_in_use`, `folder_of_another`.
        UnavailableError: a disk or a database does not answer.
    """
    with registry_stores(storage, control_origin(region)) as opened:
        prepare(opened.stores.engine)
        desk = _RegistryCheck(opened, policy, replicas_in(opened.stores, region.logs))
        return {origin: desk.check(origin, mend=mend) for origin in region.logs}


def check_witness(
    storage: StorageSetup, policy: Policy, name: str, *, mend: bool = False
) -> dict[str, list[Finding]]:
    """Do the same for the copies that a witness keeps, by the name of its key."""
    with witness_stores(storage, name) as opened:
        prepare(opened.stores.engine)
        held = WitnessStore(opened.stores.engine)
        found = {}
        for origin, replica in mirrors_in(opened.stores, policy).items():
            row = held.held(origin)
            heads = [None if row is None else row.head, opened.guard.held(origin)]
            found[origin] = _check_copy(replica, _keys(policy, origin), heads, mend=mend)
        return found


class _RegistryCheck:
    """The logs of one region; heads snapshots of the control log need all of them."""

    def __init__(
        self, opened: OpenedStores, policy: Policy, replicas: dict[str, Replica]
    ) -> None:
        self._guard = opened.guard
        self._policy = policy
        self._replicas = replicas
        self._checkpoints = CheckpointStore(opened.stores.engine)

    def check(self, origin: str, *, mend: bool) -> list[Finding]:
        replica = self._replicas[origin]
        found = self._examine(replica)
        if not (mend and found):
            return found
        signed, published = self._signed(origin), _published(replica, self._keys(origin))
        heads = _largest_first(origin, [signed, self._guard.held(origin), published])
        trusted = next((head for head in heads if leads_to(replica, head)), None)
        if trusted is not None:
            self._restore_row(replica, signed, published, trusted)
            files = min(self._signed(origin).size, trusted.size)
            repair(replica, trusted, files)
            complete_files(replica, files, self._heads(replica, files))
        return self._examine(replica)

    def _examine(self, replica: Replica) -> list[Finding]:
        signed = self._signed(replica.origin)
        found = examine(replica, signed)
        guarded = self._guard.held(replica.origin)
        if guarded is not None and guarded.size > max(signed.size, replica.store.size()):
            found.append(Finding("guard_ahead", "last-signed"))
        return found

    def _restore_row(
        self,
        replica: Replica,
        signed: Checkpoint,
        published: Checkpoint | None,
        trusted: Checkpoint,
    ) -> None:
        """Take the published head for the signed row, where the row has lost it."""
        if published is None or not signed.size < published.size <= trusted.size:
            return
        note = _own_note(replica, self._keys(replica.origin))
        if note is not None:
            held = self._checkpoints.read(replica.origin)
            self._checkpoints.swap(replica.origin, held, note.encode())

    def _signed(self, origin: str) -> Checkpoint:
        note = self._checkpoints.read(origin)
        return Checkpoint(origin, 0, EMPTY_ROOT) if note is None else checkpoint_in(note)

    def _heads(self, replica: Replica, size: int) -> list[HeadsSnapshot]:
        """Return the snapshots that the newest heads entries of a log name, where they can."""
        found = []
        for about, other in self._replicas.items():
            placed = replica.store.newest("heads", about, size)
            if placed is not None:
                body = parse_heads_body(placed.entry.body)
                snapshot = other.store.snapshot(body.size)
                found += [snapshot] if snapshot.root == body.root else []
        return found

    def _keys(self, origin: str) -> list[VerifierKey]:
        return _keys(self._policy, origin)


def _check_copy(
    replica: Replica,
    keys: Sequence[VerifierKey],
    held: Sequence[HeldCheckpoint | None],
    *,
    mend: bool,
) -> list[Finding]:
    found = examine(replica)
    if not (mend and found):
        return found
    heads = _largest_first(replica.origin, [*held, _published(replica, keys)])
    trusted = next((head for head in heads if leads_to(replica, head)), None)
    if trusted is not None:
        repair(replica, trusted, trusted.size)
        complete_files(replica, replica.store.size())
    return examine(replica)


def _keys(policy: Policy, origin: str) -> list[VerifierKey]:
    return [log.key for log in policy.log_policy(origin).logs]


def _largest_first(
    origin: str, heads: Iterable[Checkpoint | HeldCheckpoint | None]
) -> list[Checkpoint]:
    found = {Checkpoint(origin, each.size, each.root) for each in heads if each is not None}
    return sorted(found, key=lambda head: head.size, reverse=True)


def _own_note(replica: Replica, keys: Sequence[VerifierKey]) -> UnverifiedNote | None:
    """Return the published note with its log's signature alone; None where it has none."""
    try:
        note = parse_note(replica.tree.checkpoint() or b"")
        key = next(each for each in keys if note.lines_of(each))
        verify_note(note, key)
    except (DidServiceError, StopIteration):
        return None
    return note._replace(signatures=note.lines_of(key))


def _published(replica: Replica, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    note = _own_note(replica, keys)
    head = None if note is None else checkpoint_in(note.encode())
    return head if head is not None and head.origin == replica.origin else None
