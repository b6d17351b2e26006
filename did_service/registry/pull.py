"""Fetching what a log has said and does not hold any more, from the mirrors of other regions.

    guard, newest checkpoint of a quorum ─► wanted heads, smallest first
    mirror of a witness ─► piece ─ a beginning of that head's tree? ─ rules ─ append

Nothing is appended that does not lead to a head which our own key has signed, and every entry
is judged again by the rules, as a witness judges it. What is fetched stands as it stood: same
index, same second. Whatever ends the work, it goes on where it was (threat rule 9, adr 58).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from did_service.client.registry import LogReader
from did_service.client.transport import Transport
from did_service.client.witness import mirror_url, witness_url
from did_service.core.anchor.view import LogView
from did_service.core.errors import DidServiceError, ProofError, UnavailableError
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.policy import KnownWitness
from did_service.core.text import quote
from did_service.registry.region import RegionStores
from did_service.registry.registry import Registry
from did_service.registry.shown import shown_heads
from did_service.replica.check import policy_in_force
from did_service.replica.mirror import Mirror

_LOG = logging.getLogger("did_service.registry")


@dataclass(frozen=True, slots=True)
class PulledLog:
    """What was fetched of one log.

    Attributes:
        origin: The log.
        before: Entries that it held.
        after: Entries that it holds.
        mirrors: Names of the witnesses whose mirrors answered.
    """

    origin: str
    before: int
    after: int
    mirrors: tuple[str, ...]


def pull(registry: Registry) -> list[PulledLog]:
    """Fetch the entries that the logs of a region have signed and lack.

    The registry takes entries again afterwards, without a restart. It may be repeated, and does
    nothing where nothing is missing.

    Args:
        registry: Opened; nothing else may write its logs, which it does not do by itself while
            one of them lacks something.

    Raises:
        UnavailableError: `history_missing`: no mirror that answers has all that was signed; all
            such logs are named, and `details["log"]` is the first; `guard_damaged`; the disk.
        ProofError: `tree_differs`: the rows are not a beginning of what was signed.
        DidServiceError: the rule that an entry breaks.
    """
    desk, pulled, missing = _PullDesk(registry), list[PulledLog](), list[UnavailableError]()
    for origin in _control_first(registry.region):
        try:
            pulled.append(desk.pull(origin))
        except UnavailableError as error:  # that a log holds something else is told at once
            if error.code == "history_missing":
                missing.append(error)  # who has to give them all a new key learns it at once
            elif not missing:
                raise
    if missing:
        what = "; ".join(error.message for error in missing)
        raise UnavailableError("history_missing", what, **missing[0].details) from missing[0]
    return pulled


class _PullDesk:
    """One pull over all logs of a region."""

    def __init__(self, registry: Registry) -> None:
        self._region = registry.region
        self._transport = registry.transport
        self._before = {o: store.size() for o, store in self._region.stores.items()}
        self._shown = {
            origin: shown_heads(self._region, self._transport, origin)
            for origin in self._region.stores
        }
        for origin, history in registry.histories.items():
            for head in self._shown[origin].values():
                history.learn(head)
        self._said = {
            origin: {*history.heads().values(), *self._shown[origin].values()}
            for origin, history in registry.histories.items()
        }

    def pull(self, origin: str) -> PulledLog:
        store = self._region.stores[origin]
        # Smallest first: each leads on to the next.
        for head in sorted(self._said[origin], key=lambda head: head.size):
            if store.size() < head.size:
                self._fetch(head)
            if store.root(head.size) != head.root:
                what = f"{origin} holds other entries than were signed at {head.size}"
                raise ProofError("tree_differs", what)
        return PulledLog(origin, self._before[origin], store.size(), tuple(self._shown[origin]))

    def _fetch(self, head: Checkpoint) -> None:
        """Copy a log up to a head, from one mirror after the other."""
        region = self._region
        policy = policy_in_force(region.pinned, region.stores[region.control])
        fault: DidServiceError | None = None
        for witness in policy.log_policy(head.origin).witnesses:
            try:
                self._reader(witness).catch_up(head)
            except DidServiceError as error:  # it may lie, or lag: the next one is asked
                _LOG.info("mirror at %s: %s", quote(witness.key.name), error.code)
                fault = error if fault is None or isinstance(fault, UnavailableError) else fault
            else:
                return
        if fault is not None and not isinstance(fault, UnavailableError):
            raise fault
        size = region.stores[head.origin].size()
        what = f"no mirror has {head.origin} from {size} to {head.size}"
        raise UnavailableError("history_missing", what, size=size, log=head.origin) from fault

    def _reader(self, witness: KnownWitness) -> _MirrorReader:
        newest = {
            origin: max(heads, key=lambda head: head.size)
            for origin, heads in self._said.items()
            if heads
        }
        return _MirrorReader(self._region, self._transport, witness, newest)


class _MirrorReader(Mirror):
    """The region's own logs, as a copy of what one witness mirrors."""

    def __init__(
        self,
        region: RegionStores,
        transport: Transport,
        witness: KnownWitness,
        newest: Mapping[str, Checkpoint],
    ) -> None:
        self._foreign = region.foreign
        self._base = witness_url(witness)
        self._newest = newest
        super().__init__(region.pinned, region.replicas, transport, region.edge)

    def read(self, origin: str) -> LogReader:
        """Return a reader of the witness's mirror of a log."""
        return LogReader(self._transport, mirror_url(self._base, origin))

    def head(self, origin: str) -> Checkpoint:
        """Return the newest head that our own key has signed, wherever that is known from.

        Raises:
            UnavailableError: `log_unreadable`: nothing of this log is known.
        """
        if origin not in self._newest:
            raise UnavailableError("log_unreadable", f"nobody shows anything of {origin}")
        return self._newest[origin]

    def complete(self, origin: str) -> None:
        """Leave the files alone: the publisher makes those of what is signed."""

    def views(self) -> dict[str, LogView]:
        """Return the logs that entries may rest on: ours, and the copies of all others."""
        return {**self._foreign, **super().views()}


def _control_first(region: RegionStores) -> Iterator[str]:
    yield region.control
    yield from (origin for origin in region.stores if origin != region.control)
