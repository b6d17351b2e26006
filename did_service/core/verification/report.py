"""The report: what was checked, what came out, on which evidence (`didsvc-report/1`).

Three results and never two: a check that could not be made is UNDECIDED, neither passed nor
failed. The report as a whole is falsy unless everything is accepted without limits, so a
forgotten outcome cannot pass. Same input, same bytes. Shape: docs/formats.md §7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.credentials.model import Credential
from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import Bilingual
from did_service.core.evidence.proven_set import Evidence
from did_service.core.verification.codes import CHECKS, Result, Sentence

FORMAT = "didsvc-report/1"


class Outcome(Enum):
    """The word that the clerk is told."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_LIMITS = "accepted-with-limits"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class NowFrom(Enum):
    """Where the time of judgement came from; the floor is a time that was shown before."""

    CLOCK = "clock"
    GIVEN = "given"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Basis:
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


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of one step. The code alone decides step and result (`codes.CHECKS`).

    Attributes:
        step: 1 to 13.
        code: Stable; a key of `codes.CHECKS`.
        credential: Which credential of the report; None for the whole.
        basis: What it rests on, where it rests on evidence.
        detail: What exactly, for people and machines: a claim, a log, a code; no values.
        waived: Whether the policy waives it (staleness only).
    """

    step: int
    code: str
    credential: int | None = None
    basis: Basis | None = None
    detail: str | None = None
    waived: bool = False

    @property
    def sentence(self) -> Sentence:
        """The closed table's entry for the code."""
        return CHECKS[self.code]

    @property
    def result(self) -> Result:
        """Passed, failed, undecided or not-asked."""
        return self.sentence.result

    @property
    def message(self) -> Bilingual:
        """What was found, with the detail in brackets."""
        text = self.sentence.message
        if self.detail is None:
            return text
        return Bilingual(f"{text.zh} ({self.detail})", f"{text.en} ({self.detail})")

    def encode(self) -> JsonObject:
        """Write one member of `checks`."""
        following = self.sentence.next_step
        return {
            "step": self.step,
            "credential": self.credential,
            "code": self.code,
            "result": self.result.value,
            "evidence": None if self.basis is None else self.basis.encode(),
            "message": _encode(self.message),
            "next": None if following is None else _encode(following),
        }


@dataclass(frozen=True, slots=True)
class CredentialSummary:
    """What was shown, by name: claims as JSON Pointers, never their values."""

    query: str
    type: str | None
    issuer: str | None
    signer: str | None
    issued: datetime | None
    jurisdiction: str | None
    disclosed: tuple[str, ...]
    issuer_name: Bilingual | None = None

    def encode(self) -> JsonObject:
        """Write one member of `credentials`."""
        return {
            "query": self.query,
            "type": self.type,
            "issuer": self.issuer,
            "signer": self.signer,
            "issued": None if self.issued is None else timestamps.encode(self.issued),
            "jurisdiction": self.jurisdiction,
            "disclosed": list(self.disclosed),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict; true only when everything is accepted without limits.

    `evidence` is what was at hand: what to remember, and which forks to report; `proven` are
    the credentials whose signature holds: what they need is worth keeping. Neither is written.
    """

    now: datetime
    now_from: NowFrom
    tier: str
    policy: Policy | None
    credentials: tuple[CredentialSummary, ...]
    checks: tuple[Check, ...]
    unsafe: tuple[str, ...] = ()
    evidence: Evidence = field(default_factory=Evidence, compare=False, repr=False)
    proven: tuple[Credential, ...] = field(default=(), compare=False, repr=False)

    @property
    def outcome(self) -> Outcome:
        """Refused over undecided over accepted with limits over accepted."""
        results = {check.result for check in self.checks if not check.waived}
        if Result.FAILED in results:
            return Outcome.REFUSED
        if Result.UNDECIDED in results or not self.checks:
            return Outcome.UNDECIDED
        return Outcome.ACCEPTED_WITH_LIMITS if self.limits else Outcome.ACCEPTED

    @property
    def limits(self) -> tuple[str, ...]:
        """The codes that the policy waived, each once."""
        return tuple(dict.fromkeys(check.code for check in self.checks if check.waived))

    def __bool__(self) -> bool:
        return self.outcome is Outcome.ACCEPTED

    def encode(self) -> JsonObject:
        """Write the report as a JSON object."""
        return {
            "format": FORMAT,
            "outcome": self.outcome.value,
            "now": timestamps.encode(self.now),
            "now_from": self.now_from.value,
            "tier": self.tier,
            "policy": None if self.policy is None else _encode_policy(self.policy),
            "credentials": [summary.encode() for summary in self.credentials],
            "checks": [check.encode() for check in self.checks],
            "limits": list(self.limits),
            "unsafe": list(self.unsafe),
        }

    def to_bytes(self) -> bytes:
        """Write the report as it stands in a file: the same input gives the same bytes.

        A file is shown on screens too, by `cat`: what does not show is escaped.
        """
        return strict_json.dumps_printable(self.encode()).encode() + b"\n"


def _encode_policy(policy: Policy) -> JsonObject:
    return {
        "federation": policy.federation,
        "seq": policy.sequence,
        "sha256": b64.encode_url(policy.digest),
        "demo": policy.demo,
    }


def _encode(text: Bilingual) -> JsonObject:
    return {"zh": text.zh, "en": text.en}
