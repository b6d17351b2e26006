"""Key files `didsvc-key/1` (formats.md 8): one Ed25519 key sealed under a passphrase.

    {"format":"didsvc-key/1","kid","public":"z6Mk…","kdf":{argon2id},"nonce","sealed"}

The sealed bytes hold the 32-byte seed and nothing else. Every other member is in clear, so that
a file can be named and its public key published without the passphrase, and is authenticated
as associated data: JCS of the object without `sealed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SEED_BYTES, SigningKey
from did_service.core.crypto.sealed import (
    NONCE_BYTES,
    SALT_BYTES,
    TAG_BYTES,
    Argon2id,
    seal,
)
from did_service.core.encoding import b64, jcs
from did_service.core.encoding.strict_json import Fields, JsonObject, dumps, load_object
from did_service.core.errors import DecryptionError, MalformedError
from did_service.core.limits import MAX_KEY_FILE_BYTES, MAX_KID_CHARACTERS

FORMAT = "didsvc-key/1"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key file as it lies on disk, still sealed.

    Attributes:
        kid: The name under which the key signs: a DID URL, or a log's or witness's key name.
        public: 32 bytes; to be believed only after `open`.
        kdf: Costs and salt of the key that seals.
        nonce: 24 bytes.
        sealed: 48 bytes: the encrypted seed and its tag.
    """

    kid: str
    public: bytes
    kdf: Argon2id
    nonce: bytes
    sealed: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Write the file, one member a line; `parse_key_file` reads it."""
        members: JsonObject = {**self._in_clear(), "sealed": b64.encode_url(self.sealed)}
        return f"{dumps(members)}\n".encode()

    def open(self, passphrase: str) -> SigningKey:
        """Unseal the key; takes as long as the key derivation says.

        Raises:
            DecryptionError: `passphrase_wrong`, also when any member of the file was changed.
            MalformedError: `key_mismatch`: the file was made for another public key.
        """
        try:
            seed = self.kdf.unseal(passphrase, self.sealed, self.associated(), self.nonce)
        except DecryptionError as error:
            raise DecryptionError(
                "passphrase_wrong", "wrong passphrase, or the key file was changed"
            ) from error
        key = SigningKey(seed)
        if key.public != self.public:
            raise MalformedError("key_mismatch", "the sealed key is not the one that is named")
        return key

    def associated(self) -> bytes:
        """Return what the seal authenticates: JCS of everything but the sealed bytes."""
        return jcs.encode(self._in_clear())

    def _in_clear(self) -> JsonObject:
        return {
            "format": FORMAT,
            "kid": self.kid,
            "public": multikey.encode_ed25519(self.public),
            "kdf": self.kdf.encode(),
            "nonce": b64.encode_url(self.nonce),
        }


def parse_key_file(data: bytes) -> KeyFile:
    """Read a key file without opening it.

    Raises:
        MalformedError: not `didsvc-key/1`, with the member's own code.
        LimitError: too large, or asking for too much key derivation.
    """
    fields = Fields(load_object(data, max_bytes=MAX_KEY_FILE_BYTES), "key file")
    fields.constant("format", FORMAT)
    parsed = KeyFile(
        kid=fields.text("kid", max_chars=MAX_KID_CHARACTERS),
        public=multikey.decode_ed25519(fields.text("public")),
        kdf=Argon2id.from_fields(fields.fields("kdf")),
        nonce=fields.data("nonce", size=NONCE_BYTES),
        sealed=fields.data("sealed", size=SEED_BYTES + TAG_BYTES),
    )
    fields.close()
    return parsed


def seal_key(
    key: SigningKey,
    kid: str,
    passphrase: str,
    rng: Callable[[int], bytes],
    costs: Callable[[bytes], Argon2id] = Argon2id.moderate,
) -> bytes:
    """Write a key as a key file.

    Args:
        key: The key to keep.
        kid: 1 to 200 characters naming it.
        passphrase: What opens it again.
        rng: Returns so many random bytes; called for salt and nonce.
        costs: Makes the key derivation from a salt; cheaper ones suit passphrases that are
            themselves 32 random bytes.

    Raises:
        MalformedError: `member_invalid` for a `kid` of another length.
    """
    kdf, nonce = costs(rng(SALT_BYTES)), rng(NONCE_BYTES)
    unsealed = KeyFile(kid, key.public, kdf, nonce, b"")
    sealed = seal(key.seed, unsealed.associated(), nonce, kdf.derive(passphrase))
    data = KeyFile(kid, key.public, kdf, nonce, sealed).encode()
    parse_key_file(data)  # a file that could not be read again would lose the key
    return data


def open_key(data: bytes, passphrase: str) -> SigningKey:
    """Read a key file and open it; errors as `parse_key_file` and `KeyFile.open`."""
    return parse_key_file(data).open(passphrase)
