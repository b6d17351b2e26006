"""The signatures below a policy. They are transport: a policy is the same without them.

Whoever carries a policy can turn its signatures round, double one, drop those beyond the
threshold, or put a stranger's beside them, and nobody can tell who did. So they are read in one
order and each once, only those of governors count, and no hash that names a policy covers them
(docs/adr/0024). Shape: a list of 1 to 8 eddsa-jcs-2022 proofs by did:keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.key import did_key_method
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue, as_object
from did_service.core.errors import DidServiceError, LimitError, MalformedError
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.limits import MAX_PROOFS

PURPOSE = "assertionMethod"


def ordered_proofs(value: Sequence[JsonValue]) -> list[JsonValue]:
    """Bring proofs into their one order, each once: sorted by their canonical bytes.

    Raises:
        MalformedError: `proof_missing`, or one that is no object.
        LimitError: more than 8 different ones.
    """
    found = {jcs.encode(proof): proof for proof in (as_object(each, "proof") for each in value)}
    if not found:
        raise MalformedError("proof_missing", "the policy has no proof")
    if len(found) > MAX_PROOFS:
        raise LimitError("too_large", f"more than {MAX_PROOFS} proofs")
    return [found[data] for data in sorted(found)]


def counting(
    document: JsonObject, proofs: Iterable[JsonValue], governors: Iterable[str]
) -> dict[str, JsonValue]:
    """Return the proof of each governor who has signed, by the governor's multikey.

    Proofs of other keys, that cannot be read or do not verify count for nothing; of two by one
    governor the first counts.

    Args:
        document: The policy without its proofs.
        proofs: In the order of `ordered_proofs`.
        governors: Ed25519 multikeys.
    """
    methods = {did_key_method(multikey.decode_ed25519(each)): each for each in governors}
    found: dict[str, JsonValue] = {}
    for value in proofs:
        governor = _signer(document, value, methods)
        if governor is not None:
            found.setdefault(governor, value)
    return found


def create_proofs(
    document: JsonObject, keys: Iterable[SigningKey], created: datetime
) -> list[JsonValue]:
    """Sign a policy without its proofs with governance keys."""
    options: JsonObject = {"created": timestamps.encode(created), "proofPurpose": PURPOSE}
    made: list[JsonValue] = []
    for key in keys:
        method = did_key_method(key.public)
        wanted: JsonObject = {**options, "verificationMethod": method}
        made.append(data_integrity.create(document, wanted, key, eddsa_jcs_2022))
    return made


def _signer(document: JsonObject, value: JsonValue, methods: Mapping[str, str]) -> str | None:
    with suppress(DidServiceError):
        proof = data_integrity.parse_proof(value)
        governor = methods.get(proof.verification_method)
        if governor is not None:
            public = multikey.decode_ed25519(governor)
            data_integrity.verify(document, proof, public, eddsa_jcs_2022)
        return governor
    return None
