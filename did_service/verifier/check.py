"""`did-verify check`: judge what is presented, and remember that it was judged, in one step.

    lock ─► policy, evidence, memory ─► unlock ─► verify ─► lock ─► still so? ──no──► again
                                                                        └─yes─► nonce, evidence

Judging may take long and holds up no other window. Whatever cannot be written is not decided:
the report goes out after the nonce is spent, so two windows on one directory never both accept
an answer.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from did_service.core.anchor.policy import Policy, parse_policy
from did_service.core.encoding import strict_json, timestamps
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    LimitError,
    UsageError,
)
from did_service.core.limits import (
    MAX_BUNDLE_BYTES,
    MAX_JSON_BYTES,
    MAX_PRESENTED_BYTES,
)
from did_service.core.verification.anchored import Dropped
from did_service.core.verification.bundle import parse_bundle
from did_service.core.verification.evidence import UnverifiedEvidence
from did_service.core.verification.messages import Result
from did_service.core.verification.presented import STAPLE
from did_service.core.verification.render import render
from did_service.core.verification.report import Basis, Check, NowFrom, Outcome, Report
from did_service.core.verification.request import Clock, NonceState, Remembered, Request
from did_service.core.verification.verify import verify
from did_service.trust.directory import TrustDirectory
from did_service.trust.files import check_output, replace_file
from did_service.trust.memory import Memory
from did_service.verifier.file_kinds import check_presented
from did_service.verifier.held import (
    SOURCE,
    Held,
    directory_at,
    keep_evidence,
    keep_forks,
    of_decision,
    read_held,
    remember_logs,
)
from did_service.verifier.surroundings import Surroundings
from did_service.verifier.terminal import DONE, REFUSED, UNDECIDED, Answer
from did_service.verifier.tier import DEFAULT, demand_of_item

_NOTHING = Remembered()
_TRIES = 3  # decisions made while other windows go on; then one during which they wait
_EXITS = {Outcome.ACCEPTED: DONE, Outcome.REFUSED: REFUSED}


@dataclass(frozen=True, slots=True)
class Question:
    """What the command line asks, read.

    Attributes:
        presented: The file as it is.
        name: What the person called it.
        bundles: Evidence sets by name.
        unreadable: Bundles that are none: like all evidence, they are dropped and named.
        request: What was asked of the holder; the state of its nonce is not known yet.
        tier: What the clerk asked for, if anything.
        now: The time to judge by.
        source: Where it comes from.
    """

    presented: bytes
    name: str
    bundles: tuple[tuple[str, UnverifiedEvidence], ...]
    unreadable: tuple[Dropped, ...]
    request: Request
    tier: str | None
    now: datetime
    source: NowFrom


def run(arguments: argparse.Namespace, around: Surroundings) -> Answer:
    """Judge a file and answer with the report."""
    _check_words(arguments)
    question = _read(arguments, around)
    if arguments.policy is None:
        directory = directory_at(arguments.trust, around)
        report = _decide(question, directory, around)
        if directory.exposed:
            report = replace(report, unsafe=(*report.unsafe, "trust_exposed"))
    else:
        data = around.read(arguments.policy, MAX_JSON_BYTES)
        report = _judge(question, parse_policy(strict_json.loads(data)))
        report = replace(report, unsafe=(*report.unsafe, "nothing_remembered"))
    if arguments.report is not None:
        replace_file(Path(arguments.report), report.to_bytes())
    verdict, *lines = render(report, around.language)
    return Answer(report.encode(), tuple(lines), verdict, _exit_code(report.outcome, arguments))


def _check_words(arguments: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything is spent."""
    if arguments.audience is not None and arguments.nonce is None:
        raise UsageError("nonce_absent", "--audience goes with --nonce")
    if arguments.report is not None:
        check_output(Path(arguments.report), force=arguments.force)


def _read(arguments: argparse.Namespace, around: Surroundings) -> Question:
    presented = around.read(arguments.file, MAX_PRESENTED_BYTES)
    bundles: list[tuple[str, UnverifiedEvidence]] = []
    unreadable: list[Dropped] = []
    for name in arguments.bundle:
        data, source = around.read(name, MAX_BUNDLE_BYTES), f"bundle {Path(name).name}"
        try:
            bundles.append((source, parse_bundle(data)))
        except DidServiceError as error:
            unreadable.append(Dropped(source, "bundle", error.code))
    return Question(
        presented,
        arguments.file,
        tuple(bundles),
        tuple(unreadable),
        Request(
            tier=arguments.tier or DEFAULT,
            nonce=arguments.nonce,
            audience=arguments.audience,
            item=arguments.item,
        ),
        arguments.tier,
        around.instant(arguments.now),
        NowFrom.CLOCK if arguments.now is None else NowFrom.GIVEN,
    )


def _decide(question: Question, directory: TrustDirectory, around: Surroundings) -> Report:
    if not directory.path.exists():
        return _judge(question, None)  # nothing was ever pinned here, and nothing is to be kept
    for _ in range(_TRIES):
        with directory.locked():
            held, version = read_held(directory, around.boot), directory.version
        report = _judge_held(question, held)
        with directory.locked():
            memory = directory.memory().in_boot(around.boot)
            now = replace(held, memory=memory)
            if directory.version == version and _is_still_so(question, held, now, report):
                return _keep(question, directory, now, report)
    with directory.locked():  # others change it faster than we judge: they wait this once
        held = read_held(directory, around.boot)
        return _keep(question, directory, held, _judge_held(question, held))


def _judge_held(question: Question, held: Held) -> Report:
    request = _remembering(question.request, held.memory)
    return _judge(replace(question, request=request), held.policy, held)


def _is_still_so(question: Question, before: Held, now: Held, report: Report) -> bool:
    """Say whether nobody answered the question meanwhile, or saw another tree of a log."""
    request = question.request
    if _remembering(request, now.memory) != _remembering(request, before.memory):
        return False
    try:
        remember_logs(now.memory, report.evidence)
    except ConflictError:
        return False
    return True


def _judge(question: Question, policy: Policy | None, held: Held | None = None) -> Report:
    report = _verify(question, question.request, policy, held)
    check_presented(question.name, question.presented, report)
    if policy is not None:
        demand = demand_of_item(
            question.request.item,
            policy,
            _own(question, held),
            report.evidence,
            remembered=_NOTHING if held is None else held.remembered,
            now=timestamps.to_posix(report.now),
        )
        tier = demand.binding(question.tier, policy)
        if tier != report.tier:
            request = replace(question.request, tier=tier)
            report = _verify(question, request, policy, held)
        if demand.is_relaxed(tier, policy):
            report = replace(report, unsafe=(*report.unsafe, "tier_relaxed"))
    return _with_unreadable(report, question.unreadable)


def _verify(
    question: Question, request: Request, policy: Policy | None, held: Held | None
) -> Report:
    memory = Memory() if held is None else held.memory
    return verify(
        question.presented,
        policy=policy,
        evidence=_own(question, held),
        request=request,
        clock=Clock(question.now, question.source, memory.witnessed, memory.decided),
        remembered=_NOTHING if held is None else held.remembered,
    )


def _own(question: Question, held: Held | None) -> tuple[tuple[str, UnverifiedEvidence], ...]:
    """Return the counter's own evidence: its directory's and the bundles it was given."""
    kept = () if held is None else ((SOURCE, held.evidence),)
    return (*kept, *question.bundles)


def _with_unreadable(report: Report, unreadable: tuple[Dropped, ...]) -> Report:
    """Name the bundles that could not be read, as step 3 names what did not verify."""
    missed = any(check.result is Result.UNDECIDED for check in report.checks)
    code = "evidence_dropped" if missed else "evidence_left_out"
    named = [
        Check(3, code, basis=Basis(each.source), detail=f"{each.what}: {each.code}")
        for each in unreadable
    ]
    before = [check for check in report.checks if check.step <= 3]
    after = report.checks[len(before) :]
    return replace(report, checks=(*before, *named, *after))


# --- what is remembered -----------------------------------------------------------------------


def _remembering(request: Request, memory: Memory) -> Request:
    """Add what is remembered of the question; whether its day is over, step 10 judges."""
    if request.nonce is None:
        return request
    asked = memory.nonces.get(request.nonce)
    if asked is None:
        return replace(request, nonce_state=NonceState.UNKNOWN)
    return replace(request, nonce_state=NonceState(asked.state), nonce_until=asked.expires)


def _spend(question: Question, memory: Memory) -> Memory:
    """Take the answer; a clock set back keeps no question open that had closed."""
    instant = max(question.now, memory.floor or question.now)
    return memory.with_answer(question.request.nonce or "", instant)


def _keep(question: Question, directory: TrustDirectory, held: Held, report: Report) -> Report:
    """Write what must not be forgotten of a decision, before it is told; return it."""
    if report.policy is None:
        return report
    lasting = UnverifiedEvidence(
        batches=tuple(batch for _, bundle in question.bundles for batch in bundle.batches)
    )
    keep_forks(directory, held, report.evidence.forks)
    with suppress(LimitError):  # a directory that is full keeps what it has
        needed = of_decision(report.evidence, report.policy, report.proven, STAPLE)
        keep_evidence(directory, held, needed, lasting)
    directory.change(lambda _: _after(question, held.memory, report))
    return report


def _after(question: Question, memory: Memory, report: Report) -> Memory:
    """Remember the decision; what stays undecided may be asked again with better evidence."""
    after = remember_logs(memory, report.evidence)
    if report.outcome is Outcome.UNDECIDED:
        return after
    if any(check.code == "holder_proven" for check in report.checks):
        after = _spend(question, after)
    lasting = _lasting(report, after.witnessed)
    if question.source is not NowFrom.CLOCK or lasting is None or question.now > lasting:
        return after
    return after.with_decided(question.now)


def _lasting(report: Report, witnessed: datetime | None) -> datetime | None:
    """Return until when the clock at a decision may be remembered as a time that has been.

    Not when it is further ahead of all that a quorum has shown than the tier allows evidence to
    be old: nothing is accepted then, and the clock may be years ahead.
    """
    if witnessed is None or report.policy is None:
        return None
    return witnessed + timedelta(seconds=report.policy.tiers[report.tier])


def _exit_code(outcome: Outcome, arguments: argparse.Namespace) -> int:
    if outcome is Outcome.ACCEPTED_WITH_LIMITS and arguments.accept_limits:
        return DONE
    return _EXITS.get(outcome, UNDECIDED)
