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

from did_service.cli import language
from did_service.cli.services import SUMMARIES
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.program.click_commands import (
    COMPLETION,
    CommandEntry,
    CommandReader,
    SpokenGroup,
)
from did_service.program.envelope import enveloped, written
from did_service.program.exits import Exit, exit_of
from did_service.program.failure import as_error, failure_text
from did_service.program.process import leave_no_core
from did_service.program.streams import abandon_stdout, prepare_streams, print_stderr, write_out
from did_service.program.version import __version__

PROGRAM = "did-service"


ENTRIES = {
    "up": CommandEntry(
        "did_service.cli.up:up", "Run a federation on this machine, until Ctrl-C."
    ),
    "demo": CommandEntry(
        "did_service.cli.demo:demo",
        "Play the demonstration on this machine, without a network.",
    ),
    "region": CommandEntry("did_service.cli.services:region", SUMMARIES["region"]),
    "agency": CommandEntry("did_service.cli.services:agency", SUMMARIES["agency"]),
    "registry": CommandEntry("did_service.cli.services:registry", SUMMARIES["registry"]),
    "witness": CommandEntry("did_service.cli.services:witness", SUMMARIES["witness"]),
    "health": CommandEntry("did_service.cli.health:health", "Ask whether a service works."),
    "federation": CommandEntry(
        "did_service.cli.federation:federation", "Found a federation by files people carry."
    ),
    "policy": CommandEntry(
        "did_service.cli.policy:policy", "Show the policy, and make the next one."
    ),
    "officer": CommandEntry(
        "did_service.cli.offices:officer", "Keep the officers of an agency and their tokens."
    ),
    "desk": CommandEntry("did_service.cli.desk:desk", "Do an officer's work at an agency."),
    "did": CommandEntry(
        "did_service.cli.did:did", "Make, change, move and end the DID of an office."
    ),
    "bundle": CommandEntry(
        "did_service.cli.bundle:bundle", "Make the trust bundle that counters load beforehand."
    ),
    "monitor": CommandEntry(
        "did_service.cli.monitor:monitor", "Watch the logs of a federation from outside."
    ),
    "alarms": CommandEntry(
        "did_service.cli.alarms:alarms", "See the alarms that a service keeps, and settle them."
    ),
    "key": CommandEntry("did_service.cli.key:key", "Keep the keys of a service."),
    "backup": CommandEntry(
        "did_service.cli.backup:backup", "Copy a service that runs into a new folder."
    ),
    "restore": CommandEntry(
        "did_service.cli.backup:restore", "Make a service's folder of a backup."
    ),
    "pull": CommandEntry(
        "did_service.cli.backup:pull", "Fetch what a region has signed and does not hold."
    ),
    "fsck": CommandEntry(
        "did_service.cli.fsck:fsck", "Examine the logs that a region keeps, and repair them."
    ),
    "database": CommandEntry(
        "did_service.cli.database:database",
        "See which revision a service's tables have, and upgrade them.",
    ),
    "completion": CommandEntry("did_service.cli.language:completion", COMPLETION),
}

cli = SpokenGroup(
    PROGRAM,
    ENTRIES,
    "Run regions and agencies, keep their logs and DIDs, make the bundles of counters.",
)
click.version_option(__version__, prog_name=PROGRAM)(cli)
language.option(cli)


def main() -> None:
    """Run the program with the arguments of this process; told to end, it clears up first."""
    leave_no_core()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has it passed over
            signal.signal(number, signal.default_int_handler)
    sys.exit(run())


def run() -> int:
    """Run the command and return how it ended."""
    prepare_streams()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries warn developers, who ask for it with -W
    reader = CommandReader(language=language.spoken())
    try:
        done = cli.main(prog_name=PROGRAM, standalone_mode=False, obj=reader)
        write_out("")
    except click.exceptions.NoArgsIsHelpError as error:
        print_stderr(error.format_message())
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.DECLINED
    except (SystemExit, BrokenPipeError):  # the reader has left; click exits then
        abandon_stdout()
        return Exit.DECLINED
    except click.ClickException as error:
        from did_service.program.click_refusals import command_of, usage_error

        reader.command = command_of(error)
        return _refuse(usage_error(error), reader)
    except Exception as error:  # noqa: BLE001 - a fault of ours is told, not shown
        return _refuse(as_error(error), reader)
    return done if isinstance(done, int) else Exit.DONE


def _refuse(refusal: DidServiceError, reader: CommandReader) -> int:
    """Say what went wrong and what to do next, and return the exit code."""
    if "--json" in sys.argv[1:]:
        with suppress(UnavailableError, BrokenPipeError):  # stderr has it all the same
            write_out(written(enveloped(PROGRAM, reader.command, None, refusal)))
    print_stderr(failure_text(PROGRAM, refusal, reader.language))
    return exit_of(refusal, reader.command)


if __name__ == "__main__":
    main()
