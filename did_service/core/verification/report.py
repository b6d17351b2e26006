"""The report: what was checked, what came out, on which evidence (`didsvc-report/1`).

Three results and never two: a check that could not be made is UNDECIDED, neither passed nor
failed. The report as a whole is falsy unless everything is accepted without limits, so a
forgotten outcome cannot pass. Same input, same bytes. Shape: docs/formats.md §7.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.credentials.model import Credential
from did_service.core.encoding import b64, bilingual, strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.encoding.xsd_datetime import Instant
from did_service.core.evidence.proven_set import Evidence
from did_service.core.text import Bilingual
from did_service.core.verification.asked_for import Asked
from did_service.core.verification.codes import CHECKS, Result

FORMAT = "didsvc-report/1"
HOLDER_STEP, HOLDER_PROVEN = 10, "holder_proven"


class Outcome(Enum):
    """The word that the clerk is told.

    `DOCUMENT` is a genuine document whose holder nobody has proven to be; `ANSWERED` is a file
    that was judged here before and was not judged again. Neither is a kind of acceptance.
    """

    ACCEPTED = "accepted"
    ACCEPTED_WITH_LIMITS = "accepted-with-limits"
    REFUSED = "refused"
    UNDECIDED = "undecided"
    DOCUMENT = "document"
    ANSWERED = "answered"


class NowFrom(Enum):
    """Where the time of judgement came from; the floor is a time that was shown before."""

    CLOCK = "clock"
    GIVEN = "given"
    FLOOR = "floor"


class Basis(NamedTuple):
    """What a check rests on: who supplied it, its T, and how old it may be.

    Attributes:
        source: Name of the evidence set, `staple` for the one that came along.
        as_of: POSIX seconds T; None for what is not shown to be the latest.
        age_seconds: Age of T at `now`; None where T is.
        limit_seconds: Bound on the age by the tier; None where age does not matter.
    """

    source: str
    as_of: int | None = None
    age_seconds: int | None = None
    limit_seconds: int | None = None

    def encode(self) -> JsonObject:
        """Write the member `evidence` of a check."""
        time = None if self.as_of is None else timestamps.from_posix(self.as_of)
        return {
            "source": self.source,
            "time": None if time is None else timestamps.encode(time),
            "age_seconds": self.age_seconds,
            "limit_seconds": self.limit_seconds,
        }


class Check(NamedTuple):
    """One finding of one step. The code alone decides step and result (`codes.CHECKS`).

    Attributes:
        code: Stable; a key of `codes.CHECKS`.
        credential: Which credential of the report; None for the whole.
        basis: What it rests on, where it rests on evidence.
        detail: What exactly, for people and machines: a claim, a log, a code; no values.
        waived: Whether the policy waives it (staleness only).
        quoted: What of the detail is the credential's own word, until `hidden.told` has judged.
    """

    code: str
    credential: int | None = None
    basis: Basis | None = None
    detail: str | None = None
    waived: bool = False
    quoted: str | None = None

    @property
    def step(self) -> int:
        """1 to 13."""
        return CHECKS[self.code].step

    @property
    def result(self) -> Result:
        """Passed, failed, undecided, not asked, or not judged."""
        return CHECKS[self.code].result

    def encode(self) -> JsonObject:
        """Write one member of `checks`."""
        return {
            "step": self.step,
            "credential": self.credential,
            "code": self.code,
            "result": self.result.value,
            "evidence": None if self.basis is None else self.basis.encode(),
            "detail": self.detail,
            "waived": self.waived,
        }


@dataclass(frozen=True, slots=True)
class DocumentIdentity:
    """Whose document it is, from claims that its issuer signed, by its type's own schema.

    Attributes:
        title: What the type is called; None where its schema says nothing.
        name: The holder's name.
        number: The holder's number, masked.
        document: The document's number, masked.
        valid_from: When it takes effect.
        valid_until: When it ends.
        titles: What its claims are called, by the last part of their pointers.
    """

    title: Bilingual | None = None
    name: str | None = field(default=None, repr=False)
    number: str | None = None
    document: str | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    titles: Mapping[str, Bilingual] = field(default_factory=dict, repr=False)

    def encode(self) -> JsonObject:
        """Write the member `identity` of a credential of the report."""
        return {
            "title": bilingual.encode(self.title),
            "name": self.name,
            "number": self.number,
            "document": self.document,
            "valid_from": None if self.valid_from is None else str(self.valid_from),
            "valid_until": None if self.valid_until is None else str(self.valid_until),
        }


@dataclass(frozen=True, slots=True)
class CredentialSummary:
    """What was shown: the names of its claims, and whose document it is.

    Attributes:
        query: Which query it answers.
        type: Its first type IRI beside VerifiableCredential.
        issuer: As it is named in the credential.
        signer: The verification method whose signature holds; None where none does.
        issued: When the issuer claims to have signed.
        jurisdiction: Six digits.
        disclosed: The claims of what passed as JSON Pointers, never their values.
        issuer_name: As the granter's statement has it.
        identity: Whose it is; None unless its signature and its schema hold.
        claims: `credentialSubject` of what passed every step; None of everything else.
    """

    query: str
    type: str | None
    issuer: str | None
    signer: str | None
    issued: datetime | None
    jurisdiction: str | None
    disclosed: tuple[str, ...]
    issuer_name: Bilingual | None = None
    identity: DocumentIdentity | None = None
    claims: JsonValue = field(default=None, repr=False)

    def encode(self, *, claims: bool = False) -> JsonObject:
        """Write one member of `credentials`; values of claims only if they are asked for."""
        identity = None if self.identity is None else self.identity.encode()
        return {
            "query": self.query,
            "type": self.type,
            "issuer": self.issuer,
            "signer": self.signer,
            "issued": None if self.issued is None else timestamps.encode(self.issued),
            "jurisdiction": self.jurisdiction,
            "disclosed": list(self.disclosed),
            "issuer_name": bilingual.encode(self.issuer_name),
            "identity": identity,
            **({"claims": self.claims} if claims else {}),
        }


class FirstVerdict(NamedTuple):
    """When the same bytes were judged here, and what came out."""

    time: datetime
    outcome: Outcome

    def encode(self) -> JsonObject:
        """Write the member `answered` of a report."""
        return {"time": timestamps.encode(self.time), "outcome": self.outcome.value}


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """The verdict; true only when everything is accepted without limits.

    `answered` is the first verdict on a file that was judged before; `asked` the question that
    it was judged by. `accepts_limits` says that limits were accepted; it stays falsy with them.
    `evidence` is what was at hand: what to remember, and which forks to report; `proven` are
    the credentials whose signature holds: what they need is worth keeping; `holder_signed`
    says that a holder signed for the nonce all that is shown. None of them is written.
    """

    now: datetime
    now_from: NowFrom
    tier: str
    policy: Policy | None
    credentials: tuple[CredentialSummary, ...]
    checks: tuple[Check, ...]
    unsafe: tuple[str, ...] = ()
    answered: FirstVerdict | None = None
    asked: Asked | None = None
    accepts_limits: bool = False
    evidence: Evidence = field(default_factory=Evidence, compare=False, repr=False)
    proven: tuple[Credential, ...] = field(default=(), compare=False, repr=False)
    holder_signed: bool = field(default=False, compare=False)

    @property
    def outcome(self) -> Outcome:
        """Refused over undecided over document over accepted with limits over accepted."""
        if self.answered is not None:
            return Outcome.ANSWERED
        results = {check.result for check in self.checks if not check.waived}
        if Result.FAILED in results:
            return Outcome.REFUSED
        if Result.UNDECIDED in results or not self.checks:
            return Outcome.UNDECIDED
        if not self.holder_proven:
            return Outcome.DOCUMENT
        return Outcome.ACCEPTED_WITH_LIMITS if self.limits else Outcome.ACCEPTED

    @property
    def holder_proven(self) -> bool:
        """Whether each credential was shown by its holder; without that nothing is accepted."""
        found = {check.code for check in self.checks if check.step == HOLDER_STEP}
        return found == {HOLDER_PROVEN}

    @property
    def limits(self) -> tuple[str, ...]:
        """The codes that the policy waived, each once."""
        return tuple(dict.fromkeys(check.code for check in self.checks if check.waived))

    def __bool__(self) -> bool:
        return self.outcome is Outcome.ACCEPTED

    def encode(self, *, claims: bool = False) -> JsonObject:
        """Write the report as a JSON object.

        Args:
            claims: Whether it carries the claims of what passed, and not only names and masked
                numbers. What is kept does not, unless somebody asks for it.
        """
        return {
            "format": FORMAT,
            "outcome": self.outcome.value,
            "now": timestamps.encode(self.now),
            "now_from": self.now_from.value,
            "tier": self.tier,
            "policy": None if self.policy is None else _encode_policy(self.policy),
            "credentials": [each.encode(claims=claims) for each in self.credentials],
            "checks": [check.encode() for check in self.checks],
            "limits": list(self.limits),
            "unsafe": list(self.unsafe),
            "answered": None if self.answered is None else self.answered.encode(),
            "asked": None if self.asked is None else self.asked.encode(),
        }

    def to_bytes(self, *, claims: bool = False) -> bytes:
        """Write the report as it stands in a file: the same input gives the same bytes.

        A file is shown on screens too, by `cat`: what does not show is escaped.
        """
        return strict_json.dumps_printable(self.encode(claims=claims)).encode() + b"\n"


def _encode_policy(policy: Policy) -> JsonObject:
    return {
        "federation": policy.federation,
        "seq": policy.sequence,
        "sha256": b64.encode_url(policy.digest),
        "demo": policy.demo,
    }
