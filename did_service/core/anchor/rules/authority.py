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
    check_no_wider,
    parse_authority,
)
from did_service.core.anchor.bodies.other_log import OtherLog
from did_service.core.anchor.bodies.policy import parse_policy_body
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.grants import ForeignGranter, Grants
from did_service.core.anchor.rules.other_log import check_other
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
from did_service.core.errors import RuleError, quote
from did_service.core.limits import MAX_SUBMISSION_SECONDS

_LISTS_SINCE = 2  # the number of the rules that brought this


def check(entry: Entry, former: LoggedEntry | None, log: LogView, world: RuleContext) -> None:
    """Check an `authority` entry.

    Raises:
        RuleError: `subject_wrong`, `not_at_home`, `signer_wrong`, `signer_unknown`,
            `grant_too_wide`, `grant_retroactive`, `state_wrong`, `ended_stays_ended`,
            `custodian_wrong`, `list_of_another`, `x_missing`, `x_wrong`.
        UnavailableError: `log_behind`, `log_not_mirrored`: no copy of the log named in `x`.
        ProofError, MalformedError, PolicyError: a signature, a shape, a foreign checkpoint.
    """
    new, at = parse_authority(entry.body), entry.at
    if entry.subject != new.subject:
        raise RuleError("subject_wrong", "s is not the hash of granter, grantee and scope")
    homes = _homes(new.other, at, LogPrefix.now(log), world)
    _check_parties(new, homes, log, world)
    held = None if former is None else parse_authority(former.entry.body)
    grants = Grants(world.policy, homes, ForeignGranter.REFUSED, at)
    may_speak = {new.granter} if held is None else grants.speakers(held)
    signers = signers_of(entry, homes)
    if not any(same_subject(one, signer) for one in may_speak for signer in signers):
        raise RuleError("signer_wrong", "neither the granter nor one above it has signed")
    if former is None or held is None:
        _check_begins(new, at)
    else:
        _check_follows(new, at, held, former.entry.at)
    if new.state == "active":
        grants.check_enclosed(new)
    added = set(new.status_lists) - set(() if held is None else held.status_lists)
    if added and _logged_rules(log, world) >= _LISTS_SINCE:
        _check_lists(new, added, LogPrefix.now(log))


def _logged_rules(log: LogView, world: RuleContext) -> int:
    """Return the number that the log's own newest policy puts in force.

    Whoever copies a log later reads what stands before that policy as its judges did.
    """
    newest = log.newest("policy", world.policy.federation)
    return 0 if newest is None else parse_policy_body(newest.entry.body).rules


def _check_lists(new: Authority, added: set[str], here: LogPrefix) -> None:
    """One granter names a list; whoever ends a statement chooses who keeps its lists.

    Else an office that may grant one type would name an agency's list for another, end that,
    and revoke what it never had a say in.
    """
    for placed in here.statements_about(new.grantee):
        other = parse_authority(placed.entry.body)
        if added.intersection(other.status_lists) and not same_subject(
            other.granter, new.granter
        ):
            raise RuleError("list_of_another", f"{quote(other.granter)} has named this list")


def _homes(other: OtherLog | None, at: int, here: LogPrefix, world: RuleContext) -> HomeLogs:
    """Judge DIDs of this region by this log so far, those of the region in `x` as of there."""
    local = at_home_in(here, world)
    if other is None:
        return local
    there = LogPrefix(check_other(other, at, here, world), other.size)
    beyond = at_home_in(there, world)
    return lambda did: local(did) or beyond(did)


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
