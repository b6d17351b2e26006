"""`did-service`: the operator's program."""

from __future__ import annotations

import sys

import click

from did_service.cli.demo.command import demo
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    MalformedError,
    NotFoundError,
    UnavailableError,
    UsageError,
)

# docs/cli.md: one table of exit codes for all programs
_CODES: tuple[tuple[type[DidServiceError], int], ...] = (
    (UsageError, 2),
    (ConflictError, 2),
    (NotFoundError, 7),
    (UnavailableError, 8),
    (MalformedError, 1),
)
_OUR_FAULT = 70


@click.group()
@click.version_option(package_name=None, version="0.1.0", prog_name="did-service")
def cli() -> None:
    """Registry, witnesses and issuers of decentralized identity for government services."""


cli.add_command(demo)


def main() -> None:
    """Run the program; every error is a sentence and an exit code."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(3)
    except DidServiceError as error:
        _tell(error)
        sys.exit(next((code for kind, code in _CODES if isinstance(error, kind)), 1))


def _tell(error: DidServiceError) -> None:
    click.echo(
        f"did-service: error: [{error.code}] {error.meaning.zh} {error.meaning.en}", err=True
    )
    click.echo(f"did-service: {error.message}", err=True)
    click.echo(f"did-service: hint: {error.next_step.zh} {error.next_step.en}", err=True)


if __name__ == "__main__":
    main()
