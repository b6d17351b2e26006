"""Verify what a holder presents: all thirteen steps, one report, no network.

    presented ─► 1 shape    2 policy    3 log evidence    4 issuer    5 credential proof
    6 authority    7 schema    8 time    9 status    10 holder    11 delegation    12 request
    13 freshness ─► report

Every step runs, whatever the ones before it found; one failure hides no other, and a fault of
ours in one leaves that one undecided (`net`). Design: docs/offline-verification.md §3; the
numbers stand in code, docs and report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.freshness import Waiver
from did_service.core.credentials.model import Credential
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError, LimitError, UnsupportedError
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven_set import Evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.verification.context import CredentialContext, Record
from did_service.core.verification.net import guarded, guarded_checks
from did_service.core.verification.present import Present
from did_service.core.verification.presented import (
    QUERY,
    STAPLE,
    PresentedCredential,
    PresentedFile,
    parse_presented,
)
from did_service.core.verification.report import (
    Check,
    CredentialSummary,
    NowFrom,
    Report,
)
from did_service.core.verification.request import Clock, NonceState, Remembered, Request
from did_service.core.verification.steps.authority import (
    MISSING,
    AuthorityFinding,
    check_authority,
    find_authority,
)
from did_service.core.verification.steps.holder import check_holders
from did_service.core.verification.steps.issuer import IssuerFinding, check_proof, find_issuer
from did_service.core.verification.steps.log import (
    check_clock,
    check_freshness,
    check_log,
    check_policy,
    check_time,
)
from did_service.core.verification.steps.resources import check_resources
from did_service.core.verification.steps.schema import SchemaFinding, check_schemas
from did_service.core.verification.steps.status import check_status
from did_service.core.verification.summary import bare_summary, summary_of

_NOTHING_REMEMBERED = Remembered()


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
        evidence: Sets by name, as `("bundle", …)`; a staple inside `presented` adds itself.
        request: What was asked; its tier is one of the policy's.
        clock: When.
        remembered: What the trust directory remembers of the logs.

    Returns:
        The report; nothing in `presented` or `evidence` makes this raise.
    """
    shown, shape = guarded(
        1, None, lambda: _read(presented), lambda fault: (PresentedFile(()), fault)
    )
    staple = () if shown.staple is None else ((STAPLE, shown.staple),)
    proven, checks = guarded(
        3,
        None,
        lambda: (_prove((*evidence, *staple), policy, remembered), list[Check]()),
        lambda fault: (Evidence(), [fault]),
    )
    present = Present.of(clock, proven.fresh_at)
    now = present.latest
    limit = 0 if policy is None else policy.tiers[request.tier]
    lists: dict[bytes, Credential] = {}
    records: dict[bytes, Record] = {}
    contexts = [
        CredentialContext(
            each.credential, position, policy, proven, present, limit, {}, lists, records
        )
        for position, each in enumerate(shown.shown)
    ]
    examined = [
        _examine(context, each) for context, each in zip(contexts, shown.shown, strict=True)
    ]
    checks += [check for found, _ in examined for check in found]
    checks += check_clock(present)
    checks += guarded_checks(10, None, lambda: check_holders(shown.shown, request, present))
    checks += _of_request(shown, request)
    dropped = proven.dropped if shown.dropped is None else (*proven.dropped, shown.dropped)
    checks += guarded_checks(3, None, lambda: check_log(proven, dropped, [*checks], now))
    checks += guarded_checks(2, None, lambda: [check_policy(policy, proven, present)])
    checks.append(shape)
    return Report(
        now=timestamps.from_posix(now),
        now_from=clock.source if now == timestamps.to_posix(clock.now) else NowFrom.FLOOR,
        tier=request.tier,
        policy=policy,
        credentials=tuple(summary for _, summary in examined),
        checks=tuple(_waived(check, policy, request) for check in sorted(checks, key=_order)),
        unsafe=tuple(_unsafe(policy, request, clock)),
        evidence=proven,
        proven=tuple(
            context.credential
            for context, (_, summary) in zip(contexts, examined, strict=True)
            if summary.signer is not None
        ),
    )


def _prove(
    sources: Sequence[tuple[str, UnverifiedEvidence]],
    policy: Policy | None,
    remembered: Remembered,
) -> Evidence:
    if policy is None:
        return Evidence()
    return verify_evidence(sources, policy, remembered.trees, remembered.forked)


def _read(presented: bytes) -> tuple[PresentedFile, Check]:
    try:
        return parse_presented(presented), Check(1, "shape_valid")
    except DidServiceError as error:
        detail = f"{error.code}: {error.message}"
        return PresentedFile(()), Check(1, _shape_code(error), detail=detail)


def _examine(
    context: CredentialContext, shown: PresentedCredential
) -> tuple[list[Check], CredentialSummary]:
    """Run the steps that concern one credential; step 10 needs all of them at once.

    Step 13 is the last: it judges what the others used.
    """
    at = context.position
    issuer = guarded(4, at, lambda: find_issuer(context), IssuerFinding)
    proof, signer = guarded(
        5, at, lambda: check_proof(context, issuer), lambda fault: (fault, None)
    )
    schemas = guarded(7, at, lambda: [*check_schemas(context)], _no_schema)
    authority, chain = guarded(
        6,
        at,
        lambda: _judge_authority(context, schemas),
        lambda fault: (AuthorityFinding(MISSING), [fault]),
    )
    summary, unnamed = guarded(
        1,
        at,
        lambda: (summary_of(context, shown, signer, authority), list[Check]()),
        lambda fault: (bare_summary(context, shown), [fault]),
    )
    checks = [
        *unnamed,
        issuer.check,
        proof,
        *chain,
        *(each.check for each in schemas),
        *guarded_checks(7, at, lambda: check_resources(context, signer, schemas)),
        *guarded_checks(8, at, lambda: [check_time(context)]),
        *guarded_checks(9, at, lambda: check_status(context, schemas)),
        *guarded_checks(13, at, lambda: check_freshness(context)),
    ]
    return checks, summary


def _no_schema(fault: Check) -> list[SchemaFinding]:
    """Return what a step 7 that was not made says: nobody knows what the type demands."""
    return [SchemaFinding(fault), SchemaFinding(replace(fault, code="schema_missing"))]


def _judge_authority(
    context: CredentialContext, schemas: Sequence[SchemaFinding]
) -> tuple[AuthorityFinding, list[Check]]:
    found = find_authority(context)
    return found, [*check_authority(context, found, schemas)]


def _of_request(shown: PresentedFile, request: Request) -> Iterator[Check]:
    """Yield what steps 11 and 12 find; a state that came back is that of the request."""
    yield Check(11, "mandate_not_asked")
    answers = all(each.query == QUERY for each in shown.shown)
    if None not in (shown.state, request.state):
        answers = answers and shown.state == request.state
    yield Check(12, "query_not_asked" if answers else "query_not_answered")


def _shape_code(error: DidServiceError) -> str:
    if isinstance(error, UnsupportedError):
        return "unsupported"
    return "too_large" if isinstance(error, LimitError) else "malformed"


def _order(check: Check) -> tuple[int, int]:
    return check.step, -1 if check.credential is None else check.credential


def _waived(check: Check, policy: Policy | None, request: Request) -> Check:
    """Mark stale evidence that the signed policy accepts for this service item."""
    waivers: tuple[Waiver, ...] = () if policy is None else policy.waivers
    age = None if check.basis is None else check.basis.age_seconds
    for waiver in waivers:
        meant = (waiver.item, waiver.code) == (request.item, check.code)
        if meant and age is not None and age <= waiver.max_seconds:
            return replace(check, waived=True)
    return check


def _unsafe(policy: Policy | None, request: Request, clock: Clock) -> Iterator[str]:
    if clock.source is NowFrom.GIVEN:
        yield "now_given"
    if policy is not None and policy.demo:
        yield "policy_demo"
    if request.nonce is not None and request.nonce_state is NonceState.NOT_REMEMBERED:
        yield "nonce_not_remembered"
    unknown = request.nonce_state is NonceState.UNKNOWN  # nothing is accepted then
    if request.nonce is not None and request.audience is None and not unknown:
        yield "audience_not_asked"
