"""Proof chains and sets: what each proof of a document stands over (VC Data Integrity §2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from did_service.core.credentials import eddsa_rdfc_2022, stated
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import ProofError, UnsupportedError, quote


def proofs_by_id(proofs: Sequence[JsonValue]) -> dict[str, JsonValue]:
    """Return the proofs that have an id, each as it stands, whether or not we process it."""
    found: dict[str, JsonValue] = {}
    for each in proofs:
        name = each.get("id") if isinstance(each, dict) else None
        if isinstance(name, str):
            if name in found:
                raise ProofError("proof_id_repeated", "two proofs have the same id")
            found[name] = each
    return found


def check_order(unsecured: JsonObject, proofs: Sequence[JsonValue]) -> None:
    """Refuse an order of sets that one proof keeps and another, the issuer's perhaps, does not.

    Anybody may add a proof of his own over any order.
    """
    if len(proofs) == 1:
        return
    suites = {str(proof.get("cryptosuite")) for proof in proofs if isinstance(proof, dict)}
    if eddsa_rdfc_2022.NAME not in suites or len(suites) == 1:
        return
    if jcs.encode(stated.in_order(unsecured)) != jcs.encode(unsecured):
        raise UnsupportedError("names_not_plain", "an order that not every proof keeps")


def signed_by_chained(
    unsecured: JsonObject, by_name: Mapping[str, JsonValue], previous: tuple[str, ...]
) -> JsonObject:
    """Return what a proof signs: the document and, in a chain, the proofs that it names.

    They are a set (VC Data Integrity §2.1): a name that stands many times would make gigabytes
    of a small file.

    Raises:
        ProofError: `previous_proof_missing`, or `proof_id_repeated`.
    """
    if not previous:
        return unsecured
    if len(set(previous)) < len(previous):
        raise ProofError("proof_id_repeated", "a proof rests on another one twice")
    missing = [name for name in previous if name not in by_name]
    if missing:
        raise ProofError("previous_proof_missing", f"no proof has the id {quote(missing[0])}")
    return {**unsecured, "proof": [by_name[name] for name in previous]}
