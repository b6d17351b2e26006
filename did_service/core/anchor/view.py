"""What the rules may look at: the log so far, the other logs, the policy, the time.

Sequencer, witness and offline replay each show their own store through these protocols, so one
set of rules judges for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from did_service.core.anchor import entry as entries
from did_service.core.anchor.entry import Entry, Placed
from did_service.core.anchor.heads import HeadsSnapshot
from did_service.core.anchor.policy import Policy, Region, reg_origin
from did_service.core.did.document import parse_document
from did_service.core.did.key import public_of_did_key
from did_service.core.did.syntax import did_id, parse_did_url, parse_webvh
from did_service.core.encoding.strict_json import as_object, as_text
from did_service.core.errors import RuleError, quote
from did_service.core.integrity import data_integrity, eddsa_jcs_2022


class LogView(Protocol):
    """One log up to, and without, the entry that is being judged."""

    @property
    def origin(self) -> str:
        """The log's origin."""

    def size(self) -> int:
        """Return the number of entries, which is the index of the next one."""

    def last_at(self) -> int:
        """Return `a` of the last entry, 0 for an empty log."""

    def newest(self, kind: str, subject: str, below: int | None = None) -> Placed | None:
        """Return the newest entry of a chain, of those with an index under `below`."""

    def chain(self, kind: str, subject: str) -> Sequence[Placed]:
        """Return all entries of a chain, oldest first."""

    def statements_about(self, grantee: str) -> Sequence[Placed]:
        """Return the newest authority entry of each chain with this grantee."""

    def snapshot(self, size: int) -> HeadsSnapshot:
        """Return the heads snapshot of the first `size` entries."""

    def root(self, size: int) -> bytes:
        """Return the root of the tree of the first `size` entries."""

    def cosigned_before(self, at: int) -> int:
        """Return the size this judge cosigned before a second; 0 if it cosigns nothing."""

    def written_since(self, at: int) -> tuple[int, int]:
        """Return entries and bytes of the log with `a` at or after a second."""


@dataclass(frozen=True, slots=True)
class World:
    """What a rule may use beside the log it guards.

    Args:
        policy: The federation policy in force.
        log: Finds a log by origin; raises UnavailableError `log_not_mirrored` where there is
            no copy.
        now: POSIX seconds of the judge's clock.
        content: Finds the bytes behind a SHA-256 digest, None where they are not at hand.
    """

    policy: Policy
    log: Callable[[str], LogView]
    now: int
    content: Callable[[bytes], bytes | None]

    def reg_of(self, region: Region) -> LogView:
        """Return the control log of a region."""
        return self.log(reg_origin(region))

    def reg_beside(self, origin: str) -> LogView:
        """Return the control log of the region that operates a log."""
        return self.reg_of(self.policy.region_of_log(origin))


def document_of(did: str, reg: LogView, below: int | None = None) -> Placed:
    """Return the newest `did` entry of a did:webvh in its home log.

    Raises:
        RuleError: `signer_unknown` where the DID is not in that log, under exactly this
            spelling, or is deactivated.
    """
    placed = reg.newest("did", parse_webvh(did).scid, below)
    if placed is None or placed.entry.body.get("did") != did:
        raise RuleError("signer_unknown", f"{quote(did)} is not in {quote(reg.origin)}")
    return placed


def key_of(method: str, reg: LogView, below: int | None = None) -> bytes:
    """Return the Ed25519 key of a verification method that may make assertions.

    Args:
        method: A DID URL of a did:key or of a did:webvh in `reg`.
        reg: The control log in which the DID is at home.
        below: Judge by the entries before this index; None for all.

    Raises:
        RuleError: `signer_unknown`.
        ProofError: `key_not_listed`.
        MalformedError: not a DID URL, or a document that cannot be read.
    """
    did = parse_did_url(method).did
    if did.startswith("did:key:"):
        return public_of_did_key(did)
    placed = document_of(did, reg, below)
    logged = as_object(placed.entry.body.get("entry"), "did entry")
    state = as_object(logged.get("state"), "did entry state")
    return parse_document(state, did).public_key(method, "assertionMethod")


def signers_of(entry: Entry, reg: LogView, below: int | None = None) -> frozenset[str]:
    """Return the DIDs that signed an entry. Nothing else may name a signer.

    Every proof must verify; one that does not spoils the entry.

    Raises:
        ProofError: `signature_invalid`, `key_not_listed`, `purpose_wrong`.
        RuleError: `signer_unknown`.
        MalformedError: no proof, or a malformed one.
    """
    document = entries.secured(entry)
    signers = set()
    for proof in entries.proofs(entry):
        if proof.purpose != "assertionMethod":
            raise RuleError("purpose_wrong", f"proof purpose {quote(proof.purpose)}")
        public = key_of(proof.verification_method, reg, below)
        data_integrity.verify(document, proof, public, eddsa_jcs_2022)
        signers.add(parse_did_url(proof.verification_method).did)
    return frozenset(signers)


def same_subject(one: str, other: str) -> bool:
    """Say whether two DIDs are one subject: the same SCID, or the same whole DID."""
    return did_id(one) == did_id(other)


def did_of(entry: Entry) -> str:
    """Return the DID that a `did` entry is about."""
    return as_text(entry.body.get("did"), "entry.b.did")
