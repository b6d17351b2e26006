"""The sealed container of a wallet, as a value: `didsvc-wallet/1`, one canonical JSON object.

    passphrase ─Argon2id─► slot ─unwraps─► data key (32 random bytes)
                                             ├─► manifest  counter, id → version of each record
                                             └─► records   one sealed JSON object each

A slot authenticates its own parameters; the manifest authenticates everything in clear and
names every record with its version; a record authenticates wallet, id, kind and version. So
costs cannot be lowered, nor a record swapped, rolled back or dropped, unseen. What replaces the
whole file by an older one of the same passphrase is not seen (docs/threat-model.md §5).

Records are padded to 256 bytes: a file shows how many there are of each kind, and how long to
that step. It names no type of credential, but types differ in length, so one may be guessed,
and each presentation adds a record (docs/threat-model.md §5). Every byte counts: a file that is
not spelled exactly as `encode` spells it is refused. Nothing here reads a clock or a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from did_service.core.crypto.sealed import KEY_BYTES, NONCE_BYTES, Argon2id, seal, unseal
from did_service.core.encoding import b64, jcs
from did_service.core.encoding.strict_json import Fields, JsonObject, load_object
from did_service.core.errors import (
    ConflictError,
    DecryptionError,
    LimitError,
    MalformedError,
    UnsupportedError,
    quote,
)
from did_service.core.limits import MAX_WALLET_BYTES, MAX_WALLET_RECORDS
from did_service.program.clock import Rng
from wallet_cli.record import Place, Record, parse_record
from wallet_cli.slot import Costs, Slot, parse_slot

FORMAT = "didsvc-wallet/1"
_FAMILY = "didsvc-wallet/"
AEAD = "xchacha20poly1305-ietf"
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Vault:
    """An open vault. Every change makes a new value; `encode` writes it.

    Attributes:
        wallet_id: 16 random bytes, base64url.
        slots: What opens it; at least one.
        key: The data key.
        counter: How often it was written.
        records: By id.
    """

    wallet_id: str
    slots: tuple[Slot, ...]
    key: bytes = field(repr=False)
    counter: int
    records: Mapping[str, Record] = field(repr=False)

    @classmethod
    def create(cls, passphrase: str, rng: Rng, costs: Costs = Argon2id.moderate) -> Vault:
        """Make an empty vault; takes as long as the key derivation says."""
        wallet_id, key = b64.encode_url(rng(ID_BYTES)), rng(KEY_BYTES)
        slot = Slot.make(key, wallet_id, passphrase, rng, costs)
        return cls(wallet_id, (slot,), key, 0, {})

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """Return the records of a kind."""
        return tuple(record for record in self.records.values() if record.kind == kind)

    def put(self, identifier: str, kind: str, value: JsonObject, rng: Rng) -> Vault:
        """Add a record, or replace the one of this id.

        Raises:
            LimitError: `wallet_full`.
            MalformedError: `record_unreadable`.
        """
        former = self.records.get(identifier)
        if former is None and len(self.records) >= MAX_WALLET_RECORDS:
            raise LimitError("wallet_full", f"a wallet keeps {MAX_WALLET_RECORDS} records")
        version = 1 if former is None else former.version + 1
        record = Record.make(
            Place(self.wallet_id, identifier, kind, version), value, self.key, rng
        )
        return replace(self, records={**self.records, identifier: record})

    def drop(self, identifiers: Iterable[str]) -> Vault:
        """Remove records."""
        gone = set(identifiers)
        kept = {name: each for name, each in self.records.items() if name not in gone}
        return replace(self, records=kept)

    def with_passphrase(
        self, passphrase: str, rng: Rng, costs: Costs = Argon2id.moderate
    ) -> Vault:
        """Replace every passphrase slot by one for a new passphrase; no record changes."""
        slot = Slot.make(self.key, self.wallet_id, passphrase, rng, costs)
        return replace(self, slots=(slot,))

    def rekeyed(self, passphrase: str, rng: Rng, costs: Costs = Argon2id.moderate) -> Vault:
        """Seal everything anew under another data key, which no older file reveals."""
        key = rng(KEY_BYTES)
        slot = Slot.make(key, self.wallet_id, passphrase, rng, costs)
        sealed = {
            each.id: Record.make(
                Place(self.wallet_id, each.id, each.kind, each.version + 1),
                each.value,
                key,
                rng,
            )
            for each in self.records.values()
        }
        return replace(self, slots=(slot,), key=key, records=sealed)

    def encode(self, rng: Rng) -> tuple[Vault, bytes]:
        """Write the file, with a new manifest; returns the vault as written, and the bytes."""
        written = replace(self, counter=self.counter + 1)
        nonce = rng(NONCE_BYTES)
        manifest: JsonObject = {
            "counter": written.counter,
            "records": {each.id: each.version for each in self.records.values()},
        }
        associated = _manifest_data(self.wallet_id, self.slots)
        sealed = seal(jcs.encode(manifest), associated, nonce, self.key)
        members: JsonObject = {
            "format": FORMAT,
            "aead": AEAD,
            "wallet_id": self.wallet_id,
            "slots": [slot.encode() for slot in self.slots],
            "manifest": {"nonce": b64.encode_url(nonce), "sealed": b64.encode_url(sealed)},
            "records": [each.encode() for each in self.records.values()],
        }
        return written, jcs.encode(members) + b"\n"


# --- reading ---------------------------------------------------------------------------------


def new_id(rng: Rng) -> str:
    """Draw the id of a new record, which a person can name on a command line."""
    return b64.encode_word(rng(ID_BYTES))


def open_vault(data: bytes, passphrase: str) -> Vault:
    """Open a file with its passphrase; the key is derived once.

    Raises:
        DecryptionError: `passphrase_wrong`.
        UnsupportedError: `store_newer`: written by a later release.
        MalformedError: `store_damaged`: anything was changed, rolled back or dropped.
        LimitError: `kdf_too_costly`.
    """
    closed = _parse(data)
    (slot,) = closed.slots
    return closed.open(slot.open(closed.wallet_id, passphrase))


def reopen(data: bytes, former: Vault) -> Vault:
    """Open a file with the data key of an earlier reading; errors as `open_vault`.

    Raises:
        ConflictError: `store_rekeyed`: it has another data key since.
    """
    closed = _parse(data)
    try:
        return closed.open(former.key)
    except MalformedError as error:
        if closed.slots == former.slots:
            raise
        raise ConflictError("store_rekeyed", "another program was at work") from error


@dataclass(frozen=True, slots=True)
class _Closed:
    """A file as parsed, before anything in it was unsealed."""

    wallet_id: str
    slots: tuple[Slot, ...]
    manifest: tuple[bytes, bytes]
    records: tuple[Record, ...]

    def open(self, key: bytes) -> Vault:
        nonce, sealed = self.manifest
        try:
            plain = unseal(sealed, _manifest_data(self.wallet_id, self.slots), nonce, key)
            fields = Fields(load_object(plain, max_bytes=MAX_WALLET_BYTES), "manifest")
            counter, versions = fields.integer("counter", least=1), fields.fields("records")
            fields.close()
            self._check_named(versions.names())
            found = {
                each.id: each.unsealed(self.wallet_id, versions.integer(each.id), key)
                for each in self.records
            }
        except (MalformedError, DecryptionError) as error:
            raise _damaged(error.message) from error
        return Vault(self.wallet_id, self.slots, key, counter, found)

    def _check_named(self, names: tuple[str, ...]) -> None:
        if {*names} != {each.id for each in self.records}:
            raise MalformedError("store_damaged", "records were dropped or added")


def _parse(data: bytes) -> _Closed:
    try:
        members = load_object(data, max_bytes=MAX_WALLET_BYTES)
        _check_format(members)
        _check_spelling(members, data)
        return _closed(Fields(members, "wallet"))
    except MalformedError as error:
        if isinstance(error, UnsupportedError) or error.code == "kdf_too_costly":
            raise
        raise _damaged(error.message) from error


def _check_format(members: JsonObject) -> None:
    found = members.get("format")
    if isinstance(found, str) and found.startswith(_FAMILY) and found != FORMAT:
        raise UnsupportedError("store_newer", f"the store is of the format {quote(found)}")


def _check_spelling(members: JsonObject, data: bytes) -> None:
    if data != jcs.encode(members) + b"\n":
        raise MalformedError("store_damaged", "the file is not spelled as we write it")


def _closed(fields: Fields) -> _Closed:
    fields.constant("format", FORMAT)
    fields.constant("aead", AEAD)
    manifest = fields.fields("manifest")
    parsed = _Closed(
        wallet_id=b64.encode_url(fields.data("wallet_id", size=ID_BYTES)),
        slots=tuple(parse_slot(Fields(item, "slot")) for item in fields.array("slots", most=1)),
        manifest=(manifest.data("nonce", size=NONCE_BYTES), manifest.data("sealed")),
        records=tuple(
            parse_record(Fields(item, "record"))
            for item in fields.array("records", most=MAX_WALLET_RECORDS)
        ),
    )
    manifest.close()
    fields.close()
    if len(parsed.slots) != 1 or len({each.id for each in parsed.records}) != len(
        parsed.records
    ):
        raise MalformedError("store_damaged", "no slot, or two records of one id")
    return parsed


def _damaged(why: str) -> MalformedError:
    return MalformedError("store_damaged", f"wallet.json: {why}")


# --- what the seals authenticate --------------------------------------------------------------


def _manifest_data(wallet_id: str, slots: tuple[Slot, ...]) -> bytes:
    return jcs.encode(
        {
            "format": FORMAT,
            "aead": AEAD,
            "wallet_id": wallet_id,
            "slots": [slot.encode() for slot in slots],
        }
    )
