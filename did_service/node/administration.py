"""What a region's office writes into the logs: DIDs, grants, schemas, lists in custody.

Each function composes the next entry of a chain, signs it with the identity that may, hands it
in, and returns where it stands, which the next one of that chain has to name.
"""

from __future__ import annotations

from dataclasses import dataclass

from did_service.client.registry import RegistryClient
from did_service.client.transport import Transport
from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.authority import Authority, parse_authority
from did_service.core.anchor.bodies.schema import SchemaBody
from did_service.core.anchor.bodies.status import FormerYear, parse_status_body
from did_service.core.anchor.entry import LoggedEntry, Submission
from did_service.core.anchor.region import second_of_log
from did_service.core.credentials import proof_set
from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    ListDescription,
    Purpose,
    status_list_credential,
)
from did_service.core.credentials.proof_set import SUITES, ProofOptions
from did_service.core.credentials.schema_check import check_to_publish
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import RuleError
from did_service.issuer.status_signing import LIST_LIFETIME
from did_service.node.founding import OfficeIdentity, did_entry
from did_service.program.clock import ClockAndRandom

_LIST_TTL_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Administration:
    """Writes entries of one region's logs.

    Attributes:
        transport: Reaches the registry.
        host: The region's.
        edge: Clock and randomness.
    """

    transport: Transport
    host: str
    edge: ClockAndRandom

    @property
    def control(self) -> str:
        """Origin of the control log."""
        return f"{self.host}/reg"

    def data_of(self, second: int) -> str:
        """Return the origin of the data log of the year in which a POSIX second lies."""
        return f"{self.host}/ev/{timestamps.from_posix(second).year}"

    def submit(
        self, entry: Submission, content: bytes | None = None, *, origin: str = ""
    ) -> LoggedEntry:
        """Hand in an entry, into the control log unless another origin is named."""
        receipt = RegistryClient(self.transport, origin or self.control).submit(entry, content)
        return LoggedEntry(entry.sequenced(receipt.at), receipt.index, receipt.leaf)

    def register(self, identity: OfficeIdentity) -> LoggedEntry:
        """Register the first version of a DID in its home log."""
        return self.submit(did_entry(identity))

    def state(
        self, granter: OfficeIdentity, authority: Authority, after: LoggedEntry | None = None
    ) -> LoggedEntry:
        """Publish an authority statement, signed by its granter."""
        entry = entries.compose("authority", authority.subject, authority.encode(), after=after)
        return self.submit(self._signed(entry, granter))

    def end(self, granter: OfficeIdentity, placed: LoggedEntry) -> LoggedEntry:
        """End a statement as of now."""
        held = parse_authority(placed.entry.body)
        ended = held._replace(state="ended", since=self.edge.posix())
        return self.state(granter, ended, placed)

    def publish_schema(
        self, owner: OfficeIdentity, identifier: str, schema: JsonObject
    ) -> LoggedEntry:
        """Publish a JSON Schema under its id, if both engines take it."""
        check_to_publish(schema)
        body = _published(owner, "json-schema", "application/schema+json", schema)
        return self.submit(self._signed(entries.compose("schema", identifier, body), owner))

    def publish_item(
        self, owner: OfficeIdentity, item: JsonObject, after: LoggedEntry | None = None
    ) -> LoggedEntry:
        """Publish a service item under its id, or its next version after the newest."""
        body = _published(owner, "service-item", "application/json", item)
        entry = entries.compose("schema", str(item["id"]), body, after=after)
        return self.submit(self._signed(entry, owner))

    def take_custody(
        self, custodian: OfficeIdentity, newest: LoggedEntry, origin: str, content: bytes
    ) -> LoggedEntry:
        """Sign an ended issuer's status list anew, as its custodian, its bits unchanged.

        Args:
            custodian: Named by the issuer's authority statement.
            newest: The list's newest entry.
            origin: The data log in which it stands, this year's or last year's.
            content: That list.
        """
        former = parse_status_body(newest.entry.body)
        issued = max(self.edge.posix(), former.issued + 1)
        signed = self._list(custodian, strict_json.load_object(content), issued)
        expires = issued + int(LIST_LIFETIME.total_seconds())

        def submit(second: int) -> LoggedEntry:
            into = self.data_of(second)
            link = None if into == origin else FormerYear(origin, newest.index)
            body = former._replace(issued=issued, expires=expires, former=link).encode()
            entry = entries.compose(
                "status", newest.entry.subject, body, after=newest, digest=sha256(signed)
            )
            return self.submit(entry, signed, origin=into)

        now = self.edge.posix()
        try:
            return submit(now)
        except RuleError as error:
            if error.code != "time_outside_period":
                raise
            return submit(second_of_log(error, now))

    def _list(self, custodian: OfficeIdentity, former: JsonObject, issued: int) -> bytes:
        subject = Fields(former, "list").object("credentialSubject")
        begins = timestamps.from_posix(issued)
        description = ListDescription(
            url=str(former["id"]),
            issuer=custodian.did,
            purpose=Purpose(str(subject["statusPurpose"])),
            valid_from=begins,
            valid_until=begins + LIST_LIFETIME,
            ttl_seconds=_LIST_TTL_SECONDS,
        )
        bits = BitstringStatusList.decode(str(subject["encodedList"]))
        options = ProofOptions(custodian.method, "assertionMethod", begins)
        document = status_list_credential(description, bits)
        return jcs.encode(
            proof_set.sign(document, custodian.sign, options, SUITES["eddsa-jcs-2022"])
        )

    def _signed(self, entry: Submission, *identities: OfficeIdentity) -> Submission:
        for identity in identities:
            entry = entries.sign(entry, identity.sign, identity.method, self.edge.clock())
        return entry


def _published(
    owner: OfficeIdentity, kind: str, media_type: str, content: JsonObject
) -> JsonObject:
    """Return the body of a `schema` entry in use."""
    return SchemaBody.of(kind, media_type, jcs.encode(content), owner.did).encode()
