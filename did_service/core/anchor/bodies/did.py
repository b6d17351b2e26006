"""The body of a `did` entry: one version of a did:webvh, as its did.jsonl has it.

    b = {"did", "entry": the did.jsonl object with its proof[, "witness": [proofs]]}
        {…, "op": "leave"}       the version moves the DID to a place with another home log
        {…, "op": "join", "x"}   the same version in that log; x: the old log, with the leave

What the version itself says is read by `core/did`.
"""

from typing import NamedTuple

from did_service.core.anchor.bodies.other_log import OtherLog, read_other
from did_service.core.anchor.bodies.void import check_states
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import UnsupportedError, quote
from did_service.core.limits import MAX_DID_WITNESSES

LEAVE, JOIN = "leave", "join"
_OPS = (None, LEAVE, JOIN)


class DidBody(NamedTuple):
    """What a `did` entry says.

    Attributes:
        did: The whole DID; in a leave as it was until then.
        entry: Its entry of did.jsonl.
        witness: Witness proofs of did:webvh, as received; None where it has no such member.
        op: `leave`, `join`, or None for a version that stays where it is.
        other: Of a join: the log that the DID has left, with the leave in it.
    """

    did: str
    entry: JsonObject
    witness: tuple[JsonValue, ...] | None = None
    op: str | None = None
    other: OtherLog | None = None

    def encode(self) -> JsonObject:
        """Return the entry body."""
        body: JsonObject = {"did": self.did, "entry": self.entry}
        if self.witness is not None:
            body["witness"] = [*self.witness]
        if self.op is not None:
            body["op"] = self.op
        return body if self.other is None else {**body, "x": self.other.encode()}


def parse_did_body(body: JsonObject) -> DidBody:
    """Read the body of a `did` entry.

    Raises:
        RuleError: `entry_voided`.
        UnsupportedError: `op_not_supported`: a later release may end a DID with it.
        LimitError, MalformedError: another shape.
    """
    check_states(body)
    op = body.get("op")
    if op not in _OPS or ("op" in body and op is None):
        raise UnsupportedError("op_not_supported", f"the operation {quote(op)}")
    fields = Fields(body, "did entry")
    did, entry, witness = fields.text("did"), fields.object("entry"), None
    if fields.has("witness"):
        witness = tuple(fields.array("witness", most=MAX_DID_WITNESSES))
    named = fields.text("op") if fields.has("op") else None
    other = read_other(fields.fields("x")) if named == JOIN else None
    fields.close()
    return DidBody(did, entry, witness, named, other)


def is_join(body: JsonObject) -> bool:
    """Say whether a `did` entry continues a chain of another log."""
    return body.get("op") == JOIN


def did_of(body: JsonObject) -> str:
    """Return the DID that a `did` entry names, also one that takes a version back; or empty."""
    did = body.get("did")
    return did if isinstance(did, str) else ""
