"""The wallet's directory: `wallet.json`, the version before it, the lock, the trust files.

    STORE/wallet.json      replaced whole, mode 0600, in a directory of mode 0700
          wallet.json.1    what it was before the last change; removed with a passphrase
          lock             held while the file changes
          trust/           the wallet's own trust directory (`did_service.verifier`)

A change is made on the newest file under the lock, so that two wallets at work lose nothing of
each other; the key is derived once, when the store is opened.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from did_service.core.errors import ConflictError, NotFoundError, UnavailableError, quote
from did_service.core.limits import MAX_WALLET_BYTES
from did_service.program.clock import Rng
from did_service.program.files import (
    exclusive_lock,
    make_private_directory,
    read_file,
    replace_file,
    sweep,
)
from wallet_cli.vault import Vault, open_vault, reopen

FILE = "wallet.json"
PREVIOUS = "wallet.json.1"
Change = Callable[[Vault], Vault]


class StoreDirectory:
    """A directory that holds a wallet, or may come to hold one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / FILE
        self.previous = path / PREVIOUS
        self.trust = path / "trust"

    def create(self, vault: Vault, rng: Rng) -> OpenStore:
        """Write a new wallet.

        Raises:
            ConflictError: `store_exists`.
            UnavailableError: `file_not_written`.
        """
        make_private_directory(self.path)
        with exclusive_lock(self.path / "lock"):
            if self.file.exists() or self.previous.exists():
                raise ConflictError("store_exists", quote(self.path))
            written, data = vault.encode(rng)
            replace_file(self.file, data)
        return OpenStore(self, written, data, rng)

    def open(self, passphrase: str, rng: Rng) -> OpenStore:
        """Open the wallet; errors as `read` and `vault.open_vault`."""
        data = self.read()
        return OpenStore(self, open_vault(data, passphrase), data, rng)

    def read(self) -> bytes:
        """Return the file as it lies there.

        Raises:
            NotFoundError: `store_missing`.
            MalformedError: `file_damaged`: longer than any wallet.
            UnavailableError: `file_not_read`.
        """
        data = read_file(self.file, MAX_WALLET_BYTES)
        if data is None:
            raise NotFoundError("store_missing", quote(self.path))
        return data

    def check_room(self, size: int) -> None:
        """See to it that the disk has room for so many bytes more.

        Raises:
            UnavailableError: `file_not_written`.
        """
        try:
            with tempfile.TemporaryFile(dir=self.path) as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise UnavailableError("file_not_written", f"{FILE}: {error.strerror}") from error

    def sweep(self) -> None:
        """Remove what a killed writer left; the caller holds the lock."""
        for path in (self.file, self.previous):
            sweep(path)


class OpenStore:
    """An unlocked wallet: the vault as last read, and the way to change it."""

    def __init__(self, directory: StoreDirectory, vault: Vault, data: bytes, rng: Rng) -> None:
        self.directory = directory
        self.vault = vault
        self._data = data
        self._rng = rng

    def commit(self, change: Change) -> Vault:
        """Apply a change to the newest vault and write it; the version before is kept.

        Raises:
            UnavailableError: `file_not_written`; what was there before is still there.
            DidServiceError: what `change` raises; nothing is written then.
        """
        directory = self.directory
        with exclusive_lock(directory.path / "lock"):
            directory.sweep()
            before = directory.read()
            self._write(change(self._newest(before)), before)
        return self.vault

    def commit_passphrase(self, change: Change) -> Vault:
        """Apply a change of slots; the version before, which the old ones open, is wiped.

        Raises:
            ConflictError: `store_rekeyed`: the slots are others since, and this change, made
                with the passphrase of before, would bring that one back.
        """
        directory = self.directory
        with exclusive_lock(directory.path / "lock"):
            directory.sweep()
            newest = self._newest(directory.read())
            if newest.slots != self.vault.slots:
                raise ConflictError("store_rekeyed", "another program was at work")
            self._write(change(newest), None)
            _wipe(directory.previous)
        return self.vault

    def _newest(self, data: bytes) -> Vault:
        return self.vault if data == self._data else reopen(data, self.vault)

    def _write(self, vault: Vault, before: bytes | None) -> None:
        written, data = vault.encode(self._rng)
        if before is not None:
            replace_file(self.directory.previous, before)
        replace_file(self.directory.file, data)
        self.vault, self._data = written, data


def _wipe(path: Path) -> None:
    """Overwrite and remove a file; a disk may keep older copies of its blocks all the same."""
    try:
        with suppress(FileNotFoundError):
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.write(bytes(size))
            path.unlink()
    except OSError as error:
        raise UnavailableError("file_not_written", f"{path.name}: {error.strerror}") from error
