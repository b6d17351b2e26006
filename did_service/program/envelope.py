"""The one JSON object that every program prints with `--json` (docs/cli.md).

    {"schema": "wallet/1", "ok": true, "command": "trust pin", "data": {…},
     "warnings": [{"code", …}], "error": null}

`ok` says that the run ends with 0, so that a document that a check refuses, or takes with
limits, is never ok. Where there is no answer, or not all of it, `error` tells why: `{"code",
"exit", "message": {zh,en}, "next": {zh,en}, "detail", "details"}`, and `peer_says` where a peer
had words about it, or `fields` where it named each claim that it did not take. `command` is the
same on success and on failure. Each member is there always (docs/adr/0035).
"""

from __future__ import annotations

from collections.abc import Sequence

from did_service.core.encoding import bilingual
from did_service.core.encoding.strict_json import JsonObject, JsonValue, dumps_printable
from did_service.core.errors import DidServiceError
from did_service.program.exits import Exit, exit_of

VERSION = 1  # of every program's object


def enveloped(
    program: str,
    command: str,
    data: JsonObject | None,
    error: DidServiceError | None = None,
    warnings: Sequence[JsonValue] = (),
    exit_code: int = Exit.DONE,
) -> JsonObject:
    """Return the object of a run.

    Args:
        program: Who speaks; names the schema.
        command: Its words, such as `trust pin`; empty where none was understood.
        data: The answer, also one that is not all that was asked for.
        error: Why there is no answer, or not all of it.
        warnings: What does not stop the command, each with a `code`.
        exit_code: How the run ends where it has an answer and no error, as a verdict does.
    """
    if error is not None and not command:  # the command line itself is off
        command = str(error.details.get("command") or "").partition(" ")[2]
    return {
        "schema": f"{program}/{VERSION}",
        "ok": error is None and exit_code == Exit.DONE,
        "command": command,
        "data": data,
        "warnings": [*warnings],
        "error": None if error is None else described(program, command, error),
    }


def written(value: JsonObject) -> str:
    """Return an object as it goes to stdout: nothing in it moves a screen (`core.text`)."""
    return f"{dumps_printable(value)}\n"


def described(program: str, command: str, error: DidServiceError) -> JsonObject:
    """Return an error for machines."""
    from did_service.program.failure import (  # noqa: PLC0415 - an answer has none of its words
        meaning_and_next,
    )

    meaning, following = meaning_and_next(program, error)
    return {
        "code": error.code,
        "exit": int(exit_of(error, command)),
        "message": bilingual.encode(meaning),
        "next": bilingual.encode(following),
        "detail": error.message,
        "details": {**error.details},
        **({} if error.peer_says is None else {"peer_says": error.peer_says}),
    }


def by_field(answer: JsonObject, fields: Sequence[JsonValue]) -> JsonObject:
    """Return the object of a failed run with what was not taken, in place of a peer's words."""
    error = answer["error"]
    if not fields or not isinstance(error, dict):
        return answer
    said = {name: value for name, value in error.items() if name != "peer_says"}
    return {**answer, "error": {**said, "fields": [*fields]}}
