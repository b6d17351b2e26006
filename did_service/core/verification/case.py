"""One credential before the judge: what the steps share, and what they may ask.

Nothing here decides; it says what the credential claims about itself and how old evidence is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from did_service.core.anchor.freshness import age_seconds
from did_service.core.anchor.policy import Policy, Region
from did_service.core.credentials import vocabulary
from did_service.core.credentials.model import Credential
from did_service.core.crypto.hashes import sha256
from did_service.core.did.syntax import parse_webvh
from did_service.core.encoding import jcs, timestamps
from did_service.core.errors import DidServiceError
from did_service.core.integrity import data_integrity
from did_service.core.verification.anchored import Anchored, Evidence, Issuance
from did_service.core.verification.report import Basis

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


@dataclass(frozen=True)
class Case:
    """One credential, the evidence, and the time: `now` in POSIX seconds, never before floor.

    `position` is the credential's place in the report, `limit_seconds` the tier's bound on age.
    """

    credential: Credential
    position: int
    policy: Policy | None
    evidence: Evidence
    now: int
    limit_seconds: int

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

        Anybody may add a proof of his own, so only the issuer's proofs date the credential. A
        time before our era is as early as any.
        """
        try:
            proofs = data_integrity.split(self.credential.raw)[1]
        except DidServiceError:
            proofs = ()
        methods = f"{self.credential.issuer}#"
        own = (each for each in proofs if each.verification_method.startswith(methods))
        times = [proof.created for proof in own if proof.created is not None]
        claimed = max(times, default=self.credential.valid_from)
        return None if claimed is None else max(0, timestamps.to_posix(claimed))

    @property
    def dated(self) -> int | None:
        """The claimed time, but never ahead of now: what is shown was signed by now."""
        return None if self.claimed is None else min(self.claimed, self.now)

    @cached_property
    def issuances(self) -> tuple[Issuance, ...]:
        """The proofs that exactly these secured bytes existed."""
        return self.evidence.issuances(sha256(jcs.encode(self.credential.raw)))

    def home(self, did: str) -> Region | None:
        """Return the region in whose logs a did:webvh stands, None for all other DIDs."""
        if self.policy is None:
            return None
        try:
            return self.policy.home_of_did(parse_webvh(did))
        except DidServiceError:
            return None

    def existed_before(self, end: End) -> bool:
        """Say whether the credential provably existed before an end (threat rule 13).

        In one log its order decides; across logs, or against a recorded time, the time by which
        a quorum had seen the tree.
        """
        return any(
            each.index < end.index
            if end.index is not None and each.reg == end.origin
            else each.existed_by < end.at
            for each in self.issuances
        )

    def is_dated_after(self, end: End) -> bool:
        """Say whether the issuer itself dates the credential at or after an end."""
        return self.dated is not None and self.dated >= end.at

    def covers_dating(self, time: int | None) -> bool:
        """Say whether evidence as of T shows what stood when the credential was issued.

        Against a credential without a date nothing speaks for sure.
        """
        return time is not None and self.dated is not None and self.dated <= time

    def speaks_against(self, held: Anchored) -> bool:
        """Say whether an entry may refuse the credential, though a later one could mend it."""
        return self.covers_dating(held.time) and self.is_fresh(held)

    def basis(self, held: Anchored, *, limited: int | None = None) -> Basis:
        """Name the evidence of a check; `limited` is its bound on age, in seconds."""
        age = None if held.time is None else age_seconds(held.time, self.now)
        return Basis(held.source, held.time, age, limited)

    def is_fresh(self, held: Anchored) -> bool:
        """Say whether a statement is shown to be the latest as of a time within the tier."""
        return held.time is not None and age_seconds(held.time, self.now) <= self.limit_seconds
