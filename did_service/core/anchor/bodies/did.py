"""The body of a `did` entry: one version of a did:webvh, as its did.jsonl has it.

    b = {"did", "entry": the did.jsonl object with its proof[, "witness": [proofs]]}

What the version itself says is read by `core/did`.
"""

from __future__ import annotations

from typing import NamedTuple

from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import UnsupportedError, quote
from did_service.core.limits import MAX_DID_WITNESSES


class DidBody(NamedTuple):
    """What a `did` entry says.

    Attributes:
        did: The whole DID.
        entry: Its entry of did.jsonl.
        witness: Witness proofs of did:webvh, as received; None where it has no such member.
    """

    did: str
    entry: JsonObject
    witness: tuple[JsonValue, ...] | None = None

    def encode(self) -> JsonObject:
        """Return the entry body."""
        body: JsonObject = {"did": self.did, "entry": self.entry}
        return body if self.witness is None else {**body, "witness": [*self.witness]}


def parse_did_body(body: JsonObject) -> DidBody:
    """Read the body of a `did` entry.

    Raises:
        UnsupportedError: `op_not_supported`: a later release may end or move a DID with it.
        LimitError, MalformedError: another shape.
    """
    if "op" in body:
        raise UnsupportedError("op_not_supported", f"the operation {quote(body['op'])}")
    fields = Fields(body, "did entry")
    did, entry, witness = fields.text("did"), fields.object("entry"), None
    if fields.has("witness"):
        witness = tuple(fields.array("witness", most=MAX_DID_WITNESSES))
    fields.close()
    return DidBody(did, entry, witness)
