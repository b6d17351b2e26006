"""Cosignatures (c2sp.org/tlog-cosignature v1.0.1): at this time, the largest tree I have seen.

    line:    — NAME base64(key id 4 ‖ POSIX seconds, u64 big-endian ‖ signature)
    signed:  cosignature/v1␊ time SECONDS␊ the whole checkpoint text

Key types stand in a table, so that another one (0x06, ML-DSA-44) is a row and not a branch; a
line of a type without a row belongs to no key we can have, and is ignored.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from did_service.core.crypto import ed25519
from did_service.core.encoding.timestamps import MAX_POSIX_SECONDS
from did_service.core.errors import ProofError, quote
from did_service.core.log.note import (
    KeyType,
    SignatureLine,
    UnverifiedNote,
    VerifierKey,
    parse_signature_lines,
)

TIMESTAMP_BYTES = 8


class CosignatureType(NamedTuple):
    """How one key type cosigns: what is signed, and how a signature is checked.

    Attributes:
        message: From checkpoint text and POSIX seconds.
        verify: Takes public key, message and signature; raises ProofError.
    """

    message: Callable[[bytes, int], bytes]
    verify: Callable[[bytes, bytes, bytes], None]


def _ed25519_message(text: bytes, timestamp: int) -> bytes:
    return b"cosignature/v1\ntime %d\n" % timestamp + text


COSIGNATURE_TYPES: Mapping[KeyType, CosignatureType] = {
    KeyType.COSIGNATURE_ED25519: CosignatureType(_ed25519_message, ed25519.verify),
}


class Cosigner(NamedTuple):
    """A private key with the name it cosigns under; the key has no other role."""

    name: str
    key: ed25519.SigningKey

    @property
    def verifier_key(self) -> VerifierKey:
        """Return the public half, as a policy lists it."""
        return VerifierKey(self.name, KeyType.COSIGNATURE_ED25519, self.key.public)

    def cosign(self, text: bytes, timestamp: int) -> SignatureLine:
        """Cosign a checkpoint text, its last newline included, at POSIX seconds."""
        signature = self.key.sign(_ed25519_message(text, timestamp))
        stamped = timestamp.to_bytes(TIMESTAMP_BYTES, "big") + signature
        return SignatureLine(self.name, self.verifier_key.key_id, stamped)


def verify_cosignature(text: bytes, line: SignatureLine, key: VerifierKey) -> int:
    """Check one cosignature line.

    Args:
        text: The checkpoint text, with its last newline.
        line: A line of its note.
        key: The cosigner's, of a type in `COSIGNATURE_TYPES`.

    Returns:
        POSIX seconds at which the cosigner signed.

    Raises:
        ProofError: `cosignature_invalid` for a line of another key, a key of another role, a
            time beyond the year 9999; `signature_invalid` when it does not verify.
    """
    kind = COSIGNATURE_TYPES.get(key.type)
    timestamp = int.from_bytes(line.signature[:TIMESTAMP_BYTES], "big")
    if kind is None or not line.selects(key) or timestamp > MAX_POSIX_SECONDS:
        raise ProofError("cosignature_invalid", f"no cosignature of {quote(key.name)}")
    message = kind.message(text, timestamp)
    kind.verify(key.public, message, line.signature[TIMESTAMP_BYTES:])
    return timestamp


def cosigned_at(note: UnverifiedNote, key: VerifierKey) -> int | None:
    """Return when a cosigner signed a note: the latest of its lines, None without any.

    Raises:
        ProofError: as `verify_cosignature`, for any line that selects the key.
    """
    lines = note.lines_of(key)
    return max((verify_cosignature(note.text, line, key) for line in lines), default=None)


def valid_lines(
    text: bytes, answer: bytes, keys: Iterable[VerifierKey]
) -> tuple[SignatureLine, ...]:
    """Take from a witness's answer the cosignatures of known keys.

    Args:
        text: The checkpoint text that was sent.
        answer: Signature lines as received.
        keys: The keys this witness is known by.

    Raises:
        MalformedError: as `parse_signature_lines`.
        ProofError: as `verify_cosignature`, or `cosignature_missing` when no line is of a
            known key.
    """
    note = UnverifiedNote(text, parse_signature_lines(answer))
    found: list[SignatureLine] = []
    for key in keys:
        if cosigned_at(note, key) is not None:
            found += note.lines_of(key)
    if not found:
        raise ProofError("cosignature_missing", "the answer has no line of a known cosigner")
    return tuple(found)
