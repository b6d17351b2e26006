"""Witness proofs of did:webvh (did:webvh 1.0 §3.7.8) and `did-witness.json`.

    [{"versionId": "2-Qm…", "proof": [eddsa-jcs-2022 over {"versionId": "2-Qm…"}, …]}, …]

A valid proof on version v approves every version up to v. Who must approve a version is the
rule that was active before it; a first rule is active at once (`HistoryState.witness_rule`).
The published test suite reads a replacement of the list the other way; three independent
verifiers read it as we do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from did_service.core.did.key import did_key_of
from did_service.core.did.webvh.entry import check_proof
from did_service.core.did.webvh.state import HistoryState
from did_service.core.encoding.strict_json import (
    JsonValue,
    as_array,
    as_object,
    loads,
)
from did_service.core.errors import DidServiceError, LimitError, ProofError
from did_service.core.integrity.data_integrity import parse_proof
from did_service.core.limits import MAX_DID_LOG_BYTES, MAX_WITNESS_PROOFS, MAX_WITNESS_VALUES


@dataclass(frozen=True, slots=True)
class UnverifiedWitnessProof:
    """One proof of `did-witness.json`, as received, and the version that it names."""

    version_id: str
    proof: JsonValue


def parse_witness_file(data: bytes) -> tuple[UnverifiedWitnessProof, ...]:
    """Parse `did-witness.json`; items without a versionId or proofs are passed over.

    Raises:
        MalformedError: not a JSON array of objects.
        LimitError: larger than 5 MiB, or more than 16,384 proofs.
    """
    found: list[UnverifiedWitnessProof] = []
    listed = loads(data, max_bytes=MAX_DID_LOG_BYTES, max_values=MAX_WITNESS_VALUES)
    for item in as_array(listed, "did-witness.json"):
        members = as_object(item, "did-witness.json item")
        version_id, proofs = members.get("versionId"), members.get("proof")
        if isinstance(version_id, str):
            listed = proofs if isinstance(proofs, list) else [proofs]
            found.extend(UnverifiedWitnessProof(version_id, proof) for proof in listed)
    if len(found) > MAX_WITNESS_PROOFS:
        raise LimitError("too_large", f"more than {MAX_WITNESS_PROOFS} witness proofs")
    return tuple(found)


def check_witness_proofs(state: HistoryState, proofs: Iterable[JsonValue]) -> None:
    """Check that the proofs which came with the newest entry are enough of its witnesses.

    Args:
        state: What `accept` returned; a version that needs no witnesses needs no proofs.
        proofs: Data Integrity proofs over `{"versionId": …}` of that version; invalid ones and
            those of strangers do not count.

    Raises:
        ProofError: `witness_threshold`: fewer distinct witnesses than the threshold.
    """
    rule, version_id = state.witness_rule, state.version.version_id
    if rule is None:
        return
    approving = {witness_of(version_id, proof) for proof in proofs}.intersection(rule.witnesses)
    if len(approving) < rule.threshold:
        raise ProofError(
            "witness_threshold",
            f"{len(approving)} of {rule.threshold} witnesses approve {version_id}",
        )


def first_unapproved(
    states: Sequence[HistoryState], proofs: Iterable[UnverifiedWitnessProof]
) -> int | None:
    """Return the index of the first version that lacks its approvals, None when all have them.

    Args:
        states: Every valid version of the log, oldest first.
        proofs: The witness file; proofs of versions that the log lacks are ignored.
    """
    numbers = {state.version.version_id: state.version.number for state in states}
    approved: dict[str | None, int] = {}
    for item in proofs:
        number = numbers.get(item.version_id, 0)
        witness = witness_of(item.version_id, item.proof) if number else None
        approved[witness] = max(number, approved.get(witness, 0))
    for index, state in enumerate(states):
        rule = state.witness_rule
        if rule is not None:
            reach = [approved.get(witness, 0) for witness in rule.witnesses]
            if sum(number >= state.version.number for number in reach) < rule.threshold:
                return index
    return None


def witness_of(version_id: str, proof: JsonValue) -> str | None:
    """Return the did:key that made a valid proof over a version, None when it is not valid."""
    try:
        return did_key_of(check_proof({"versionId": version_id}, parse_proof(proof)))
    except DidServiceError:
        return None
