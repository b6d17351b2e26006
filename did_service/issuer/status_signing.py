"""How an agency signs its status lists, and knows them again when the log shows one."""

from __future__ import annotations

from datetime import timedelta

from did_service.core.anchor.bodies.status import StatusBody, parse_status_body
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.status_content import check_description
from did_service.core.credentials import proof_set
from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    ListDescription,
    Purpose,
    status_list_credential,
)
from did_service.core.credentials.proof_set import SUITES, ProofDemand, ProofOptions
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import ProofError
from did_service.core.limits import MAX_JSON_BYTES
from did_service.issuer.agency import Agency
from did_service.issuer.chain import ChainStatement
from did_service.program.clock import ClockAndRandom

LIST_LIFETIME = timedelta(days=7)
_SUITE = "eddsa-jcs-2022"


def statement(
    agency: Agency, purpose: Purpose, issued: int, bits: BitstringStatusList
) -> ChainStatement:
    """Sign a list and return the entry of its chain.

    Args:
        agency: Whose list it is.
        purpose: What a bit means.
        issued: Its `iat`, POSIX seconds, later than that of the list before.
        bits: What it says.
    """
    begins = timestamps.from_posix(issued)
    description = ListDescription(
        url=agency.list_url(purpose),
        issuer=agency.did,
        purpose=purpose,
        valid_from=begins,
        valid_until=begins + LIST_LIFETIME,
        ttl_seconds=int(agency.status_period.total_seconds()),
    )
    options = ProofOptions(agency.method, proof_set.ASSERTION, begins)
    listed = status_list_credential(description, bits)
    content = jcs.encode(proof_set.sign(listed, agency.key, options, SUITES[_SUITE]))
    body = StatusBody(
        issuer=agency.did,
        issued=issued,
        expires=timestamps.to_posix(description.valid_until),
        ttl_seconds=description.ttl_seconds,
        bits=len(bits),
    )
    return ChainStatement(body, sha256(content), content)


def check_own(agency: Agency, entry: Entry, listed: JsonObject, edge: ClockAndRandom) -> None:
    """Check that an agency's key has signed a list, and that its entry names it truly.

    Raises:
        ProofError, RuleError, MalformedError: it has not.
    """

    def resolve(method: str, _purpose: str) -> bytes:
        if method != agency.method:
            raise ProofError("key_not_listed", "signed by another key")
        return agency.key.public

    suites = frozenset({_SUITE})
    demand = ProofDemand(proof_set.ASSERTION, suites, edge.clock(), None, None)
    proof_set.verify_proofs(listed, resolve, demand)
    check_description(entry.subject, parse_status_body(entry.body), listed)


def bits_of(listed: JsonObject) -> BitstringStatusList:
    """Return the bits of a list that was parsed."""
    subject = Fields(listed, "list").fields("credentialSubject")
    return BitstringStatusList.decode(subject.text("encodedList", max_chars=MAX_JSON_BYTES))
