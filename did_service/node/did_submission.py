"""Handing in a version of a DID: to its home log, and to the one that it moves to.

Nothing is composed here that is not in `pending.json`, so the same entries are handed in again
after whatever cut the last attempt off, and the log says where they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from did_service.client.registry import LogReader, RegistryClient
from did_service.client.transport import Transport
from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.did import JOIN, LEAVE, DidBody
from did_service.core.anchor.bodies.other_log import OtherLog
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import LoggedEntry, Submission
from did_service.core.anchor.moves import named
from did_service.core.did.syntax import did_id
from did_service.core.errors import ConflictError, OrderError, RuleError, UnavailableError
from did_service.core.limits import MAX_WAIT_SECONDS
from did_service.node.did_folder import DidFolder, PendingVersion


@dataclass(frozen=True, slots=True)
class DidSubmission:
    """Logs what is pending in a folder.

    Attributes:
        folder: Of the DID.
        policy: The federation's.
        transport: Reaches the registries.
        waits: How often to wait for the witnesses, 10 seconds each.
    """

    folder: DidFolder
    policy: Policy
    transport: Transport
    waits: int

    def settle(self, pending: PendingVersion) -> tuple[str, LoggedEntry]:
        """Log a version, wait for the witnesses, and take it into the public files.

        Returns:
            Where its last entry stands: log and place.

        Raises:
            UnavailableError: `not_witnessed_yet`, or no answer; what is pending stays.
            ConflictError: `did_moved_on`: the log has a later version than the folder.
            RuleError: why the log refuses it. After both, what was pending is forgotten, unless
                the DID has left already: then only the join can still be late.
        """
        try:
            log, placed = self._log(pending)
        except RuleError as error:
            # A proxy in between knows nothing of the log's rules.
            kept = self.folder.pending()
            if kept is not None and kept.left is not None:
                self.folder.keep_pending(replace(kept, shown=None))  # another may be taken
            elif error.code != "peer_refused":
                self.folder.forget_pending()
            if isinstance(error, OrderError):
                raise ConflictError("did_moved_on", "the log has a later version") from error
            raise
        self.folder.publish(pending, log, placed)
        return log, placed

    def _log(self, pending: PendingVersion) -> tuple[str, LoggedEntry]:
        body = DidBody(pending.did, pending.version, pending.witness)
        if pending.to is None:
            return pending.origin, self._append(pending.origin, body, pending.after)
        left = pending.left
        if left is None:
            leaves = body._replace(op=LEAVE)
            left = self._append(pending.origin, leaves, pending.after)
            self.folder.keep_pending(replace(pending, left=left))
        shown = pending.shown
        if shown is None:
            shown = self._checkpoint_with(pending.origin, left.index)
            self.folder.keep_pending(replace(pending, left=left, shown=shown))
        joins = body._replace(did=named(body), op=JOIN, other=shown)
        return pending.to, self._append(pending.to, joins, left)

    def _append(self, origin: str, body: DidBody, after: LoggedEntry | None) -> LoggedEntry:
        """Hand in the next entry of the chain until it is witnessed.

        Raises:
            UnavailableError: `not_witnessed_yet`.
        """
        entry = entries.compose("did", did_id(body.did), body.encode(), after=after)
        client = RegistryClient(self.transport, origin)
        for _ in range(self.waits):
            receipt = client.submit(entry, wait_seconds=MAX_WAIT_SECONDS)
            if receipt.witnessed:
                placed = LoggedEntry(entry.sequenced(receipt.at), receipt.index, receipt.leaf)
                same = placed.entry.leaf() == receipt.leaf
                return placed if same else self._read(client, entry)
        raise UnavailableError("not_witnessed_yet", f"{origin} has it and shows it to nobody")

    def _read(self, client: RegistryClient, entry: Submission) -> LoggedEntry:
        """Read back an entry whose proofs somebody has rewritten on their way to the log."""
        logged = client.entry(entry.type, entry.subject, entry.number).placed
        if entries.identity(logged.entry) != entries.identity(entry):
            raise UnavailableError("answer_invalid", "the log confirms another entry")
        return logged

    def _checkpoint_with(self, origin: str, index: int) -> OtherLog:
        """Return the newest checkpoint of a log, which has the leave."""
        note = LogReader.of_log(self.transport, origin).checkpoint()
        head = self.policy.log_policy(origin).verify(note).checkpoint
        if head.size <= index:
            raise UnavailableError("not_witnessed_yet", f"{origin} shows the leave to nobody")
        return OtherLog(origin, head.size, head.root, note.decode())
