"""`did-verify`: what comes in, what goes out, and how it ends.

Only here is the terminal touched, and the world read that a command is given. No traceback
ever reaches a person: what was refused has a code, a sentence and a next step, and a fault of
ours says so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from did_service.program import process
from did_service.program.language import spoken_language
from did_service.program.streams import home, prepare_streams, print_stderr, write_out
from did_service.verify_cli.arguments import parser_in

if TYPE_CHECKING:  # loaded when a command runs, so that `--help` answers at once
    from argparse import Namespace

    from did_service.core.encoding.strict_json import JsonObject
    from did_service.core.errors import DidServiceError
    from did_service.program.clock import ReadClock
    from did_service.program.environment import Environment
    from did_service.verify_cli.terminal import CommandResult

PROGRAM = "did-verify"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def main(words: Sequence[str] | None = None, clock: ReadClock | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        words: The command line without the program's name; None for the process's own.
        clock: Tells the time; the machine's unless given.
    """
    given = sys.argv[1:] if words is None else words
    spoken = spoken_language(given, os.environ, PROGRAM)
    command = ""
    try:
        prepare_streams()
        arguments = parser_in(spoken).understand(given)
        command = " ".join(filter(None, (arguments.command, getattr(arguments, "action", ""))))
        room = import_module(f"did_service.verify_cli.{arguments.command}")
        answer: CommandResult = room.run(arguments, _surroundings(spoken, clock))
        return _answer(answer, command, arguments, spoken)
    except SystemExit as leaving:  # --help and --version have spoken
        return int(leaving.code or 0)
    except (KeyboardInterrupt, BrokenPipeError):  # a person, or the reader of a pipe, has left
        return _declined()
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback
        return _complain(error, command, json="--json" in given, spoken=spoken)


def _surroundings(spoken: str, clock: ReadClock | None) -> Environment:
    from did_service.program.clock import SYSTEM
    from did_service.program.environment import Environment
    from did_service.program.language import Language

    return Environment(
        clock=(clock or SYSTEM.clock)(),
        rng=SYSTEM.rng,
        boot=_boot(),
        variables=os.environ,
        home=home(),
        stdin=sys.stdin.buffer,
        language=Language(spoken),
    )


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"


# --- speaking ---------------------------------------------------------------------------------


def _answer(answer: CommandResult, command: str, arguments: Namespace, spoken: str) -> int:
    if answer.error is not None:
        return _complain(answer.error, command, answer.data, json=arguments.json, spoken=spoken)
    if arguments.json:
        _write_json(command, answer.data, exit_code=answer.exit_code)
    else:
        _write_words(answer, spoken)
    return answer.exit_code


def _write_words(answer: CommandResult, spoken: str) -> None:
    from did_service.program.failure import NOTE, label
    from did_service.program.language import Language

    write_out("".join(f"{line}\n" for line in answer.words(sys.stdout, os.environ)))
    language = Language(spoken)
    for remark in answer.remarks:
        print_stderr(f"{PROGRAM}: {label(NOTE, language)}{language.say(remark)}")


def _write_json(
    command: str,
    data: JsonObject | None,
    error: DidServiceError | None = None,
    exit_code: int = 0,
) -> None:
    from did_service.program.envelope import enveloped, written

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # JSON has no other
    write_out(written(enveloped(PROGRAM, command, data, error, exit_code=exit_code)))


def _complain(
    error: Exception, command: str, data: JsonObject | None = None, *, json: bool, spoken: str
) -> int:
    """Say what went wrong and what to do next, and choose the exit code."""
    from did_service.core.errors import UnavailableError
    from did_service.program.exits import exit_of
    from did_service.program.failure import as_error, failure_text
    from did_service.program.language import Language

    refusal = as_error(error)
    if json:
        with suppress(UnavailableError, BrokenPipeError):  # stderr has it all the same
            _write_json(command, data, refusal)
    print_stderr(failure_text(PROGRAM, refusal, Language(spoken)))
    return exit_of(refusal, command)


def _declined() -> int:
    from did_service.program.exits import Exit

    return Exit.DECLINED


def program() -> NoReturn:
    """Run as a process of its own."""
    process.begin()
    process.end(main())


if __name__ == "__main__":
    program()
