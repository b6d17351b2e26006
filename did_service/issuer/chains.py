"""What an agency writes into its region's log, so that nothing is lost on the way.

An entry is stored before it is sent and forgotten when the log has it. The log answers the same
bytes the same way, so after a crash or a lost answer the entry is simply sent again. The log
comes first: what is served or reported as done follows from the log's answer.
"""

from __future__ import annotations

from threading import Lock
from typing import Protocol

from did_service.core.anchor import entry as entries
from did_service.core.anchor.entry import Placed
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ProofError, RuleError
from did_service.issuer.agency import Agency
from did_service.issuer.store import Anchored, IssuerStore
from did_service.web.settings import Edge


class Submitted(Protocol):
    """The log's answer: where the entry stands, and its leaf hash with `a` in it."""

    @property
    def index(self) -> int:
        """The index in the log."""

    @property
    def leaf(self) -> bytes:
        """The leaf hash, 32 bytes."""

    @property
    def at(self) -> int:
        """The POSIX second of sequencing."""


class Log(Protocol):
    """The part of the registry's client that an agency needs."""

    def submit(self, origin: str, entry: JsonObject, content: bytes | None) -> Submitted:
        """Hand in an entry; the same bytes again get the same answer.

        Raises:
            RuleError, OrderError, UnavailableError: as the log says.
        """


class Chains:
    """The chains of one agency: one entry of each on its way at most."""

    def __init__(self, agency: Agency, store: IssuerStore, log: Log, edge: Edge) -> None:
        self._agency, self._store, self._log, self._edge = agency, store, log, edge
        self._lock = Lock()

    def append(
        self, kind: str, subject: str, body: JsonObject, content: bytes | None, digest: bytes
    ) -> None:
        """Write the next entry of a chain into the log and wait until it is durable there.

        Args:
            kind: `status` or `evidence`.
            subject: List URL or stream id.
            body: Without proof; evidence entries are signed here.
            content: The bytes behind the digest where the log is to keep them.
            digest: The entry's `d`.

        Raises:
            UnavailableError: the log did not answer; the entry is kept and sent by `flush`.
            RuleError, OrderError: the log refused it; it is forgotten.
        """
        with self._lock:
            self._flush_one(kind, subject)
            entry = entries.compose(
                kind, subject, body, after=self._newest(kind, subject), digest=digest
            )
            if kind == "evidence":
                entry = entries.sign(
                    entry, self._agency.key, self._agency.method, self._edge.clock()
                )
            self._store.set_pending(kind, subject, entry.encode(), content)
            self._flush_one(kind, subject)

    def flush(self) -> None:
        """Send whatever is on its way; raises as `append`."""
        with self._lock:
            for row in self._store.pending_chains():
                self._flush_one(row["type"], row["subject"])

    def _newest(self, kind: str, subject: str) -> Placed | None:
        row = self._store.chain(kind, subject)
        if row is None or row["newest"] is None:
            return None
        entry = entries.parse_entry(row["newest"])
        return Placed(entry, row["index"], entry.leaf())

    def _flush_one(self, kind: str, subject: str) -> None:
        row = self._store.chain(kind, subject)
        if row is None or row["pending"] is None:
            return
        entry = entries.parse_submission(strict_json.load_object(row["pending"]))
        try:
            answer = self._log.submit(self._agency.evidence_log, entry.members, row["content"])
        except RuleError:
            self._store.set_pending(kind, subject, None, None)
            raise
        placed = entry.sequenced(answer.at)
        if placed.leaf() != answer.leaf:
            raise ProofError("receipt_wrong", "the log confirms another entry than was sent")
        issued = entry.body.get("iat", 0)
        issued = issued if isinstance(issued, int) else 0
        place = Anchored(kind, subject, placed.encode(), answer.index, issued)
        self._store.anchored(place)
