"""One piece of a log that is copied: its entries judged in order, then stored together."""

from __future__ import annotations

from typing import Protocol

from did_service.client.registry import LogReader
from did_service.core.anchor.bodies.authority import parse_authority
from did_service.core.anchor.bodies.did import parse_did_body
from did_service.core.anchor.bodies.heads import parse_heads_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.types import TYPES
from did_service.core.anchor.view import LogView
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.program.clock import ClockAndRandom
from did_service.replica.check import Pending, make_world, policy_in_force
from did_service.replica.files import grow_files
from did_service.replica.replica import Replica


class Copies(Protocol):
    """What a piece needs of the copies it belongs to."""

    pinned: Policy
    edge: ClockAndRandom
    replicas: dict[str, Replica]

    def views(self) -> dict[str, LogView]:
        """Return the logs that an entry may rest on, by origin."""

    def read(self, origin: str) -> LogReader:
        """Return a reader of a log, for contents."""


class MirrorPiece:
    """The entries of one piece that were let through, on top of a replica."""

    def __init__(self, mirror: Copies, replica: Replica) -> None:
        self._mirror = mirror
        self._replica = replica
        self._pending = Pending(replica.store)
        self._contents: dict[bytes, bytes] = {}
        self._logs: dict[str, LogView] = {**mirror.views(), replica.origin: self._pending}
        self._control = self._logs[control_origin(mirror.pinned.region_of_log(replica.origin))]
        self._policy = policy_in_force(mirror.pinned, self._control)

    def take(self, entry: Entry) -> None:
        """Judge one entry on top of those before it.

        Raises:
            UnavailableError: its content cannot be read.
            DidServiceError: the rule that it breaks.
        """
        found: dict[bytes, bytes] = {}
        if TYPES[entry.type].has_content and entry.digest is not None:
            found[entry.digest] = self._content(entry.digest)
        now = self._mirror.edge.posix()

        def content(digest: bytes) -> bytes | None:
            return found.get(digest) or self._contents.get(digest) or self._held(digest)

        self._pending.take(entry, make_world(self._policy, self._logs, now, content))
        self._contents |= found
        if entry.type == "policy":
            self._policy = policy_in_force(self._mirror.pinned, self._control)

    def write(self) -> None:
        """Store what was let through: rows, then the files that follow from them."""
        placed = self._pending.placed
        if not placed:
            return
        size = placed[0].index
        self._replica.store.append(placed, self._contents)
        grow_files(self._replica, size, size + len(placed))

    def _held(self, digest: bytes) -> bytes | None:
        """Find content among the mirrors: a list's last one may stand in last year's log."""
        stores = (replica.store for replica in self._mirror.replicas.values())
        found = (store.content(digest) for store in stores)
        return next((each for each in found if each is not None), None)

    def _content(self, digest: bytes) -> bytes:
        origin = self._replica.origin
        try:
            content = self._mirror.read(origin).content(digest)
        except DidServiceError as error:
            raise unreadable(origin, error) from error
        if sha256(content) != digest:
            raise UnavailableError("content_missing", f"{origin} serves other content")
        return content


def rests_on(entry: Entry, origin: str) -> tuple[str, int] | None:
    """Name the other log that an entry speaks of; what is malformed the rules will refuse."""
    try:
        if entry.type == "heads" and entry.subject != origin:
            return entry.subject, parse_heads_body(entry.body).size
        if entry.type in ("authority", "did"):
            read = parse_authority if entry.type == "authority" else parse_did_body
            other = read(entry.body).other
            return None if other is None else (other.origin, other.size)
    except DidServiceError:
        return None
    return None


def unreadable(origin: str, error: DidServiceError) -> UnavailableError:
    """Say that a log cannot be read, and why."""
    return UnavailableError("log_unreadable", f"{origin} cannot be read: {error.code}")
