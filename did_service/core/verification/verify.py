"""Verify what a holder presents: all thirteen steps, one report, no network.

    presented ─► 1 shape    2 policy    3 log evidence    4 issuer    5 credential proof
    6 authority    7 schema    8 time    9 status    10 holder    11 delegation    12 request
    13 freshness ─► report

Every step runs, whatever the ones before it found; one failure hides no other. Design: docs/
offline-verification.md §3; the numbers stand in code, docs and report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from did_service.core.anchor.freshness import clock_is_behind, effective_now
from did_service.core.anchor.policy import Policy, Waiver
from did_service.core.credentials.proof_set import VerifiedProof
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import DidServiceError, LimitError, UnsupportedError
from did_service.core.limits import MAX_DISCLOSED_CHARACTERS
from did_service.core.verification.anchored import Anchored, Evidence
from did_service.core.verification.authority import (
    AuthorityFinding,
    check_authority,
    find_authority,
)
from did_service.core.verification.case import Case
from did_service.core.verification.checks import (
    check_freshness,
    check_log,
    check_policy,
    check_time,
)
from did_service.core.verification.evidence import UnverifiedEvidence
from did_service.core.verification.holder import check_holders
from did_service.core.verification.issuer import check_proof, find_issuer
from did_service.core.verification.presented import (
    QUERY,
    STAPLE,
    Presented,
    Shown,
    parse_presented,
)
from did_service.core.verification.proving import verify_evidence
from did_service.core.verification.report import (
    Check,
    CredentialSummary,
    NowFrom,
    Report,
)
from did_service.core.verification.request import Clock, NonceState, Remembered, Request
from did_service.core.verification.schema import check_schemas
from did_service.core.verification.status import check_status

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
    try:
        shown, shape = parse_presented(presented), Check(1, "shape_valid")
    except DidServiceError as error:
        shown, shape = Presented(()), Check(1, _shape_code(error), detail=error.message)
    staple = () if shown.staple is None else ((STAPLE, shown.staple),)
    proven = _prove((*evidence, *staple), policy, remembered)
    floors = [proven.fresh_at or 0, timestamps.to_posix(clock.floor) if clock.floor else 0]
    posix = timestamps.to_posix(clock.now)
    now = effective_now(posix, max(floors))
    limit = 0 if policy is None else policy.tiers[request.tier]
    cases = [
        Case(each.credential, position, policy, proven, now, limit)
        for position, each in enumerate(shown.shown)
    ]
    examined = [_examine(case, each) for case, each in zip(cases, shown.shown, strict=True)]
    checks = [check for found, _ in examined for check in found]
    checks += [Check(8, "clock_behind")] if clock_is_behind(posix, max(floors)) else []
    checks += check_holders(shown.shown, request, timestamps.from_posix(now))
    checks += _of_request(shown)
    dropped = proven.dropped if shown.dropped is None else (*proven.dropped, shown.dropped)
    checks += [*check_log(proven, dropped, checks, now)]
    checks += [shape, check_policy(policy, proven, timestamps.from_posix(now))]
    return Report(
        now=timestamps.from_posix(now),
        now_from=clock.source if now == posix else NowFrom.FLOOR,
        tier=request.tier,
        policy=policy,
        credentials=tuple(summary for _, summary in examined),
        checks=tuple(_waived(check, policy, request) for check in sorted(checks, key=_order)),
        unsafe=tuple(_unsafe(policy, request, clock)),
        evidence=proven,
    )


def _prove(
    sources: Sequence[tuple[str, UnverifiedEvidence]],
    policy: Policy | None,
    remembered: Remembered,
) -> Evidence:
    if policy is None:
        return Evidence()
    return verify_evidence(sources, policy, remembered.trees, remembered.forked)


def _examine(case: Case, shown: Shown) -> tuple[list[Check], CredentialSummary]:
    """Run the steps that concern one credential; step 10 needs all of them at once."""
    issuer, authority = find_issuer(case), find_authority(case)
    proof, signer = check_proof(case, issuer)
    schemas = list(check_schemas(case))
    used: list[Anchored] = [each.held for each in schemas if each.held is not None]
    if issuer.newest is not None and not issuer.newest.deactivated:
        used.append(issuer.newest.held)
    checks = [
        issuer.check,
        proof,
        *check_authority(case, authority, schemas),
        *(each.check for each in schemas),
        check_time(case),
        *check_status(case, schemas),
        *check_freshness(case, [*used, *authority.dated]),
    ]
    return checks, _summary(case, shown, signer, authority)


def _of_request(shown: Presented) -> Iterator[Check]:
    yield Check(11, "mandate_not_asked")
    strays = [each for each in shown.shown if each.query != QUERY]
    yield Check(12, "query_not_answered" if strays else "query_not_asked")


def _summary(
    case: Case, shown: Shown, signer: VerifiedProof | None, authority: AuthorityFinding
) -> CredentialSummary:
    try:
        types = case.types
    except DidServiceError:
        types = ()
    issued = None if case.claimed is None else timestamps.from_posix(case.claimed)
    statement = authority.statement
    return CredentialSummary(
        query=shown.query,
        type=next(iter(types), None),
        issuer=case.credential.issuer,
        signer=None if signer is None else signer.verification_method,
        issued=issued,
        jurisdiction=next(iter(case.printed_regions), None),
        disclosed=tuple(_disclosed(case.credential.raw.get("credentialSubject"))),
        issuer_name=None if statement is None else statement.name,
    )


def _disclosed(subjects: JsonValue) -> Iterator[str]:
    """Name the claims that were shown, never their values, nor whom they are about.

    Names nest, so a small file can have gigabytes of pointers: no more than a page is named.
    """
    room = MAX_DISCLOSED_CHARACTERS
    for pointer in _claims(subjects):
        room -= len(pointer)
        if room < 0:
            return
        yield pointer


def _claims(subjects: JsonValue) -> Iterator[str]:
    root = "/credentialSubject"
    numbered = enumerate(subjects) if isinstance(subjects, list) else ()
    named = [(f"{root}/{index}", each) for index, each in numbered] or [(root, subjects)]
    for base, subject in named:
        yield from (each for each in _pointers(subject, base) if each != f"{base}/id")


def _pointers(value: JsonValue, path: str) -> Iterator[str]:
    """Return a JSON Pointer to each claim; a list is one claim."""
    members: JsonObject = value if isinstance(value, dict) else {}
    for name, member in members.items():
        step = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if isinstance(member, dict):
            yield from _pointers(member, step)
        else:
            yield step


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
    if request.nonce is not None and request.audience is None:
        yield "audience_not_asked"
