"""Where the keys of a DID come from: sealed key files in a folder, one a key.

    KEYS/z6Mk….json        didsvc-key/1, named after its public key

This is the only place that knows it: whoever keeps keys elsewhere gives another `KeySource`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SEED_BYTES, SigningKey
from did_service.core.crypto.key_file import open_key, seal_key
from did_service.core.crypto.sealed import Argon2id
from did_service.core.did.webvh.parameters import next_key_hash
from did_service.core.errors import NotFoundError
from did_service.core.limits import MAX_KEY_FILE_BYTES
from did_service.program.clock import Rng
from did_service.program.files import make_private_directory, read_own_file, replace_file


class KeySource(Protocol):
    """Makes keys, keeps them, and finds the one that a DID has committed to."""

    def make(self) -> SigningKey:
        """Return a new key, which is kept nowhere yet."""

    def keep(self, key: SigningKey, kid: str) -> None:
        """Keep a key, durably, before anything that names it leaves this machine."""

    def committed(self, hashes: Iterable[str]) -> SigningKey:
        """Return the kept key whose hash is one of `nextKeyHashes`.

        Raises:
            NotFoundError: `next_key_missing`.
        """


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Keys in files of a folder, all sealed under one passphrase.

    Attributes:
        folder: Made where it is missing, for its owner alone.
        passphrase: Opens and seals each file.
        rng: Gives seeds, salts and nonces.
        costs: Of the key derivation.
    """

    folder: Path
    passphrase: str
    rng: Rng
    costs: Callable[[bytes], Argon2id] = Argon2id.moderate

    def make(self) -> SigningKey:
        """Return a new key, which is kept nowhere yet."""
        return SigningKey(self.rng(SEED_BYTES))

    def keep(self, key: SigningKey, kid: str) -> None:
        """Seal a key into a file of its own.

        Raises:
            UnavailableError: `file_not_written`.
        """
        make_private_directory(self.folder)
        sealed = seal_key(key, kid, self.passphrase, self.rng, self.costs)
        replace_file(self._file(multikey.encode_ed25519(key.public)), sealed)

    def committed(self, hashes: Iterable[str]) -> SigningKey:
        """Open the key whose hash is one of `nextKeyHashes`.

        Raises:
            NotFoundError: `next_key_missing`.
            DecryptionError: `passphrase_wrong`.
            MalformedError, UnavailableError: a file that is damaged or cannot be read.
        """
        wanted = set(hashes)
        names = (path.stem for path in self.folder.glob("*.json"))
        found = next((name for name in sorted(names) if _hash(name) in wanted), None)
        data = None if found is None else read_own_file(self._file(found), MAX_KEY_FILE_BYTES)
        if data is None:
            raise NotFoundError("next_key_missing", "no key here is the one committed to")
        return open_key(data, self.passphrase)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def _hash(name: str) -> str:
    """Hash a file's name as `nextKeyHashes` does; a name that is no key has none."""
    return next_key_hash(name) if name.isascii() else ""
