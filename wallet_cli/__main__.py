"""`wallet`: the way in and the way out.

Here stand the settings of a run, and here every error becomes
a sentence and an exit code (docs/cli.md). No traceback reaches a person.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from did_service.core.errors import DidServiceError, UsageError
from did_service.program import process
from did_service.program.clock import SYSTEM, ReadClock
from did_service.program.exits import Exit
from did_service.program.language import Language, spoken_language
from did_service.program.streams import abandon_stdout, home, prepare_streams
from wallet_cli.commands import wallet
from wallet_cli.config import Format, Settings, resolve
from wallet_cli.parser import CommandRun
from wallet_cli.terminal import Terminal

if TYPE_CHECKING:
    from wallet_cli.session import Session


class _Program:
    """One run: what to speak with before a command has begun, and afterwards."""

    def __init__(self, arguments: Sequence[str], clock: ReadClock) -> None:
        self._arguments, self._clock = arguments, clock
        provisional = _provisional(arguments)
        self._language = provisional.language
        self.terminal = Terminal(provisional, "")

    def begin(self, options: Mapping[str, object], command: str) -> Session:
        """Settle the settings and begin the session of a command."""
        from wallet_cli.session import Session

        self.terminal.command = command
        settings = resolve(options, os.environ, home())
        self.terminal = Terminal(settings, command)
        return Session(settings, self.terminal, self._clock, SYSTEM.rng)

    def run(self) -> Exit:
        """Run the command and return how it ended."""
        try:
            return self._run()
        except (SystemExit, BrokenPipeError):  # the reader has left; click exits then
            abandon_stdout()
            return Exit.DECLINED
        except Exception as error:  # noqa: BLE001 - a fault of ours is told, not shown
            from did_service.program.failure import as_error

            return self.terminal.error(as_error(error))

    def _run(self) -> Exit:
        try:
            run = CommandRun(language=self._language, begin=self.begin)
            done = wallet.main([*self._arguments], "wallet", standalone_mode=False, obj=run)
            sys.stdout.flush()
        except DidServiceError as error:
            return self.terminal.error(error)
        except click.exceptions.NoArgsIsHelpError as error:
            self.terminal.usage(error.format_message())
            return Exit.USAGE
        except click.ClickException as error:
            from did_service.program.click_refusals import command_of, usage_error

            self.terminal.command = command_of(error)
            return self.terminal.error(usage_error(error))
        except (click.Abort, KeyboardInterrupt):
            return self.terminal.error(UsageError("declined", "it was interrupted"))
        return done if isinstance(done, Exit) else Exit.DONE


def run(arguments: Sequence[str], clock: ReadClock | None = None) -> Exit:
    """Run `wallet` with these arguments and return how it ended; nothing else leaves it.

    Args:
        arguments: The words after the program's name.
        clock: Returns the present instant, aware, in UTC; the machine's unless given.
    """
    prepare_streams()
    return _Program(arguments, clock or SYSTEM.clock).run()


def main() -> NoReturn:
    """Run `wallet` with the arguments of this process, and as a process of its own."""
    process.begin()
    process.end(run(sys.argv[1:]))


def _provisional(arguments: Sequence[str]) -> Settings:
    """Return what to speak with while the options are not understood yet."""
    form = Format.JSON if "--json" in arguments else Format.TEXT
    return Settings(Path(), Language(spoken_language(arguments, os.environ, "wallet")), form)


if __name__ == "__main__":
    main()
