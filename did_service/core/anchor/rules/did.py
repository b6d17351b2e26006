"""Rules of `did` entries: each is the next did:webvh version of its subject.

The log carries every version, so the rules of did:webvh 1.0 are applied to the chain in log
order. A DID stands only in its home log, and under one spelling. Roots of the policy keep
profile A and everybody else profile B, or C where the first version said that it may move:
pre-rotation never lapses (threat rules 10 and 15). Times are judged by the entry's own second,
so a validator that comes late judges alike.

A version that takes its DID to the home of another log stands in both, as the last of the old
one (`leave`) and the first of the new one (`join`; threat rule 8, docs/adr/0053). A name that a
DID has given up is never its own again: what was issued under it would be good again, though
it was revoked or issued anew elsewhere meanwhile (docs/adr/0078).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

from did_service.core.anchor.bodies.did import JOIN, LEAVE, DidBody, parse_did_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import Entry, Envelope, LoggedEntry
from did_service.core.anchor.first_version import FirstVersion
from did_service.core.anchor.moves import has_left, history, named
from did_service.core.anchor.view import LogPrefix, LogView, RuleContext
from did_service.core.anchor.voids import is_voiding, standing
from did_service.core.did.document import parse_document
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh.entry import parse_version_time
from did_service.core.did.webvh.profile import Profile, check_profile
from did_service.core.did.webvh.state import HistoryState, accept
from did_service.core.did.webvh.witness import check_witness_proofs, witness_of
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonValue, as_object, as_text
from did_service.core.errors import DidServiceError, RuleError, quote
from did_service.core.limits import MAX_VERSION_TIME_AHEAD_SECONDS

_MOVES_SINCE = 2
_LAST_TIME = datetime.max.replace(tzinfo=UTC) - timedelta(
    seconds=MAX_VERSION_TIME_AHEAD_SECONDS
)
_PROFILES = (Profile.AUTHORITY, Profile.ISSUER, Profile.MOVABLE)


def check(entry: Entry, former: LoggedEntry | None, log: LogView, world: RuleContext) -> None:
    """Check a `did` entry; for a join, `former` is the leave in the other log.

    Raises:
        UnsupportedError: `op_not_supported`.
        RuleError: `subject_wrong`, `not_at_home`, `did_left`, `join_repeated`, `leave_wrong`,
            `name_given_up`, `version_voided`, `witness_not_asked`, `key_name_reused`, or a
            did:webvh rule.
        ProofError, MalformedError, PolicyError: a signature, a shape, a foreign host.
        UnavailableError: `log_not_mirrored`: a log in which the DID has been before.
    """
    body = parse_did_body(entry.body)
    did = parse_webvh(body.did)
    if entry.subject != did.scid:
        raise RuleError("subject_wrong", "s is not the SCID of the DID")
    if body.op != LEAVE and not world.is_home(body.did, log.origin):
        raise RuleError("not_at_home", f"{quote(body.did)} is not at home in {log.origin}")
    if body.op == JOIN:
        _check_joins(former, log, did.scid)
    elif has_left(log.chain("did", did.scid)):
        raise RuleError("did_left", f"{quote(body.did)} has left {log.origin}")
    chain = _before(body, did.scid, log, world)
    if not chain and _was_found_good(entry, body, world):
        return
    stands = standing(chain)
    before = _replayed(stands)
    after = accept(before, body.entry, now=timestamps.from_posix(entry.at))
    _check_not_given_up(after.did, stands)
    _check_named(body, before, after, log, world)
    check_profile(
        after,
        profile_of(after.did, world.policy, portable=after.version.parameters.portable),
    )
    after.version.document.check_self_controlled()
    _check_witnessed(after, body.witness)
    _check_new(after, chain)
    earlier = [each.entry for each in chain if not is_voiding(each)]
    if earlier:  # one document alone names no key twice
        _check_key_names([*earlier, entry])


def judge_first(entry: Envelope) -> FirstVersion | None:
    """Judge an entry that begins a DID, as far as it speaks for itself; None for any other.

    Raises:
        DidServiceError: as `check`.
    """
    if entry.type != "did" or entry.number != 1:
        return None
    body = parse_did_body(entry.body)
    if body.op is not None:
        return None
    time = parse_version_time(as_text(body.entry.get("versionTime"), "versionTime"))
    if time > _LAST_TIME:  # no time is so far ahead of it as a version may be
        raise RuleError("version_time_in_future", "versionTime is at the end of all time")
    after = accept(None, body.entry, now=time)
    if after.did != body.did:
        raise RuleError("subject_wrong", "the DID document is about another DID")
    after.version.document.check_self_controlled()
    _check_witnessed(after, body.witness)
    kept = frozenset(each for each in _PROFILES if _keeps(after, each))
    return FirstVersion(ceil(time.timestamp()), after.version.parameters.portable, kept)


def _keeps(state: HistoryState, profile: Profile) -> bool:
    try:
        check_profile(state, profile)
    except DidServiceError:
        return False
    return True


def _was_found_good(entry: Entry, body: DidBody, world: RuleContext) -> bool:
    """Say whether `judge_first` has said yes to all that `check` would still look at."""
    first = world.first
    if first is None or body.op is not None:
        return False
    is_due = first.time <= entry.at + MAX_VERSION_TIME_AHEAD_SECONDS
    profile = profile_of(body.did, world.policy, portable=first.portable)
    return is_due and profile in first.profiles


def state_of(scid: str, log: LogView) -> HistoryState | None:
    """Replay a DID's entries of the only log it was ever in, to its present state."""
    return _replayed(standing(log.chain("did", scid)))


def profile_of(did: str, policy: Policy, *, portable: bool = False) -> Profile:
    """Return the profile that a DID must keep.

    Args:
        did: As it is now.
        policy: In force.
        portable: What its first version says.
    """
    if policy.region_of_root(did):
        return Profile.AUTHORITY
    moves = portable and policy.rules >= _MOVES_SINCE
    return Profile.MOVABLE if moves else Profile.ISSUER


def _before(body: DidBody, scid: str, log: LogView, world: RuleContext) -> list[LoggedEntry]:
    """Return the entries before the one that is judged, over all logs of the DID.

    A join says again what its leave has said, so that it is judged in the leave's place.
    """
    if body.op == JOIN and body.other is not None:
        other = LogPrefix(world.log(body.other.origin), body.other.size)
        return history(other, scid, world.log)[:-1]
    return history(LogPrefix.now(log), scid, world.log)


def _check_joins(leave: LoggedEntry | None, log: LogView, scid: str) -> None:
    """One join follows one leave: what the log has of the DID was there before it."""
    held = log.newest("did", scid)
    if held is not None and (leave is None or held.entry.number >= leave.entry.number):
        raise RuleError("join_repeated", f"the DID has joined {log.origin} already")


def _check_named(
    body: DidBody,
    before: HistoryState | None,
    after: HistoryState,
    log: LogView,
    world: RuleContext,
) -> None:
    """An entry names the DID as it is; a leave as it was, and its version goes elsewhere."""
    if body.op != LEAVE:
        if after.did != body.did:
            raise RuleError("subject_wrong", "the DID document is about another DID")
        return
    if before is None or before.did != body.did:
        raise RuleError("subject_wrong", "a leave names the DID as it was until then")
    if world.policy.region_of_root(body.did) is not None:
        raise RuleError("leave_wrong", "the root of a region stays in its log")
    if world.is_home(after.did, log.origin):
        raise RuleError("leave_wrong", f"{quote(after.did)} is at home in {log.origin}")


def _check_not_given_up(did: str, stands: Sequence[LoggedEntry]) -> None:
    """A DID keeps its name or takes one that it never had; what was voided was never said."""
    names = [named(parse_did_body(each.entry.body)) for each in stands]
    if names and names[-1] != did and did in names:
        raise RuleError("name_given_up", f"{quote(did)} was given up")


def _check_new(after: HistoryState, chain: Sequence[LoggedEntry]) -> None:
    """What governance has voided is not said again."""
    if not any(map(is_voiding, chain)):
        return
    said = [parse_did_body(each.entry.body).entry for each in chain if not is_voiding(each)]
    stands = [parse_did_body(each.entry.body).entry for each in standing(chain)]
    voided = {str(each.get("versionId")) for each in said if each not in stands}
    if after.version.version_id in voided:
        raise RuleError("version_voided", f"{after.version.version_id} was voided")


def _replayed(chain: Iterable[LoggedEntry]) -> HistoryState | None:
    state = None
    for placed in chain:
        state = _accept(state, placed.entry)
    return state


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
        state = as_object(parse_did_body(version.body).entry.get("state"), "state")
        for method in parse_document(state, as_text(state.get("id"), "state.id")).methods:
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
