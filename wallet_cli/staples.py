"""Collecting a staple: what one credential needs to be verified with no network.

    needed ──► GET BASE/evidence/T/S ──► verify under the pinned policy ──► needed …, until
    nothing new is named. The issuance batch leads to the entry that anchored it.

Any mirror will do, since every item proves itself: those that were named, in their order, then
the log's own address (`sources`). What does not verify is left out. Nothing that is held is
ever replaced by something older, and the proof that a credential existed early is never given
up: a new staple is made of the one that is held and what came, and put in its place only if it
proves no less. Two histories of a log prove nothing but that; the held staple stays then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from did_service.client.issuer import IssuerClient, parse_delivery
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import Region, control_origin
from did_service.core.anchor.streams import stream_id
from did_service.core.credentials.model import Credential, parse_credential
from did_service.core.credentials.record import record_of
from did_service.core.did.syntax import parse_webvh
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError, NotFoundError, UnavailableError
from did_service.core.evidence.checked import Checked
from did_service.core.evidence.pieces import UnverifiedBatch, parse_batch
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven_set import Evidence, Fork
from did_service.core.evidence.sets import UnverifiedEvidence, parse_evidence
from did_service.core.limits import COLLECTION_SECONDS, MAX_STAPLE_FETCHES
from did_service.core.verification.request import Remembered
from did_service.core.verification.staple import EvidenceRequest, needed_for, staple_for
from wallet_cli.holdings import HeldCredential
from wallet_cli.sources import EvidenceSources

ISSUANCE = "issuance"
FETCHED = "fetched"  # names of sets of evidence: what came now, and what was there
HELD = "held"


@dataclass(frozen=True, slots=True)
class Missing:
    """A piece that nobody gave: what kind of entry, and the code of the last refusal."""

    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class CollectedStaple:
    """A staple as it can be made now, and what could not be fetched.

    Attributes:
        staple: All that verified, old and new.
        as_of: POSIX second until when each part of it is known to be the latest; None where a
            part is not.
        fetched: How many entries came.
        missing: What did not come.
        forks: Logs that have shown two histories, with the checkpoints that prove it.
    """

    staple: UnverifiedEvidence
    as_of: int | None
    fetched: int
    missing: tuple[Missing, ...]
    forks: tuple[Fork, ...] = ()

    def into(self, held: HeldCredential) -> HeldCredential:
        """Return a credential with this staple; with its own where this one proves less."""
        if not self.proves_no_less(held):
            return held
        since = None if self.as_of is None else timestamps.from_posix(self.as_of)
        as_of = "" if since is None else timestamps.encode(since)
        return replace(held, staple=self.staple.encode(), as_of=as_of)

    def proves_no_less(self, held: HeldCredential) -> bool:
        """Say whether every subject, list and batch of the held staple is in this one."""
        if held.staple is None:
            return not self.forks
        return not self.forks and _about(parse_evidence(held.staple)) <= _about(self.staple)

    def merged(self, held: HeldCredential, policy: Policy) -> HeldCredential:
        """Do as `into`, on top of a staple that another program has put there meanwhile.

        Each part is the newest of both, whoever came first.
        """
        credential = parse_credential(held.credential)
        sets = [(FETCHED, self.staple)]
        if held.staple is not None:
            sets.append((HELD, parse_evidence(held.staple)))
        evidence = verify_evidence(sets, policy)
        return _collected(credential, policy, evidence, sets, self.missing).into(held)


def _about(staple: UnverifiedEvidence) -> set[tuple[str, str]]:
    """Name what a staple proves something about; a list that has no content is none."""
    subjects = {
        (item.entry.type, item.entry.subject)
        for item in staple.items
        if item.entry.type not in ("heads", "evidence", "status")
        or (item.entry.digest or b"") in staple.contents
    }
    return subjects | {("batch", each.record.hex()) for each in staple.batches}


def collect(
    held: HeldCredential, policy: Policy, places: EvidenceSources, remembered: Remembered
) -> CollectedStaple:
    """Collect the staple of a credential, on top of the one that is held.

    Args:
        held: The credential.
        policy: The pinned one.
        places: Where to ask.
        remembered: What the trust directory knows of the logs.

    Raises:
        MalformedError: the credential is none.
    """
    work = _Collection(parse_credential(held.credential), policy, places, remembered)
    if held.staple is not None:
        work.sets.append((HELD, parse_evidence(held.staple)))
    with places.transport.within(COLLECTION_SECONDS):
        work.take_needed()  # first what nobody chose for us: it may cost all that there is
        work.take_statements(parse_delivery(held.delivery).authority)
        work.take_needed()
        work.take_issuance(held)
    return _collected(work.credential, policy, work.evidence(), work.sets, tuple(work.missing))


def _collected(
    credential: Credential,
    policy: Policy,
    evidence: Evidence,
    sets: Sequence[tuple[str, UnverifiedEvidence]],
    missing: tuple[Missing, ...],
) -> CollectedStaple:
    return CollectedStaple(
        staple=staple_for(credential, policy, evidence),
        as_of=_as_of(credential, policy, evidence),
        fetched=sum(name == FETCHED for name, _ in sets),
        missing=missing,
        forks=evidence.forks,
    )


def _as_of(credential: Credential, policy: Policy, evidence: Evidence) -> int | None:
    """Return the oldest T of the entries that the credential needs."""
    times: list[int] = []
    for wanted in needed_for(credential, policy, evidence):
        region = policy.region_of_log(wanted.origin)
        latest = evidence.latest(wanted.kind, wanted.subject, region)
        if latest is None:
            return None
        times.append(latest.as_of)
    return min(times, default=None)


@dataclass(slots=True)
class _Collection:
    """What has been fetched so far for one credential."""

    credential: Credential
    policy: Policy
    places: EvidenceSources
    remembered: Remembered
    sets: list[tuple[str, UnverifiedEvidence]] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    asked: set[EvidenceRequest] = field(default_factory=set)
    checked: Checked = field(init=False)

    def __post_init__(self) -> None:
        self.checked = Checked(self.policy.digest)

    def evidence(self) -> Evidence:
        """Say what the sets prove; with each that comes, nothing is checked a second time."""
        known = self.remembered
        return verify_evidence(self.sets, self.policy, known.trees, known.forked, self.checked)

    def take_needed(self) -> None:
        """Fetch what is named until nothing new is named."""
        while True:
            named = needed_for(self.credential, self.policy, self.evidence())
            new = [wanted for wanted in named if wanted not in self.asked]
            if not new or len(self.asked) >= MAX_STAPLE_FETCHES:
                return
            for wanted in new:
                self.take(wanted)

    def take_statements(self, subjects: Sequence[str]) -> None:
        """Fetch the issuer's statements, each from the region where it stands."""
        try:
            home = self.policy.home_of_did(parse_webvh(self.credential.issuer))
        except DidServiceError as error:
            self.missing.append(Missing("did", error.code))
            return
        regions = [home, *(region for region in self.policy.regions if region is not home)]
        for subject in subjects:
            self._take_statement(subject, regions)

    def _take_statement(self, subject: str, regions: Sequence[Region]) -> None:
        """Fetch a statement from the first region that has it."""
        codes: list[str] = []
        for region in regions:
            wanted = EvidenceRequest(control_origin(region), "authority", subject)
            if wanted in self.asked:
                return
            try:
                self.sets.append((FETCHED, self.fetch(wanted)))
            except DidServiceError as error:
                codes.append(error.code)
                continue
            self.asked.add(wanted)
            return
        self.missing.append(Missing("authority", codes[0]))

    def take(self, wanted: EvidenceRequest) -> None:
        """Fetch one entry, or note that it is missing."""
        self.asked.add(wanted)
        try:
            self.sets.append((FETCHED, self.fetch(wanted)))
        except DidServiceError as error:
            self.missing.append(Missing(wanted.kind, error.code))

    def fetch(self, wanted: EvidenceRequest, number: int | None = None) -> UnverifiedEvidence:
        """Ask one place after the other until what comes verifies.

        Raises:
            DidServiceError: the last place's refusal.
        """
        refusal: DidServiceError = UnavailableError("evidence_missing", "no place to ask")
        for base in self.places.all_bases(wanted):
            try:
                found = parse_evidence(self.places.read(base, wanted, number))
                self._check_holds(found, wanted)
            except DidServiceError as error:
                refusal = error
                continue
            return found
        raise refusal

    def _check_holds(self, found: UnverifiedEvidence, wanted: EvidenceRequest) -> None:
        proven = verify_evidence(((FETCHED, found),), self.policy)
        if not any(
            (each.kind, each.subject) == (wanted.kind, wanted.subject)
            for each in proven.entries
        ):
            raise UnavailableError("evidence_unproven", "what came does not prove the entry")

    # --- the issuance batch ---------------------------------------------------------------

    def take_issuance(self, held: HeldCredential) -> None:
        """Fetch the proof that the credential existed, unless it is held already."""
        record = record_of(held.credential)
        if self.evidence().issuances(record, self.credential.issuer):
            return
        try:
            batch = self._batch(held, record)
            entry = self._anchoring(batch)
        except DidServiceError as error:
            self.missing.append(Missing("evidence", error.code))
            return
        self.sets.append((FETCHED, entry))
        self.sets.append((FETCHED, UnverifiedEvidence(batches=(batch,))))

    def _batch(self, held: HeldCredential, record: bytes) -> UnverifiedBatch:
        """Return the place of the credential's record, from the pick-up or asked for now."""
        members = parse_delivery(held.delivery).batch
        if members is None:
            if not held.issuer_url:
                raise NotFoundError("batch_unnamed", "it came without a place in a batch")
            issuer = IssuerClient(self.places.transport, held.issuer_url)
            members = self.places.budget.spend(issuer.base, lambda: issuer.batch(record))
        return parse_batch(members)

    def _anchoring(self, batch: UnverifiedBatch) -> UnverifiedEvidence:
        """Find the entry of the issuer's stream that anchored a batch: numbers rise with it."""
        wanted = EvidenceRequest(
            batch.log, "evidence", stream_id(self.credential.issuer, ISSUANCE)
        )
        newest, index = _place(self.fetch(wanted), wanted)
        low, high = (newest if index == batch.index else 1), newest
        while low < high:
            middle = (low + high) // 2
            _, index = _place(self.fetch(wanted, middle), wanted)
            low, high = (middle + 1, high) if index < batch.index else (low, middle)
        entry = self.fetch(wanted, low)
        if _place(entry, wanted) != (low, batch.index):
            raise NotFoundError("batch_unpublished", "no entry shown anchors the batch")
        return entry


def _place(found: UnverifiedEvidence, wanted: EvidenceRequest) -> tuple[int, int]:
    """Return number and index of the entry that was asked for."""
    for item in found.items:
        if (item.entry.type, item.entry.subject) == (wanted.kind, wanted.subject):
            return item.entry.number, item.index
    raise NotFoundError("entry_unknown", "the answer holds another entry")
