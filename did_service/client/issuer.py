"""Calls to an issuer, as a wallet makes them (docs/formats.md §9).

    GET  ISS/challenge        a challenge that one application answers
    POST ISS/applications     the signed application; answered by a one-time pick-up address
    GET  ISS/pickup/CODE      the credential, for a day or until it is deleted
    DELETE ISS/pickup/CODE    it has arrived
    GET  ISS/batches/HEX      the place of a credential in an issuance batch

ISS is `https://HOST/agencies/ID`. What an issuer answers is believed only as far as proofs go:
a delivery is read into its parts here and judged by the wallet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from did_service.client.answers import raise_problem
from did_service.client.transport import Transport
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject, Numbers
from did_service.core.errors import MalformedError, UnavailableError, UsageError, quote
from did_service.core.limits import (
    MAX_CREDENTIAL_BYTES,
    MAX_JSON_BYTES,
    MAX_MIRRORS,
    MAX_URL_CHARACTERS,
)

T = TypeVar("T")

_PICKUP = "/pickup/"
_ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Submitted:
    """An application that an issuer has taken: its name there, and where to pick up."""

    id: str
    pickup: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nothing to pick up so far: `received`, `accepted` or `returned`, with a note."""

    state: str
    note: str


@dataclass(frozen=True, slots=True)
class UnverifiedDelivery:
    """What came from a pick-up address or a file; nothing in it has been checked.

    Attributes:
        credential: The credential, as it was written.
        batch: Its place in an issuance batch, where it has one already.
        evidence: Base URLs of logs and mirrors where its evidence is to be had.
        authority: Subjects of the issuer's authority statements, up to a root.
    """

    credential: JsonObject
    batch: JsonObject | None
    evidence: tuple[str, ...]
    authority: tuple[str, ...] = ()

    def encode(self) -> JsonObject:
        """Return the object that `parse_delivery` reads."""
        return {
            "credential": self.credential,
            "batch": self.batch,
            "evidence": list(self.evidence),
            "authority": list(self.authority),
        }


def parse_delivery(value: JsonObject) -> UnverifiedDelivery:
    """Read `{"credential","batch","evidence","authority"}`.

    Raises:
        MalformedError: another shape.
        LimitError: more mirrors than anybody needs.
    """
    fields = Fields(value, "delivery")
    delivery = UnverifiedDelivery(
        credential=fields.object("credential"),
        batch=None if fields.value("batch") is None else fields.object("batch"),
        evidence=fields.texts("evidence", most=MAX_MIRRORS),
        authority=fields.texts("authority", most=MAX_MIRRORS),
    )
    fields.close()
    return delivery


def issuer_of_pickup(url: str) -> str:
    """Return the issuer's URL of a pick-up address.

    Raises:
        UsageError: `pickup_invalid`.
    """
    issuer, found, code = url.rpartition(_PICKUP)
    if not found or not code or "/" in code or len(url) > MAX_URL_CHARACTERS:
        raise UsageError("pickup_invalid", "not a pick-up address: ISSUER/pickup/CODE")
    return issuer


class IssuerClient:
    """Asks one issuer.

    Args:
        transport: Reaches it.
        base: Its URL; a slash at the end is ignored.

    Every call raises what the transport raises, the problem that the issuer names, and
    `UnavailableError` `answer_invalid` where an answer is not what it should be.
    """

    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self.base = base.rstrip("/")

    def challenge(self) -> str:
        """Ask for a challenge."""
        answer = self._transport.get(f"{self.base}/challenge", max_bytes=MAX_JSON_BYTES)
        fields = _fields(answer.body)
        return _read(lambda: fields.text("challenge", max_chars=256))

    def apply(self, application: JsonObject) -> Submitted:
        """Hand in a signed application."""
        url = f"{self.base}/applications"
        answer = self._transport.post(url, jcs.encode(application), max_bytes=MAX_JSON_BYTES)
        fields = _fields(answer.body)
        name = _read(lambda: fields.text("id", max_chars=128))
        pickup = _read(lambda: fields.text("pickup", max_chars=MAX_URL_CHARACTERS))
        if not pickup.startswith(f"{self.base}{_PICKUP}"):
            raise UnavailableError("answer_invalid", f"it sends us elsewhere: {quote(pickup)}")
        return Submitted(name, pickup)

    def pick_up(self, url: str) -> JsonObject | NotYet:
        """Collect what lies at a pick-up address.

        Returns:
            The delivery as it came, to be kept before it is read and `acknowledge`d, or
            `NotYet`.

        Raises:
            NotFoundError: `pickup_unknown`, `pickup_used`.
        """
        answer = self._transport.request("GET", url, max_bytes=2 * MAX_CREDENTIAL_BYTES)
        raise_problem(answer)
        members = _object(answer.body)
        if answer.status != _ACCEPTED:
            return members
        fields = Fields(members, "answer")
        state = _read(lambda: fields.choice("state", ("received", "accepted", "returned")))
        note = members.get("note")
        return NotYet(state, note if isinstance(note, str) else "")

    def acknowledge(self, url: str) -> None:
        """Say that what lay at a pick-up address is kept here: the issuer forgets it."""
        raise_problem(self._transport.request("DELETE", url, max_bytes=MAX_JSON_BYTES))

    def batch(self, record: bytes) -> JsonObject:
        """Ask where the record of a credential, 32 bytes, stands in an issuance batch.

        Raises:
            NotFoundError: `batch_unknown`: not anchored yet.
        """
        url = f"{self.base}/batches/{record.hex()}"
        return _object(self._transport.get(url, max_bytes=MAX_JSON_BYTES).body)


def _object(body: bytes) -> JsonObject:
    return _read(
        lambda: strict_json.load_object(
            body, max_bytes=2 * MAX_CREDENTIAL_BYTES, numbers=Numbers.FINITE
        )
    )


def _fields(body: bytes) -> Fields:
    return Fields(_object(body), "answer")


def _read(step: Callable[[], T]) -> T:
    """Read a part of an answer; one that cannot be read is the issuer's fault, not ours."""
    try:
        return step()
    except MalformedError as error:
        raise UnavailableError("answer_invalid", error.message) from error
