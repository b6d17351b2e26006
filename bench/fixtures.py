"""The two credentials that every `vc` case signs and checks, by an issuer with a did:key.

small   disability card, 0.9 KB       large   social insurance of five kinds, 1.5 KB
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from did_service.core.credentials.proof_set import (
    ASSERTION,
    SUITES,
    ProofDemand,
    ProofOptions,
    VerifiedProof,
    sign,
    verify_proofs,
)
from did_service.core.credentials.schema_check import Schema, parse_schema
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.key import did_key_method, did_key_of, public_of_method_id
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import JsonObject, JsonValue, Numbers

CHECKOUT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
ISSUER = SigningKey(b"\x07" * 32)
METHOD = did_key_method(ISSUER.public)

_SCHEMES: list[JsonValue] = ["pension", "medical", "unemployment", "work-injury", "maternity"]


@dataclass(frozen=True, slots=True)
class Fixture:
    """A credential without proof, and the schema of its type."""

    size: str
    document: JsonObject
    schema: Schema

    def issue(self, suite: str) -> bytes:
        """Sign it; the way an issuer does, from members to bytes."""
        options = ProofOptions(METHOD, ASSERTION, NOW)
        return jcs.encode(sign(self.document, ISSUER, options, SUITES[suite]))


def credentials() -> tuple[Fixture, ...]:
    """Return the small and the large one."""
    small, large = _example("disability-card"), _example("social-insurance")
    subject = strict_json.as_object(large["credentialSubject"], "credentialSubject")
    insurances = strict_json.as_array(subject["insurances"], "insurances")
    described = strict_json.as_object(insurances[0], "insurances")
    subject["insurances"] = [{**described, "scheme": scheme} for scheme in _SCHEMES]
    return (
        Fixture("small", small, _schema("disability-card")),
        Fixture("large", large, _schema("social-insurance")),
    )


def check(secured: bytes, suite: str) -> VerifiedProof:
    """Verify bytes; the way a verifier does, up to who signed."""
    document = strict_json.load_object(secured, numbers=Numbers.FINITE)
    demand = ProofDemand(ASSERTION, frozenset({suite}), NOW, None, None)
    (verified,) = verify_proofs(document, resolve, demand)
    return verified


def resolve(method: str, purpose: str) -> bytes:
    """Return the key of a did:key method, which is good for every purpose."""
    del purpose
    return public_of_method_id(method)


def _example(name: str) -> JsonObject:
    path = CHECKOUT / "schemas" / "examples" / "valid" / f"{name}.json"
    example = strict_json.load_object(path.read_bytes())
    del example["proof"]
    return {**example, "issuer": did_key_of(ISSUER.public)}


def _schema(name: str) -> Schema:
    path = CHECKOUT / "schemas" / "credential-types" / f"{name}.json"
    return parse_schema(path.read_bytes())
