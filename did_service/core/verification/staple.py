"""What one credential needs to be verified offline (docs/offline-verification.md §2).

    issuer's did ─► its authority statements ─► their granters ─► … ─► a root of the policy
                              └─ over ─► did of the custodian of its lists
    schema    status list and its content    issuance batch

A wallet asks `needed_for`, fetches what is named, verifies, and asks again until nothing new is
named; `staple_for` then picks what the credential needs out of everything it holds.
"""

from collections.abc import Iterator
from typing import NamedTuple

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.climb import Climb
from did_service.core.anchor.homes import home_of_did, home_of_schema
from did_service.core.anchor.region import Region, control_origin, year_of
from did_service.core.credentials.model import Credential
from did_service.core.credentials.record import record_of
from did_service.core.did.syntax import parse_webvh
from did_service.core.evidence.proven import ProvenEntry
from did_service.core.evidence.proven_set import Evidence
from did_service.core.evidence.sets import UnverifiedEvidence


class EvidenceRequest(NamedTuple):
    """The newest entry of a subject: `GET BASE/evidence/T/S` of its log, or of any mirror.

    `origin` is the log in which it should stand: for a status list the newest of the region's
    data logs, else the region's control log. `before` are logs of earlier years in which a list
    stands as long as the newest, which a policy may name before its year begins, has none.
    """

    origin: str
    kind: str
    subject: str
    before: tuple[str, ...] = ()


def needed_for(
    credential: Credential, policy: Policy, evidence: Evidence
) -> tuple[EvidenceRequest, ...]:
    """Name what a credential needs, as far as the evidence at hand leads.

    The issuer's statements are found by their own subjects, which hash granter, grantee and
    scope: a wallet learns them from the issuer when it receives the credential.
    """
    return tuple(dict.fromkeys(_needed(credential, policy, evidence)))


def staple_for(
    credential: Credential, policy: Policy, evidence: Evidence
) -> UnverifiedEvidence:
    """Return the part of the evidence that one credential needs: its staple."""
    wanted = {(each.kind, each.subject) for each in _needed(credential, policy, evidence)}
    chosen: list[ProvenEntry] = []
    for kind, subject in sorted(wanted):
        for region in policy.regions:
            chosen.extend(evidence.chain(kind, subject, region)[: _depth(kind)])
    issued = evidence.issuances(record_of(credential.raw), credential.issuer)
    return evidence.select(chosen, issued[:1])


def _depth(kind: str) -> int:
    """Of identities and grants the entry before the newest counts too, once that is an end."""
    return 2 if kind in ("did", "authority") else 1


def _needed(
    credential: Credential, policy: Policy, evidence: Evidence
) -> Iterator[EvidenceRequest]:
    yield from _of_subject(credential.issuer, policy, evidence, Climb(policy))
    for schema in credential.schemas:
        identifier = schema.get("id")
        if isinstance(identifier, str):
            yield from _in(home_of_schema(identifier, policy), "schema", identifier)
    home = home_of_did(credential.issuer, policy)
    for status in credential.statuses:
        url = status.get("statusListCredential")
        if isinstance(url, str) and home is not None:
            yield from _list(url, home)


def _of_subject(
    did: str, policy: Policy, evidence: Evidence, climb: Climb | None
) -> Iterator[EvidenceRequest]:
    """Name a DID's own entry, the statements about it, and those of its granters."""
    home = home_of_did(did, policy)
    if home is None:
        return
    yield EvidenceRequest(control_origin(home), "did", parse_webvh(did).scid)
    if climb is None or climb.root(did) is not None:
        return
    for chain in evidence.statements_about(did, home):
        yield EvidenceRequest(control_origin(home), "authority", chain[0].subject)
        yield from _of_custodian(evidence.custodian(chain[0]), policy)
        yield from _of_subject(evidence.granter(chain[0]), policy, evidence, climb.up())


def _of_custodian(did: str, policy: Policy) -> Iterator[EvidenceRequest]:
    """Name the record of who keeps the lists after a statement's end: its key signs them."""
    home = home_of_did(did, policy)
    if home is not None:
        yield EvidenceRequest(control_origin(home), "did", parse_webvh(did).scid)


def _in(home: Region | None, kind: str, subject: str) -> Iterator[EvidenceRequest]:
    if home is not None:
        yield EvidenceRequest(control_origin(home), kind, subject)


def _list(url: str, home: Region) -> Iterator[EvidenceRequest]:
    """Name a status list, if the region has data logs at all: the newest first."""
    years = {origin: year_of(origin) or 0 for origin in home.logs}
    logs = sorted(filter(years.get, years), key=years.__getitem__, reverse=True)
    if logs:
        yield EvidenceRequest(logs[0], "status", url, tuple(logs[1:]))
