"""The body of an `evidence` entry: whose stream its batch belongs to.

b = {"owner", "kind": of the stream, "proof"}        d = Merkle root of the batch
"""

from typing import NamedTuple

from did_service.core.anchor.bodies.members import pass_proof, read_kind
from did_service.core.anchor.streams import STREAM_ROLES
from did_service.core.encoding.strict_json import Fields, JsonObject

_KINDS = tuple(STREAM_ROLES)


class EvidenceBody(NamedTuple):
    """What an `evidence` entry says: the DID that owns the stream, and the stream's kind."""

    owner: str
    kind: str

    def encode(self) -> JsonObject:
        """Return the entry body without its proof."""
        return {"owner": self.owner, "kind": self.kind}


def parse_evidence_body(body: JsonObject) -> EvidenceBody:
    """Read the body of an `evidence` entry; its proof is left to `rules`.

    Raises:
        UnsupportedError: `kind_unknown`.
        MalformedError: another shape.
    """
    fields = Fields(body, "evidence")
    evidence = EvidenceBody(fields.text("owner"), read_kind(fields, _KINDS))
    pass_proof(fields)
    fields.close()
    return evidence
