"""Rules of `authority` entries: who may grant what to whom (threat rules 6, 10, 11).

A statement stands in the log where its grantee is at home (a did:key device: where its granter
is). It is signed by its granter or by the granter's superior. The granter is a root of the
policy, or holds a statement with role `granter` that encloses the new one. Where the granter is
at home in another region, the statement names that log's checkpoint in `x` and is judged there.
"""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.anchor.authority import (
    Authority,
    OtherLog,
    check_within,
    covers,
    parse_authority,
)
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.policy import Region, reg_origin
from did_service.core.anchor.view import LogView, World, document_of, same_subject, signers_of
from did_service.core.did.syntax import parse_webvh
from did_service.core.errors import PolicyError, RuleError, quote
from did_service.core.limits import MAX_AUTHORITY_HOPS

_X_MAX_AGE_SECONDS = 3_600


def check(entry: Entry, log: LogView, world: World) -> None:
    """Check an `authority` entry.

    Raises:
        RuleError: `subject_wrong`, `not_at_home`, `signer_wrong`, `grant_too_wide`,
            `grant_retroactive`, `grantee_unknown`, `ended_stays_ended`, `x_missing`, `x_wrong`.
        ProofError, MalformedError, PolicyError: a signature, a shape, a foreign checkpoint.
    """
    new = parse_authority(entry.body)
    if entry.subject != new.subject:
        raise RuleError("subject_wrong", "s is not the hash of granter, grantee and scope")
    _check_home(new, log, world)
    granter_log, below = _granter_log(new, entry, log, world)
    _check_signer(new, entry, granter_log, below, world)
    former = log.newest("authority", entry.subject)
    _check_time(new, entry, parse_authority(former.entry.body) if former else None)
    if new.state == "active":
        _check_enclosed(new, granter_log, below, world, entry.at or 0)


def publishes(did: str, identifier: str, log: LogView, world: World, at: int) -> bool:
    """Say whether a DID may publish a schema under an identifier at a second."""
    region = world.policy.region_of_root(did)
    if region is not None:
        return world.policy.home_of_schema(identifier) is region
    return any(
        "publisher" in held.roles and any(identifier.startswith(p) for p in held.prefixes)
        for held in standing(did, log, at)
    )


def standing(grantee: str, log: LogView, at: int, below: int | None = None) -> Iterator[Authority]:
    """Yield the statements about a grantee that are active at a second."""
    for placed in log.statements_about(grantee):
        if below is not None and placed.index >= below:
            continue
        held = parse_authority(placed.entry.body)
        if held.state == "active" and held.begins <= at < held.until:
            yield held


def _check_home(new: Authority, log: LogView, world: World) -> None:
    """Refuse a statement outside its grantee's home log, or about nobody."""
    own = world.policy.region_of_log(log.origin)
    device = new.grantee.startswith("did:key:")
    home = new.granter if device else new.grantee
    if world.policy.home_of_did(parse_webvh(home)) is not own:
        raise RuleError("not_at_home", f"{quote(new.grantee)} is not at home in {log.origin}")
    if device:
        if new.roles != ("counter",):
            raise RuleError("grant_too_wide", "a did:key may only be a counter")
        return
    if log.newest("did", parse_webvh(new.grantee).scid) is None:
        raise RuleError("grantee_unknown", f"{quote(new.grantee)} is not in {log.origin}")


def _granter_log(
    new: Authority, entry: Entry, log: LogView, world: World
) -> tuple[LogView, int | None]:
    """Return the control log by which the granter is judged, and below which index."""
    home = world.policy.home_of_did(parse_webvh(new.granter))
    if reg_origin(home) == log.origin:
        return log, None
    if new.other is None:
        raise RuleError("x_missing", "the granter is at home in another log, so x must name it")
    _check_other(new.other, entry.at or 0, reg_origin(home), world)
    return world.log(reg_origin(home)), new.other.size


def _check_other(other: OtherLog, at: int, origin: str, world: World) -> None:
    """Check the witnessed checkpoint of another log on which a statement rests (rule 6)."""
    if other.origin != origin:
        raise RuleError("x_wrong", f"x names {quote(other.origin)}, not {quote(origin)}")
    verified = world.policy.log_policy(origin).verify(other.note.encode())
    if (verified.checkpoint.size, verified.checkpoint.root) != (other.size, other.root):
        raise RuleError("x_wrong", "x.proof is the checkpoint of another size or root")
    if verified.fresh_at < at - _X_MAX_AGE_SECONDS:
        raise RuleError("x_wrong", "x.proof is more than an hour old")
    if world.log(origin).root(other.size) != other.root:
        raise PolicyError("log_forked", f"x contradicts our copy of {origin}")


def _check_signer(
    new: Authority, entry: Entry, granter_log: LogView, below: int | None, world: World
) -> None:
    document_of(new.granter, granter_log, below)
    signers = signers_of(entry, granter_log, below)
    lords = {new.granter, *_superiors(new.granter, granter_log, world, entry.at or 0)}
    if not any(same_subject(lord, signer) for lord in lords for signer in signers):
        raise RuleError("signer_wrong", "neither the granter nor its superior has signed")


def _superiors(granter: str, log: LogView, world: World, at: int) -> Iterator[str]:
    """Yield those above a granter, up to the root of the policy."""
    level = [granter]
    for _ in range(MAX_AUTHORITY_HOPS):
        level = [
            parse_authority(placed.entry.body).granter
            for grantee in level
            for placed in log.statements_about(grantee)
        ]
        yield from level
        if any(world.policy.region_of_root(did) for did in level):
            return


def _check_time(new: Authority, entry: Entry, former: Authority | None) -> None:
    """Refuse grants that reach back, and life after an end (threat rules 8 and 11)."""
    at = entry.at or 0
    if former is not None and former.state == "ended" and new.state != "ended":
        raise RuleError("ended_stays_ended", "an ended statement is not taken up again")
    if new.state != "active" and former is None:
        raise RuleError("state_wrong", f"the first statement cannot be {new.state}")
    if new.state == "ended" and new.since is not None and new.since > at:
        raise RuleError("state_wrong", "an end cannot lie ahead")
    unchanged = former is not None and former.begins == new.begins
    if new.begins < at - _X_MAX_AGE_SECONDS and not unchanged:
        raise RuleError("grant_retroactive", "from lies before the statement itself")


def _check_enclosed(
    new: Authority, granter_log: LogView, below: int | None, world: World, at: int
) -> None:
    """Check that the granter may grant this, itself through at most four hops (rule 11)."""
    region = world.policy.region_of_root(new.granter)
    if region is not None:
        _check_below_root(new, region, world)
        return
    problem = RuleError("grant_too_wide", f"{quote(new.granter)} may not grant anything here")
    for held in standing(new.granter, granter_log, at, below):
        try:
            check_within(new, held)
        except RuleError as error:
            problem = error
        else:
            return
    raise problem


def _check_below_root(new: Authority, region: Region, world: World) -> None:
    for code in new.territory:
        if not any(covers(held, code) for held in region.territory):
            raise RuleError("grant_too_wide", f"territory {code} is not the region's")
    for prefix in new.prefixes:
        if world.policy.home_of_schema(prefix) is not region:
            raise RuleError("grant_too_wide", f"prefix {quote(prefix)} is not the region's")

