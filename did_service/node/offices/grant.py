"""The grant `didsvc-agency-grant/1`: what a region tells an agency that it has granted.

    {"format","authority":{statement},"log","index","mirrors":[URL…]}

It proves nothing and need not: what counts is the entry in the log. It says where that stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from did_service.core.anchor.bodies.authority import Authority, parse_authority
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.limits import MAX_CARRIED_BYTES

FORMAT = "didsvc-agency-grant/1"
_MOST_MIRRORS = 64


@dataclass(frozen=True, slots=True)
class AgencyGrant:
    """A statement of authority, and where it stands.

    Attributes:
        authority: The statement.
        log: Origin of the control log.
        index: Its entry there.
        mirrors: Base URLs where wallets find evidence of it.
    """

    authority: Authority
    log: str
    index: int
    mirrors: tuple[str, ...]

    @property
    def host(self) -> str:
        """The host of the region's logs."""
        return self.log.partition("/")[0]

    def encode(self) -> bytes:
        """Write the file; `parse_grant` reads it."""
        members: JsonObject = {
            "format": FORMAT,
            "authority": self.authority.encode(),
            "log": self.log,
            "index": self.index,
            "mirrors": list(self.mirrors),
        }
        return jcs.encode(members) + b"\n"


def parse_grant(data: bytes) -> AgencyGrant:
    """Read a grant.

    Raises:
        MalformedError, LimitError: another shape.
    """
    fields = Fields(strict_json.load_object(data, max_bytes=MAX_CARRIED_BYTES), "grant")
    fields.constant("format", FORMAT)
    grant = AgencyGrant(
        parse_authority(fields.object("authority")),
        fields.text("log"),
        fields.integer("index"),
        fields.texts("mirrors", most=_MOST_MIRRORS),
    )
    fields.close()
    return grant
