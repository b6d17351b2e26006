"""Options that say where a passphrase is; it never stands on the command line itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from did_service.core.errors import UsageError


def passphrase_options(prefix: str = "") -> list[click.Parameter]:
    """Return `--passphrase-file` and `--passphrase-fd`, with `new-` or the like before them.

    Args:
        prefix: Of another passphrase than the keyring's, such as `backup-`.
    """
    whose = "the backup's" if prefix else "the keyring's"
    path = click.Path(dir_okay=False, path_type=Path)
    return [
        click.Option(
            [f"--{prefix}passphrase-file"],
            type=path,
            help=f"File whose first line is {whose} passphrase.",
        ),
        click.Option(
            [f"--{prefix}passphrase-fd"],
            type=click.INT,
            help=f"Read {whose} passphrase from this descriptor.",
        ),
    ]


def place_given(given: Mapping[str, object], prefix: str = "") -> str | None:
    """Return where the options say that a passphrase is; None where they do not.

    Args:
        given: Values of a command's options by name.
        prefix: As it was for `passphrase_options`.

    Raises:
        UsageError: `passphrase_twice`.
    """
    names = (f"{prefix}passphrase_{kind}".replace("-", "_") for kind in ("file", "fd"))
    file, descriptor = (given[name] for name in names)
    if file is not None and descriptor is not None:
        raise UsageError("passphrase_twice", "a file and a descriptor were given")
    if file is not None:
        return f"file:{file}"
    return None if descriptor is None else f"fd:{descriptor}"
