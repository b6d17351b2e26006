"""One run of the wallet: its settings, its terminal, the unlocked store, the way out.

Nothing is opened before a command asks for it, and the key is derived once.
"""

from __future__ import annotations

import os
import sys
from codecs import BOM_UTF8
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from did_service.core.crypto.sealed import normalised
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject, Numbers
from did_service.core.errors import (
    Bilingual,
    DidServiceError,
    LimitError,
    NotFoundError,
    UnavailableError,
    UsageError,
    quote,
)
from did_service.core.limits import (
    MAX_PASSPHRASE_BYTES,
    MAX_PRESENTED_BYTES,
    MAX_PRESENTED_VALUES,
    MIN_PASSPHRASE_CHARACTERS,
)
from did_service.program import streams
from did_service.program.clock import Rng
from wallet_cli.config import Settings
from wallet_cli.store import Change, OpenStore, StoreDirectory
from wallet_cli.terminal import Terminal
from wallet_cli.vault import Vault

if TYPE_CHECKING:
    from did_service.client.transport import Transport
    from wallet_cli.trusting import WalletTrust

_PROMPT = Bilingual("钱包口令", "passphrase of the wallet")
_NEW = Bilingual("新口令", "new passphrase")
_AGAIN = Bilingual("再次输入", "again")


class Session:
    """What a command works with.

    Args:
        settings: From options and environment.
        terminal: Speaks to person or script.
        clock: Returns the present instant, aware, in UTC.
        rng: Returns so many random bytes.
    """

    def __init__(
        self, settings: Settings, terminal: Terminal, clock: Callable[[], datetime], rng: Rng
    ) -> None:
        self.settings = settings
        self.terminal = terminal
        self.directory = StoreDirectory(settings.store)
        self.rng = rng
        self._clock = clock

    def now(self) -> datetime:
        """Return the present instant."""
        return self._clock()

    def stamp(self) -> str:
        """Return the present second as RFC 3339."""
        return timestamps.encode(self._clock())

    # --- the store ------------------------------------------------------------------------

    @cached_property
    def store(self) -> OpenStore:
        """The wallet, unlocked at first use."""
        self.directory.read()  # a missing wallet is told before a passphrase is asked for
        return self.directory.open(self.passphrase(), self.rng)

    @property
    def vault(self) -> Vault:
        """The vault as last read."""
        return self.store.vault

    def commit(self, change: Change) -> Vault:
        """Change the wallet; see `OpenStore.commit`."""
        return self.store.commit(change)

    def passphrase(self) -> str:
        """Return the passphrase: from its file or descriptor, else asked of the person."""
        given = self._given_passphrase()
        return given if given is not None else self.terminal.secret(_PROMPT)

    def first_passphrase(self) -> str:
        """Return the passphrase of a new wallet; a person types it twice.

        Raises:
            UsageError: `passphrase_short`, `passphrase_mistyped`.
        """
        given = self._given_passphrase()
        return self._strong(given if given is not None else self._chosen())

    def next_passphrase(self, file: Path | None) -> str:
        """Return a new passphrase for a wallet that has one; raises as `first_passphrase`."""
        return self._strong(self._chosen() if file is None else read_passphrase(file))

    def _given_passphrase(self) -> str | None:
        if self.settings.passphrase_fd is not None:
            return _passphrase_of_descriptor(self.settings.passphrase_fd)
        file = self.settings.passphrase_file
        if file is None:
            return None
        passphrase = read_passphrase(file)
        if file.stat().st_mode & 0o077 and file.is_file():
            self.terminal.warn("passphrase_exposed", str(file))
        return passphrase

    def _chosen(self) -> str:
        chosen = self.terminal.secret(_NEW)
        if normalised(self.terminal.secret(_AGAIN)) != normalised(chosen):
            raise UsageError("passphrase_mistyped", "the two passphrases differ")
        return chosen

    def _strong(self, passphrase: str) -> str:
        if len(normalised(passphrase)) < MIN_PASSPHRASE_CHARACTERS:
            raise UsageError(
                "passphrase_short",
                f"a passphrase has at least {MIN_PASSPHRASE_CHARACTERS} characters",
            )
        return passphrase

    # --- files and the network --------------------------------------------------------------

    @cached_property
    def trust(self) -> WalletTrust:
        """The wallet's trust directory."""
        from wallet_cli.trusting import WalletTrust

        return WalletTrust(self.directory.trust)

    @cached_property
    def transport(self) -> Transport:
        """The way to issuers and mirrors.

        Raises:
            UsageError: `offline`: the network was ruled out.
        """
        if self.settings.offline:
            raise UsageError("offline", "this command needs the network")
        from did_service.client.routes import routes_from_environment
        from did_service.client.transport import Transport

        routes = routes_from_environment()
        if routes.places:
            self.terminal.warn("routes_in_use", f"DIDSVC_ROUTES: {len(routes.places)}")
        return Transport(routes)

    def close(self) -> None:
        """Close connections, if there are any."""
        if "transport" in self.__dict__:
            self.transport.close()


def read_json(name: str) -> JsonObject:
    """Read a JSON object from a file, or from stdin where the name is `-`.

    Raises:
        NotFoundError: `file_missing`.
        UnavailableError: `file_not_read`.
        MalformedError, LimitError: a code of strict JSON, with the file's name.
    """
    data = read_input(name).removeprefix(BOM_UTF8)  # RFC 8259 §8.1: it may be passed over
    try:
        return strict_json.load_object(
            data,
            max_bytes=MAX_PRESENTED_BYTES,
            max_values=MAX_PRESENTED_VALUES,
            numbers=Numbers.FINITE,
        )
    except DidServiceError as error:
        raise type(error)(error.code, f"{quote(name)}: {error.message}") from error


def read_input(name: str) -> bytes:
    """Read a file of at most 8 MiB, or stdin where the name is `-`; raises as `read_json`."""
    data = streams.read_input(name, MAX_PRESENTED_BYTES, sys.stdin.buffer)
    if len(data) > MAX_PRESENTED_BYTES:
        raise LimitError(
            "too_large", f"{quote(name)} has more than {MAX_PRESENTED_BYTES} bytes"
        )
    return data


def read_passphrase(file: Path) -> str:
    """Read a passphrase: the first line of a file.

    Raises:
        NotFoundError: `file_missing`.
        UnavailableError: `file_not_read`.
        UsageError: `passphrase_unreadable`: empty, too long, or not UTF-8.
    """
    try:
        with file.open("rb") as opened:
            return _first_line(opened.read(MAX_PASSPHRASE_BYTES + 1))
    except FileNotFoundError as error:
        raise NotFoundError("file_missing", quote(file)) from error
    except OSError as error:
        raise UnavailableError("file_not_read", f"{quote(file)}: {error.strerror}") from error


def _passphrase_of_descriptor(descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, "rb") as opened:
            return _first_line(opened.read(MAX_PASSPHRASE_BYTES + 1))
    except OSError as error:
        raise UsageError(
            "passphrase_unreadable", f"descriptor {descriptor} cannot be read"
        ) from error


def _first_line(data: bytes) -> str:
    line = data.partition(b"\n")[0].removesuffix(b"\r")
    if not line or len(line) > MAX_PASSPHRASE_BYTES:
        raise UsageError("passphrase_unreadable", "the first line is empty or too long")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError("passphrase_unreadable", "the passphrase is not UTF-8") from error
