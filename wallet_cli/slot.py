"""A key slot: the wallet's data key, wrapped under a passphrase.

    {"type":"passphrase","kdf":{argon2id},"nonce","wrapped"}

Its associated data is the wallet's id and its own parameters, so that nobody lowers the costs
of guessing. Changing a passphrase makes a new slot; the data key and what it seals stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from did_service.core.crypto.sealed import (
    KEY_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    TAG_BYTES,
    Argon2id,
    seal,
)
from did_service.core.encoding import b64, jcs
from did_service.core.encoding.strict_json import Fields, JsonObject, as_text
from did_service.core.errors import DecryptionError, UnsupportedError
from did_service.program.clock import Rng

PASSPHRASE = "passphrase"  # noqa: S105 - the type of a slot

Costs = Callable[[bytes], Argon2id]


@dataclass(frozen=True, slots=True)
class Slot:
    """The data key, wrapped under a passphrase. The costs are authenticated by the wrapping."""

    kdf: Argon2id
    nonce: bytes
    wrapped: bytes = field(repr=False)

    @classmethod
    def make(
        cls, data_key: bytes, wallet_id: str, passphrase: str, rng: Rng, costs: Costs
    ) -> Slot:
        """Wrap a data key; takes as long as the key derivation says."""
        kdf, nonce = costs(rng(SALT_BYTES)), rng(NONCE_BYTES)
        secret = kdf.derive(passphrase)
        return cls(kdf, nonce, seal(data_key, _slot_data(wallet_id, kdf), nonce, secret))

    def open(self, wallet_id: str, passphrase: str) -> bytes:
        """Unwrap the data key.

        Raises:
            DecryptionError: `passphrase_wrong`, also where the slot was changed.
        """
        associated = _slot_data(wallet_id, self.kdf)
        try:
            return self.kdf.unseal(passphrase, self.wrapped, associated, self.nonce)
        except DecryptionError as error:
            raise DecryptionError("passphrase_wrong", "the passphrase is wrong") from error

    def encode(self) -> JsonObject:
        """Write one member of `slots`."""
        return {
            "type": PASSPHRASE,
            "kdf": self.kdf.encode(),
            "nonce": b64.encode_url(self.nonce),
            "wrapped": b64.encode_url(self.wrapped),
        }


def parse_slot(fields: Fields) -> Slot:
    """Read one member of `slots`.

    Raises:
        UnsupportedError: `store_newer`: another type of slot.
        LimitError: `kdf_too_costly`.
        MalformedError: another shape.
    """
    if as_text(fields.value("type"), "slot.type") != PASSPHRASE:
        raise UnsupportedError("store_newer", "the store is opened in a way of later releases")
    slot = Slot(
        kdf=Argon2id.from_fields(fields.fields("kdf")),
        nonce=fields.data("nonce", size=NONCE_BYTES),
        wrapped=fields.data("wrapped", size=KEY_BYTES + TAG_BYTES),
    )
    fields.close()
    return slot


def _slot_data(wallet_id: str, kdf: Argon2id) -> bytes:
    return jcs.encode({"wallet_id": wallet_id, "type": PASSPHRASE, "kdf": kdf.encode()})
