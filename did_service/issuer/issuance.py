"""Issuing: from an accepted application to a signed credential ready for pick-up.

Claims are checked as the credential would hold them, when they come in and again before it is
signed: against the item's schema, and against the contexts, whatever the cryptosuite. What is
refused is named by its path; values, which are personal data, are never repeated.
"""

from __future__ import annotations

from uuid import UUID

from did_service.core.credentials import (
    contexts,
    proof_set,
    related_resources,
    schema_check,
    spelling,
    stated,
    vocabulary,
)
from did_service.core.credentials.bitstring_status_list import Purpose, StatusEntry
from did_service.core.credentials.claim_text import check_claim_text
from did_service.core.credentials.model import parse_credential
from did_service.core.credentials.proof_set import SUITES, ProofOptions
from did_service.core.credentials.record import record_of
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import (
    ConflictError,
    LimitError,
    MalformedError,
    NotFoundError,
    ProofError,
    RuleError,
    UnavailableError,
)
from did_service.core.limits import MAX_CLAIMS_BYTES, STATUS_LIST_BITS
from did_service.issuer.agency import Agency, Item
from did_service.issuer.claim_reasons import reasons_of
from did_service.issuer.credential_store import MOST_INDICES, full
from did_service.issuer.evidence import IssuanceEvidence
from did_service.issuer.holder_request import HolderRequest
from did_service.issuer.states import ApplicationState, CredentialState
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom
from did_service.storage.transactions import ROW_EXISTS

_CONTEXTS: list[JsonValue] = [contexts.CREDENTIALS_V2, contexts.DIDSVC_1]
_DRAFT_INDEX = 0  # stands in the draft against which an application's claims are checked
_SET_BY_AGENCY = frozenset({"id", "jurisdiction"})
_DRAWS = 8  # of an index; that another process has drawn the same is rare once
_MOST_NAMED = 5  # claims named in one sentence; `reasons` has all


class CredentialIssuer:
    """What one agency issues."""

    def __init__(
        self,
        agency: Agency,
        store: IssuerStore,
        evidence: IssuanceEvidence,
        edge: ClockAndRandom,
    ) -> None:
        self._agency, self._store, self._evidence, self._edge = agency, store, evidence, edge

    def check_claims(self, item: Item, claims: JsonObject, holder: str) -> None:
        """Check claims as the credential would hold them.

        Raises:
            RuleError: `claims_invalid`, naming the claims, `claim_hidden_character`; never
                showing their values.
            LimitError: `too_large`.
        """
        self._draft(item, claims, holder, _DRAFT_INDEX)

    def issue(self, application: str, request: HolderRequest, item: Item, officer: str) -> str:
        """Sign the credential that an accepted application asks for; returns its id.

        Of two processes that draw one status index the second draws again.

        Raises:
            RuleError: `claims_invalid`.
            ConflictError: `state_wrong`.
            UnavailableError: `status_list_full`.
        """
        for _ in range(_DRAWS):
            try:
                return self._issue(application, request, item, officer)
            except ConflictError as error:
                if error.code != ROW_EXISTS:
                    raise
        raise UnavailableError("database_busy", "other processes take every index first")

    def _issue(self, application: str, request: HolderRequest, item: Item, officer: str) -> str:
        index = self._free_index()
        draft = self._draft(item, request.claims, request.holder, index)
        options = ProofOptions(self._agency.method, proof_set.ASSERTION, self._edge.clock())
        suite = SUITES[item.cryptosuite]
        credential = proof_set.sign(draft, self._agency.key, options, suite)
        self._store.credentials.add(
            application,
            {
                "state": ApplicationState.ISSUED,
                "approved_by": officer,
                "credential": jcs.encode(credential).decode(),
            },
            {
                "id": str(draft["id"]),
                "application": application,
                "record": record_of(credential),
                "index": index,
                "state": CredentialState.VALID,
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
        """Return the unsigned credential, checked."""
        _check_names(claims)
        begins = self._edge.clock()
        statuses: list[JsonValue] = [
            StatusEntry(purpose, index, self._agency.list_url(purpose)).encode()
            for purpose in Purpose
        ]
        subject = {"id": holder, "jurisdiction": self._agency.jurisdiction, **claims}
        draft: JsonObject = {
            "@context": _CONTEXTS,
            "id": UUID(bytes=self._edge.rng(16), version=4).urn,
            "type": ["VerifiableCredential", item.type_name],
            "issuer": self._agency.did,
            "validFrom": timestamps.encode(begins),
            "validUntil": timestamps.encode(begins + item.valid_for),
            "credentialSchema": {"id": item.schema_id, "type": "JsonSchema"},
            "credentialStatus": statuses,
            "credentialSubject": subject,
        }
        if item.cryptosuite == stated.SUITE:
            draft = stated.in_order(draft)
        _check_draft(item, draft)
        return draft

    def _free_index(self) -> int:
        """Draw an index that was never used, so that order of issuing does not show in it."""
        used = self._store.credentials.used_indices()
        if len(used) >= MOST_INDICES:
            raise full()
        while True:
            index = int.from_bytes(self._edge.rng(4)) % STATUS_LIST_BITS
            if index not in used:
                return index


def _check_names(claims: JsonObject) -> None:
    """Refuse names that are not claims: what the agency sets, and what bends the terms."""
    size = len(jcs.encode(claims))
    if size > MAX_CLAIMS_BYTES:
        raise LimitError("too_large", f"claims of {size} bytes; {MAX_CLAIMS_BYTES} are taken")
    reserved = sorted(_SET_BY_AGENCY & claims.keys())
    if reserved:
        reasons = "; ".join(f"/credentialSubject/{each} setByAgency" for each in reserved)
        told = f"the agency sets {reserved[0]} by itself"
        raise RuleError("claims_invalid", told, reasons=reasons)
    if _has_context(claims):
        raise RuleError("claims_invalid", "claims do not define terms: @context")
    check_claim_text(claims)


def _has_context(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return "@context" in value or any(map(_has_context, value.values()))
    return isinstance(value, list) and any(map(_has_context, value))


def _check_draft(item: Item, draft: JsonObject) -> None:
    violations = schema_check.check_to_issue(item.schema, draft)
    if violations:
        told = "; ".join(f"{v.path}: {v.message}" for v in violations[:_MOST_NAMED])
        reasons = reasons_of(item.schema, violations)
        raise RuleError("claims_invalid", told, count=len(violations), **reasons)
    try:
        parse_credential(draft)
        vocabulary.check_terms(draft)
        if item.cryptosuite == stated.SUITE:
            spelling.check(draft)
        related_resources.check(draft, {item.schema_id: jcs.encode(item.schema)})
    except (MalformedError, ProofError) as error:  # its text may quote a value
        raise RuleError(
            "claims_invalid", f"not what the contexts define: {error.code}", reason=error.code
        ) from error
