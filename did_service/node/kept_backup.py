"""A backup that is read: who made it, then every sum, then only bytes that have their sum.

    SHA256SUMS ─► keyring opened ─► MAC compared ─► each file's sum ─► `read`, `copy`

The disk on which it lies may be anybody's, and change at any moment: what is used is compared
as it was read, not as it stood there before.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from did_service.core.crypto.keyring import KEYRING, SealedKeys, parse_keyring
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    MalformedError,
    NotFoundError,
    UnavailableError,
    quote,
)
from did_service.core.limits import MAX_BACKUP_LIST_BYTES, MAX_JSON_BYTES, MAX_KEYRING_BYTES
from did_service.node.backup_files import (
    ABOUT,
    KEPT_KEYRING,
    SUMS,
    BackupRecord,
    files_below,
    parse_record,
)
from did_service.node.backup_proof import MAC, check_mac, proving_key
from did_service.node.configuration import FILE
from did_service.program.files import read_file, whole
from did_service.program.process import leave_no_core
from did_service.storage.copying import Progress

_LINE = re.compile(rb"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._/-]*)")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class KeptBackup:
    """A backup whose maker is known; `open_backup` makes it.

    Attributes:
        path: Its folder.
        record: What it says of itself.
        sums: SHA-256 in hex of each other file, by name.
    """

    path: Path
    record: BackupRecord
    sums: Mapping[str, str]

    def read(self, name: str, most: int) -> bytes:
        """Return a file, as it was when the backup was made.

        Raises:
            MalformedError: `backup_damaged`.
            UnavailableError: `file_not_read`.
        """
        data = read_file(self.path / name, most) or b""
        self._check(name, sha256(data).hexdigest())
        return data

    def copy(self, name: str, target: Path) -> None:
        """Write a file's bytes to a target, which has them only if they are the right ones.

        Raises:
            MalformedError: `backup_damaged`: the target is gone again.
            OSError: of the target.
            UnavailableError: `file_not_read`.
        """
        try:
            with target.open("wb") as file:
                self._check(name, _digest(self.path / name, file.write))
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def _check(self, name: str, found: str) -> None:
        if found != self.sums[name]:
            raise MalformedError("backup_damaged", f"{quote(name)} has another sum")


def open_backup(backup: Path, passphrase: str, progress: Progress) -> KeptBackup:
    """Find out who made a backup, and compare every file with its sum.

    Args:
        backup: Its folder.
        passphrase: Of the keyring in it, from a person: never from where the backup says.
        progress: Told in files.

    Raises:
        NotFoundError: `backup_missing`: no backup is there.
        DecryptionError: `keyring_not_opened`.
        ProofError: `backup_unproven`, `backup_forged`: nothing that it says can be relied on.
        MalformedError: `backup_damaged`: a file is another one, is missing, or is not listed.
        LimitError: `kdf_too_costly`.
        UnavailableError: `file_not_read`, `memory_short`.
    """
    sums = read_file(backup / SUMS, MAX_BACKUP_LIST_BYTES)
    if sums is None:
        raise NotFoundError("backup_missing", whole(backup / SUMS))
    check_mac(backup, _key(backup, passphrase), sums)
    listed = _listed(sums)
    there = set(files_below(backup)) - {SUMS, MAC}
    for name in sorted(listed.keys() ^ there):
        what = "missing" if name in listed else "not in the list"
        raise MalformedError("backup_damaged", f"{quote(name)} is {what}")
    for done, (name, wanted) in enumerate(listed.items()):
        progress(done, len(listed))
        if sum_of(backup / name) != wanted:
            raise MalformedError("backup_damaged", f"{quote(name)} has another sum")
    record = _record(backup)
    others = {name: wanted for name, wanted in listed.items() if name != ABOUT}
    if len(others) != record.files or not {FILE, KEPT_KEYRING} <= others.keys():
        raise MalformedError("backup_damaged", f"{len(others)} files where {record.files} were")
    return KeptBackup(backup, record, others)


def kept_keyring(backup: Path) -> SealedKeys:
    """Read the keyring in a backup, sealed as it is.

    Raises:
        MalformedError: `backup_damaged`: there is none, or it is none.
        LimitError: `kdf_too_costly`.
        UnavailableError: `file_not_read`.
    """
    data = read_file(backup / KEPT_KEYRING, MAX_KEYRING_BYTES)
    if data is None:
        raise MalformedError("backup_damaged", f"{KEPT_KEYRING} is missing")
    try:
        return parse_keyring(data, KEYRING)
    except LimitError:
        raise
    except DidServiceError as error:
        raise MalformedError("backup_damaged", f"{KEPT_KEYRING}: {error.code}") from error


def sum_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex, whatever its size.

    Raises:
        UnavailableError: `file_not_read`: also a link, or a pipe that has the name.
    """
    return _digest(path, len)


def _key(backup: Path, passphrase: str) -> bytes:
    sealed = kept_keyring(backup)
    leave_no_core()
    return proving_key(sealed, sealed.derive(passphrase))


def _listed(sums: bytes) -> dict[str, str]:
    listed = {}
    for line in sums.splitlines():
        found = _LINE.fullmatch(line)
        if found is None or ".." in found[2].decode().split("/"):
            raise MalformedError("backup_damaged", f"{SUMS}: {quote(line)}")
        listed[found[2].decode()] = found[1].decode()
    return listed


def _record(backup: Path) -> BackupRecord:
    try:
        return parse_record(read_file(backup / ABOUT, MAX_JSON_BYTES) or b"")
    except DidServiceError as error:
        raise MalformedError("backup_damaged", f"{ABOUT}: {error.message}") from error


def _digest(path: Path, seen: Callable[[bytes], int]) -> str:
    digest = sha256()
    with _regular(path) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            seen(piece)
    return digest.hexdigest()


@contextmanager
def _regular(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is one: nothing is waited for, and no link is followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnavailableError("file_not_read", f"{path.name}: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnavailableError("file_not_read", f"{path.name} is no regular file")
        yield file
