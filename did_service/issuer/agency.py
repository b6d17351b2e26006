"""Who an agency is: identity, keys, service items and officers. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from did_service.core.anchor.streams import stream_id
from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.encoding.strict_json import JsonObject


@dataclass(frozen=True, slots=True)
class Item:
    """One service item: which credential it yields, and what that must hold.

    Attributes:
        id: The item's name in URLs and applications, such as `residence-permit`.
        type_name: The credential's class, such as `ResidencePermit`.
        schema_id: `credentialSchema.id`, as published in the log.
        schema: The JSON Schema itself; applications are checked against it.
        cryptosuite: A name of `proof_set.SUITES`.
        valid_for: How long a credential lasts.
    """

    id: str
    type_name: str
    schema_id: str
    schema: JsonObject
    cryptosuite: str
    valid_for: timedelta


@dataclass(frozen=True, slots=True)
class Officer:
    """One officer and the roles `accept`, `approve`, `revoke` that the office gave.

    The bearer token is known by its digest alone, see `officers.hash_token`; `expires` is the
    POSIX second at which it ends.
    """

    name: str
    token_sha256: bytes
    roles: frozenset[str]
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """A key and the DID URL under which verifiers find its public half."""

    method: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency of one region.

    Attributes:
        url: Base of its endpoints, `https://HOST/agencies/ID`, without a slash at the end.
        did: Its did:webvh.
        method: The DID URL of the key it signs credentials and status lists with.
        key: That key.
        jurisdiction: Region code for which it issues.
        log_host: Host of the region's logs, such as `gd.example`.
        statements: Subjects of the authority entries from itself up to a root of the policy.
        mirrors: Base URLs of logs and mirrors where wallets find evidence.
        did_log: Its did.jsonl.
        status_period: Lists are signed anew after so long, so that their age stays small.
        claims_kept: What is personal of an application is deleted so long after it was
            returned, or its credential collected.
        uncollected_kept: And so long after it was issued and nobody has picked it up.
        anchor: Signs evidence entries, a key apart from the others (threat rule 33); None
            where a DID lists one key only, as in a demonstration.
    """

    url: str
    did: str
    method: str
    key: SigningKey
    jurisdiction: str
    log_host: str
    statements: tuple[str, ...]
    mirrors: tuple[str, ...]
    items: tuple[Item, ...]
    officers: tuple[Officer, ...]
    did_log: bytes
    status_period: timedelta = timedelta(hours=1)
    claims_kept: timedelta = timedelta(days=30)
    uncollected_kept: timedelta = timedelta(days=180)
    anchor: Signer | None = None

    @property
    def evidence_signer(self) -> Signer:
        """Return who signs evidence entries."""
        return self.anchor or Signer(self.method, self.key)

    @property
    def chains(self) -> frozenset[tuple[str, str]]:
        """Kind and subject of each chain that it writes."""
        lists = {("status", self.list_url(purpose)) for purpose in Purpose}
        return frozenset(lists | {("evidence", stream_id(self.did, "issuance"))})

    def evidence_log(self, year: int) -> str:
        """Return the origin of the region's data log of a year."""
        return f"{self.log_host}/ev/{year}"

    def list_url(self, purpose: Purpose) -> str:
        """Return the URL of the status list for a purpose: one list each."""
        return f"{self.url}/status/{LIST_NUMBERS[purpose]}"


LIST_NUMBERS = {Purpose.REVOCATION: 1, Purpose.SUSPENSION: 2}
