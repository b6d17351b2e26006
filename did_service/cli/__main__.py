"""`did-service`: the operator's program.

Every error becomes two lines on stderr in the reader's language, with `--json` an object on
stdout as well, and an exit code (docs/cli.md); no traceback reaches a person.
"""

from __future__ import annotations

import signal
import sys
import warnings
from contextlib import suppress

import click

from did_service.cli.bundle import bundle
from did_service.cli.demo.command import demo
from did_service.cli.language import spoken
from did_service.core.encoding import strict_json
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from did_service.core.text import printable
from did_service.program.failure import FAULT, as_error, failed, failure_text
from did_service.program.streams import abandon_stdout, prepare_streams, print_stderr, write_out
from did_service.program.version import __version__

PROGRAM = "did-service"
SCHEMA = "did-service/1"

_REFUSED, _USAGE, _DECLINED, _OUR_FAULT = 1, 2, 3, 70
_CODES: tuple[tuple[type[DidServiceError], int], ...] = (
    (UsageError, _USAGE),
    (ConflictError, _USAGE),
    (NotFoundError, 7),
    (UnavailableError, 8),
)


@click.group(context_settings={"max_content_width": 96})
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Registry, witnesses and issuers of decentralized identity for government services."""


cli.add_command(demo)
cli.add_command(bundle)


def main() -> None:
    """Run the program with the arguments of this process; told to end, it clears up first."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has it passed over
            signal.signal(number, signal.default_int_handler)
    sys.exit(run())


def run() -> int:
    """Run the command and return how it ended."""
    prepare_streams()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries warn developers, who ask for it with -W
    try:
        done = cli.main(prog_name=PROGRAM, standalone_mode=False)
        write_out("")
    except click.exceptions.NoArgsIsHelpError as error:
        print_stderr(error.format_message())
        return _USAGE
    except (click.Abort, KeyboardInterrupt):
        return _DECLINED
    except (SystemExit, BrokenPipeError):  # the reader has left; click exits then
        abandon_stdout()
        return _DECLINED
    except Exception as error:  # noqa: BLE001 - a fault of ours is told, not shown
        return _refuse(error)
    return done if isinstance(done, int) else 0


# --- speaking ---------------------------------------------------------------------------------


def _refuse(error: Exception) -> int:
    """Say what went wrong and what to do next, and return the exit code."""
    if isinstance(error, click.ClickException):
        error = UsageError("usage", _sentence(error))
    refusal, words = as_error(error), sys.argv[1:]
    code = _exit_code(refusal)
    if "--json" in words:
        command = next((word for word in words if not word.startswith("-")), "")
        with suppress(UnavailableError, BrokenPipeError):  # stderr has it all the same
            write_out(
                f"{strict_json.dumps_printable(failed(SCHEMA, command, refusal, code))}\n"
            )
    print_stderr(failure_text(PROGRAM, refusal, spoken()))
    return code


def _exit_code(error: DidServiceError) -> int:
    if error.code == FAULT:
        return _OUR_FAULT
    return next((code for kind, code in _CODES if isinstance(error, kind)), _REFUSED)


def _sentence(error: click.ClickException) -> str:
    """Write click's sentence the way ours are written."""
    text = printable(" ".join(error.format_message().split()).rstrip("."))
    return text[:1].lower() + text[1:]


if __name__ == "__main__":
    main()
