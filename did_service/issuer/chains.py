"""What an agency writes into its region's log, so that nothing is lost on the way.

    compose ──► stored as pending ──► sent ──► the log's answer stored, pending forgotten

The log answers the same bytes the same way, so after a crash or a lost answer the entry is
simply sent again. What an entry says is worked out when its chain is free, and one at a time:
of two officers who revoke at once, the second says what both did. The log comes first; what
is served or reported as done follows from its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from did_service.client.registry import Receipt, RegistryClient
from did_service.core.anchor import entry as entries
from did_service.core.anchor.entry import Entry, Placed
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, RuleError, UnavailableError
from did_service.issuer.agency import Agency
from did_service.issuer.store import IssuerStore
from did_service.web.settings import Edge


@dataclass(frozen=True, slots=True)
class Statement:
    """What the next entry of a chain says.

    Attributes:
        body: Without proof; evidence entries are signed in `Chains`.
        digest: The entry's `d`, 32 bytes.
        content: The bytes behind it, where the log is to keep them.
    """

    body: JsonObject
    digest: bytes
    content: bytes | None = None


class Chains:
    """The chains of one agency: one entry on its way at a time."""

    def __init__(
        self, agency: Agency, store: IssuerStore, log: RegistryClient, edge: Edge
    ) -> None:
        self._agency, self._store, self._log, self._edge = agency, store, log, edge
        self._lock = Lock()

    def append(self, kind: str, subject: str, say: Callable[[], Statement | None]) -> None:
        """Send what is on its way; then write the next entry, and wait until it is durable.

        Args:
            kind: `status` or `evidence`.
            subject: List URL or stream id.
            say: Asked once the chain is free; None where there is nothing to say any more.

        Raises:
            UnavailableError: `log_unreachable`; the entry is kept and sent by the next call.
            RuleError: `log_refused`, with the log's `reason`; the entry is forgotten.
        """
        with self._lock:
            self._send(kind, subject)
            statement = say()
            if statement is not None:
                entry = self._compose(kind, subject, statement)
                self._store.set_pending(kind, subject, entry.encode(), statement.content)
                self._send(kind, subject)

    def _compose(self, kind: str, subject: str, statement: Statement) -> Entry:
        after = self._newest(kind, subject)
        entry = entries.compose(
            kind, subject, statement.body, after=after, digest=statement.digest
        )
        if kind != "evidence":
            return entry
        signer = self._agency.evidence_signer
        return entries.sign(entry, signer.key, signer.method, self._edge.clock())

    def _newest(self, kind: str, subject: str) -> Placed | None:
        row = self._store.chain(kind, subject)
        if row is None or row["newest"] is None:
            return None
        entry = entries.parse_entry(row["newest"])
        return Placed(entry, row["index"], entry.leaf())

    def _send(self, kind: str, subject: str) -> None:
        row = self._store.chain(kind, subject)
        if row is None or row["pending"] is None:
            return
        entry = entries.parse_submission(strict_json.load_object(row["pending"]))
        receipt = self._submit(entry, row["content"])
        placed = entry.sequenced(receipt.at)
        if placed.leaf() != receipt.leaf:
            raise UnavailableError("log_unreachable", "the log confirms another entry")
        self._store.anchored(Placed(placed, receipt.index, receipt.leaf))

    def _submit(self, entry: Entry, content: bytes | None) -> Receipt:
        try:
            return self._log.submit(entry, content)
        except DidServiceError as error:
            # Only the log's own rules end an entry: a proxy in between knows nothing of them.
            if not isinstance(error, RuleError) or error.code == "peer_refused":
                raise UnavailableError(
                    "log_unreachable", f"no receipt: {error.code}"
                ) from error
            self._store.forget_pending(entry.type, entry.subject)
            raise RuleError(
                "log_refused", f"the log refuses this entry: {error.code}", reason=error.code
            ) from error
