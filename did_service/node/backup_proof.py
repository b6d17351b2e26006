"""Who made a backup: a MAC over its list of sums, which takes the passphrase of its keyring.

    BACKUP/SHA256SUMS.hmac   HMAC-SHA-256 (RFC 2104) in hex over the bytes of SHA256SUMS
    its key                  HMAC-SHA-256 of "didsvc-backup/1", keyed by what seals the keyring

What seals the keyring comes of its passphrase and of the salt that stands in it, so a MAC fits
one keyring; and the keyring in a backup opens only under the passphrase that a person brings
(docs/adr/0072).
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from pathlib import Path

from did_service.core.crypto.keyring import SealedKeys
from did_service.core.errors import MalformedError, ProofError
from did_service.program.files import read_file, whole

MAC = "SHA256SUMS.hmac"
_PURPOSE = b"didsvc-backup/1"
_FORM = re.compile(rb"[0-9a-f]{64}\n")
_FILE_BYTES = 65


def proving_key(sealed: SealedKeys, derived: bytes) -> bytes:
    """Return the key that proves backups of a keyring, which is opened.

    Args:
        sealed: The keyring.
        derived: What seals it.

    Raises:
        DecryptionError: `keyring_not_opened`: a wrong passphrase, or another keyring.
    """
    sealed.open(derived)
    return hmac.digest(derived, _PURPOSE, sha256)


def write_mac(backup: Path, key: bytes, sums: bytes) -> None:
    """Write the proof, the last file of a backup."""
    (backup / MAC).write_bytes(_mac(key, sums))


def check_mac(backup: Path, key: bytes, sums: bytes) -> None:
    """Compare the proof of a backup with its list of sums, in constant time.

    Raises:
        ProofError: `backup_unproven`: it has none; `backup_forged`: it is of other files, or
            was made under another keyring.
        MalformedError: `backup_damaged`: it is no MAC.
        UnavailableError: `file_not_read`.
    """
    found = read_file(backup / MAC, _FILE_BYTES)
    if found is None:
        raise ProofError("backup_unproven", whole(backup / MAC))
    if not _FORM.fullmatch(found):
        raise MalformedError("backup_damaged", f"{MAC} is no MAC")
    if not hmac.compare_digest(found, _mac(key, sums)):
        raise ProofError("backup_forged", whole(backup / MAC))


def _mac(key: bytes, sums: bytes) -> bytes:
    return hmac.digest(key, sums, sha256).hex().encode() + b"\n"
