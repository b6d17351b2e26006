"""What an agency writes into its region's log, so that nothing is lost on the way.

    compose ──► stored as pending ──► sent ──► the log's answer stored, pending forgotten

The log answers the same bytes the same way, so after a crash or a lost answer the entry is
simply sent again. What an entry says is worked out when its chain is free, and one at a time:
of two officers who revoke at once, the second says what both did. The log comes first: what is
served follows from its answer, and what it alone has, as after a restore, is learnt from it.

Other processes of the agency write the same chains. What one of them has on its way the next
one sends too, so nobody waits for a process that has gone; what is written changes a chain only
where it still stands as it was read, else it is worked out anew.

Each year has a log of its own, see `chain_logs`: no one has to do anything on New Year's Eve.
"""

from __future__ import annotations

from threading import Lock

from did_service.client.registry import EntryReceipt, UnverifiedLogged
from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.status import FormerYear, StatusBody, parse_status_body
from did_service.core.anchor.entry import Entry, LoggedEntry, Submission
from did_service.core.anchor.region import second_of_log
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import strict_json, timestamps
from did_service.core.errors import DidServiceError, OrderError, RuleError, UnavailableError
from did_service.issuer.agency import Agency
from did_service.issuer.chain import Chain, ChainStatement, elsewhere, placed_in
from did_service.issuer.chain_logs import ChainLogs, LogOf
from did_service.issuer.contact import LogContact
from did_service.issuer.ledger import Ledger
from did_service.issuer.records import ChainRecord
from did_service.program.clock import ClockAndRandom

_TRIES = 8  # beside other processes; each try that fails is an entry of one of them


class Chains:
    """The chains of one agency: one entry on its way at a time."""

    def __init__(
        self, agency: Agency, ledger: Ledger, log_of: LogOf, edge: ClockAndRandom
    ) -> None:
        self._agency, self._ledger, self._edge = agency, ledger, edge
        self._logs = ChainLogs(agency, log_of)
        self._lock = Lock()
        self._compared: set[str] = set()  # subjects, by this process
        self._anew: set[str] = set()  # that begin anew after a year without any
        self._log_second, self.contact = 0, LogContact(edge)

    @property
    def log_second(self) -> int:
        """The latest POSIX second at which the log has sequenced an entry of ours, else 0."""
        return self._log_second

    def compare(self, chain: Chain) -> None:
        """Learn once what the log has and this database has not, as after a restore.

        Nothing of a chain is signed before it. What the log has not published yet is found
        when the next entry turns out to be out of order.

        Raises:
            UnavailableError: `issuer_behind_its_log`: the log cannot be asked, or what it
                has cannot be learnt.
            RuleError: `log_refused`, reason `list_foreign`.
        """
        with self._lock:
            self._compare(chain)

    def _compare(self, chain: Chain) -> None:
        if chain.subject in self._compared:
            return
        origin = self._agency.evidence_log(timestamps.from_posix(self._edge.posix()).year)
        try:
            if not any(self._has_all(chain, origin) for _ in range(_TRIES)):
                raise elsewhere("other processes learn from it all the time")
        except UnavailableError as error:
            what = f"the log's newest entries are not known here: {error.code}"
            raise UnavailableError("issuer_behind_its_log", what) from error
        self._compared.add(chain.subject)

    def _has_all(self, chain: Chain, origin: str) -> bool:
        """Learn what the log has of a chain; False where another process was faster."""
        found = self.contact.asked(lambda: self._logs.newest(chain, origin))
        if found is None:
            return True
        log, logged = found
        row = self._ledger.chain(chain.kind, chain.subject)  # read after the log was
        return not self._is_behind(row, log, logged) or self._take(chain, row, log, logged)

    def _is_behind(self, row: ChainRecord | None, log: str, logged: UnverifiedLogged) -> bool:
        """Say whether the log has an entry that this database has not, or has lost a list."""
        placed = logged.placed
        self._saw(placed.entry.at)
        if row is not None and _is_on_its_way(row, placed.entry):
            return False  # its receipt was lost; it is asked for before anything else is said
        if row is None or row.newest is None:
            return True
        own = placed_in(row)
        self._saw(own.entry.at)
        if row.log != log:
            return str(row.log) < log
        if own.leaf == placed.leaf:
            return row.type == "status" and not self._holds(placed.entry)
        return own.entry.number <= placed.entry.number

    def _holds(self, entry: Entry) -> bool:
        held = self._ledger.status_list(entry.subject)
        if held is None or sha256(held.content) != entry.digest:
            return False
        return held.issued == parse_status_body(entry.body).issued

    def _check_held(self, chain: Chain) -> None:
        """Learn a list again that is not the one whose digest is in the log: a damaged row."""
        row = self._ledger.chain(chain.kind, chain.subject)
        if chain.kind != "status" or row is None or row.newest is None:
            return
        if not self._holds(placed_in(row).entry):
            self._compared.discard(chain.subject)
            self._compare(chain)

    def _saw(self, second: int) -> None:
        self._log_second = max(self._log_second, second)

    def append(self, chain: Chain) -> None:
        """Send what is on its way; then write the next entry, and wait until it is durable.

        Raises:
            UnavailableError: as `compare`; `log_unreachable`; the entry is kept and sent
                by the next call.
                `log_elsewhere`: the log cannot be caught up with yet.
            RuleError: `log_refused`, with the log's `reason`; the entry is forgotten.
        """
        with self._lock:
            self._compare(chain)
            now = self._edge.posix()
            try:
                self._write(chain, now)
            except RuleError as error:
                if error.code != "time_outside_period":
                    raise
                self._write_again(chain, second_of_log(error, now))

    def _write(self, chain: Chain, second: int) -> None:
        if not any(self._advance(chain, second) for _ in range(_TRIES)):
            raise elsewhere("the log goes on while we write")

    def _write_again(self, chain: Chain, second: int) -> None:
        try:
            self._write(chain, second)
        except RuleError as error:
            if error.code != "time_outside_period":
                raise
            raise elsewhere("its year and ours differ") from error

    def _advance(self, chain: Chain, second: int) -> bool:
        """Write the next entry; False where the chain has gone on, or was caught up with."""
        if not self._send(chain):
            return False
        self._check_held(chain)
        # Read before anything is said: where another process appends meanwhile, nothing is sent
        # that the log would find out of order, or of a time before that of an entry not seen.
        newest = self._ledger.chain(chain.kind, chain.subject)
        statement = chain.say()
        if statement is None:
            return True
        origin = self._agency.evidence_log(timestamps.from_posix(second).year)
        entry = self._compose(chain, statement, origin, newest)
        is_ours = self._ledger.set_pending(entry, origin, statement.content, newest)
        return is_ours and self._send(chain)

    # --- composing --------------------------------------------------------------------------

    def _compose(
        self, chain: Chain, statement: ChainStatement, origin: str, newest: ChainRecord | None
    ) -> Submission:
        after, body = self._after(chain, origin, newest), statement.body
        if isinstance(body, StatusBody) and after is not None and after.log != origin:
            body = body._replace(former=FormerYear(str(after.log), after.index or 0))
        entry = entries.compose(
            chain.kind,
            chain.subject,
            body.encode(),
            after=None if after is None else placed_in(after),
            digest=statement.digest,
        )
        if chain.kind != "evidence":
            return entry
        signer = self._agency.evidence_signer
        return entries.sign(entry, signer.key, signer.method, self._edge.clock())

    def _after(
        self, chain: Chain, origin: str, newest: ChainRecord | None
    ) -> ChainRecord | None:
        """Return the row of the entry that the next one in a log follows, None for a first."""
        logs = self._logs.of(chain, origin)
        known = logs[:2] if chain.subject in self._anew else logs
        return newest if newest is not None and newest.log in known else None

    # --- sending ----------------------------------------------------------------------------

    def _send(self, chain: Chain) -> bool:
        """Send what is on its way, whoever wrote it; False where the log is further."""
        row = self._ledger.chain(chain.kind, chain.subject)
        if row is None or row.pending is None:
            return True
        entry = entries.parse_submission(strict_json.load_object(row.pending))
        try:
            receipt = self._submit(entry, row)
        except OrderError as error:
            self._catch_up(chain, row, error)
            return False
        placed = entry.sequenced(receipt.at)
        self._saw(receipt.at)
        if placed.leaf() == receipt.leaf:
            self._ledger.anchored(row, LoggedEntry(placed, receipt.index, receipt.leaf))
        else:
            self._take_rewritten(chain, row, entry, receipt)
        return True

    def _take_rewritten(
        self, chain: Chain, row: ChainRecord, entry: Submission, receipt: EntryReceipt
    ) -> None:
        """Take an entry for ours whose proofs were rewritten on their way to the log."""
        log, logged = self._logs.read(chain, str(row.pending_log), entry.number)
        same = entries.identity(logged.placed.entry) == entries.identity(entry)
        if logged.placed.leaf != receipt.leaf or not same:
            raise UnavailableError("log_unreachable", "the log confirms another entry")
        self._ledger.take_over(row, logged.placed, log, logged.content)

    def _submit(self, entry: Submission, row: ChainRecord) -> EntryReceipt:
        try:
            log = self._logs.log_of(str(row.pending_log))
            return self.contact.asked(lambda: log.submit(entry, row.content))
        except OrderError:
            raise  # what is on its way stays there until the chain has been caught up with
        except DidServiceError as error:
            # Only the log's own rules end an entry: a proxy in between knows nothing of them.
            if not isinstance(error, RuleError) or error.code == "peer_refused":
                what = f"no receipt: {error.code}"
                raise UnavailableError("log_unreachable", what) from error
            self._ledger.forget_pending(row)
            if error.code == "time_outside_period":
                raise  # it is written anew, for the year in which the log's clock stands
            what = f"the log refuses this entry: {error.code}"
            raise RuleError("log_refused", what, reason=error.code) from error

    # --- catching up ------------------------------------------------------------------------

    def _catch_up(self, chain: Chain, row: ChainRecord, error: OrderError) -> None:
        """Take the log's newest entry for ours, which this database has forgotten.

        The log told its number and leaf; what stands there is read from it and compared.

        Args:
            chain: The chain.
            row: Its record, whose pending entry the log found out of order.
            error: What the log told.
        """
        number, leaf = error.details.get("newest"), error.details.get("leaf")
        origin = str(row.pending_log)
        after = self._after(chain, origin, row)
        own = None if after is None else placed_in(after)
        if own is not None and own.leaf.hex() == leaf:
            self._ledger.forget_pending(row)
        elif after and number == 0 and after.log not in self._logs.of(chain, origin)[:2]:
            self._anew.add(chain.subject)  # rules 1 look no further back than a year
            self._ledger.forget_pending(row)
        elif isinstance(number, int) and number >= (own.entry.number if own else 1):
            log, logged = self._logs.read(chain, origin, number)
            if logged.placed.leaf.hex() != leaf:
                raise elsewhere(f"entry {number} is not the one it told")
            self._take(chain, row, log, logged)
        else:
            raise elsewhere("the log has lost what it had confirmed") from error

    def _take(
        self, chain: Chain, row: ChainRecord | None, log: str, logged: UnverifiedLogged
    ) -> bool:
        """Learn an entry that the log has, then count it as ours; False as `take_over`."""
        placed, content = logged.placed, logged.content
        if chain.kind == "status" and (
            content is None or sha256(content) != placed.entry.digest
        ):
            raise elsewhere(f"the list of entry {placed.entry.number} is not there")
        chain.learn(placed.entry, content or b"")
        return self._ledger.take_over(row, placed, log, content)


def _is_on_its_way(row: ChainRecord, entry: Entry) -> bool:
    if row.pending is None:
        return False
    sent = entries.parse_submission(strict_json.load_object(row.pending))
    return entries.identity(sent) == entries.identity(entry)
