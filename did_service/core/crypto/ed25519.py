"""Ed25519 (RFC 8032) through libsodium.

"Valid" means what libsodium accepts: canonical S and R, no public key of small order. A key
never shows its seed in a repr, an error or a log.
"""

from __future__ import annotations

from nacl import bindings
from nacl.exceptions import BadSignatureError

from did_service.core.errors import MalformedError, ProofError

PUBLIC_BYTES = 32
SEED_BYTES = 32
SIGNATURE_BYTES = 64


class SigningKey:
    """An Ed25519 private key, kept as its 32-byte seed.

    Raises:
        MalformedError: `length_wrong` for a seed of another size.
    """

    __slots__ = ("_secret", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise MalformedError("length_wrong", f"a seed has {SEED_BYTES} bytes")
        self.seed = seed
        self.public, self._secret = bindings.crypto_sign_seed_keypair(seed)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature."""
        signed: bytes = bindings.crypto_sign(message, self._secret)
        return signed[:SIGNATURE_BYTES]

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.hex()})"


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature.

    Args:
        public: 32 bytes.
        message: What was signed.
        signature: 64 bytes.

    Raises:
        ProofError: `signature_invalid`, also for values of another length.
    """
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        raise ProofError("signature_invalid", "a key or signature has the wrong length")
    try:
        bindings.crypto_sign_open(signature + message, public)
    except BadSignatureError as error:
        raise ProofError(
            "signature_invalid", "the Ed25519 signature does not verify"
        ) from error
