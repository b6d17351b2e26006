"""Rules of `did` entries: each is the next did:webvh version of its subject.

    b = {"did", "entry": the did.jsonl object with its proof[, "witness": [proofs]]}

The log carries every version, so the rules of did:webvh 1.0 are applied to the chain in log
order. A DID stands only in its home log, and under one spelling. Roots of the policy keep
profile A and everybody else profile B: pre-rotation never lapses (threat rules 10 and 15).
"""

from __future__ import annotations

from did_service.core.anchor.entry import Entry
from did_service.core.anchor.policy import Policy
from did_service.core.anchor.view import LogView, World
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh import (
    HistoryState,
    Profile,
    accept,
    check_profile,
    check_version_witnessed,
)
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import RuleError, quote


def check(entry: Entry, log: LogView, world: World) -> None:
    """Check a `did` entry.

    Raises:
        RuleError: `op_not_supported`, `subject_wrong`, `not_at_home`, or a did:webvh rule.
        ProofError, MalformedError: a signature or a shape.
    """
    if "op" in entry.body:
        raise RuleError("op_not_supported", "leave, join, end and void are not taken yet")
    fields = Fields(entry.body, "did entry")
    text, logged = fields.text("did"), fields.object("entry")
    witness = fields.array("witness", most=64) if fields.has("witness") else []
    fields.close()
    did = parse_webvh(text)
    if entry.subject != did.scid:
        raise RuleError("subject_wrong", "s is not the SCID of the DID")
    if world.policy.home_of_did(did) is not world.policy.region_of_log(log.origin):
        raise RuleError("not_at_home", f"{quote(text)} is not at home in {log.origin}")
    before = state_of(did.scid, log)
    after = accept(before, logged, now=timestamps.from_posix(world.now))
    if after.did != text:
        raise RuleError("subject_wrong", "the DID document is about another DID")
    check_profile(after, profile_of(text, world.policy))
    check_version_witnessed(before, after, witness)


def state_of(scid: str, log: LogView) -> HistoryState | None:
    """Replay a DID's entries of a log, already checked there, to its present state."""
    state = None
    for placed in log.chain("did", scid):
        logged = Fields(placed.entry.body, "did entry").object("entry")
        now = timestamps.from_posix((placed.entry.at or 0) + 120)
        state = accept(state, logged, now=now)
    return state


def profile_of(did: str, policy: Policy) -> Profile:
    """Return the profile that a DID must keep."""
    return Profile.AUTHORITY if policy.region_of_root(did) else Profile.ISSUER
