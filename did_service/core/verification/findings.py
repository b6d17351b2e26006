"""What a step finds that later steps need; a step that was not made leaves the least behind.

issuer ─► proof      proof ─► schema (digests that were signed)      schema ─► authority, status
authority ─► summary
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from did_service.core.anchor.bodies.authority import Authority
from did_service.core.credentials.proof_set import VerifiedProof
from did_service.core.did.document import DidDocument
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.proven import Latest, ProvenEntry
from did_service.core.verification.report import Check


class DidState(NamedTuple):
    """What one did entry says: the document, and whether the DID has ended with it."""

    proven: ProvenEntry
    document: DidDocument
    deactivated: bool


class IssuerFinding(NamedTuple):
    """What came out of step 4.

    Attributes:
        code: Of its check.
        states: The states whose keys may have signed, the newest first.
    """

    code: str
    states: tuple[DidState, ...] = ()

    @property
    def newest(self) -> DidState | None:
        """The newest state at hand."""
        return next(iter(self.states), None)

    @property
    def may_be_outdated(self) -> bool:
        """Whether a later entry may have withdrawn a key: neither the latest nor the end."""
        newest = self.newest
        return newest is not None and not (
            newest.deactivated or isinstance(newest.proven, Latest)
        )


@dataclass(frozen=True, slots=True, eq=False)
class SchemaFinding:
    """What came out of one schema.

    Attributes:
        check: The check.
        latest: The entry it came from, where that is shown to be the latest.
        terms: Its `x-didsvc`, where it speaks for a type of the credential; else empty.
        deprecated: Whether its publisher advises against it.
    """

    check: Check
    latest: Latest | None = None
    terms: JsonObject = field(default_factory=dict)
    deprecated: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether a schema is not at hand or not usable: nobody knows what a type demands."""
        return self.check.code == "schema_missing"


class AuthorityFinding(NamedTuple):
    """What came out of a chain of grants.

    Attributes:
        code: Of the check.
        statement: The issuer's own statement, where one fits.
        hops: The statements walked, the issuer's first.
        rests_on: What a positive finding needs to be the latest: the newest statement of each
            chain, whether it is still in force or says that this one has ended.
        unread: Why the newest statement of a chain cannot be read, if that leaves it open.
    """

    code: str
    statement: Authority | None = None
    hops: tuple[ProvenEntry, ...] = ()
    rests_on: tuple[Latest, ...] = ()
    unread: str | None = None


@dataclass(slots=True, eq=False)
class Findings:
    """What is known of one credential so far; each step fills in its own.

    `schemas` is None until step 7 was made: then nobody knows what the types demand.
    """

    issuer: IssuerFinding = field(default_factory=lambda: IssuerFinding("issuer_fault"))
    signer: VerifiedProof | None = None
    schemas: tuple[SchemaFinding, ...] | None = None
    authority: AuthorityFinding = field(
        default_factory=lambda: AuthorityFinding("authority_missing")
    )
