"""What a run of the wallet goes by: options first, then the environment, then defaults.

    --store DIR             WALLET_STORE             $XDG_DATA_HOME/didsvc-wallet
    --lang zh|en|both       WALLET_LANG, DIDSVC_LANG the locale (`program.language`)
    --passphrase-file FILE  WALLET_PASSPHRASE_FILE   a prompt, where there is a terminal

A passphrase itself is never an argument nor a variable: others could read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from did_service.core.errors import UsageError, quote
from did_service.program.language import Language, in_variables, of_locale


class Format(Enum):
    """What stdout carries: lines for people, or one JSON object."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run."""

    store: Path
    language: Language = Language.EN
    format: Format = Format.TEXT
    quiet: bool = False
    no_input: bool = False
    assume_yes: bool = False
    offline: bool = False
    passphrase_file: Path | None = None
    passphrase_fd: int | None = None


def resolve(
    options: Mapping[str, object], environment: Mapping[str, str], home: Path
) -> Settings:
    """Settle the settings of a run.

    Args:
        options: Global options by name, those that were given.
        environment: Variables; those of other programs are not looked at.
        home: Where the default store lies below.

    Raises:
        UsageError: `passphrase_twice`, `language_unknown`.
    """
    file, descriptor = options.get("passphrase_file"), options.get("passphrase_fd")
    if file is not None and descriptor is not None:
        raise UsageError(
            "passphrase_twice", "--passphrase-file and --passphrase-fd were both given"
        )
    if file is None and descriptor is None:
        file = environment.get("WALLET_PASSPHRASE_FILE") or None
    store = options.get("store") or environment.get("WALLET_STORE")
    return Settings(
        store=Path(str(store)) if store else default_store(environment, home),
        language=language_of(options, environment),
        format=Format.JSON if options.get("json") else Format.TEXT,
        quiet=bool(options.get("quiet")),
        no_input=bool(options.get("no_input")),
        assume_yes=bool(options.get("yes")),
        offline=bool(options.get("offline")),
        passphrase_file=None if file is None else Path(str(file)),
        passphrase_fd=descriptor if isinstance(descriptor, int) else None,
    )


def default_store(environment: Mapping[str, str], home: Path) -> Path:
    """Return `$XDG_DATA_HOME/didsvc-wallet`, where the XDG base directories put data."""
    data = environment.get("XDG_DATA_HOME", "")
    root = Path(data) if Path(data).is_absolute() else home / ".local" / "share"
    return root / "didsvc-wallet"


def language_of(options: Mapping[str, object], environment: Mapping[str, str]) -> Language:
    """Return the reader's language.

    Raises:
        UsageError: `language_unknown` for an option or a variable that is none of ours.
    """
    chosen = options.get("lang") or in_variables(environment, "wallet")
    try:
        return Language(chosen or of_locale(environment))
    except ValueError as error:
        raise UsageError("language_unknown", f"no language {quote(chosen)}") from error
