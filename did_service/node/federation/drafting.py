"""`federation start` and `policy next`: member files in, a draft out. No key is needed for it.

A draft that is there already stays, if it says the same: who compares fingerprints must not
see another one because a command ran twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.lasting import check_lasting
from did_service.core.anchor.rules_number import RULES
from did_service.core.errors import ConflictError, PolicyError, UsageError, quote
from did_service.node.federation.draft import (
    TIERS,
    Draft,
    parse_draft_file,
    thresholds,
)
from did_service.node.federation.member import Member
from did_service.node.federation.signing import check_signing_keys
from did_service.node.federation.terms import PolicyTerms

LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ChosenTerms:
    """What is said about thresholds, rules and time; None takes what is usual, or stays.

    Attributes:
        quorum: How many other regions cosign a checkpoint.
        faults: How many may lie.
        governors: How many governance keys sign a policy.
        rules: Number by which witnesses judge.
        expires: Aware UTC; a year from now by default.
    """

    quorum: int | None = None
    faults: int | None = None
    governors: int | None = None
    rules: int | None = None
    expires: datetime | None = None


def first_draft(
    federation: str,
    members: Sequence[Member],
    chosen: ChosenTerms,
    now: datetime,
    *,
    demo: bool,
) -> Draft:
    """Return the draft of policy 1.

    Raises:
        UsageError: `members_few`, `member_repeated`.
        PolicyError: the policy would not be sound.
    """
    ordered = tuple(sorted(members, key=lambda each: each.id))
    _check_members(ordered)
    quorum, faults, governors = _thresholds(chosen, len(ordered))
    terms = PolicyTerms(
        federation=federation,
        demo=demo,
        sequence=1,
        previous=None,
        expires=chosen.expires or now + LIFETIME,
        rules=chosen.rules or RULES,
        quorum=quorum,
        faults=faults,
        governors=governors,
        tiers=TIERS,
        waivers=(),
    )
    return _checked(Draft(now, terms, {}, ordered))


def next_draft(
    standing: Draft,
    policy: Policy,
    members: Iterable[Member],
    removed: Iterable[str],
    chosen: ChosenTerms,
    now: datetime,
) -> Draft:
    """Return the draft of the policy after one that stands.

    Args:
        standing: The draft of the policy in force.
        policy: That policy, as signed.
        members: New regions, and regions that say something new about themselves.
        removed: Ids of regions that leave.
        chosen: What else changes. Thresholds follow the number of regions where that changes.
        now: Aware UTC.

    Raises:
        UsageError: `region_unknown`, `members_few`, `member_repeated`, `draft_unchanged`.
        PolicyError: `standing_differs`: the draft is not that of the policy in force;
            `host_moved`: a member brings a name that is, or was, below another region's host;
            `rotation_too_wide`: so many witnesses change at once that no log could publish;
            `drop_early`: a log's key is left out while the log signs with it; or the policy
            would not be sound.
    """
    if standing.policy.digest != policy.digest:
        raise PolicyError(
            "standing_differs", "the kept draft is not that of the policy in force"
        )
    said = list(members)
    _check_members(said, least=0)
    regions = _next_regions(standing, said, set(removed))
    terms = _next_terms(standing, policy, chosen, len(regions), now)
    kept = {region.id: region.root for region in policy.regions}
    roots = {each.id: kept[each.id] for each in regions if each.id in kept}
    draft = Draft(now, replace(terms, retired=_retired(policy, regions)), roots, regions)
    _check_changes(standing, draft, chosen)
    _check_witnesses(standing, draft)
    made = _checked(draft)
    check_lasting(policy, made.policy)
    check_signing_keys(made, policy)
    return made


def same_draft(data: bytes, made: Draft) -> Draft:
    """Return the draft of a file if it says what a new one would, but for the time.

    Raises:
        ConflictError: `draft_differs`: it says something else.
        DidServiceError: as `parse_draft_file`.
    """
    present = parse_draft_file(data)
    timeless = replace(made.terms, expires=present.terms.expires)
    same = (present.terms, present.roots, [m.members for m in present.regions]) == (
        timeless,
        made.roots,
        [m.members for m in made.regions],
    )
    if not same:
        raise ConflictError("draft_differs", "the draft that is there says something else")
    return present


def _checked(draft: Draft) -> Draft:
    """Return a draft as others will read it; raises what they would meet."""
    return parse_draft_file(draft.encode())


def _thresholds(chosen: ChosenTerms, regions: int) -> tuple[int, int, int]:
    quorum, faults, governors = thresholds(regions)
    if chosen.faults is not None and chosen.quorum is None:
        quorum = (regions - 1 + chosen.faults) // 2 + 1
    return (
        quorum if chosen.quorum is None else chosen.quorum,
        faults if chosen.faults is None else chosen.faults,
        governors if chosen.governors is None else chosen.governors,
    )


def _check_members(members: Sequence[Member], least: int = 3) -> None:
    ids = [each.id for each in members]
    if len(ids) < least:
        raise UsageError("members_few", f"{len(ids)} member files where {least} are needed")
    if len(set(ids)) != len(ids):
        twice = next(each for each in ids if ids.count(each) > 1)
        raise UsageError("member_repeated", f"two member files of {quote(twice)}")


def _next_regions(
    standing: Draft, said: Sequence[Member], removed: set[str]
) -> tuple[Member, ...]:
    present = {each.id: each for each in standing.regions}
    for identifier in removed - present.keys():
        raise UsageError("region_unknown", f"no region {quote(identifier)} in the policy")
    for each in said:
        present[each.id] = each
    regions = tuple(each for name, each in present.items() if name not in removed)
    _check_members(regions)
    return regions


def _retired(policy: Policy, regions: Iterable[Member]) -> tuple[str, ...]:
    """Return the hosts that somebody has had and nobody has now: they are never given away."""
    present = {host for each in regions for host in each.hosts}
    return tuple(sorted(policy.hosts.keys() - present))


def _next_terms(
    standing: Draft, policy: Policy, chosen: ChosenTerms, regions: int, now: datetime
) -> PolicyTerms:
    held = standing.terms
    quorum, faults, governors = held.quorum, held.faults, held.governors
    if regions != len(standing.regions):
        quorum, faults, governors = _thresholds(chosen, regions)
    return replace(
        held,
        sequence=policy.sequence + 1,
        previous=policy.digest,
        expires=chosen.expires or now + LIFETIME,
        rules=chosen.rules or held.rules,
        quorum=chosen.quorum or quorum,
        faults=faults if chosen.faults is None else chosen.faults,
        governors=chosen.governors or governors,
    )


def _check_changes(standing: Draft, draft: Draft, chosen: ChosenTerms) -> None:
    """A policy that only lasts longer is asked for with an end of its own, never by mistake."""
    neutral = replace(
        draft.terms,
        sequence=standing.terms.sequence,
        previous=standing.terms.previous,
        expires=standing.terms.expires,
    )
    members = [each.members for each in draft.regions]
    same = neutral == standing.terms and members == [e.members for e in standing.regions]
    if same and chosen.expires is None:
        raise UsageError("draft_unchanged", "nothing is to change")


def _check_witnesses(standing: Draft, draft: Draft) -> None:
    """So many witnesses stay that each log can publish while the others take their new keys."""
    stays = {each.witness for each in standing.regions}
    for own in draft.regions:
        left = [e for e in draft.regions if e.id != own.id and e.witness in stays]
        if own.id in draft.roots and len(left) < draft.terms.quorum:
            what = f"{len(left)} witnesses of {quote(own.id)} stay, {draft.terms.quorum} cosign"
            raise PolicyError("rotation_too_wide", what)
