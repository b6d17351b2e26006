"""Sealing under a passphrase or a key: Argon2id (RFC 9106) and XChaCha20-Poly1305.

The associated data authenticates everything that stands beside the sealed bytes, so that
neither key-derivation costs nor the identity of a record can be changed unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import normalize

from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.exceptions import RuntimeError as DerivationError

from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import DecryptionError, LimitError, UnavailableError
from did_service.core.limits import MAX_KDF_MEMORY_BYTES, MAX_KDF_PASSES

KEY_BYTES = 32
NONCE_BYTES = 24
SALT_BYTES = 16
TAG_BYTES = 16
_BYTE_ORDER_MARK = "\ufeff"  # some editors begin files with it


@dataclass(frozen=True, slots=True)
class Argon2id:
    """Key-derivation costs: passes over memory, and a 16-byte salt.

    The defaults of `moderate` are libsodium's MODERATE: 3 passes over 256 MiB, half a second.
    """

    passes: int
    memory_bytes: int
    salt: bytes

    @classmethod
    def moderate(cls, salt: bytes) -> Argon2id:
        """Return the costs of new files."""
        return cls(3, 268_435_456, salt)

    @classmethod
    def from_fields(cls, fields: Fields) -> Argon2id:
        """Read `{"name":"argon2id","passes","memory_bytes","salt"}`.

        Raises:
            LimitError: `kdf_too_costly` above 16 passes or 2 GiB.
            MalformedError: another shape.
        """
        fields.constant("name", "argon2id")
        passes = fields.integer("passes", least=1)
        memory = fields.integer("memory_bytes", least=8192)
        salt = fields.data("salt", size=SALT_BYTES)
        fields.close()
        if passes > MAX_KDF_PASSES or memory > MAX_KDF_MEMORY_BYTES:
            raise LimitError("kdf_too_costly", "the file asks for too much key derivation")
        return cls(passes, memory, salt)

    def encode(self) -> JsonObject:
        """Return the JSON shape that `from_fields` reads."""
        return {
            "name": "argon2id",
            "passes": self.passes,
            "memory_bytes": self.memory_bytes,
            "salt": b64.encode_url(self.salt),
        }

    def derive(self, passphrase: str) -> bytes:
        """Derive a 32-byte key from a normalised passphrase; takes as long as the costs say.

        Raises:
            UnavailableError: `memory_short`: the machine cannot spare the memory now.
        """
        return self._derive(normalised(passphrase))

    def unseal(self, passphrase: str, sealed: bytes, associated: bytes, nonce: bytes) -> bytes:
        """Open what was sealed under a passphrase, or under it as it was typed.

        Release 0.1.0 sealed under the bytes that the keyboard gave. Only where those are not
        normalised does a wrong passphrase cost a second derivation.

        Raises:
            DecryptionError: `unseal_failed`.
            UnavailableError: `memory_short`.
        """
        try:
            return unseal(sealed, associated, nonce, self.derive(passphrase))
        except DecryptionError:
            if normalised(passphrase) == passphrase:
                raise
        return unseal(sealed, associated, nonce, self._derive(passphrase))

    def _derive(self, passphrase: str) -> bytes:
        try:
            key: bytes = bindings.crypto_pwhash_alg(
                KEY_BYTES,
                passphrase.encode("utf-8", "surrogatepass"),  # terminals pass stray bytes on
                self.salt,
                self.passes,
                self.memory_bytes,
                bindings.crypto_pwhash_ALG_ARGON2ID13,
            )
        except DerivationError as error:
            raise UnavailableError(
                "memory_short", f"key derivation wants {self.memory_bytes} bytes of memory"
            ) from error
        return key


def normalised(passphrase: str) -> str:
    """Return a passphrase as every keyboard and editor would have it: NFC, no byte order mark.

    NIST SP 800-63B-4 §3.1.1.2; RFC 8265 §4.2, whose other rules would change what is typed.
    """
    return normalize("NFC", passphrase.removeprefix(_BYTE_ORDER_MARK))


def seal(plain: bytes, associated: bytes, nonce: bytes, key: bytes) -> bytes:
    """Encrypt and authenticate; 16 bytes longer than `plain`.

    Args:
        plain: What to hide.
        associated: What to authenticate beside it, in clear.
        nonce: 24 random bytes, new for each call under one key.
        key: 32 bytes.
    """
    sealed: bytes = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        plain, associated, nonce, key
    )
    return sealed


def unseal(sealed: bytes, associated: bytes, nonce: bytes, key: bytes) -> bytes:
    """Decrypt what `seal` made; arguments as there.

    Raises:
        DecryptionError: `unseal_failed`: wrong key, or anything was changed.
    """
    try:
        plain: bytes = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed, associated, nonce, key
        )
    except (CryptoError, ValueError) as error:
        raise DecryptionError("unseal_failed", "wrong passphrase, or changed bytes") from error
    return plain
