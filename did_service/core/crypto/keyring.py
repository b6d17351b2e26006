"""Keyrings `didsvc-keyring/1`: every key of one service, sealed together (formats.md 8).

    {"format":"didsvc-keyring/1","kdf":{argon2id},"nonce",
     "keys":[{"role","name","public":"z6Mk…","restored"}],"sealed":"…"}

The sealed bytes hold the 32-byte seeds in the order of `keys` and nothing else, so that one key
derivation opens all of them. Every other member is in clear, so that keys can be listed and
their public halves handed on without the passphrase, and is authenticated as associated data:
JCS of the object without `sealed`. A backup has a format name of its own,
`didsvc-keyring-backup/1`: copied into the place of a keyring it opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SEED_BYTES, SigningKey
from did_service.core.crypto.sealed import NONCE_BYTES, TAG_BYTES, Argon2id, seal, unseal
from did_service.core.encoding import b64, jcs
from did_service.core.encoding.strict_json import (
    Fields,
    JsonObject,
    JsonValue,
    dumps,
    load_object,
)
from did_service.core.errors import DecryptionError, LimitError, MalformedError, UsageError
from did_service.core.limits import MAX_KEY_NAME_CHARACTERS, MAX_KEYRING_BYTES, MAX_KEYRING_KEYS

KEYRING = "didsvc-keyring/1"
BACKUP = "didsvc-keyring-backup/1"


class KeyRole(StrEnum):
    """What a key is for; a key has one role for its whole life."""

    LOG = "log"  # signs the checkpoints of the log that is its name
    COSIGNER = "cosigner"  # cosigns checkpoints under its name
    NATIVE = "native"  # approves versions of other authorities' DIDs (did:webvh witness)
    ASSERTION = "assertion"  # signs entries, credentials and lists; in a DID document
    ANCHOR = "anchor"  # signs evidence entries of an agency
    UPDATE = "update"  # signs the next version of a DID
    NEXT = "next"  # is committed to by its hash, and becomes the update key
    GOVERNANCE = "governance"  # signs policies


# These sign tree heads: restored, they could sign a second history (threat rule 9).
GUARDED = frozenset({KeyRole.LOG, KeyRole.COSIGNER})


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What stands in clear about one key.

    Attributes:
        role: What it is for.
        name: What it signs as: an origin, a cosigner's name, a place of a DID.
        public: 32 bytes; to be believed only once the keyring is open.
        restored: It came out of a backup, and what it had signed is not yet known here.
    """

    role: KeyRole
    name: str
    public: bytes
    restored: bool = False

    def encode(self) -> JsonObject:
        """Return its member of `keys`."""
        return {
            "role": self.role.value,
            "name": self.name,
            "public": multikey.encode_ed25519(self.public),
            "restored": self.restored,
        }


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key with its record."""

    record: KeyRecord
    key: SigningKey


@dataclass(frozen=True, slots=True)
class SealedKeys:
    """A keyring, or a backup of one, as it lies on disk, still sealed.

    Attributes:
        format: `KEYRING` or `BACKUP`.
        kdf: Costs and salt of the key that seals.
        nonce: 24 bytes.
        records: What stands in clear.
        sealed: 32 bytes for each record, and the tag.
    """

    format: str
    kdf: Argon2id
    nonce: bytes
    records: tuple[KeyRecord, ...]
    sealed: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Write the file; `parse_keyring` reads it."""
        return (
            f"{dumps({**self._in_clear(), 'sealed': b64.encode_url(self.sealed)})}\n".encode()
        )

    def derive(self, passphrase: str) -> bytes:
        """Derive the key that seals; takes as long as the costs say."""
        return self.kdf.derive(passphrase)

    def open(self, key: bytes) -> tuple[KeptKey, ...]:
        """Unseal with a key that was derived.

        Raises:
            DecryptionError: `keyring_not_opened`: a wrong passphrase, or any byte was changed.
            MalformedError: `key_mismatch`: a sealed key is not the one that is named.
        """
        try:
            seeds = unseal(self.sealed, self.associated(), self.nonce, key)
        except DecryptionError as error:
            raise DecryptionError(
                "keyring_not_opened", "wrong passphrase, or the file was changed"
            ) from error
        opened = tuple(
            KeptKey(record, SigningKey(seeds[at * SEED_BYTES : (at + 1) * SEED_BYTES]))
            for at, record in enumerate(self.records)
        )
        if any(kept.key.public != kept.record.public for kept in opened):
            raise MalformedError("key_mismatch", "a sealed key is not the one that is named")
        return opened

    def associated(self) -> bytes:
        """Return what the seal authenticates: JCS of everything but the sealed bytes."""
        return jcs.encode(self._in_clear())

    def _in_clear(self) -> JsonObject:
        keys: list[JsonValue] = [record.encode() for record in self.records]
        return {
            "format": self.format,
            "kdf": self.kdf.encode(),
            "nonce": b64.encode_url(self.nonce),
            "keys": keys,
        }


def parse_keyring(data: bytes, expected: str = KEYRING) -> SealedKeys:
    """Read a keyring, or with `BACKUP` a backup, without opening it.

    Raises:
        MalformedError: `keyring_is_backup`, or another shape with the member's own code.
        LimitError: too large, too many keys, or too much key derivation.
    """
    fields = Fields(load_object(data, max_bytes=MAX_KEYRING_BYTES), "keyring")
    if expected == KEYRING and fields.has("format") and fields.value("format") == BACKUP:
        raise MalformedError("keyring_is_backup", "a backup stands where the keyring belongs")
    fields.constant("format", expected)
    records = tuple(map(_record, fields.array("keys", most=MAX_KEYRING_KEYS)))
    parsed = SealedKeys(
        format=expected,
        kdf=Argon2id.from_fields(fields.fields("kdf")),
        nonce=fields.data("nonce", size=NONCE_BYTES),
        records=records,
        sealed=fields.data("sealed", size=len(records) * SEED_BYTES + TAG_BYTES),
    )
    fields.close()
    return parsed


def seal_keys(
    keys: Sequence[KeptKey],
    kdf: Argon2id,
    derived: bytes,
    rng: Callable[[int], bytes],
    made: str = KEYRING,
) -> SealedKeys:
    """Seal keys under a key that was derived; each call takes a nonce of its own.

    Args:
        keys: In the order in which they stand.
        kdf: Says how `derived` was made.
        derived: 32 bytes.
        rng: Called for 24 bytes.
        made: `KEYRING` or `BACKUP`.

    Raises:
        LimitError: `keyring_full`.
        UsageError: `key_name_invalid`.
    """
    if len(keys) > MAX_KEYRING_KEYS:
        raise LimitError("keyring_full", f"a keyring holds {MAX_KEYRING_KEYS} keys")
    for kept in keys:
        if not 0 < len(kept.record.name) <= MAX_KEY_NAME_CHARACTERS:
            raise UsageError(
                "key_name_invalid", f"a name of {len(kept.record.name)} characters"
            )
    records = tuple(kept.record for kept in keys)
    clear = SealedKeys(made, kdf, rng(NONCE_BYTES), records, b"")
    seeds = b"".join(kept.key.seed for kept in keys)
    sealed = seal(seeds, clear.associated(), clear.nonce, derived)
    return SealedKeys(made, kdf, clear.nonce, records, sealed)


def _record(value: JsonValue) -> KeyRecord:
    fields = Fields(value, "key")
    restored = fields.value("restored")
    if not isinstance(restored, bool):
        raise MalformedError("member_invalid", "key.restored: true or false is wanted")
    record = KeyRecord(
        role=KeyRole(fields.choice("role", tuple(KeyRole))),
        name=fields.text("name", max_chars=MAX_KEY_NAME_CHARACTERS),
        public=multikey.decode_ed25519(fields.text("public")),
        restored=restored,
    )
    fields.close()
    return record
