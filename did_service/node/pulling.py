"""`did-service pull`: all that a region's keys have signed is here, or it says what is not.

    copies of the other logs ─► own logs, from the mirrors ─► guards ─► keys ─► mark removed

Own logs are fetched as `registry.pull` does it, checked against guard and quorum. What a lost
guard had known is learnt from the witnesses: so many of them that at least one honest one is
among those who saw each head. Then only keys that came out of a backup may sign again, and a
restored folder may be served (threat rule 9, docs/adr/0068).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from did_service.client.registry import LogReader
from did_service.client.transport import Transport
from did_service.client.witness import mirror_url, witness_url
from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, UnavailableError, UsageError
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import EMPTY_ROOT
from did_service.core.log.policy import KnownWitness
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.node.region import (
    RegionSetup,
    foreign_logs,
    lone_registry,
    lone_witness,
    registry_with_copies,
)
from did_service.node.restored_mark import is_marked, remove_mark
from did_service.node.retiring import RetiredKeys, pull_retiring, verifier_keys
from did_service.node.setting_table import LOGGING, WITNESSING
from did_service.registry.pull import PulledLog, pull
from did_service.registry.registry import Registry
from did_service.registry.shown import (
    accept_lost_guard,
    check_silent,
    heads_shown,
    needed_to_show,
)
from did_service.replica.check import policy_in_force
from did_service.replica.mirror import Mirror
from did_service.replica.store import ReplicaStore
from did_service.signer.keyring import Keyring
from did_service.signer.last_signed import LastSigned
from did_service.signer.restored import Holds, release, restored_in
from did_service.witness.witness import Witness


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull has done.

    Attributes:
        logs: What was fetched of each log of the region's own.
        begun: Logs whose guard was lost and begins again, with the size it begins at.
        released: Keys out of a backup that may sign again, as role and name.
        retired: Logs that go on under a new key, without what the former ones have signed.
    """

    logs: tuple[PulledLog, ...]
    begun: Mapping[str, int]
    released: tuple[str, ...]
    retired: Mapping[str, RetiredKeys]

    def encode(self) -> JsonObject:
        """Return the answer for machines."""
        return {
            "logs": {
                each.origin: {
                    "before": each.before,
                    "after": each.after,
                    "mirrors": [*each.mirrors],
                }
                for each in self.logs
            },
            "guard_begun": dict(self.begun),
            "released": [*self.released],
            "retired": {origin: each.encode() for origin, each in self.retired.items()},
        }


def pull_region(
    setup: RegionSetup, keyring: Keyring, *, guard_lost: bool, retire: bool = False
) -> Pulled:
    """Fetch what the services of a folder lack, and release what was restored.

    Args:
        setup: The services, made with keys that may not sign yet; none of them runs.
        keyring: Theirs.
        guard_lost: Whether somebody says that the guard is lost; a restored folder says so.
        retire: Whether a new key may go on without what nobody holds; see `pull_retiring`.

    Raises:
        ConflictError: `folder_in_use`; `restored_unmatched`; `log_key_not_new`.
        UnavailableError: `history_missing`, `guard_missing`, `witnesses_missing`,
            `log_unreadable`.
        ProofError: `tree_differs`.
    """
    lost = guard_lost or is_marked(setup.storage.folder)
    with ExitStack() as opened:
        desk = _Pull(setup, keyring, lost=lost, retire=retire)
        witness = None
        if setup.kind in WITNESSING:
            witness = opened.enter_context(lone_witness(setup))
            _follow(witness.refresh_now, [e.store for e in witness.mirror.replicas.values()])
        pulled = desk.registry(opened, witness) if setup.kind in LOGGING else ()
        if witness is not None:
            desk.witness(witness)
        result = Pulled(pulled, desk.begun, tuple(desk.released), desk.retired)
    remove_mark(setup.storage.folder)
    return result


class _Pull:
    """One pull of a region's services."""

    def __init__(
        self, setup: RegionSetup, keyring: Keyring, *, lost: bool, retire: bool
    ) -> None:
        self._setup = setup
        self._keyring = keyring
        self._lost = lost
        self._retire = retire
        self.retired: Mapping[str, RetiredKeys] = {}
        self.begun: dict[str, int] = {}
        self.released: list[str] = []

    def registry(self, opened: ExitStack, witness: Witness | None) -> tuple[PulledLog, ...]:
        """Fetch the own logs, begin their guard where it is lost, release their keys."""
        if witness is None:
            registry, copies = opened.enter_context(registry_with_copies(self._setup))
            _follow(copies.follow_now, [*copies.followed.values()])
        else:
            foreign = foreign_logs(self._setup, witness)
            registry = opened.enter_context(lone_registry(self._setup, foreign))
        pulled = self._pull(registry)
        if self._lost:
            self._begin_guard(registry)
        for origin, store in registry.region.stores.items():
            registry.histories[origin].check(store)
        stores = registry.region.stores
        self._release(
            KeyRole.LOG, {o: [o] for o in stores}, registry.guard, {}, _holds_in(stores)
        )
        return tuple(pulled)

    def _pull(self, registry: Registry) -> list[PulledLog]:
        if not self._retire:
            return pull(registry)
        pulled, self.retired = pull_retiring(registry, self._setup.logs, self._keyring)
        return pulled

    def _begin_guard(self, registry: Registry) -> None:
        begun = accept_lost_guard(registry)
        self.begun |= {origin: head.size for origin, head in begun.items()}
        for origin, head in begun.items():  # which of its keys have signed nobody knows
            held = HeldCheckpoint(head.size, head.root)
            registry.guard.begin(dict.fromkeys(verifier_keys(self._keyring, origin), held))
        region = registry.region
        for origin in region.stores:
            if registry.guard.held(origin) is None:  # then nobody may have cosigned anything
                policy = policy_in_force(region.pinned, region.stores[region.control])
                known = policy.log_policy(origin).witnesses
                needed = len(known) - region.pinned.region_faults
                check_silent(known, registry.transport, origin, needed)
                registry.guard.begin({origin: HeldCheckpoint(0, EMPTY_ROOT)})
                self.begun[origin] = 0

    def witness(self, witness: Witness) -> None:
        """Begin the witness's guard where it is lost, and release its key."""
        mirror, guard = witness.mirror, witness.guard
        lacking = [o for o in mirror.replicas if self._lost and guard.held(o) is None]
        shown = {origin: self._newest(mirror, origin) for origin in lacking}
        for head in shown.values():
            if head.size:
                self._copy(mirror, head, shown)
        # At once: a file that names some of its logs would be taken for the whole guard.
        guard.begin({origin: _begun(witness, head) for origin, head in shown.items()})
        stores = {origin: replica.store for origin, replica in mirror.replicas.items()}
        name = self._setup.policy_of_region().witness.name
        self._release(KeyRole.COSIGNER, {name: [*stores]}, guard, shown, _holds_in(stores))

    def _copy(self, mirror: Mirror, head: Checkpoint, shown: Mapping[str, Checkpoint]) -> None:
        """Copy a log up to a head: from the log, else from whoever mirrors it.

        What cannot be copied now is copied before anything is cosigned: the guard knows it.
        """
        witnesses = mirror.log_policy(head.origin).witnesses
        copies = [_Elsewhere(mirror, self._setup.transport, each, shown) for each in witnesses]
        for each in (mirror, *copies):
            with suppress(DidServiceError):  # the log or a mirror may lie: the next is asked
                each.catch_up(head)
                return

    def _newest(self, mirror: Mirror, origin: str) -> Checkpoint:
        """Return the newest head that the other witnesses show, or the empty tree.

        The log is not asked: it is what the guard protects from, and it would gain by a lie.

        Raises:
            UnavailableError: `witnesses_missing`: too few show one, or say there is none.
        """
        log, faults = mirror.log_policy(origin), mirror.policy_over(origin).region_faults
        own = self._setup.policy_of_region().witness
        needed = needed_to_show(log, faults)
        others = [each for each in log.witnesses if each.key != own]
        transport = self._setup.transport
        found = heads_shown(log, others, transport, origin, faults)
        if len(found) >= needed:
            return max(found.values(), key=lambda head: head.size)
        if found:
            what = f"{len(found)} witnesses show {origin} where {needed} are needed"
            raise UnavailableError("witnesses_missing", what)
        silent = min(len(log.witnesses) - faults, len(others))
        check_silent(others, transport, origin, silent)
        return Checkpoint(origin, 0, EMPTY_ROOT)

    def _release(
        self,
        role: KeyRole,
        names: Mapping[str, list[str]],
        guard: LastSigned,
        shown: Mapping[str, Checkpoint],
        holds: Holds,
    ) -> None:
        for record in restored_in(self._keyring.records):
            if record.role is role and record.name in names:
                release(self._keyring, record, names[record.name], guard, shown, holds)
                self.released.append(f"{record.role} {record.name}")


class _Elsewhere(Mirror):
    """The copies of a witness, filled from what another witness mirrors."""

    def __init__(
        self,
        mirror: Mirror,
        transport: Transport,
        witness: KnownWitness,
        shown: Mapping[str, Checkpoint],
    ) -> None:
        super().__init__(mirror.pinned, mirror.replicas, transport, mirror.edge, mirror.former)
        self._base, self._shown = witness_url(witness), shown

    def read(self, origin: str) -> LogReader:
        """Return a reader of the witness's mirror of a log."""
        return LogReader(self._transport, mirror_url(self._base, origin))

    def head(self, origin: str) -> Checkpoint:
        """Return the head that enough witnesses show, where it was asked for."""
        if origin in self._shown and self._shown[origin].size:
            return self._shown[origin]
        return super().head(origin)

    def complete(self, origin: str) -> None:
        """Leave the files alone: the mirror itself makes them."""


def _follow(look: Callable[[], None], stores: Sequence[ReplicaStore]) -> None:
    """Look at the other logs until nothing more comes: each look has its time."""
    before = None
    while (sizes := [store.size() for store in stores]) != before:
        before = sizes
        look()


def _begun(witness: Witness, head: Checkpoint) -> HeldCheckpoint:
    """Return with what a guard begins: what others show, or the larger tree of our own row."""
    row = witness.store.held(head.origin)
    if row is not None and row.head.size > head.size:
        return row.head
    return HeldCheckpoint(head.size, head.root)


def _holds_in(stores: Mapping[str, ReplicaStore]) -> Holds:
    def holds(origin: str, head: HeldCheckpoint) -> bool:
        store = stores[origin]
        return store.size() >= head.size and store.root(head.size) == head.root

    return holds


def check_pullable(setup: object) -> RegionSetup:
    """Return the setup of a service that has logs to pull.

    Raises:
        UsageError: `pull_of_agency`.
    """
    if not isinstance(setup, RegionSetup):
        raise UsageError("pull_of_agency", "an agency learns from its log when it starts")
    return setup
