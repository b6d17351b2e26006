"""Proof of possession: each key that a carried file names signs it, once, and nobody else does.

A Data Integrity proof is over 64 bytes of hashes, so that the key of a log signs no note here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.key import did_key_method
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import DidServiceError, ProofError, quote
from did_service.core.integrity import data_integrity, eddsa_jcs_2022

PURPOSE = "assertionMethod"


def prove(
    document: JsonObject, keys: Iterable[SigningKey], created: datetime
) -> list[JsonValue]:
    """Return the proof of each key over a document.

    Args:
        document: Without its proofs.
        keys: That it names.
        created: Aware UTC.
    """
    return [
        data_integrity.create(
            document,
            {
                "verificationMethod": did_key_method(key.public),
                "proofPurpose": PURPOSE,
                "created": timestamps.encode(created),
            },
            key,
            eddsa_jcs_2022,
        )
        for key in keys
    ]


def check_possession(
    whose: str, signers: Mapping[bytes, JsonObject], proofs: Sequence[JsonValue]
) -> None:
    """Check that each key has signed its document, none twice, and nobody else.

    Args:
        whose: Id of the region, for errors.
        signers: What each public key signs.
        proofs: As received.

    Raises:
        ProofError: `member_proof_missing`, `member_proof_wrong`.
    """
    wanted = {did_key_method(public): public for public in signers}
    for value in proofs:
        try:
            proof = data_integrity.parse_proof(value)
            public = wanted.pop(proof.verification_method)
            data_integrity.verify(signers[public], proof, public, eddsa_jcs_2022)
        except KeyError as error:
            what = f"{quote(whose)}: a proof of a key that the file does not name"
            raise ProofError("member_proof_wrong", what) from error
        except DidServiceError as error:
            what = f"{quote(whose)}: {error.message}"
            raise ProofError("member_proof_wrong", what) from error
        if proof.purpose != PURPOSE:
            raise ProofError("member_proof_wrong", f"{quote(whose)}: another purpose")
    if wanted:
        what = f"{quote(whose)}: {len(wanted)} of its keys have not signed it"
        raise ProofError("member_proof_missing", what)


def proofs_of(proofs: Iterable[JsonValue], publics: Iterable[bytes]) -> tuple[JsonValue, ...]:
    """Return those proofs that name one of these keys; they are not judged."""
    methods = {did_key_method(public) for public in publics}
    return tuple(
        proof
        for proof in proofs
        if isinstance(proof, dict) and proof.get("verificationMethod") in methods
    )
