"""The body of a `status` entry: whose list the entry's digest is of, and its times.

    b = {"issuer", "kind": "bitstring", "iat", "exp", "ttl", "bits"[, "x": {"log", "index"}]}

`x` names the list's last entry in the log of the year before (threat rule 22).
"""

from dataclasses import dataclass
from typing import NamedTuple

from did_service.core.anchor.bodies.members import read_kind
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.limits import STATUS_LIST_BITS

BITSTRING = "bitstring"
LIST_KINDS = (BITSTRING,)  # Token Status Lists come with later rules


@dataclass(frozen=True, slots=True)
class FormerYear:
    """Where a list's chain stands in the log of the year before: its origin and last index."""

    log: str
    index: int


class StatusBody(NamedTuple):
    """What a `status` entry says.

    Attributes:
        issuer: The DID whose credentials the list is about.
        issued: `iat`, POSIX seconds.
        expires: `exp`, POSIX seconds.
        ttl_seconds: For how long a reader may keep the list.
        bits: Number of its places.
        former: The list's last entry in last year's log, in its first of a year alone.
    """

    issuer: str
    issued: int
    expires: int
    ttl_seconds: int
    bits: int
    former: FormerYear | None = None
    kind: str = BITSTRING

    def encode(self) -> JsonObject:
        """Return the entry body."""
        body: JsonObject = {
            "issuer": self.issuer,
            "kind": self.kind,
            "iat": self.issued,
            "exp": self.expires,
            "ttl": self.ttl_seconds,
            "bits": self.bits,
        }
        if self.former is None:
            return body
        return {**body, "x": {"log": self.former.log, "index": self.former.index}}


def parse_status_body(body: JsonObject) -> StatusBody:
    """Read the body of a `status` entry.

    Raises:
        UnsupportedError: `kind_unknown`.
        MalformedError: another shape.
    """
    fields = Fields(body, "status")
    status = StatusBody(
        kind=read_kind(fields, LIST_KINDS),
        issuer=fields.text("issuer"),
        issued=fields.integer("iat"),
        expires=fields.integer("exp"),
        ttl_seconds=fields.integer("ttl", least=1),
        bits=fields.integer("bits", least=STATUS_LIST_BITS),
        former=_former_year(fields.fields("x")) if fields.has("x") else None,
    )
    fields.close()
    return status


def issued_in(body: JsonObject) -> int | None:
    """Return the `iat` of a list, whatever else the entry says; None where it says none.

    It bounds the age of "this is the latest", of each list of a bundle, so it must be cheap.
    """
    issued = body.get("iat")
    return issued if isinstance(issued, int) else None


def _former_year(fields: Fields) -> FormerYear:
    former = FormerYear(fields.text("log"), fields.integer("index"))
    fields.close()
    return former
