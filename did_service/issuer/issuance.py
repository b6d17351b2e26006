"""Issuing: from an accepted application to a signed credential ready for pick-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from did_service.core.credentials import proof_set, schema_check
from did_service.core.credentials.bitstring_status_list import Purpose, StatusEntry
from did_service.core.credentials.proof_set import SUITES, ProofOptions
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue, load_object
from did_service.core.errors import NotFoundError, RuleError, UnavailableError
from did_service.core.limits import STATUS_LIST_BITS
from did_service.issuer.agency import Agency, Item
from did_service.issuer.evidence import IssuanceEvidence, record_of
from did_service.issuer.store import IssuerStore
from did_service.web.settings import Edge

_CONTEXTS: list[JsonValue] = [
    "https://www.w3.org/ns/credentials/v2",
    "urn:didsvc:context:1",
]
_DRAFT_INDEX = 0  # stands in the draft against which an application's claims are checked


class Issuance:
    """What one agency issues."""

    def __init__(
        self, agency: Agency, store: IssuerStore, evidence: IssuanceEvidence, edge: Edge
    ) -> None:
        self._agency, self._store, self._evidence, self._edge = agency, store, evidence, edge

    def check_claims(self, item: Item, claims: JsonObject, holder: str) -> None:
        """Check claims against the item's schema, as the credential would hold them.

        Raises:
            RuleError: `claims_invalid`, naming the claims; never showing their values.
        """
        reserved = sorted({"id", "jurisdiction"} & claims.keys())
        if reserved:
            raise RuleError("claims_invalid", f"the agency sets {reserved[0]} by itself")
        draft = self._draft(item, claims, holder, _DRAFT_INDEX)
        violations = schema_check.check(item.schema, draft)
        if violations:
            told = "; ".join(f"{v.path}: {v.message}" for v in violations[:5])
            raise RuleError("claims_invalid", told, count=len(violations))

    def issue(self, application: Mapping[str, Any], item: Item, officer: str) -> str:
        """Sign the credential of an accepted application; returns its id.

        Raises:
            ConflictError: `state_wrong`.
            UnavailableError: `status_list_full`.
        """
        index = self._free_index()
        claims = load_object(application["claims"])
        draft = self._draft(item, claims, application["holder"], index)
        options = ProofOptions(self._agency.method, "assertionMethod", self._edge.clock())
        suite = SUITES[item.cryptosuite]
        credential = proof_set.sign(draft, self._agency.key, options, suite)
        self._store.add_credential(
            application["id"],
            {
                "state": "issued",
                "approved_by": officer,
                "credential": jcs.encode(credential).decode(),
            },
            {
                "id": str(draft["id"]),
                "application": application["id"],
                "record": record_of(credential),
                "index": index,
                "state": "valid",
                "issued": self._edge.posix(),
            },
        )
        return str(draft["id"])

    def handover(self, credential: JsonObject) -> JsonObject:
        """Return what a wallet gets: credential, its place in a batch, where evidence is."""
        try:
            batch: JsonValue = self._evidence.proof(record_of(credential))
        except NotFoundError:
            batch = None  # not anchored yet; the wallet asks again when it refreshes
        return {
            "credential": credential,
            "batch": batch,
            "evidence": list(self._agency.mirrors),
            "authority": list(self._agency.statements),
        }

    def _draft(self, item: Item, claims: JsonObject, holder: str, index: int) -> JsonObject:
        begins = self._edge.clock()
        statuses: list[JsonValue] = [
            StatusEntry(purpose, index, self._agency.list_url(purpose)).encode()
            for purpose in Purpose
        ]
        return {
            "@context": _CONTEXTS,
            "id": UUID(bytes=self._edge.rng(16), version=4).urn,
            "type": ["VerifiableCredential", item.type_name],
            "issuer": self._agency.did,
            "validFrom": timestamps.encode(begins),
            "validUntil": timestamps.encode(begins + item.valid_for),
            "credentialSchema": {"id": item.schema_id, "type": "JsonSchema"},
            "credentialStatus": statuses,
            "credentialSubject": {
                "id": holder,
                "jurisdiction": self._agency.jurisdiction,
                **claims,
            },
        }

    def _free_index(self) -> int:
        """Draw an index that is not taken, so that order of issuing does not show in it."""
        used = self._store.used_indices()
        if len(used) > STATUS_LIST_BITS // 2:
            raise UnavailableError(
                "status_list_full", "the status lists of this agency are full"
            )
        while True:
            index = int.from_bytes(self._edge.rng(4)) % STATUS_LIST_BITS
            if index not in used:
                return index
