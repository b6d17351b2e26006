"""What an agency writes into its region's log, so that nothing is lost on the way.

An entry is stored before it is sent and forgotten when the log has it. The log answers the same
bytes the same way, so after a crash or a lost answer the entry is simply sent again. The log
comes first: what is served or reported as done follows from the log's answer.
"""

from __future__ import annotations

from threading import Lock

from did_service.client.registry import RegistryClient
from did_service.core.anchor import entry as entries
from did_service.core.anchor.entry import Placed
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ProofError, RuleError
from did_service.issuer.agency import Agency
from did_service.issuer.store import Anchored, IssuerStore
from did_service.web.settings import Edge


class Chains:
    """The chains of one agency: one entry of each on its way at most."""

    def __init__(
        self, agency: Agency, store: IssuerStore, log: RegistryClient, edge: Edge
    ) -> None:
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
            receipt = self._log.submit(entry, row["content"])
        except RuleError:
            self._store.set_pending(kind, subject, None, None)
            raise
        placed = entry.sequenced(receipt.at)
        if placed.leaf() != receipt.leaf:
            raise ProofError("receipt_wrong", "the log confirms another entry than was sent")
        issued = entry.body.get("iat", 0)
        issued = issued if isinstance(issued, int) else 0
        place = Anchored(kind, subject, placed.encode(), receipt.index, issued)
        self._store.anchored(place)
