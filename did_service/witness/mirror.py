"""Copies of all logs of the federation, every entry judged before it is stored.

    pull a piece ─ is it a beginning of the signed tree? ─ judge ─ stage ─ append ─ install
         ▲                                                    │
         └──── first copy another log so far, where an entry rests on it

A log is pulled from its address in this region's own policy, never from where a request says.
Pieces are whole in themselves: a copy that was interrupted goes on where it was. A data log is
judged by its region's control log, so that one is brought up first; a control entry about a
data log waits for the copy of it. Locks are held for one piece, never while another log is
copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from did_service.client.registry import LogReader
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.authority import parse_authority
from did_service.core.anchor.bodies.heads import parse_heads_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import Entry, parse_entry
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.view import LogView
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import DidServiceError, ProofError, UnavailableError
from did_service.core.limits import MAX_CATCH_UP_ENTRIES
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import check_consistency, leaf_hash
from did_service.core.log.policy import LogPolicy, VerifiedCheckpoint
from did_service.program.clock import ClockAndRandom
from did_service.replica.check import Pending, make_world, policy_in_force
from did_service.replica.replica import Replica


class Mirror:
    """The replicas of one witness, by origin.

    Args:
        pinned: The pinned policy; a log's own region may carry a higher one.
        replicas: One for each log of the policy.
        transport: Reaches the logs.
        edge: The clock.
    """

    def __init__(
        self,
        pinned: Policy,
        replicas: dict[str, Replica],
        transport: Transport,
        edge: ClockAndRandom,
    ) -> None:
        self.pinned = pinned
        self._transport = transport
        self.edge = edge
        self._locks = {origin: Lock() for origin in replicas}
        self.replicas = replicas
        for replica in replicas.values():
            _recover(replica)

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

    def read(self, origin: str) -> LogReader:
        """Return a reader of a log at its address in the policy."""
        url = next((log.url for log in self.log_policy(origin).logs if log.url), None)
        return LogReader(self._transport, (url or f"https://{origin}").rstrip("/"))

    def published(self, origin: str) -> VerifiedCheckpoint:
        """Fetch what a log has published and check its quorum.

        Raises:
            UnavailableError: `log_unreadable`: nothing is there.
            ProofError, MalformedError: it is no witnessed checkpoint of this log.
        """
        try:
            note = self.read(origin).checkpoint()
        except DidServiceError as error:
            raise _unreadable(origin, error) from error
        verified = self.log_policy(origin).verify(note)
        if verified.checkpoint.origin != origin:
            raise ProofError(
                "log_signature_missing", f"a checkpoint of another log at {origin}"
            )
        return verified

    def catch_up(self, head: Checkpoint) -> None:
        """Copy a log up to a head that its key has signed.

        Raises:
            UnavailableError: a log or content cannot be read; ask again.
            ProofError: `tree_differs`: what the log serves is not this tree.
            DidServiceError: the rule that an entry breaks.
        """
        store = self.replicas[head.origin].store
        if store.size() < head.size:
            control = control_origin(self.pinned.region_of_log(head.origin))
            if head.origin != control:
                known = self.published(control).checkpoint
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
                self._follow(*missing)

    def _follow(self, origin: str, size: int) -> None:
        """Copy another log as far as an entry rests on it, and no further."""
        if self.replicas[origin].store.size() >= size:
            return
        known = self.published(origin).checkpoint
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
            raise _unreadable(head.origin, error) from error
        # The tree is checked before any entry is judged: a log that serves what it has not
        # signed must be an alarm, not a broken rule of an entry that was never in it.
        self._check_tree(replica, data, head)
        piece = _Piece(self, replica)
        missing, fault = None, None
        for entry in map(parse_entry, data):
            missing = self._missing(entry, head.origin)
            if missing is not None:
                break
            try:
                piece.take(entry)
            except DidServiceError as error:
                fault = error
                break
        # What stands before a fault, or before an entry that has to wait, is good and stays:
        # the next attempt goes on behind it. Another log is copied by the caller, once the lock
        # of this one is free: two logs that rest on each other would wait for each other.
        piece.write()
        if fault is not None:
            raise fault
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
            raise _unreadable(head.origin, error) from error
        try:
            check_consistency(edge.size, head.size, edge.root(), head.root, proof)
        except ProofError as error:
            raise ProofError("tree_differs", f"{head.origin} serves another tree") from error

    def _missing(self, entry: Entry, origin: str) -> tuple[str, int] | None:
        """Return the log, and its size, that must be copied before this entry is judged."""
        needed = _rests_on(entry, origin)
        if needed is None or needed[0] not in self.replicas:
            return None
        return needed if self.replicas[needed[0]].store.size() < needed[1] else None


class _Piece:
    """The entries of one piece that were let through, on top of a replica."""

    def __init__(self, mirror: Mirror, replica: Replica) -> None:
        self._mirror = mirror
        self._replica = replica
        self._pending = Pending(replica.store)
        self._contents: dict[bytes, bytes] = {}
        stores = {origin: each.store for origin, each in mirror.replicas.items()}
        self._logs: dict[str, LogView] = {**stores, replica.origin: self._pending}
        self._control = self._logs[control_origin(mirror.pinned.region_of_log(replica.origin))]
        self._policy = policy_in_force(mirror.pinned, self._control)

    def take(self, entry: Entry) -> None:
        """Judge one entry on top of those before it.

        Raises:
            UnavailableError: its content cannot be read.
            DidServiceError: the rule that it breaks.
        """
        found: dict[bytes, bytes] = {}
        if entry.type == "status" and entry.digest is not None:
            found[entry.digest] = self._content(entry.digest)
        now = self._mirror.edge.posix()
        self._pending.take(entry, make_world(self._policy, self._logs, now, found.get))
        self._contents |= found
        if entry.type == "policy":
            self._policy = policy_in_force(self._mirror.pinned, self._control)

    def write(self) -> None:
        """Store what was let through: files under a name of their own, rows, then names."""
        placed = self._pending.placed
        if not placed:
            return
        entries = [each.entry.encode() for each in placed]
        store, tree = self._replica.store, self._replica.tree
        staged = tree.stage(store.size(), entries, contents=self._contents)
        store.append(placed, self._contents)
        tree.install(staged)
        tree.discard(staged)

    def _content(self, digest: bytes) -> bytes:
        origin = self._replica.origin
        try:
            content = self._mirror.read(origin).content(digest)
        except DidServiceError as error:
            raise _unreadable(origin, error) from error
        if sha256(content) != digest:
            raise UnavailableError("content_missing", f"{origin} serves other content")
        return content


def _rests_on(entry: Entry, origin: str) -> tuple[str, int] | None:
    """Name the other log that an entry speaks of; what is malformed the rules will refuse."""
    try:
        if entry.type == "heads" and entry.subject != origin:
            return entry.subject, parse_heads_body(entry.body).size
        if entry.type == "authority":
            other = parse_authority(entry.body).other
            return None if other is None else (other.origin, other.size)
    except DidServiceError:
        return None
    return None


def _recover(replica: Replica) -> None:
    """Finish or forget what a killed process had staged."""
    size = replica.store.size()
    for staged in replica.tree.staged():
        if staged.size == size and replica.store.root(size) == staged.root:
            replica.tree.install(staged)
        replica.tree.discard(staged)


def _unreadable(origin: str, error: DidServiceError) -> UnavailableError:
    return UnavailableError("log_unreadable", f"{origin} cannot be read: {error.code}")
