"""The member `terms` of a draft: what members agree on beside themselves."""

from dataclasses import dataclass
from datetime import datetime

from did_service.core.anchor.hosts import parse_retired
from did_service.core.encoding import b64, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import MalformedError
from did_service.core.limits import MAX_POLICY_MEMBERS


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """What the members agree on beside themselves.

    Attributes:
        federation: URN.
        demo: Whether everything is fictional.
        sequence: Number of the policy.
        previous: Digest of the one before, 32 bytes; None for the first.
        expires: Aware UTC.
        rules: Number by which witnesses judge.
        quorum: How many of the other regions cosign a checkpoint.
        faults: How many of them may lie.
        governors: How many governance keys sign a policy.
        tiers: As the policy has them; `waivers` likewise.
        retired: Hosts of regions that have left; the member is absent as long as there is none.
    """

    federation: str
    demo: bool
    sequence: int
    previous: bytes | None
    expires: datetime
    rules: int
    quorum: int
    faults: int
    governors: int
    tiers: JsonObject
    waivers: tuple[JsonValue, ...]
    retired: tuple[str, ...] = ()

    def encode(self) -> JsonObject:
        """Return the member `terms`."""
        return {
            "federation": self.federation,
            "demo": self.demo,
            "seq": self.sequence,
            "previous": None if self.previous is None else b64.encode_url(self.previous),
            "expires": timestamps.encode(self.expires),
            "rules": self.rules,
            "quorum": self.quorum,
            "faults": self.faults,
            "governors": self.governors,
            "tiers": self.tiers,
            "waivers": list(self.waivers),
            **self.encode_retired(),
        }

    def encode_retired(self) -> JsonObject:
        """Return the member `retired`, or nothing as long as no region has left."""
        return {"retired": list(self.retired)} if self.retired else {}


def parse_terms(fields: Fields) -> PolicyTerms:
    """Read the member `terms`.

    Raises:
        MalformedError: `member_invalid`, or another shape.
    """
    previous = None if fields.value("previous") is None else fields.data("previous", size=32)
    demo = fields.value("demo")
    if not isinstance(demo, bool):
        raise MalformedError(
            "member_invalid", f"{fields.path('demo')} is neither true nor false"
        )
    terms = PolicyTerms(
        federation=fields.text("federation"),
        demo=demo,
        sequence=fields.integer("seq", least=1),
        previous=previous,
        expires=timestamps.parse_utc(fields.text("expires")),
        rules=fields.integer("rules", least=1),
        quorum=fields.integer("quorum", least=1, most=MAX_POLICY_MEMBERS),
        faults=fields.integer("faults", most=MAX_POLICY_MEMBERS),
        governors=fields.integer("governors", least=1, most=MAX_POLICY_MEMBERS),
        tiers=fields.object("tiers"),
        waivers=tuple(fields.array("waivers")),
        retired=parse_retired(fields),
    )
    fields.close()
    return terms
