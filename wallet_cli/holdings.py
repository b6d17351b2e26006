"""What a wallet holds, as it stands in sealed records.

    identity     a did:key of the holder, with its seed
    application  what was asked of an issuer, where to pick it up, and what arrived but is not
                 checked yet
    credential   a credential that was checked, its staple, and where its evidence comes from
    answer       to which counter and nonce something was presented

Each kind is a value with `encode`; `identities`, `applications` and so on read all of a vault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from did_service.core.crypto.ed25519 import SEED_BYTES, SigningKey
from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import Fields, JsonObject, as_object
from did_service.core.limits import MAX_LABEL_CHARACTERS, MAX_URL_CHARACTERS
from did_service.program.clock import Rng
from wallet_cli.record import Record
from wallet_cli.vault import Vault


class Holding(Protocol):
    """What is kept in one record."""

    kind: ClassVar[str]

    @property
    def id(self) -> str:
        """The record's id."""

    def encode(self) -> JsonObject:
        """Return the record's content."""


@dataclass(frozen=True, slots=True)
class HolderIdentity:
    """A key pair of the holder; `created` is RFC 3339."""

    kind: ClassVar[str] = "identity"

    id: str
    did: str
    seed: bytes = field(repr=False)
    label: str
    created: str

    @property
    def key(self) -> SigningKey:
        """The signing key."""
        return SigningKey(self.seed)

    def encode(self) -> JsonObject:
        """Return the record's content."""
        return {
            "did": self.did,
            "seed": b64.encode_url(self.seed),
            "label": self.label,
            "created": self.created,
        }


@dataclass(frozen=True, slots=True)
class Application:
    """An application on its way.

    Attributes:
        id: The record's id.
        issuer: The issuer's URL.
        item: The service item; empty where only a pick-up address is known.
        holder: did:key that the application is bound to; empty likewise.
        applied: RFC 3339.
        pickup: One-time address; empty until the issuer answered.
        delivery: What was picked up and could not be taken in yet.
        note: Why not, or what the officer said.
    """

    kind: ClassVar[str] = "application"

    id: str
    issuer: str
    item: str
    holder: str
    applied: str
    pickup: str = field(default="", repr=False)
    delivery: JsonObject | None = field(default=None, repr=False)
    note: str = ""

    def encode(self) -> JsonObject:
        """Return the record's content."""
        return {
            "issuer": self.issuer,
            "item": self.item,
            "holder": self.holder,
            "applied": self.applied,
            "pickup": self.pickup,
            "delivery": self.delivery,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class HeldCredential:
    """A credential of this wallet.

    Attributes:
        id: The record's id.
        alias: Its short name here, such as `residence-permit-1`.
        holder: did:key that it was issued to; one of this wallet's.
        delivery: What its issuer handed over, as `client.issuer.parse_delivery` reads it.
        issuer_url: The issuer's URL; empty where it came as a file.
        received: RFC 3339.
        staple: Its evidence; None before the first refresh.
        as_of: RFC 3339: until when all of it is known to be the latest; empty where it is not.
    """

    kind: ClassVar[str] = "credential"

    id: str
    alias: str
    holder: str
    delivery: JsonObject = field(repr=False)
    issuer_url: str
    received: str
    staple: JsonObject | None = field(default=None, repr=False)
    as_of: str = ""

    @property
    def credential(self) -> JsonObject:
        """The credential as its issuer wrote it."""
        return as_object(self.delivery.get("credential"), "credential")

    def encode(self) -> JsonObject:
        """Return the record's content."""
        return {
            "alias": self.alias,
            "holder": self.holder,
            "delivery": self.delivery,
            "issuer_url": self.issuer_url,
            "received": self.received,
            "staple": self.staple,
            "as_of": self.as_of,
        }


@dataclass(frozen=True, slots=True)
class GivenPresentation:
    """What was signed for one counter and nonce: a credential's record, 32 bytes, and when."""

    kind: ClassVar[str] = "answer"

    id: str
    audience: str
    nonce: str
    record: bytes
    created: str

    def encode(self) -> JsonObject:
        """Return the record's content."""
        return {
            "audience": self.audience,
            "nonce": self.nonce,
            "record": b64.encode_url(self.record),
            "created": self.created,
        }


def keep(vault: Vault, holding: Holding, rng: Rng) -> Vault:
    """Put a holding into its record, new or not."""
    return vault.put(holding.id, holding.kind, holding.encode(), rng)


# --- reading ---------------------------------------------------------------------------------


def identities(vault: Vault) -> tuple[HolderIdentity, ...]:
    """Return the keys, oldest first."""
    found = (_identity(record) for record in vault.of_kind(HolderIdentity.kind))
    return tuple(sorted(found, key=lambda each: each.created))


def applications(vault: Vault) -> tuple[Application, ...]:
    """Return the applications on their way, oldest first."""
    found = (_application(record) for record in vault.of_kind(Application.kind))
    return tuple(sorted(found, key=lambda each: each.applied))


def credentials(vault: Vault) -> tuple[HeldCredential, ...]:
    """Return the credentials, oldest first."""
    found = (_credential(record) for record in vault.of_kind(HeldCredential.kind))
    return tuple(sorted(found, key=lambda each: (each.received, each.alias)))


def answers(vault: Vault) -> tuple[GivenPresentation, ...]:
    """Return what was presented, in no order."""
    return tuple(_answer(record) for record in vault.of_kind(GivenPresentation.kind))


def _identity(record: Record) -> HolderIdentity:
    fields = Fields(record.value, "identity")
    found = HolderIdentity(
        id=record.id,
        did=fields.text("did"),
        seed=fields.data("seed", size=SEED_BYTES),
        label=_text(fields, "label", MAX_LABEL_CHARACTERS),
        created=fields.text("created"),
    )
    fields.close()
    return found


def _application(record: Record) -> Application:
    fields = Fields(record.value, "application")
    found = Application(
        id=record.id,
        issuer=fields.text("issuer", max_chars=MAX_URL_CHARACTERS),
        item=_text(fields, "item"),
        holder=_text(fields, "holder"),
        applied=fields.text("applied"),
        pickup=_text(fields, "pickup", MAX_URL_CHARACTERS),
        delivery=None if fields.value("delivery") is None else fields.object("delivery"),
        note=_text(fields, "note"),
    )
    fields.close()
    return found


def _credential(record: Record) -> HeldCredential:
    fields = Fields(record.value, "credential")
    found = HeldCredential(
        id=record.id,
        alias=fields.text("alias"),
        holder=fields.text("holder"),
        delivery=fields.object("delivery"),
        issuer_url=_text(fields, "issuer_url", MAX_URL_CHARACTERS),
        received=fields.text("received"),
        staple=None if fields.value("staple") is None else fields.object("staple"),
        as_of=_text(fields, "as_of"),
    )
    fields.close()
    return found


def _answer(record: Record) -> GivenPresentation:
    fields = Fields(record.value, "answer")
    found = GivenPresentation(
        id=record.id,
        audience=fields.text("audience"),
        nonce=fields.text("nonce"),
        record=fields.data("record", size=32),
        created=fields.text("created"),
    )
    fields.close()
    return found


def _text(fields: Fields, name: str, most: int = 4_096) -> str:
    """Read a text that may be empty."""
    return "" if fields.value(name) == "" else fields.text(name, max_chars=most)
