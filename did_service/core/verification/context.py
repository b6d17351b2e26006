"""One credential before the judge: what the steps share, and what they may ask.

Nothing here decides; it says what the credential claims about itself and how old evidence is,
and remembers which statements were used for a positive answer: step 13 judges each of them.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.freshness import age_seconds
from did_service.core.anchor.homes import home_of_did
from did_service.core.anchor.region import Region
from did_service.core.credentials import members, vocabulary
from did_service.core.credentials.model import Credential
from did_service.core.credentials.record import record_of
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.encoding.xsd_datetime import Instant, parse_datetime
from did_service.core.evidence.proven import IssuanceProof, Latest, ProvenEntry
from did_service.core.evidence.proven_set import Dropped, Evidence
from did_service.core.integrity.data_integrity import Proof, ReadProof, read_each
from did_service.core.limits import MAX_BEGINNING_AHEAD_SECONDS
from did_service.core.verification.findings import Findings
from did_service.core.verification.present import Present
from did_service.core.verification.presented import PresentedFile
from did_service.core.verification.report import Basis, Check
from did_service.core.verification.request import Request
from did_service.core.verification.verified import Verified

_REGION = re.compile(r"[0-9]{6}")
_BASE_TYPE = "https://www.w3.org/2018/credentials#VerifiableCredential"


@dataclass(frozen=True, slots=True)
class End:
    """When something that a signature leans on ended.

    Attributes:
        origin: Log of the ending entry.
        index: Its index; None where a date or a recorded time says it, not the log's order.
        at: POSIX second of the end.
    """

    origin: str
    index: int | None
    at: int


@dataclass(frozen=True, slots=True, eq=False)
class PresentationContext:
    """What concerns a presentation as a whole.

    Attributes:
        file: What is presented.
        request: What was asked.
        policy: The pinned one.
        evidence: All that was proven at hand.
        present: When it is.
        tier: How old evidence may be, by name.
        verified: What the credentials share, and a counter may keep.
        checks: What the steps have found so far.
    """

    file: PresentedFile
    request: Request
    policy: Policy | None
    evidence: Evidence
    present: Present
    tier: str
    verified: Verified
    checks: list[Check] = field(default_factory=list)

    @property
    def limit_seconds(self) -> int:
        """The tier's bound on age."""
        return 0 if self.policy is None else self.policy.tiers[self.tier]

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """The evidence that did not verify, with a staple that could not be read."""
        unread = self.file.dropped
        return self.evidence.dropped if unread is None else (*self.evidence.dropped, unread)


@dataclass(frozen=True, eq=False)
class CredentialContext:
    """One credential, the evidence, and the time.

    `position` is the credential's place in the report, `limit_seconds` the tier's bound on age.
    `verified` is what the credentials of one presentation share. `used` are the statements
    that `use` has read, by their place in the logs; `findings` are the credential's own.
    """

    credential: Credential
    position: int
    policy: Policy | None
    evidence: Evidence
    present: Present
    limit_seconds: int
    verified: Verified
    used: dict[tuple[str, int], Latest] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)

    def use(self, latest: Latest) -> JsonObject:
        """Return the body of what is latest, for a positive answer; step 13 judges its age."""
        return latest.read_into(self.used)

    @property
    def now(self) -> int:
        """The latest that it may be, POSIX seconds: ages go by it."""
        return self.present.latest

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The type IRIs beside VerifiableCredential.

        Raises:
            MalformedError: a type that no context defines.
        """
        iris = vocabulary.type_iris(self.credential)
        return tuple(iri for iri in iris if iri != _BASE_TYPE)

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The region codes for which it was issued: claim `jurisdiction` of each subject.

        None at all where a subject has none: nobody is issued anything for nowhere.
        """
        found = [subject.get("jurisdiction") for subject in self.credential.subjects]
        codes = tuple(code for code in found if isinstance(code, str))
        return codes if len(codes) == len(found) else ()

    @property
    def printed_regions(self) -> tuple[str, ...]:
        """Those that may be printed: what is not six digits is a claim's value."""
        return tuple(code for code in self.regions if _REGION.fullmatch(code))

    @cached_property
    def claimed(self) -> int | None:
        """The time at which the issuer claims to have signed: `created`, else `validFrom`.

        Anybody may add a proof of his own, so only the issuer's proofs date the credential, the
        latest of them. A time before 1970 is as early as any, one after the year 9999 as late.
        """
        return None if None in self._dates else max(map(_posix, filter(None, self._dates)))

    @cached_property
    def proofs(self) -> tuple[ReadProof, ...]:
        """The proofs that stand in it, each read once, or why it cannot be."""
        return read_each(self.credential.raw, parse_datetime)

    @cached_property
    def _dates(self) -> tuple[Instant | None, ...]:
        """What each proof says that is the issuer's, or may be: `created`, else `validFrom`.

        None of them need verify. Without a single one, what the document says.
        """
        proofs = [each for each in self.proofs if isinstance(each, Proof)]
        methods, stated = f"{self.credential.issuer}#", self.credential.valid_from
        own = [each for each in proofs if each.verification_method.startswith(methods)]
        dates = [stated if each.created is None else each.created for each in own]
        unread = len(proofs) < len(members.objects(self.credential.raw, "proof"))
        return (*dates, *([stated] if unread or not own else []))

    @property
    def dated(self) -> int | None:
        """The claimed time, but no further ahead than clocks may differ.

        What is shown was signed by now.
        """
        if self.claimed is None:
            return None
        return min(self.claimed, self.now + MAX_BEGINNING_AHEAD_SECONDS)

    @cached_property
    def issuances(self) -> tuple[IssuanceProof, ...]:
        """The proofs that exactly these secured bytes existed, from the issuer's own stream."""
        record = record_of(self.credential.raw)
        return self.evidence.issuances(record, self.credential.issuer)

    def home(self, did: str) -> Region | None:
        """Return the region in whose logs a did:webvh stands, None for all other DIDs."""
        return None if self.policy is None else home_of_did(did, self.policy)

    def existed_before(self, end: End) -> bool:
        """Say whether the credential provably existed before an end (threat rule 13).

        In one log its order decides; across logs, or against a recorded time, the time by which
        a quorum had seen the tree.
        """
        return any(
            each.index < end.index
            if end.index is not None and each.control == end.origin
            else each.existed_by < end.at
            for each in self.issuances
        )

    def is_dated_after(self, end: End) -> bool:
        """Say whether the issuer itself dates the credential at or after an end.

        Anybody may add a proof in its name with any date, though it will not verify. So this
        no takes all of them.
        """
        return self.dated is not None and all(
            each is not None and min(self.dated, _posix(each)) >= end.at for each in self._dates
        )

    def covers_dating(self, as_of: int | None) -> bool:
        """Say whether evidence as of T shows what stood when the credential was issued.

        A credential that states no date could have been issued at any time, so no evidence is
        late enough for it.
        """
        return as_of is not None and self.dated is not None and self.dated <= as_of

    def speaks_against(self, proven: ProvenEntry) -> bool:
        """Say whether an entry may refuse the credential, though a later one could mend it."""
        return (
            isinstance(proven, Latest)
            and self.covers_dating(proven.as_of)
            and self.is_fresh(proven)
        )

    def basis(self, proven: ProvenEntry, *, limited: int | None = None) -> Basis:
        """Name the evidence of a check; `limited` is its bound on age, in seconds."""
        if not isinstance(proven, Latest):
            return Basis(proven.source, limit_seconds=limited)
        age = age_seconds(proven.as_of, self.now)
        return Basis(proven.source, proven.as_of, age, limited)

    def is_fresh(self, latest: Latest) -> bool:
        """Say whether a statement is shown to be the latest as of a time within the tier."""
        return age_seconds(latest.as_of, self.now) <= self.limit_seconds


def _posix(instant: Instant) -> int:
    """Return a POSIX second of the years that `timestamps` knows."""
    return min(max(0, instant.seconds), timestamps.MAX_POSIX_SECONDS)
