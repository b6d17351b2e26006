"""Verify what a holder presents: all thirteen steps, one report, no network.

    presented ─► 1 shape    2 policy    3 log evidence    4 issuer    5 credential proof
    6 authority    7 schema    8 time    9 status    10 holder    11 delegation    12 request
    13 freshness ─► report

Every step runs, whatever the ones before it found; one failure hides no other, and a fault of
ours in one leaves that one undecided (`net`). Steps run in the order of the two tables below,
and stand in the report by their numbers. Design: docs/offline-verification.md §3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.freshness import Waiver
from did_service.core.encoding import timestamps
from did_service.core.evidence.proven_set import Evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.verification.context import CredentialContext, PresentationContext
from did_service.core.verification.hidden import told
from did_service.core.verification.net import guarded, guarded_checks
from did_service.core.verification.not_judged import without_judgement
from did_service.core.verification.present import Present
from did_service.core.verification.presented import STAPLE, PresentedCredential, PresentedFile
from did_service.core.verification.report import (
    HOLDER_PROVEN,
    HOLDER_STEP,
    Check,
    CredentialSummary,
    NowFrom,
    Report,
)
from did_service.core.verification.request import Clock, NonceState, Remembered, Request
from did_service.core.verification.steps import (
    authority,
    freshness,
    holder,
    issuer,
    log,
    mandate,
    proof,
    schema,
    shape,
    status,
    time,
)
from did_service.core.verification.steps import policy as policy_step
from did_service.core.verification.steps import request as request_step
from did_service.core.verification.summary import as_told, bare_summary, summary_of
from did_service.core.verification.tier import Demand, demand_of_item, strictest_demand
from did_service.core.verification.verified import Verified

_NOTHING_REMEMBERED = Remembered()

STEPS: dict[str, Callable[[CredentialContext], Iterator[Check]]] = {
    "issuer": issuer.check,
    "proof": proof.check,  # by the issuer's keys
    "schema": schema.check,  # digests count that were signed
    "authority": authority.check,  # a schema says whether a type's issuance is logged
    "time": time.check,
    "status": status.check,  # a schema says whether a type keeps a status
    "freshness": freshness.check,  # judges what the others used
}
"""The steps that judge one credential, in the order in which they need each other."""

STEPS_OF_ALL: dict[str, Callable[[PresentationContext], Iterator[Check]]] = {
    "policy": policy_step.check,
    "time": time.check_clock,
    "holder": holder.check,
    "mandate": mandate.check,
    "request": request_step.check,
    "log": log.check,  # what was dropped matters where another step is undecided
}
"""The steps that judge a presentation as a whole, after those of its credentials."""


def verify(
    presented: bytes,
    *,
    policy: Policy | None,
    evidence: Sequence[tuple[str, UnverifiedEvidence]],
    request: Request,
    clock: Clock,
    remembered: Remembered = _NOTHING_REMEMBERED,
) -> Report:
    """Verify a presentation file, a presentation or a credential.

    Args:
        presented: `{"vp_token":…}` of formats.md §6, or a bare credential or presentation.
        policy: The pinned policy; None leaves everything undecided.
        evidence: The counter's own sets by name, as `("bundle", …)`; a staple inside
            `presented` adds itself.
        request: What was asked. Where the item is at hand, its tier is found here.
        clock: When.
        remembered: What the trust directory remembers of the logs, and has verified.

    Returns:
        The report; nothing in `presented` or `evidence` makes this raise.
    """
    file, shape_check = guarded(
        "shape", None, lambda: shape.check(presented), lambda fault: (PresentedFile(()), fault)
    )
    verified = Verified.under(policy, remembered.verified)
    remembered = replace(remembered, verified=verified)
    proven, faults = _prove(file, evidence, policy, remembered, verified)
    present = Present.of(clock, proven.fresh_at)
    demand, more = _demand(evidence, policy, request, remembered, proven, present.latest)
    tier = demand.binding(request.tier, policy)
    whole = PresentationContext(file, request, policy, proven, present, tier, verified)
    whole.checks.extend((*faults, *more, shape_check))
    contexts = list(_credentials(whole))
    summaries = [
        _examine(context, shown, whole.checks)
        for context, shown in zip(contexts, file.shown, strict=True)
    ]
    for name, step in STEPS_OF_ALL.items():
        whole.checks.extend(guarded_checks(name, None, partial(step, whole)))
    return _report(whole, clock, contexts, summaries, demand)


def _prove(
    file: PresentedFile,
    sources: Sequence[tuple[str, UnverifiedEvidence]],
    policy: Policy | None,
    remembered: Remembered,
    verified: Verified,
) -> tuple[Evidence, list[Check]]:
    """Prove all evidence at hand; nothing where no policy is pinned."""
    if policy is None:
        return Evidence(), []
    staple = () if file.staple is None else ((STAPLE, file.staple),)
    trees, forked = remembered.trees, remembered.forked
    return guarded(
        "log",
        None,
        lambda: (verified.prove(sources, staple, policy, trees, forked), list[Check]()),
        lambda fault: (Evidence(), [fault]),
    )


def _demand(
    sources: Sequence[tuple[str, UnverifiedEvidence]],
    policy: Policy | None,
    request: Request,
    remembered: Remembered,
    proven: Evidence,
    now: int,
) -> tuple[Demand, list[Check]]:
    """Find what the service item demands; after a fault of ours the strictest that there is."""
    if policy is None:
        return Demand(), []
    return guarded(
        "freshness",
        None,
        lambda: (
            demand_of_item(
                request.item,
                policy,
                sources,
                proven,
                remembered=remembered,
                now=now,
            ),
            list[Check](),
        ),
        lambda fault: (strictest_demand(policy), [fault]),
    )


def _credentials(whole: PresentationContext) -> Iterator[CredentialContext]:
    """Make one context a credential; they share the lists and records that any has read."""
    for position, shown in enumerate(whole.file.shown):
        yield CredentialContext(
            shown.credential,
            position,
            whole.policy,
            whole.evidence,
            whole.present,
            whole.limit_seconds,
            whole.verified,
        )


def _examine(
    context: CredentialContext, shown: PresentedCredential, checks: list[Check]
) -> CredentialSummary:
    """Run the steps of one credential, and say what was shown."""
    for name, step in STEPS.items():
        checks += guarded_checks(name, context.position, partial(step, context))
    summary, unnamed = guarded(
        "shape",
        context.position,
        lambda: (summary_of(context, shown), list[Check]()),
        lambda fault: (bare_summary(context, shown), [fault]),
    )
    checks += unnamed
    return summary


def _report(
    whole: PresentationContext,
    clock: Clock,
    contexts: Sequence[CredentialContext],
    summaries: Sequence[CredentialSummary],
    demand: Demand,
) -> Report:
    """Put the findings in the order of the steps, and mark those that the policy waives."""
    now, policy, request = whole.present.latest, whole.policy, whole.request
    judged = [*without_judgement(sorted(whole.checks, key=_order))]
    signed = [summary.signer is not None for summary in summaries]
    checks = tuple(_waived(check, policy, request) for check in told(judged, signed))
    return Report(
        now=timestamps.from_posix(now),
        now_from=clock.source if now == timestamps.to_posix(clock.now) else NowFrom.FLOOR,
        tier=whole.tier,
        policy=policy,
        credentials=tuple(
            as_told(summary, context, checks)
            for context, summary in zip(contexts, summaries, strict=True)
        ),
        checks=checks,
        unsafe=tuple(_unsafe(whole, clock, demand)),
        asked=request.asked(demand.name),
        evidence=whole.evidence,
        proven=tuple(
            context.credential
            for context, summary in zip(contexts, summaries, strict=True)
            if summary.signer is not None
        ),
        holder_signed=_is_signed_whole(whole),
    )


def _is_signed_whole(whole: PresentationContext) -> bool:
    """Say whether the holder signed for all that is shown, whatever else was found of it.

    Anybody can put a copy or another presentation beside an answer; what comes out then is no
    verdict on the answer, and does not spend its code (docs/adr/0044).
    """
    found = {check.code for check in whole.checks if check.step == HOLDER_STEP}
    return found == {HOLDER_PROVEN}


def _order(check: Check) -> tuple[int, int]:
    return check.step, -1 if check.credential is None else check.credential


def _waived(check: Check, policy: Policy | None, request: Request) -> Check:
    """Mark stale evidence that the signed policy accepts for this service item."""
    waivers: tuple[Waiver, ...] = () if policy is None else policy.waivers
    age = None if check.basis is None else check.basis.age_seconds
    for waiver in waivers:
        meant = (waiver.item, waiver.code) == (request.item, check.code)
        if meant and age is not None and age <= waiver.max_seconds:
            return check._replace(waived=True)
    return check


def _unsafe(whole: PresentationContext, clock: Clock, demand: Demand) -> Iterator[str]:
    policy, request = whole.policy, whole.request
    if clock.source is NowFrom.GIVEN:
        yield "now_given"
    if policy is not None and policy.demo:
        yield "policy_demo"
    if request.nonce is not None and request.nonce_state is NonceState.NOT_REMEMBERED:
        yield "nonce_not_remembered"
    unknown = request.nonce_state is NonceState.UNKNOWN  # nothing is accepted then
    if request.nonce is not None and request.audience is None and not unknown:
        yield "audience_not_asked"
    if policy is not None and demand.is_relaxed(whole.tier, policy):
        yield "tier_relaxed"
