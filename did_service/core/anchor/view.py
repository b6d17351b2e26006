"""What the rules may look at: the log so far, the other logs, the policy, the time.

Sequencer, witness and offline replay each show their own store through `LogView`, so one set of
rules judges for all of them. What a rule asks about a DID or a grant is asked of a `LogPrefix`:
a log as it stood at one size. Judges whose copies have grown by different amounts therefore
give the same answer.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.did import LEAVE, DidBody, parse_did_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.bodies.void import is_void
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.first_version import FirstVersion
from did_service.core.anchor.region import Region, control_origin
from did_service.core.anchor.snapshot import HeadsSnapshot
from did_service.core.did.document import Relationship, parse_document
from did_service.core.did.key import public_of_method_id
from did_service.core.did.syntax import did_id, parse_did_url, parse_webvh
from did_service.core.encoding.strict_json import as_object
from did_service.core.errors import PolicyError, RuleError, quote
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.limits import MAX_ENTRIES_PARSED


class LogView(Protocol):
    """One log up to, and without, the entry that is being judged."""

    @property
    def origin(self) -> str:
        """The log's origin."""

    def size(self) -> int:
        """Return the number of entries, which is the index of the next one."""

    def last_at(self) -> int:
        """Return `a` of the last entry, 0 for an empty log."""

    def newest(self, kind: str, subject: str, below: int | None = None) -> LoggedEntry | None:
        """Return the newest entry of a chain, of those with an index under `below`."""

    def chain(self, kind: str, subject: str) -> Sequence[LoggedEntry]:
        """Return all entries of a chain, oldest first."""

    def statements_about(self, grantee: str) -> Sequence[LoggedEntry]:
        """Return the newest authority entry of each chain with this grantee."""

    def snapshot(self, size: int) -> HeadsSnapshot:
        """Return the heads snapshot of the first `size` entries."""

    def root(self, size: int) -> bytes:
        """Return the root of the tree of the first `size` entries, at most `size()`."""

    def cosigned_before(self, at: int) -> int:
        """Return the size this judge cosigned before a second; 0 if it cosigns nothing."""

    def written_since(self, at: int) -> tuple[int, int]:
        """Return entries and bytes, contents included, with `a` at or after a second."""


class LogPrefix(NamedTuple):
    """A log as it stood with its first `size` entries."""

    log: LogView
    size: int

    @classmethod
    def now(cls, log: LogView) -> "LogPrefix":
        """Take the whole log, as far as this judge has it."""
        return cls(log, log.size())

    @classmethod
    def as_of(cls, log: LogView, at: int) -> "LogPrefix":
        """Take the log as it stood at the end of a POSIX second."""
        return cls(log, log.size() - log.written_since(at + 1)[0])

    def newest(self, kind: str, subject: str) -> LoggedEntry | None:
        """Return the newest entry of a chain."""
        return self.log.newest(kind, subject, self.size)

    def chain(self, kind: str, subject: str) -> list[LoggedEntry]:
        """Return the entries of a chain, oldest first."""
        return [placed for placed in self.log.chain(kind, subject) if placed.index < self.size]

    def statements_about(self, grantee: str) -> list[LoggedEntry]:
        """Return the newest authority entry of each chain with this grantee that says any."""
        chains = (placed.entry.subject for placed in self.log.statements_about(grantee))
        newest = (self.newest("authority", subject) for subject in chains)
        return [each for each in newest if each is not None and not is_void(each.entry.body)]


HomeLogs = Callable[[str], LogPrefix | None]
"""Finds the control log in which a did:webvh is at home, as it stood for this judgement; None
where the entry under judgement does not rest on that log."""


class RuleContext(NamedTuple):
    """What a rule may use beside the log it guards.

    Args:
        policy: The federation policy in force.
        log: Finds a log by origin; raises UnavailableError `log_not_mirrored` where there is
            no copy.
        now: POSIX seconds of the judge's clock.
        content: Finds the bytes behind a SHA-256 digest, None where they are not at hand.
        first: What was found of this very entry before, where it begins a DID; None: nothing.
    """

    policy: Policy
    log: Callable[[str], LogView]
    now: int
    content: Callable[[bytes], bytes | None]
    first: FirstVersion | None = None

    def control_of(self, region: Region) -> LogView:
        """Return the control log of a region."""
        return self.log(control_origin(region))

    def control_beside(self, origin: str) -> LogView:
        """Return the control log of the region that operates a log."""
        return self.control_of(self.policy.region_of_log(origin))

    def is_home(self, did: str, origin: str) -> bool:
        """Say whether a did:webvh is at home with the operator of a log.

        Raises:
            PolicyError: `home_unknown`.
            UnsupportedError, MalformedError: not a canonical did:webvh.
        """
        home = self.policy.home_of_did(parse_webvh(did))
        return home is self.policy.region_of_log(origin)


def at_home_in(here: LogPrefix, world: RuleContext) -> HomeLogs:
    """Judge DIDs of this log's region by this log, and rest on no other one.

    A did:key has no home; what is said about it stands wherever one looks. A DID whose region
    has left is at home nowhere.
    """

    def home(did: str) -> LogPrefix | None:
        local = did.startswith("did:key:") or _is_home(did, here.log.origin, world)
        return here if local else None

    return home


def _is_home(did: str, origin: str, world: RuleContext) -> bool:
    try:
        return world.is_home(did, origin)
    except PolicyError:
        return False


def document_of(did: str, homes: HomeLogs) -> DidBody:
    """Return what the newest `did` entry of a did:webvh in its home log says.

    Raises:
        RuleError: `signer_unknown` where the DID is not in that log under exactly this
            spelling, has left it, is deactivated, or its newest version is void.
        PolicyError, UnsupportedError, MalformedError: not a DID of this federation.
    """
    return _document_in(_newest_of(did, homes), did)


def key_of(method: str, homes: HomeLogs) -> bytes:
    """Return the Ed25519 key of a verification method that may make assertions.

    Args:
        method: A DID URL of a did:key or of a did:webvh.
        homes: Where a did:webvh is looked up.

    Raises:
        RuleError, PolicyError: as `document_of`.
        ProofError: `key_not_listed`.
        MalformedError: not a DID URL, or a document that cannot be read.
    """
    if method.startswith("did:key:"):
        return public_of_method_id(method)
    did = str(parse_did_url(method).did)
    return _key_in(_newest_of(did, homes), did, method)


def _newest_of(did: str, homes: HomeLogs) -> Entry | None:
    """Return the newest `did` entry of a DID where it is looked up, None without any."""
    home, scid = homes(did), parse_webvh(did).scid
    placed = None if home is None else home.newest("did", scid)
    return None if placed is None else placed.entry


def _document_in(entry: Entry | None, did: str) -> DidBody:
    """Return what an entry says of a DID that may sign; raises as `document_of`."""
    says = entry is not None and not is_void(entry.body)
    body = parse_did_body(entry.body) if entry is not None and says else None
    if body is None or body.did != did or body.op == LEAVE:
        raise RuleError("signer_unknown", f"{quote(did)} is not in the log that counts here")
    if as_object(body.entry.get("parameters"), "parameters").get("deactivated") is True:
        raise RuleError("signer_unknown", f"{quote(did)} is deactivated")
    return body


@lru_cache(maxsize=MAX_ENTRIES_PARSED)
def _key_in(entry: Entry | None, did: str, method: str) -> bytes:
    """Return a key out of an entry; the same few issuers sign most of what comes."""
    logged = _document_in(entry, did).entry
    document = parse_document(logged.get("state"), expected_id=did)
    document.check_self_controlled()
    return document.public_key(method, Relationship.ASSERTION_METHOD)


def signers_of(entry: Entry, homes: HomeLogs) -> frozenset[str]:
    """Return the DIDs that signed an entry. Nothing else may name a signer.

    Every proof must verify; one that does not spoils the entry.

    Raises:
        RuleError: `purpose_wrong`, `signer_unknown`.
        ProofError: `signature_invalid`, `cryptosuite_mismatch`, `key_not_listed`.
        MalformedError: no proof, or a malformed one.
    """
    document = entries.secured(entry)
    signers = set()
    for proof in entries.proofs(entry):
        if proof.purpose != "assertionMethod":
            raise RuleError("purpose_wrong", f"proof purpose {quote(proof.purpose)}")
        public = key_of(proof.verification_method, homes)
        data_integrity.verify(document, proof, public, eddsa_jcs_2022)
        signers.add(str(parse_did_url(proof.verification_method).did))
    return frozenset(signers)


def same_subject(one: str, other: str) -> bool:
    """Say whether two DIDs are one subject: the same SCID, or the same whole DID."""
    return did_id(one) == did_id(other)
