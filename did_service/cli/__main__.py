"""`did-service`: the operator's program.

Every error becomes two lines on stderr and an exit code (docs/cli.md); no traceback reaches a
person.
"""

from __future__ import annotations

import sys

import click

from did_service import __version__
from did_service.cli.demo.command import demo
from did_service.core.errors import (
    Bilingual,
    ConflictError,
    DidServiceError,
    NotFoundError,
    UnavailableError,
    UsageError,
)

_REFUSED, _USAGE, _DECLINED, _OUR_FAULT = 1, 2, 3, 70
_CODES: tuple[tuple[type[DidServiceError], int], ...] = (
    (UsageError, _USAGE),
    (ConflictError, _USAGE),
    (NotFoundError, 7),
    (UnavailableError, 8),
)
_FAULT = Bilingual("程序内部错误", "a fault of this program")
_FAULT_NEXT = Bilingual("请报告此错误", "please report this")


@click.group(context_settings={"max_content_width": 96})
@click.version_option(__version__, prog_name="did-service")
def cli() -> None:
    """Registry, witnesses and issuers of decentralized identity for government services."""


cli.add_command(demo)


def main() -> None:
    """Run the program with the arguments of this process."""
    sys.exit(run())


def run() -> int:
    """Run the command and return how it ended."""
    try:
        done = cli.main(prog_name="did-service", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return _USAGE
    except click.ClickException as error:
        _refuse(UsageError("usage", _sentence(error)))
        return _USAGE
    except (click.Abort, KeyboardInterrupt):
        return _DECLINED
    except DidServiceError as error:
        _refuse(error)
        return next((code for kind, code in _CODES if isinstance(error, kind)), _REFUSED)
    except Exception as error:  # noqa: BLE001 - a fault of ours is told, not shown
        _tell(_FAULT, type(error).__name__, "internal_fault", _FAULT_NEXT)
        return _OUR_FAULT
    return done if isinstance(done, int) else 0


def _refuse(error: DidServiceError) -> None:
    _tell(error.meaning, error.message, error.code, error.next_step)


def _tell(what: Bilingual, detail: str, code: str, following: Bilingual) -> None:
    click.echo(f"did-service: error: {what.zh} {what.en}: {detail} [{code}]", err=True)
    click.echo(f"did-service: hint: {following.zh} {following.en}", err=True)


def _sentence(error: click.ClickException) -> str:
    """Write click's sentence the way ours are written."""
    text = " ".join(error.format_message().split()).rstrip(".")
    return text[:1].lower() + text[1:]


if __name__ == "__main__":
    main()
