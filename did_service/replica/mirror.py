"""Copies of all logs of a federation, every entry judged before it is stored.

    pull a piece ─ is it a beginning of the signed tree? ─ judge ─ append ─ make its files
         ▲                                                    │
         └──── first copy another log so far, where an entry rests on it

A log is pulled from its address in this region's own policy, never from where a request says.
Pieces are whole in themselves: a copy that was interrupted goes on where it was. A data log is
judged by its region's control log, so that one is brought up first; a control entry about a
data log waits for the copy of it. Locks are held for one piece, never while another log is
copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

from did_service.client.registry import LogReader
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import Entry, parse_entry
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.view import LogView
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    NotFoundError,
    PolicyError,
    ProofError,
    RuleError,
    UnavailableError,
)
from did_service.core.limits import MAX_CATCH_UP_ENTRIES, MAX_FOLLOW_SECONDS
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import check_consistency, leaf_hash
from did_service.core.log.policy import LogPolicy, VerifiedCheckpoint
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.program.clock import ClockAndRandom
from did_service.replica.check import policy_in_force
from did_service.replica.files import complete_files
from did_service.replica.mending import mend
from did_service.replica.piece import MirrorPiece, rests_on, unreadable
from did_service.replica.replica import Replica
from did_service.replica.store import ReplicaStore


class Mirror:
    """The replicas of one witness, by origin.

    Args:
        pinned: The pinned policy; a log's own region may carry a higher one.
        replicas: One for each log of the policy.
        transport: Reaches the logs.
        edge: The clock.
        former: Copies of logs that no policy names any more; entries may rest on them.
    """

    def __init__(
        self,
        pinned: Policy,
        replicas: dict[str, Replica],
        transport: Transport,
        edge: ClockAndRandom,
        former: Mapping[str, ReplicaStore] | None = None,
    ) -> None:
        self.former = former or {}
        self.pinned = pinned
        self._transport = transport
        self.edge = edge
        self._locks = {origin: Lock() for origin in replicas}
        self.replicas = replicas
        for origin in replicas:
            self.complete(origin)

    def policy_over(self, origin: str) -> Policy:
        """Return the policy in force over a log.

        Raises:
            PolicyError: `log_unknown`.
        """
        control = control_origin(self.pinned.region_of_log(origin))
        return policy_in_force(self.pinned, self.replicas[control].store)

    def log_policy(self, origin: str) -> LogPolicy:
        """Return the tlog-policy of a log, by the policy in force.

        Raises:
            PolicyError: `log_unknown`.
        """
        return self.policy_over(origin).log_policy(origin)

    def address(self, origin: str) -> str:
        """Return where a log is read: at its address in the policy."""
        listed = next((log.url for log in self.log_policy(origin).logs if log.url), None)
        return (listed or f"https://{origin}").rstrip("/")

    def read(self, origin: str) -> LogReader:
        """Return a reader of a log at its address."""
        return LogReader(self._transport, self.address(origin))

    def views(self) -> dict[str, LogView]:
        """Return the logs that an entry may rest on, by origin."""
        return {**self.former, **{origin: each.store for origin, each in self.replicas.items()}}

    def published(self, origin: str) -> VerifiedCheckpoint:
        """Fetch what a log has published and check its quorum.

        Raises:
            UnavailableError: `log_unreadable`: nothing is there.
            ProofError, MalformedError: it is no witnessed checkpoint of this log.
        """
        try:
            note = self.read(origin).checkpoint()
        except DidServiceError as error:
            raise unreadable(origin, error) from error
        verified = self.log_policy(origin).verify(note)
        if verified.checkpoint.origin != origin:
            raise ProofError(
                "log_signature_missing", f"a checkpoint of another log at {origin}"
            )
        return verified

    def head(self, origin: str) -> Checkpoint:
        """Return how far a log is copied: what it has published. Errors as `published`."""
        return self.published(origin).checkpoint

    def glance(self, origin: str, seconds: float) -> bytes:
        """Return what a log has published, unverified, if it answers within so many seconds.

        Raises:
            DidServiceError: as `LogReader.checkpoint`.
        """
        with self._transport.within(seconds):
            return self.read(origin).checkpoint()

    def mend(self, origin: str, heads: Iterable[HeldCheckpoint]) -> bool:
        """Repair our own copy of a log, while nobody copies it; see `mending.mend`."""
        with self._locks[origin]:
            return mend(self.replicas[origin], heads)

    def complete(self, origin: str) -> None:
        """Make the files of a copy that are not there, whoever lost them.

        Raises:
            UnavailableError: the disk or the database.
        """
        replica = self.replicas[origin]
        with self._locks[origin]:
            complete_files(replica, replica.store.size())

    def follow(self, origin: str) -> None:
        """Copy what a log has published, and serve it here; a lost file is made again.

        Whoever answers each request as late as it may keeps nobody waiting for ever: what is
        copied in time stays, and the next call goes on. Of a new log (`is_new`) nothing is
        copied, and that is well.

        Raises:
            DidServiceError: as `published`, `catch_up` and `StaticTree.publish`.
        """
        with self._transport.within(MAX_FOLLOW_SECONDS):
            self._follow(origin)

    def is_new(self, origin: str, refusal: DidServiceError) -> bool:
        """Say whether a log answers that it has published nothing, and nothing of it is here.

        `refusal` is what `published` raised. The log of a year that has not begun is no fault.
        """
        cause, copy = refusal.__cause__, self.replicas[origin]
        has_none = isinstance(cause, NotFoundError) and cause.code == "checkpoint_missing"
        return has_none and not copy.store.size() and copy.tree.checkpoint() is None

    def _follow(self, origin: str) -> None:
        try:
            verified = self.published(origin)
        except UnavailableError as error:
            if self.is_new(origin, error):
                return
            raise
        self.catch_up(verified.checkpoint)
        tree = self.replicas[origin].tree
        if tree.checkpoint() == verified.note:
            return
        try:
            tree.publish(verified.note, self.edge.posix())
        except NotFoundError:
            self.complete(origin)
            tree.publish(verified.note, self.edge.posix())

    def catch_up(self, head: Checkpoint) -> None:
        """Copy a log up to a head that its key has signed.

        Raises:
            UnavailableError: a log or content cannot be read; ask again. `time_ahead`: an
                entry is of a later second than our clock has; either may be wrong.
            ProofError: `tree_differs`: what the log serves, or our copy, is not this tree.
            RuleError: `entry_refused`, with the code of the rule that the signed entry breaks.
            ConflictError, NotFoundError: our own files.
        """
        store = self.replicas[head.origin].store
        if store.size() < head.size:
            control = control_origin(self.pinned.region_of_log(head.origin))
            if head.origin != control:
                known = self.head(control)
                self._advance(known, known.size)
            self._advance(head, head.size)
        if store.root(head.size) != head.root:
            raise ProofError("tree_differs", f"our copy of {head.origin} is another tree")

    # --- one piece after the other ----------------------------------------------------------

    def _advance(self, head: Checkpoint, size: int) -> None:
        """Copy a log up to `size`, which is at most that of the head."""
        store = self.replicas[head.origin].store
        while store.size() < size:
            with self._locks[head.origin]:
                missing = self._take_piece(head, size)
            if missing is not None:
                self._copy_to(*missing)

    def _copy_to(self, origin: str, size: int) -> None:
        """Copy another log as far as an entry rests on it, and no further."""
        if self.replicas[origin].store.size() >= size:
            return
        known = self.head(origin)
        if known.size < size:
            raise UnavailableError("log_behind", f"{origin} has published {known.size}")
        self._advance(known, size)

    def _take_piece(self, head: Checkpoint, size: int) -> tuple[str, int] | None:
        """Copy the next entries; return the log and size that the one behind them rests on."""
        replica = self.replicas[head.origin]
        start = replica.store.size()
        stop = min(size, start + MAX_CATCH_UP_ENTRIES)
        if start >= stop:
            return None
        try:
            data = self.read(head.origin).entries(start, stop, head.size)
        except DidServiceError as error:
            raise unreadable(head.origin, error) from error
        # The tree is checked before any entry is judged: a log that serves what it has not
        # signed must be an alarm, not a broken rule of an entry that was never in it.
        self._check_tree(replica, data, head)
        piece = MirrorPiece(self, replica)
        missing, fault = None, None
        for each in data:
            try:
                entry = parse_entry(each)
                missing = self._missing(entry, head.origin)
                if missing is not None:
                    break
                piece.take(entry)
            except DidServiceError as error:
                fault = error
                break
        # What stands before a fault, or before an entry that has to wait, is good and stays:
        # the next attempt goes on behind it. Another log is copied by the caller, once the lock
        # of this one is free: two logs that rest on each other would wait for each other.
        piece.write()
        if fault is not None:
            raise _refusal(fault, head.origin, replica.store.size()) from fault
        return missing

    def _check_tree(self, replica: Replica, data: Sequence[bytes], head: Checkpoint) -> None:
        """Check that our copy and these entries are a beginning of the signed tree.

        Raises:
            ProofError: `tree_differs`.
            UnavailableError: `log_unreadable`.
        """
        edge = tiles.right_edge(replica.store.hashes, replica.store.size())
        edge.extend(leaf_hash(each) for each in data)
        try:
            proof = tiles.consistency_proof(self.read(head.origin).tile, edge.size, head.size)
        except DidServiceError as error:
            raise unreadable(head.origin, error) from error
        try:
            check_consistency(edge.size, head.size, edge.root(), head.root, proof)
        except ProofError as error:
            raise ProofError("tree_differs", f"{head.origin} serves another tree") from error

    def _missing(self, entry: Entry, origin: str) -> tuple[str, int] | None:
        """Return the log, and its size, that must be copied before this entry is judged."""
        needed = rests_on(entry, origin)
        if needed is None or needed[0] not in self.replicas:
            return None
        return needed if self.replicas[needed[0]].store.size() < needed[1] else None


def _refusal(fault: DidServiceError, origin: str, index: int) -> DidServiceError:
    """Tell what is wrong with a signed entry from what is wrong here, or with a clock."""
    if fault.code == "time_ahead":
        return UnavailableError(fault.code, f"{origin}, entry {index}: {fault.message}")
    if isinstance(fault, (RuleError, PolicyError, MalformedError, ProofError)):
        what = f"{origin}, entry {index}: {fault.code}: {fault.message}"
        return RuleError("entry_refused", what, rule=fault.code, index=index)
    return fault
