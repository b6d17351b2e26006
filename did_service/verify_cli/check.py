"""`did-verify check`: judge what is presented, and remember that it was judged, in one step.

    lock ─► policy, evidence, memory ─► unlock ─► verify ─► lock ─► still so? ──no──► again
                                                                        └─yes─► nonce, evidence

Judging may take long and holds up no other window. Whatever cannot be written is not decided:
the report goes out after the nonce is spent, so two windows on one directory never both accept
an answer.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from did_service.core.anchor.bodies.policy import Policy, parse_policy
from did_service.core.encoding import strict_json, timestamps
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    UsageError,
)
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.evidence.proven_set import Dropped
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import (
    MAX_BUNDLE_BYTES,
    MAX_JSON_BYTES,
    MAX_PRESENTED_BYTES,
)
from did_service.core.verification.codes import Result
from did_service.core.verification.report import Basis, Check, NowFrom, Outcome, Report
from did_service.core.verification.request import Clock, Remembered, Request
from did_service.core.verification.tier import DEFAULT, demand_of_item
from did_service.core.verification.verify import verify
from did_service.program.environment import Environment
from did_service.program.files import check_output, replace_file
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.file_kinds import check_presented
from did_service.verifier.held import (
    SOURCE,
    TrustState,
    directory_at,
    read_held,
    remember_logs,
)
from did_service.verifier.memory import Memory
from did_service.verifier.question import Question
from did_service.verifier.remembering import can_spend, keep, remembering
from did_service.verifier.verdict_text import render
from did_service.verify_cli.terminal import DONE, REFUSED, UNDECIDED, CommandResult

_NOTHING = Remembered()
_TRIES = 3  # decisions made while other windows go on; then one during which they wait
_EXITS = {Outcome.ACCEPTED: DONE, Outcome.REFUSED: REFUSED}


def run(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Judge a file and answer with the report."""
    _check_words(arguments)
    question = _read(arguments, env)
    if arguments.policy is None:
        directory = directory_at(arguments.trust, env)
        report = _decide(question, directory, env)
        if directory.exposed:
            report = replace(report, unsafe=(*report.unsafe, "trust_exposed"))
    else:
        data = env.read(arguments.policy, MAX_JSON_BYTES)
        report = _judge(question, parse_policy(strict_json.loads(data)))
        report = replace(report, unsafe=(*report.unsafe, "nothing_remembered"))
    if arguments.report is not None:
        replace_file(Path(arguments.report), report.to_bytes())
    verdict, *lines = render(report, env.language)
    return CommandResult(
        report.encode(), tuple(lines), verdict, _exit_code(report.outcome, arguments)
    )


def _check_words(arguments: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything is spent."""
    if arguments.audience is not None and arguments.nonce is None:
        raise UsageError("nonce_absent", "--audience goes with --nonce")
    if arguments.report is not None:
        check_output(Path(arguments.report), force=arguments.force)


def _read(arguments: argparse.Namespace, env: Environment) -> Question:
    presented = env.read(arguments.file, MAX_PRESENTED_BYTES)
    bundles: list[tuple[str, UnverifiedEvidence]] = []
    unreadable: list[Dropped] = []
    for name in arguments.bundle:
        data, source = env.read(name, MAX_BUNDLE_BYTES), f"bundle {Path(name).name}"
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
        env.instant(arguments.now),
        NowFrom.CLOCK if arguments.now is None else NowFrom.GIVEN,
    )


def _decide(question: Question, directory: TrustDirectory, env: Environment) -> Report:
    if not directory.path.exists():
        return _judge(question, None)  # nothing was ever pinned here, and nothing is to be kept
    for _ in range(_TRIES):
        with directory.locked():
            held, version = _read_held(question, directory, env), directory.version
        report = _judge_held(question, held)
        with directory.locked():
            memory = directory.memory().in_boot(env.boot)
            now = replace(held, memory=memory)
            if directory.version == version and _is_still_so(question, held, now, report):
                return keep(question, directory, now, report)
    with directory.locked():  # others change it faster than we judge: they wait this once
        held = _read_held(question, directory, env)
        return keep(question, directory, held, _judge_held(question, held))


def _read_held(question: Question, directory: TrustDirectory, env: Environment) -> TrustState:
    """Read what the question needs: a bundle names subjects as well, as a visitor does."""
    item = question.request.item
    also = {each.entry.subject for _, bundle in question.bundles for each in bundle.items}
    also |= set() if item is None else {item}
    return read_held(directory, env.boot, question.presented, *also)


def _judge_held(question: Question, held: TrustState) -> Report:
    request = remembering(question.request, held.memory)
    return _judge(replace(question, request=request), held.policy, held)


def _is_still_so(
    question: Question, before: TrustState, now: TrustState, report: Report
) -> bool:
    """Say whether nobody answered the question meanwhile, or saw another tree of a log."""
    request = question.request
    if remembering(request, now.memory) != remembering(request, before.memory):
        return False
    if can_spend(question, now.memory) is not can_spend(question, before.memory):
        return False
    try:
        remember_logs(now.memory, report.evidence)
    except ConflictError:
        return False
    return True


def _judge(question: Question, policy: Policy | None, held: TrustState | None = None) -> Report:
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
    question: Question, request: Request, policy: Policy | None, held: TrustState | None
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


def _own(
    question: Question, held: TrustState | None
) -> tuple[tuple[str, UnverifiedEvidence], ...]:
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


def _exit_code(outcome: Outcome, arguments: argparse.Namespace) -> int:
    if outcome is Outcome.ACCEPTED_WITH_LIMITS and arguments.accept_limits:
        return DONE
    return _EXITS.get(outcome, UNDECIDED)
