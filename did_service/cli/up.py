"""`did-service up`: a federation on this machine, left running until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.program.click_commands import SpokenCommand

if TYPE_CHECKING:
    from did_service.node.local.federation import LocalFederation
    from did_service.node.local.lasting import Step
    from did_service.program.signals import Signals

_EXAMPLES = """\
  did-service up
  did-service up ~/federation --lang en
"""
_LOOK_SECONDS = 5.0  # after so long it is seen that a server has ended by itself


@click.command(cls=SpokenCommand, epilog=_EXAMPLES)
@click.argument(
    "folder",
    metavar="[DIR]",
    default="federation",
    type=click.Path(file_okay=False, path_type=Path),
)
@language.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when it is ready.")
def up(folder: Path, *, as_json: bool) -> int:
    """Run a federation on this machine until Ctrl-C, and resume it the next time.

    Five regions that witness each other, two agencies with their officers, a counter that has
    pinned the policy: all fictional, in DIR (default: federation), on Unix sockets of your own.
    When it is ready it prints what citizen, officer and clerk type next. The same command in
    the same DIR goes on with the same keys and logs. Each folder below DIR/regions and
    DIR/agencies is one that `region serve` or `agency serve` could serve alone.
    """
    from did_service.program.quick_start import without_collection

    with without_collection():
        from did_service.cli import up_lines
        from did_service.node.local.lasting import lasting
    from did_service.program.clock import SYSTEM
    from did_service.program.envelope import enveloped, written
    from did_service.program.logs import prepare_log
    from did_service.program.signals import ENDING, Signals
    from did_service.program.streams import print_stderr, write_out
    from did_service.web.serve import prepare_process

    place = folder.absolute()
    prepare_log("text", "error")
    prepare_process()
    with Signals() as signals:  # before the first key is made: an early Ctrl-C is not lost

        def tell(step: Step) -> None:
            if signals.wait(0) in ENDING:
                raise KeyboardInterrupt
            if not as_json:
                print_stderr(say(up_lines.STEPS[step]))

        with lasting(place, SYSTEM, tell) as federation:
            if as_json:
                data = up_lines.encode(federation)
                write_out(written(enveloped("did-service", "up", data)))
            else:
                for line in up_lines.told(federation, say):
                    _write(line)
            _wait(federation, signals)
            if not as_json:
                print_stderr(say(up_lines.ENDING))
    return 0


def _write(line: str) -> None:
    """Write a line as wide as the screen; a command stays whole, to be copied."""
    from did_service.program.streams import write_lines, write_out

    if line.startswith("  "):
        write_out(f"{line}\n")
    else:
        write_lines([line])


def _wait(federation: LocalFederation, signals: Signals) -> None:
    """Return at Ctrl-C or SIGTERM."""
    from did_service.core.errors import UnavailableError
    from did_service.program.signals import ENDING

    while signals.wait(_LOOK_SECONDS) not in ENDING:
        if not all(server.is_alive for server in federation.servers):
            raise UnavailableError("server_ended", "a server has ended by itself")
