"""Rules of `did` entries: each is the next did:webvh version of its subject.

The log carries every version, so the rules of did:webvh 1.0 are applied to the chain in log
order. A DID stands only in its home log, and under one spelling. Roots of the policy keep
profile A and everybody else profile B: pre-rotation never lapses (threat rules 10 and 15).
Times are judged by the entry's own second, so a validator that comes late judges alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from did_service.core.anchor.bodies.did import parse_did_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.view import LogView, RuleContext
from did_service.core.did.document import parse_document
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh.profile import Profile, check_profile
from did_service.core.did.webvh.state import HistoryState, accept
from did_service.core.did.webvh.witness import check_witness_proofs, witness_of
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonValue
from did_service.core.errors import RuleError, quote


def check(entry: Entry, former: LoggedEntry | None, log: LogView, world: RuleContext) -> None:
    """Check a `did` entry.

    Raises:
        UnsupportedError: `op_not_supported`.
        RuleError: `subject_wrong`, `not_at_home`, `witness_not_asked`, `key_name_reused`, or a
            did:webvh rule.
        ProofError, MalformedError, PolicyError: a signature, a shape, a foreign host.
    """
    body = parse_did_body(entry.body)
    did = parse_webvh(body.did)
    if entry.subject != did.scid:
        raise RuleError("subject_wrong", "s is not the SCID of the DID")
    if not world.is_home(body.did, log.origin):
        raise RuleError("not_at_home", f"{quote(body.did)} is not at home in {log.origin}")
    chain = log.chain("did", did.scid) if former is not None else ()
    after = _accept(_replayed(chain), entry)
    if after.did != body.did:
        raise RuleError("subject_wrong", "the DID document is about another DID")
    check_profile(after, profile_of(body.did, world.policy))
    _check_witnessed(after, body.witness)
    _check_key_names([*(placed.entry for placed in chain), entry])


def state_of(scid: str, log: LogView) -> HistoryState | None:
    """Replay a DID's entries of a log, already checked there, to its present state."""
    return _replayed(log.chain("did", scid))


def _replayed(chain: Sequence[LoggedEntry]) -> HistoryState | None:
    state = None
    for placed in chain:
        state = _accept(state, placed.entry)
    return state


def profile_of(did: str, policy: Policy) -> Profile:
    """Return the profile that a DID must keep."""
    return Profile.AUTHORITY if policy.region_of_root(did) else Profile.ISSUER


def _accept(state: HistoryState | None, entry: Entry) -> HistoryState:
    logged = parse_did_body(entry.body).entry
    return accept(state, logged, now=timestamps.from_posix(entry.at))


def _check_key_names(versions: list[Entry]) -> None:
    """A method id names one key for good.

    Else whoever has an older document reads another key under the name, and refuses what the
    newer one signed.
    """
    named: dict[str, bytes | None] = {}
    for version in versions:
        body = parse_did_body(version.body)
        document = parse_document(body.entry.get("state"), body.did)
        for method in document.methods:
            if named.setdefault(method.id, method.public) != method.public:
                raise RuleError("key_name_reused", f"{quote(method.id)} was another key before")


def _check_witnessed(after: HistoryState, proofs: Sequence[JsonValue] | None) -> None:
    """The witnesses that are asked have signed, each once, and nobody else.

    Anybody may hand the entry in, so what a log keeps beside it is only theirs (docs/adr/0024).
    """
    rule, version_id = after.witness_rule, after.version.version_id
    if rule is None and proofs is not None:
        raise RuleError("witness_not_asked", "the DID's parameters ask for no witnesses")
    check_witness_proofs(after, list(proofs or ()))
    signers = [witness_of(version_id, proof) for proof in proofs or ()]
    if rule is not None and len(set(signers) & set(rule.witnesses)) < len(signers):
        raise RuleError("witness_not_asked", "a proof is no witness's, or a second one's")
