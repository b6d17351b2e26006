"""A sealed record: one JSON object of a wallet, encrypted for its place and its version.

    {"id","kind","nonce","sealed"}      AAD = JCS of {"wallet_id","id","kind","version"}

The version stands in the vault's manifest alone. The content is padded to 256 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from did_service.core.crypto.sealed import NONCE_BYTES, seal, unseal
from did_service.core.encoding import b64, jcs
from did_service.core.encoding.strict_json import Fields, JsonObject, Numbers, load_object
from did_service.core.errors import MalformedError
from did_service.core.limits import MAX_WALLET_BYTES
from did_service.program.clock import Rng

PAD_BYTES = 256
_MARK = b"\x80"  # ISO/IEC 7816-4 padding: a mark, then zeros


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record belongs: what its seal authenticates."""

    wallet_id: str
    id: str
    kind: str
    version: int

    def encode(self) -> bytes:
        """Return the associated data."""
        return jcs.encode(
            {
                "wallet_id": self.wallet_id,
                "id": self.id,
                "kind": self.kind,
                "version": self.version,
            }
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One sealed object. `value` is its plain content; nothing of it appears in a repr."""

    id: str
    kind: str
    version: int
    value: JsonObject = field(repr=False)
    nonce: bytes = field(repr=False)
    sealed: bytes = field(repr=False)

    def encode(self) -> JsonObject:
        """Write one member of `records`: the version stands in the manifest alone."""
        return {
            "id": self.id,
            "kind": self.kind,
            "nonce": b64.encode_url(self.nonce),
            "sealed": b64.encode_url(self.sealed),
        }

    @classmethod
    def make(cls, place: Place, value: JsonObject, key: bytes, rng: Rng) -> Record:
        """Seal an object for its place.

        Raises:
            MalformedError: `record_unreadable`: it could not be read again, as where it
                is nested too deeply.
        """
        nonce = rng(NONCE_BYTES)
        sealed = seal(_pad(_spelled(value)), place.encode(), nonce, key)
        return cls(place.id, place.kind, place.version, value, nonce, sealed)

    def unsealed(self, wallet_id: str, version: int, key: bytes) -> Record:
        """Return the record with its content.

        Raises:
            DecryptionError: another place, version or key, or changed bytes.
            MalformedError: content that `make` never sealed.
        """
        place = Place(wallet_id, self.id, self.kind, version)
        plain = _unpad(unseal(self.sealed, place.encode(), self.nonce, key))
        value = load_object(plain, max_bytes=MAX_WALLET_BYTES, numbers=Numbers.FINITE)
        return replace(self, version=version, value=value)


def parse_record(fields: Fields) -> Record:
    """Read one member of `records`, still sealed; raises `MalformedError`."""
    record = Record(
        id=fields.text("id", max_chars=64),
        kind=fields.text("kind", max_chars=32),
        version=0,
        value={},
        nonce=fields.data("nonce", size=NONCE_BYTES),
        sealed=fields.data("sealed"),
    )
    fields.close()
    return record


def _spelled(value: JsonObject) -> bytes:
    """Spell a record; one that could not be read again would lock the whole wallet."""
    plain = jcs.encode(value)
    try:
        load_object(plain, max_bytes=MAX_WALLET_BYTES, numbers=Numbers.FINITE)
    except MalformedError as error:
        raise MalformedError("record_unreadable", error.message) from error
    return plain


def _pad(plain: bytes) -> bytes:
    marked = plain + _MARK
    return marked + bytes(-len(marked) % PAD_BYTES)


def _unpad(padded: bytes) -> bytes:
    plain, mark, zeros = padded.rpartition(_MARK)
    if not mark or zeros.strip(b"\0"):
        raise MalformedError("store_damaged", "a record is not padded")
    return plain
