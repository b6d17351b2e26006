"""Rules of `authority` entries: who may grant what to whom (threat rules 6, 10, 11, 13).

A statement stands in the log where its grantee is at home (a did:key device: where its granter
is). The first one is signed by its granter, later ones by the granter or whoever stands above
it. Where a granter is at home in another region, the statement names a checkpoint of that log
in `x` and everything about that granter is judged as the log stood there.

    active ◄──► suspended      what keeps its `from` may shrink and never grow,
       │            │          so no later statement makes an earlier credential good
       └─► ended ◄──┘          for good; the end may be moved earlier, never later
"""

from __future__ import annotations

from did_service.core.anchor.bodies.authority import (
    Authority,
    OtherLog,
    check_no_wider,
    parse_authority,
)
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.grants import ForeignGranter, Grants
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.view import (
    HomeLogs,
    LogPrefix,
    LogView,
    RuleContext,
    at_home_in,
    document_of,
    same_subject,
    signers_of,
)
from did_service.core.errors import PolicyError, RuleError, UnavailableError, quote
from did_service.core.limits import MAX_SUBMISSION_SECONDS


def check(entry: Entry, log: LogView, world: RuleContext) -> None:
    """Check an `authority` entry.

    Raises:
        RuleError: `subject_wrong`, `not_at_home`, `signer_wrong`, `signer_unknown`,
            `grant_too_wide`, `grant_retroactive`, `state_wrong`, `ended_stays_ended`,
            `custodian_wrong`, `x_missing`, `x_wrong`.
        UnavailableError: `log_behind`, `log_not_mirrored`: no copy of the log named in `x`.
        ProofError, MalformedError, PolicyError: a signature, a shape, a foreign checkpoint.
    """
    new, at = parse_authority(entry.body), entry.at or 0
    if entry.subject != new.subject:
        raise RuleError("subject_wrong", "s is not the hash of granter, grantee and scope")
    homes = _homes(new.other, at, LogPrefix.now(log), world)
    _check_parties(new, homes, log, world)
    newest = log.newest("authority", entry.subject)
    former = None if newest is None else parse_authority(newest.entry.body)
    grants = Grants(world.policy, homes, ForeignGranter.REFUSED, at)
    may_speak = {new.granter} if former is None else grants.speakers(former)
    signers = signers_of(entry, homes)
    if not any(same_subject(one, signer) for one in may_speak for signer in signers):
        raise RuleError("signer_wrong", "neither the granter nor one above it has signed")
    if former is None:
        _check_begins(new, at)
    else:
        former_at = 0 if newest is None else newest.entry.at or 0
        _check_follows(new, at, former, former_at)
    if new.state == "active":
        grants.check_enclosed(new)


def _homes(other: OtherLog | None, at: int, here: LogPrefix, world: RuleContext) -> HomeLogs:
    """Judge DIDs of this region by this log so far, those of the region in `x` as of there."""
    local = at_home_in(here, world)
    if other is None:
        return local
    there = LogPrefix(_check_other(other, at, here, world), other.size)
    beyond = at_home_in(there, world)
    return lambda did: local(did) or beyond(did)


def _check_other(other: OtherLog, at: int, here: LogPrefix, world: RuleContext) -> LogView:
    """Check the witnessed checkpoint on which a statement rests (rule 6); return its log."""
    home = world.policy.region_of_log(other.origin)
    if other.origin != control_origin(home) or other.origin == here.log.origin:
        raise RuleError("x_wrong", f"x names {quote(other.origin)}, no other control log")
    verified = world.policy.log_policy(other.origin).verify(other.note.encode())
    named = other.origin, other.size, other.root
    checkpoint = verified.checkpoint
    if (checkpoint.origin, checkpoint.size, checkpoint.root) != named:
        raise RuleError("x_wrong", "x.proof is the checkpoint of another log, size or root")
    if verified.fresh_at < at - MAX_SUBMISSION_SECONDS:
        raise RuleError("x_wrong", "x.proof is more than an hour old")
    log = world.log(other.origin)
    if log.size() < other.size:
        raise UnavailableError("log_behind", f"no copy of {other.origin} up to {other.size}")
    if log.root(other.size) != other.root:
        raise PolicyError("log_forked", f"x contradicts our copy of {other.origin}")
    return log


def _check_parties(new: Authority, homes: HomeLogs, log: LogView, world: RuleContext) -> None:
    """Refuse a statement outside its home log, or with parties who are not in the log."""
    device = new.grantee.startswith("did:key:")
    home = new.granter if device else new.grantee
    if not world.is_home(home, log.origin):
        raise RuleError("not_at_home", f"{quote(new.grantee)} is not at home in {log.origin}")
    if device and new.roles != ("counter",):
        raise RuleError("grant_too_wide", "a did:key may only be a counter")
    if homes(new.granter) is None:
        raise RuleError("x_missing", "the granter is at home in another log, so x must name it")
    here = at_home_in(LogPrefix.now(log), world)
    if new.status_custodian is not None:
        document_of(new.status_custodian, here)
        if same_subject(new.status_custodian, new.grantee):
            raise RuleError("custodian_wrong", "nobody takes its lists over from itself")
    if new.state == "active":  # at an end, a party may have been deactivated before
        document_of(new.granter, homes)
        if not device:
            document_of(new.grantee, here)


def _check_begins(new: Authority, at: int) -> None:
    if new.state != "active":
        raise RuleError("state_wrong", f"a statement that is {new.state} begins nothing")
    if new.valid_from < at - MAX_SUBMISSION_SECONDS:
        raise RuleError("grant_retroactive", "from lies before the statement itself")


def _check_follows(new: Authority, at: int, former: Authority, former_at: int) -> None:
    """Judge the change from one statement of a chain to the next (rules 8, 11, 13)."""
    if new.valid_from == former.valid_from:
        check_no_wider(new, former)
        if former.until <= at and new.until > former.until:
            raise RuleError("grant_retroactive", "a lapsed statement needs a new from")
    else:
        _check_begins(new, at)
    if new.since is not None and new.since > at:
        raise RuleError("state_wrong", "a state cannot begin ahead of the statement")
    if former.state != "ended":
        return
    if new.state != "ended":
        raise RuleError("ended_stays_ended", "an ended statement is not taken up again")
    former_end = former_at if former.since is None else former.since
    if new.since is None or new.since > former_end:
        raise RuleError("ended_stays_ended", "an end may be moved earlier, never later")
