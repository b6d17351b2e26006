"""`did-verify check`: read what is presented, let the verifier decide, tell the report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.encoding import strict_json
from did_service.core.errors import DidServiceError, UsageError
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.evidence.proven_set import Dropped
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import (
    MAX_BUNDLE_BYTES,
    MAX_JSON_BYTES,
    MAX_PRESENTED_BYTES,
)
from did_service.core.verification.report import NowFrom, Outcome, Report
from did_service.core.verification.request import Request
from did_service.program.environment import Environment
from did_service.program.exits import Exit
from did_service.program.files import check_output, replace_file
from did_service.verifier.judging import judge_alone
from did_service.verifier.question import Question
from did_service.verifier.report_json import encode_report, report_bytes
from did_service.verify_cli.terminal import COLOURS, CommandResult

_EXITS = {Outcome.ACCEPTED: Exit.DONE, Outcome.REFUSED: Exit.REFUSED}


def run(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Judge a file and answer with the report."""
    _check_words(arguments)
    question = _read(arguments, env)
    if arguments.policy is None:
        from did_service.verifier.decide import decide  # noqa: PLC0415 - with a memory alone
        from did_service.verifier.held import directory_at  # noqa: PLC0415 - likewise

        report = decide(question, directory_at(arguments.trust, env), env)
    else:
        data = env.read(arguments.policy, MAX_JSON_BYTES)
        report = judge_alone(question, parse_policy(strict_json.loads(data)))
    if arguments.report is not None:
        replace_file(Path(arguments.report), report_bytes(report, claims=arguments.claims))
    verdict, *lines = (None,) if arguments.json else _words(report, arguments, env)
    return CommandResult(
        encode_report(report, claims=True),
        tuple(lines),
        verdict,
        _exit_code(report, arguments),
        colour=COLOURS[report.outcome.value],
    )


def _words(report: Report, arguments: argparse.Namespace, env: Environment) -> Sequence[str]:
    """Return the verdict for people, and below it what was asked for besides."""
    from did_service.verifier.verdict_steps import (  # noqa: PLC0415 - --json has no words
        claim_lines,
        step_lines,
    )
    from did_service.verifier.verdict_text import Reader, render  # noqa: PLC0415 - likewise

    lines = [*render(report, Reader(env.language))]
    if arguments.all:
        lines += ["", *step_lines(report, env.language)]
    if arguments.show:
        lines += ["", *claim_lines(report, env.language)]
    return lines


def _check_words(arguments: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything is spent.

    Raises:
        UsageError: `holder_or_document`, `question_remembered`, `file_exists` and its like.
    """
    asked = [arguments.nonce is not None, arguments.audience is not None]
    if arguments.policy is None:
        if any(asked):
            raise UsageError("question_remembered", "--nonce and --audience")
    elif any(asked) is arguments.document or any(asked) is not all(asked):
        raise UsageError(
            "holder_or_document", "--policy goes with --nonce and --audience, or --document"
        )
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
            tier=arguments.tier,
            nonce=arguments.nonce,
            audience=arguments.audience,
            item=arguments.item,
        ),
        env.instant(arguments.now),
        NowFrom.CLOCK if arguments.now is None else NowFrom.GIVEN,
        document=arguments.document,
        accept_limits=arguments.accept_limits,
    )


def _exit_code(report: Report, arguments: argparse.Namespace) -> int:
    """Choose the exit code; a document alone is good because it was asked for by name."""
    outcome = report.outcome
    if outcome is Outcome.DOCUMENT and arguments.document:
        return Exit.UNDECIDED if report.limits and not arguments.accept_limits else Exit.DONE
    if outcome is Outcome.ACCEPTED_WITH_LIMITS and arguments.accept_limits:
        return Exit.DONE
    return _EXITS.get(outcome, Exit.UNDECIDED)
