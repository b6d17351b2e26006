"""What an agency writes into its region's log, so that nothing is lost on the way.

    compose ──► stored as pending ──► sent ──► the log's answer stored, pending forgotten

The log answers the same bytes the same way, so after a crash or a lost answer the entry is
simply sent again. What an entry says is worked out when its chain is free, and one at a time:
of two officers who revoke at once, the second says what both did. The log comes first; what
is served or reported as done follows from its answer, and where it has more than the database,
as after a restore from backup, that is learnt from it before the next entry is written.

Each year has a log of its own (docs/formats.md §2): the chains of status lists go on from one
to the next, those of evidence begin anew. No one has to do anything on New Year's Eve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from did_service.client.registry import EntryReceipt, RegistryClient, UnverifiedLogged
from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.evidence import EvidenceBody
from did_service.core.anchor.bodies.status import FormerYear, StatusBody
from did_service.core.anchor.entry import Entry, LoggedEntry, Submission
from did_service.core.anchor.region import second_of_log, year_of
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import strict_json, timestamps
from did_service.core.errors import DidServiceError, OrderError, RuleError, UnavailableError
from did_service.issuer.agency import Agency
from did_service.issuer.ledger import Ledger, Row
from did_service.program.clock import ClockAndRandom

LogOf = Callable[[str], RegistryClient]
"""Finds who takes entries of a log, by origin."""


@dataclass(frozen=True, slots=True)
class ChainStatement:
    """What the next entry of a chain says.

    Attributes:
        body: Without a link to last year's log, which is added in `Chains`.
        digest: The entry's `d`, 32 bytes.
        content: The bytes behind it, where the log is to keep them.
    """

    body: StatusBody | EvidenceBody
    digest: bytes
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain and who speaks in it.

    Attributes:
        kind: `status` or `evidence`.
        subject: List URL or stream id.
        say: Asked once the chain is free; None where there is nothing to say any more.
        learn: Told an entry that the log has and this database has not, and its content,
            before that entry counts; may be told twice.
    """

    kind: str
    subject: str
    say: Callable[[], ChainStatement | None]
    learn: Callable[[Entry, bytes], None] = lambda _entry, _content: None


class Chains:
    """The chains of one agency: one entry on its way at a time."""

    def __init__(
        self, agency: Agency, ledger: Ledger, log_of: LogOf, edge: ClockAndRandom
    ) -> None:
        self._agency, self._ledger, self._log_of, self._edge = agency, ledger, log_of, edge
        self._lock = Lock()

    def append(self, chain: Chain) -> None:
        """Send what is on its way; then write the next entry, and wait until it is durable.

        Raises:
            UnavailableError: `log_unreachable`; the entry is kept and sent by the next call.
                `log_elsewhere`: the log cannot be caught up with yet.
            RuleError: `log_refused`, with the log's `reason`; the entry is forgotten.
        """
        with self._lock:
            now = self._edge.posix()
            try:
                self._advance(chain, now)
            except OrderError as error:
                self._catch_up(chain, error)
                self._advance_again(chain, now)
            except RuleError as error:
                if error.code != "time_outside_period":
                    raise
                self._advance_again(chain, second_of_log(error, now))

    def _advance(self, chain: Chain, second: int) -> None:
        self._send(chain)
        # Read before anything is said: where another process appends meanwhile, the log finds
        # this entry out of order, and not its time before that of an entry it has not seen.
        newest = self._ledger.chain(chain.kind, chain.subject)
        statement = chain.say()
        if statement is not None:
            origin = self._agency.evidence_log(timestamps.from_posix(second).year)
            entry = self._compose(chain, statement, origin, newest)
            self._ledger.set_pending(entry, origin, statement.content)
            self._send(chain)

    def _advance_again(self, chain: Chain, second: int) -> None:
        try:
            self._advance(chain, second)
        except OrderError as error:
            raise _elsewhere("the log goes on while we write") from error
        except RuleError as error:
            if error.code != "time_outside_period":
                raise
            raise _elsewhere("its year and ours differ") from error

    # --- composing --------------------------------------------------------------------------

    def _compose(
        self, chain: Chain, statement: ChainStatement, origin: str, newest: Row | None
    ) -> Submission:
        after, body = self._after(chain, origin, newest), statement.body
        if isinstance(body, StatusBody) and after is not None and after["log"] != origin:
            body = body._replace(former=FormerYear(after["log"], after["index"]))
        entry = entries.compose(
            chain.kind,
            chain.subject,
            body.encode(),
            after=None if after is None else _placed(after),
            digest=statement.digest,
        )
        if chain.kind != "evidence":
            return entry
        signer = self._agency.evidence_signer
        return entries.sign(entry, signer.key, signer.method, self._edge.clock())

    def _after(self, chain: Chain, origin: str, newest: Row | None) -> Row | None:
        """Return the row of the entry that the next one in a log follows, None for a first."""
        goes_on = newest is not None and newest["log"] in self._logs(chain, origin)
        return newest if goes_on else None

    def _logs(self, chain: Chain, origin: str) -> tuple[str, ...]:
        """Return the logs in which the newest entry of a chain may stand: its own one first."""
        before = (year_of(origin) or 1) - 1
        goes_on = chain.kind == "status"
        return (origin, self._agency.evidence_log(before)) if goes_on else (origin,)

    # --- sending ----------------------------------------------------------------------------

    def _send(self, chain: Chain) -> None:
        row = self._ledger.chain(chain.kind, chain.subject)
        if row is None or row["pending"] is None:
            return
        entry = entries.parse_submission(strict_json.load_object(row["pending"]))
        receipt = self._submit(entry, row)
        placed = entry.sequenced(receipt.at)
        if placed.leaf() == receipt.leaf:
            self._ledger.anchored(LoggedEntry(placed, receipt.index, receipt.leaf))
        else:
            self._take_rewritten(chain, row["pending_log"], entry, receipt)

    def _take_rewritten(
        self, chain: Chain, origin: str, entry: Submission, receipt: EntryReceipt
    ) -> None:
        """Take an entry for ours whose proofs were rewritten on their way to the log."""
        log, logged = self._read(chain, origin, entry.number)
        same = entries.identity(logged.placed.entry) == entries.identity(entry)
        if logged.placed.leaf != receipt.leaf or not same:
            raise UnavailableError("log_unreachable", "the log confirms another entry")
        self._ledger.take_over(logged.placed, log, logged.content)

    def _submit(self, entry: Submission, row: Row) -> EntryReceipt:
        try:
            return self._log_of(row["pending_log"]).submit(entry, row["content"])
        except OrderError:
            raise  # what is on its way stays there until the chain has been caught up with
        except DidServiceError as error:
            # Only the log's own rules end an entry: a proxy in between knows nothing of them.
            if not isinstance(error, RuleError) or error.code == "peer_refused":
                raise UnavailableError(
                    "log_unreachable", f"no receipt: {error.code}"
                ) from error
            self._ledger.forget_pending(row)
            if error.code == "time_outside_period":
                raise  # it is written anew, for the year in which the log's clock stands
            raise RuleError(
                "log_refused", f"the log refuses this entry: {error.code}", reason=error.code
            ) from error

    # --- catching up ------------------------------------------------------------------------

    def _catch_up(self, chain: Chain, error: OrderError) -> None:
        """Take the log's newest entry for ours, which this database has forgotten.

        The log told its number and leaf; what stands there is read from it and compared.
        """
        number, leaf = error.details.get("newest"), error.details.get("leaf")
        row = self._ledger.chain(chain.kind, chain.subject) or {}
        origin = str(row.get("pending_log"))
        after = self._after(chain, origin, row or None)
        own = None if after is None else _placed(after)
        if own is not None and own.leaf.hex() == leaf:
            self._ledger.forget_pending(row)
        elif isinstance(number, int) and number >= (own.entry.number if own else 1):
            self._take_over(chain, origin, number, str(leaf))
        else:
            raise _elsewhere("the log has lost what it had confirmed") from error

    def _take_over(self, chain: Chain, origin: str, number: int, leaf: str) -> None:
        log, logged = self._read(chain, origin, number)
        placed, content = logged.placed, logged.content
        if placed.leaf.hex() != leaf:
            raise _elsewhere(f"entry {number} is not the one it told")
        if chain.kind == "status":
            if content is None or sha256(content) != placed.entry.digest:
                raise _elsewhere(f"the list of entry {number} is not there")
            chain.learn(placed.entry, content)
        self._ledger.take_over(placed, log, content)

    def _read(self, chain: Chain, origin: str, number: int) -> tuple[str, UnverifiedLogged]:
        refusal = ""
        for log in self._logs(chain, origin):
            try:
                return log, self._log_of(log).entry(chain.kind, chain.subject, number)
            except DidServiceError as error:
                refusal = error.code
        raise _elsewhere(f"entry {number} cannot be read: {refusal}")


def _placed(row: Row) -> LoggedEntry:
    entry = entries.parse_entry(row["newest"])
    return LoggedEntry(entry, row["index"], entry.leaf())


def _elsewhere(why: str) -> UnavailableError:
    return UnavailableError("log_elsewhere", why)
