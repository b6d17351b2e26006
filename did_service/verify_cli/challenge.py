"""`did-verify challenge`: ask a holder something that is answered once, as a request file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import MalformedError, UsageError
from did_service.core.openid.request_object import (
    RequestObject,
    check_client_id,
    check_scope,
)
from did_service.core.text import Bilingual, quote
from did_service.program.environment import Environment
from did_service.program.files import check_output, replace_file
from did_service.program.words import words_at
from did_service.verifier.challenges import give_out, unremembered
from did_service.verifier.dates import moment_in_zone
from did_service.verifier.held import directory_at
from did_service.verify_cli.terminal import CommandResult


def run(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Remember a question and write its request: into a file, or on stdout for a pipe."""
    if arguments.out is not None:
        check_output(Path(arguments.out), force=arguments.force)
    request, *unsafe = _asked(arguments, env)
    if arguments.out is not None:
        replace_file(Path(arguments.out), request.encode())
    return _answer(arguments, request, unsafe, env)


def _first_to_do(arguments: argparse.Namespace, env: Environment) -> tuple[Bilingual, ...]:
    """Say that answers cannot be judged yet, where no policy is pinned, and what to do."""
    if arguments.policy is not None:
        return ()
    if directory_at(arguments.trust, env).read_policy() is not None:
        return ()
    words = words_at("verdict", "policy_missing")
    return tuple(text for text in (words.meaning, words.following) if text is not None)


def _asked(
    arguments: argparse.Namespace, env: Environment
) -> tuple[RequestObject, *tuple[str, ...]]:
    """Return the request, and by code what weakens it.

    Raises:
        UsageError: `audience_missing`, `audience_invalid`, `item_invalid`.
    """
    _check(arguments.audience, check_client_id, "audience_invalid")
    _check(arguments.item, check_scope, "item_invalid")
    now = env.instant(arguments.now)
    given = () if arguments.now is None else ("now_given",)
    if arguments.policy is not None:
        name = _named(arguments.audience)
        request = unremembered(env, name, arguments.item, now)
        return (request, *given, "nonce_not_remembered")
    directory = directory_at(arguments.trust, env)
    given_name = arguments.audience
    name = _named(directory.memory().audience if given_name is None else given_name)
    request = give_out(directory, env, name, arguments.item, now)
    return (request, *given, *(("trust_exposed",) if directory.exposed else ()))


def _written(path: str) -> Bilingual:
    """Say where the request is, and what becomes of it."""
    name = quote(path)
    return Bilingual(
        f"核验请求已写入 {name}，请交持证人的钱包读取。",
        f"The request is in {name}. Let the holder's wallet read it.",
    )


def _check(name: str | None, check: Callable[[str], None], code: str) -> None:
    """Refuse a name that was typed and cannot be one: nobody else supplied it."""
    try:
        if name is not None:
            check(name)
    except MalformedError as error:
        raise UsageError(code, error.message) from error


def _named(audience: str | None) -> str:
    """Return the counter's name, which a directory knows once it has asked under it.

    Raises:
        UsageError: `audience_missing`.
    """
    if audience is None:
        raise UsageError("audience_missing", "name this counter once with --audience")
    return audience


def _answer(
    arguments: argparse.Namespace,
    request: RequestObject,
    unsafe: list[str],
    env: Environment,
) -> CommandResult:
    data: JsonObject = {
        "nonce": request.nonce,
        "audience": request.client_id,
        "item": request.item,
        "expires": timestamps.encode(request.expires),
        "request": request.payload(),
        "out": arguments.out,
        "unsafe": [*unsafe],
    }
    remarks = [*_first_to_do(arguments, env)]
    remarks += [words_at("verdict", code).meaning for code in unsafe]
    until = moment_in_zone(request.expires, env.clock, None)
    remarks.append(
        Bilingual(f"{until.zh}前有效，只能答复一次", f"accepted once, until {until.en}")
    )
    if arguments.out is None:
        lines = tuple(request.encode().decode().splitlines())
    else:
        lines = (env.language.say(_written(arguments.out)),)
    return CommandResult(data, lines, remarks=tuple(remarks))
