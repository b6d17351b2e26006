"""Decide: judge what is presented, and remember that it was judged, in one step.

    policy, evidence, memory ─► verify ─► lock ─► still so? ──no──► again
                                                      └─yes─► nonce, evidence

Reading and judging may take long and hold up no other window. Whatever cannot be written is not
decided: the report goes out after the nonce is spent, so two windows on one directory never
both accept an answer. Whoever has a file to judge calls `decide`: a command, a page, a
protocol.
"""

from __future__ import annotations

from dataclasses import replace

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import timestamps
from did_service.core.errors import ConflictError, LimitError
from did_service.core.verification.report import (
    Check,
    FirstVerdict,
    NowFrom,
    Report,
)
from did_service.core.verification.request import Request
from did_service.core.verification.tier import DEFAULT
from did_service.program.environment import Environment
from did_service.verifier.chain_keys import Wanted
from did_service.verifier.challenges import claimed_by, question_of, remembering
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import TrustState, read_for
from did_service.verifier.judging import judge
from did_service.verifier.keeping import remember_logs
from did_service.verifier.memory import Memory
from did_service.verifier.question import Question
from did_service.verifier.remembering import can_spend, keep

_TRIES = 3  # decisions made while other windows go on; then one during which they wait


def decide(question: Question, directory: TrustDirectory, env: Environment) -> Report:
    """Judge by what a trust directory holds, and keep there what must not be forgotten.

    A holder is demanded: only the answer to an open question of this directory is accepted,
    and only once. Where the question asks for the document alone, nobody's holder is proven.

    Raises:
        UsageError: `file_…`: the file is something else; nothing was decided.
        MalformedError: `trust_damaged`.
        UnavailableError: `file_not_written`: it could not be kept, so it is not decided.
    """
    report = _decide(question, directory, env)
    if directory.exposed:
        report = replace(report, unsafe=(*report.unsafe, "trust_exposed"))
    return report


def _decide(question: Question, directory: TrustDirectory, env: Environment) -> Report:
    if not directory.path.exists():
        return judge(question, None)  # nothing was ever pinned here, and nothing is to be kept
    question = question._replace(challenges=claimed_by(question.presented))
    wanted = Wanted((question.presented,), tuple(each for _, each in question.bundles))
    for _ in range(_TRIES):
        with directory.opened():
            version = directory.version  # first: what changes while we read is another one
            asked, held = _read(question, directory, env, wanted)
        first = _first_verdict(asked, held)
        if first is not None:
            return first
        report = judge(asked, held.policy, held)
        with directory.locked():
            memory = directory.memory().in_boot(env.boot)
            now = replace(held, memory=memory)
            if directory.version == version and _is_still_so(asked, held, now, report):
                return keep(asked, directory, now, report)
    with directory.locked():  # others change it faster than we judge: they wait this once
        asked, held = _read(question, directory, env, wanted)
        first = _first_verdict(asked, held)
        if first is not None:  # a report is falsy unless it accepts
            return first
        return keep(asked, directory, held, judge(asked, held.policy, held))


def _read(
    question: Question, directory: TrustDirectory, env: Environment, wanted: Wanted
) -> tuple[Question, TrustState]:
    """Read what the question needs: a bundle names subjects as well, as a visitor does.

    The item is the one for which it was asked, which the memory knows by what is presented.

    Returns:
        The question with the one of ours that the file answers, and what is held.

    Raises:
        LimitError: `too_much_to_check`; `bundle_to_import` where bundles stand beside it.
    """
    memory = directory.memory().in_boot(env.boot)
    request = _request_of(question, memory)
    try:
        held = read_for(directory, memory, wanted, item=request.item)
    except LimitError as error:
        if question.bundles and error.code == "too_much_to_check":
            raise LimitError("bundle_to_import", error.message) from error
        raise
    asked = question if held.policy is None else question._replace(request=request)
    return asked, held


def _request_of(question: Question, memory: Memory) -> Request:
    """Return what is asked of the holder: by the memory, and by no word of the caller."""
    if question.document:
        return question.request._replace(nonce=None, audience=None)
    return question_of(question.challenges, question.request, memory)


def _first_verdict(question: Question, held: TrustState) -> Report | None:
    """Return the report on a file whose very bytes were judged here before."""
    asked = held.memory.nonce(question.request.nonce or "")
    if asked is None or asked.answer is None:
        return None
    if asked.answer.presented != sha256(question.presented):
        return None  # another file with a used code: step 10 refuses it
    first = FirstVerdict(asked.answer.time, asked.answer.outcome)
    told = f"{timestamps.encode(first.time)} {first.outcome.value}"
    weakened = {
        "now_given": question.source is NowFrom.GIVEN,
        "policy_demo": held.policy is not None and held.policy.demo,
    }
    return Report(
        now=question.now,
        now_from=question.source,
        tier=question.request.tier or DEFAULT,
        policy=held.policy,
        credentials=(),
        checks=(Check("answered_before", detail=told),),
        unsafe=tuple(code for code, is_so in weakened.items() if is_so),
        answered=first,
        asked=question.request.asked(),
    )


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
