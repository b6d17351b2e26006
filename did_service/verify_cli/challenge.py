"""`did-verify challenge`: a question that this trust directory takes one answer to."""

from __future__ import annotations

import argparse
from datetime import timedelta

from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.limits import NONCE_LIFETIME_SECONDS
from did_service.core.text import Bilingual
from did_service.program.environment import Environment
from did_service.program.words import words_at
from did_service.verifier.directory import fresh_nonce
from did_service.verifier.held import directory_at
from did_service.verify_cli.terminal import CommandResult


def run(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Give out a nonce: on stdout alone, so that a script may catch it."""
    if arguments.policy is None:
        return _remembered(arguments, env)
    nonce = fresh_nonce(env.rng)
    return _answer(nonce, arguments.audience, None, "nonce_not_remembered")


def _remembered(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    directory = directory_at(arguments.trust, env)
    now = env.instant(arguments.now)
    with directory.locked():
        directory.change(lambda memory: memory.in_boot(env.boot))
        # Never before the floor, or a clock set back would keep old questions open.
        instant = max(now, directory.memory().floor or now)
        nonce = directory.new_challenge(instant, env.rng)
    expires = instant + timedelta(seconds=NONCE_LIFETIME_SECONDS)
    unsafe = () if arguments.now is None else ("now_given",)
    if directory.exposed:
        unsafe = (*unsafe, "trust_exposed")
    return _answer(nonce, arguments.audience, timestamps.encode(expires), *unsafe)


def _answer(
    nonce: str, audience: str | None, expires: str | None, *unsafe: str
) -> CommandResult:
    data: JsonObject = {
        "nonce": nonce,
        "audience": audience,
        "expires": expires,
        "unsafe": [*unsafe],
    }
    remarks = [words_at("verdict", code).meaning for code in unsafe]
    if expires is not None:
        remarks.append(
            Bilingual(f"{expires} 前有效，只接受一次", f"accepted once, until {expires}")
        )
    return CommandResult(data, (nonce,), remarks=tuple(remarks))
