"""The keyring of one service: opened once, kept in memory, written whole at every change.

    FOLDER/keyring.json      mode 0600, in a folder of mode 0700: `core.crypto.keyring`
    FOLDER/keyring.lock      held while a change is written

Keys are made here, where they are used, and leave in one way only: `backup`, sealed under
another passphrase. What comes back by `restore` is marked: a key of a log or of a witness signs
nothing before `restored.release` has found that everything it had signed is here. A process
with open keys leaves no core dump.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from did_service.core.crypto.ed25519 import SEED_BYTES, SigningKey
from did_service.core.crypto.keyring import (
    BACKUP,
    GUARDED,
    KeptKey,
    KeyRecord,
    KeyRole,
    parse_keyring,
    seal_keys,
)
from did_service.core.crypto.sealed import SALT_BYTES, Argon2id
from did_service.core.errors import ConflictError, NotFoundError, RuleError, UsageError, quote
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import NoteSigner
from did_service.program.clock import Rng
from did_service.program.files import (
    exclusive_lock,
    make_private_directory,
    replace_file,
    whole,
)
from did_service.program.process import leave_no_core
from did_service.signer.keyring_file import check_private, naming, read_keyring

NAME = "keyring.json"
DerivationCosts = Callable[[bytes], Argon2id]


class Keyring:
    """An open keyring; made by `create_keyring` or `open_keyring`.

    Args:
        path: Of its file.
        kdf: DerivationCosts and salt of the key that seals.
        derived: That key: one derivation serves all changes.
        keys: What was unsealed.
        rng: Randomness for new keys and nonces.
    """

    __slots__ = ("_derived", "_kdf", "_keys", "_path", "_rng")

    def __init__(
        self, path: Path, kdf: Argon2id, derived: bytes, keys: Iterable[KeptKey], rng: Rng
    ) -> None:
        self._path, self._kdf, self._derived, self._rng = path, kdf, derived, rng
        self._keys = tuple(keys)

    @property
    def records(self) -> tuple[KeyRecord, ...]:
        """What stands in clear, in the order in which the keys were made."""
        return tuple(kept.record for kept in self._keys)

    def refresh(self) -> None:
        """Read the file again: a command may have made keys while the service ran.

        Raises:
            DecryptionError: `keyring_not_opened`: it has another passphrase now.
        """
        with naming(self._path):
            self._keys = read_keyring(self._path).open(self._derived)

    def all(self, role: KeyRole, name: str) -> tuple[KeptKey, ...]:
        """Return every key of a role and name, the newest last; restored ones as well."""
        return tuple(k for k in self._keys if _triple(k)[:2] == (role, name))

    def key(
        self, role: KeyRole, name: str, public: bytes | None = None, *, unreleased: bool = False
    ) -> SigningKey:
        """Return a key that may sign: the newest of that role and name, or the one named.

        Args:
            role: What it is for.
            name: What it signs as.
            public: The key wanted.
            unreleased: Whether one out of a backup is wanted as well; nothing may be signed
                with it before `restored.release`.

        Raises:
            NotFoundError: `key_missing`.
            RuleError: `key_restored`: it came from a backup and was not released yet.
        """
        found = [k for k in self.all(role, name) if public in (None, k.record.public)]
        if not found:
            raise self._missing(role, name)
        if found[-1].record.restored and not unreleased:
            raise RuleError("key_restored", f"{whole(self._path)}: {role} key {quote(name)}")
        return found[-1].key

    def log(
        self, origin: str, public: bytes | None = None, *, unreleased: bool = False
    ) -> NoteSigner:
        """Return the key of a log; as `key`."""
        key = self.key(KeyRole.LOG, origin, public, unreleased=unreleased)
        return NoteSigner(origin, key)

    def cosigner(
        self, name: str, public: bytes | None = None, *, unreleased: bool = False
    ) -> Cosigner:
        """Return the key that cosigns under a name; as `key`."""
        return Cosigner(name, self.key(KeyRole.COSIGNER, name, public, unreleased=unreleased))

    def make(self, role: KeyRole, name: str) -> SigningKey:
        """Make a key and keep it; durable when this returns.

        Raises:
            ConflictError: `key_exists`: rotate it, or `drop` it first.
        """
        key = SigningKey(self._rng(SEED_BYTES))
        self.adopt(role, name, key)
        return key

    def make_missing(self, wanted: Mapping[KeyRole, Iterable[str]]) -> tuple[KeyRecord, ...]:
        """Make each key that is wanted and not there, all in one write; return the new ones."""
        pairs = [(role, name) for role, names in wanted.items() for name in names]
        keys = [
            _kept(role, name, SigningKey(self._rng(SEED_BYTES)))
            for role, name in pairs
            if not self.all(role, name)
        ]
        if keys:
            self._change(lambda held: (*held, *keys))
        return tuple(kept.record for kept in keys)

    def adopt(self, role: KeyRole, name: str, key: SigningKey) -> None:
        """Keep a key that was made elsewhere, as founding in one process does."""
        self.adopt_all([(role, name, key)])

    def adopt_all(self, keys: Iterable[tuple[KeyRole, str, SigningKey]]) -> None:
        """Do the same for several keys, in one write; raises as `adopt`."""
        fresh = [_kept(role, name, key) for role, name, key in keys]
        for record in (kept.record for kept in fresh):
            if self.all(record.role, record.name):
                what = f"{whole(self._path)}: {record.role} key {quote(record.name)}"
                raise ConflictError("key_exists", what)
        self._change(lambda held: (*held, *fresh))

    def succeed(self, role: KeyRole, name: str) -> SigningKey:
        """Make another key of the same role and name; the former ones stay until dropped."""
        if not self.all(role, name):
            raise self._missing(role, name)
        kept = _kept(role, name, SigningKey(self._rng(SEED_BYTES)))
        self._change(lambda held: (*held, kept))
        return kept.key

    def turn(self, name: str) -> tuple[SigningKey, SigningKey]:
        """Rotate a DID's update key: the next key takes its place, and a new next one is made.

        Write the DID's new version with the returned keys; until it is in the log the former
        update key stays as well, and `drop` removes it.

        Returns:
            The new update key, and the new next key.
        """
        update = self.key(KeyRole.NEXT, name)
        following = SigningKey(self._rng(SEED_BYTES))
        fresh = (_kept(KeyRole.UPDATE, name, update), _kept(KeyRole.NEXT, name, following))

        def turned(held: tuple[KeptKey, ...]) -> tuple[KeptKey, ...]:
            gone = (KeyRole.NEXT, name)
            return (*(k for k in held if (k.record.role, k.record.name) != gone), *fresh)

        self._change(turned)
        return update, following

    def drop(self, role: KeyRole, name: str, public: bytes) -> None:
        """Forget one key for ever.

        Raises:
            NotFoundError: `key_missing`.
        """
        gone = (role, name, public)
        if not any(_triple(kept) == gone for kept in self._keys):
            raise self._missing(role, name)
        self._change(lambda held: tuple(k for k in held if _triple(k) != gone))

    def mark_released(self, role: KeyRole, name: str) -> None:
        """Let the restored keys of a role and name sign again: `restored.release` decides."""
        wanted = (role, name)

        def released(held: tuple[KeptKey, ...]) -> tuple[KeptKey, ...]:
            return tuple(
                replace(k, record=replace(k.record, restored=False))
                if (k.record.role, k.record.name) == wanted
                else k
                for k in held
            )

        self._change(released)

    def backup(self, passphrase: str, costs: DerivationCosts = Argon2id.moderate) -> bytes:
        """Return every key sealed under another passphrase, to be kept elsewhere.

        Raises:
            UsageError: `passphrase_same`: a backup opens under a passphrase of its own.
        """
        if self._kdf.derive(passphrase) == self._derived:
            raise UsageError("passphrase_same", "the backup has the keyring's own passphrase")
        kdf = costs(self._rng(SALT_BYTES))
        sealed = seal_keys(self._keys, kdf, kdf.derive(passphrase), self._rng, BACKUP)
        return sealed.encode()

    def restore(self, data: bytes, passphrase: str) -> tuple[KeyRecord, ...]:
        """Take in the keys of a backup that are not here; return them, marked as restored.

        Raises:
            DecryptionError: `keyring_not_opened`.
            MalformedError, LimitError: not a backup.
        """
        sealed = parse_keyring(data, BACKUP)
        known = {record.public for record in self.records}
        fresh = tuple(
            replace(kept, record=replace(kept.record, restored=kept.record.role in GUARDED))
            for kept in sealed.open(sealed.derive(passphrase))
            if kept.record.public not in known
        )
        if fresh:
            self._change(lambda held: (*held, *fresh))
        return tuple(kept.record for kept in fresh)

    def _missing(self, role: KeyRole, name: str) -> NotFoundError:
        what = f"{whole(self._path)}: no {role} key {quote(name)}"
        return NotFoundError("key_missing", what)

    def _change(self, made: Callable[[tuple[KeptKey, ...]], tuple[KeptKey, ...]]) -> None:
        """Write what a change makes of the keys that are in the file now.

        A command may have made a key while the service ran: the file counts, not the memory.
        """
        with exclusive_lock(self._path.with_suffix(".lock")):
            held = read_keyring(self._path).open(self._derived)
            keys = made(held)
            sealed = seal_keys(keys, self._kdf, self._derived, self._rng)
            replace_file(self._path, sealed.encode())
            self._keys = keys


def create_keyring(
    path: Path, passphrase: str, rng: Rng, costs: DerivationCosts = Argon2id.moderate
) -> Keyring:
    """Make an empty keyring, and its folder.

    Raises:
        ConflictError: `file_exists`: a keyring is never overwritten.
        UnavailableError: `file_not_written`, `keyring_open_to_others`.
    """
    make_private_directory(path.parent)
    check_private(path.parent)
    if path.exists():
        raise ConflictError("file_exists", whole(path))
    leave_no_core()
    kdf = costs(rng(SALT_BYTES))
    derived = kdf.derive(passphrase)
    replace_file(path, seal_keys((), kdf, derived, rng).encode())
    return Keyring(path, kdf, derived, (), rng)


def open_keyring(path: Path, passphrase: str, rng: Rng) -> Keyring:
    """Open a keyring: one key derivation, half a second.

    Raises:
        NotFoundError: `keyring_missing`.
        UnavailableError: `keyring_open_to_others`, `file_not_read`, `memory_short`.
        DecryptionError: `keyring_not_opened`.
        MalformedError, LimitError: the file is damaged; the message names it.
    """
    sealed = read_keyring(path)
    leave_no_core()
    with naming(path):
        derived = sealed.derive(passphrase)
        return Keyring(path, sealed.kdf, derived, sealed.open(derived), rng)


def _kept(role: KeyRole, name: str, key: SigningKey) -> KeptKey:
    return KeptKey(KeyRecord(role, name, key.public), key)


def _triple(kept: KeptKey) -> tuple[KeyRole, str, bytes]:
    return kept.record.role, kept.record.name, kept.record.public
