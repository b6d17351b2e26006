"""Since when a record has existed (threat rule 13).

    record ──salt──► leaf ──► batch root = `d` of an evidence entry ──► data tree
                                       that tree in a heads entry ──► checkpoint

The batch hides its size by padding to a power of two, so the path's length tells it. That an
entry exists does not go out of date: nobody asks whether it is the latest of its stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from did_service.core.anchor.batch import batch_leaf
from did_service.core.anchor.bodies.evidence import parse_evidence_body
from did_service.core.errors import NotFoundError, ProofError
from did_service.core.evidence.pieces import UnverifiedBatch
from did_service.core.evidence.proven import IssuanceProof, ProvenEntry
from did_service.core.log.merkle import check_inclusion

Anchoring = Mapping[tuple[str, int], Sequence[ProvenEntry]]
"""Evidence entries in data logs whose trees heads entries name, by origin and index."""


def anchoring_of(entries: Iterable[ProvenEntry]) -> Anchoring:
    """Find the evidence entries on which batches can rest.

    Of the heads entries that cover one, the first in the log and the first that a quorum saw
    prove all that the others do.
    """
    found: dict[tuple[str, int], list[ProvenEntry]] = {}
    for each in entries:
        if each.kind == "evidence" and each.tree is not None:
            found.setdefault(each.place, []).append(each)
    return {place: _earliest(known) for place, known in found.items()}


def _earliest(known: Sequence[ProvenEntry]) -> Sequence[ProvenEntry]:
    first = min(known, key=lambda each: each.tree.item.index if each.tree else 0)
    seen = min(known, key=lambda each: each.tree.existed_by if each.tree else 0)
    return (first,) if first is seen else (first, seen)


def take_batch(
    issued: dict[bytes, list[IssuanceProof]], batch: UnverifiedBatch, anchoring: Anchoring
) -> None:
    """Check one batch against the anchored evidence entries, and add what it proves.

    Args:
        issued: Proofs by record, added to.
        batch: As received.
        anchoring: Of `anchoring_of`.

    Raises:
        NotFoundError: `entry_missing`: no heads entry covers its evidence entry.
        ProofError: a Merkle code, or `stream_kind_wrong`.
        MalformedError: as `parse_evidence_body`.
    """
    proofs = [_issuance(batch, each) for each in anchoring.get((batch.log, batch.index), ())]
    if not proofs:
        raise NotFoundError("entry_missing", "the evidence entry of a batch is not at hand")
    issued.setdefault(batch.record, []).extend(proofs)


def _issuance(batch: UnverifiedBatch, proven: ProvenEntry) -> IssuanceProof:
    leaf, root = batch_leaf(batch.salt, batch.record), proven.digest
    check_inclusion(leaf, batch.position, 1 << len(batch.path), list(batch.path), root)
    body, tree = parse_evidence_body(proven.as_received.entry.body), proven.tree
    if body.kind != "issuance" or tree is None:
        raise ProofError("stream_kind_wrong", "not an issuance stream")
    return IssuanceProof(
        body.owner, tree.control, tree.item.index, tree.existed_by, batch, proven
    )
