"""The file `didsvc-witness-approvals/1`: what a witness on its own host signs below a draft.

    {"format","region","policy":b64u digest,"approvals":{REGION:did:webvh witness proof}}

A new root DID is approved by the native witness key of every other region. Where that key is on
another host than the region's others, this file carries its proofs to the region's signatures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.key import did_key_of
from did_service.core.did.webvh import write
from did_service.core.did.webvh.witness import witness_of
from did_service.core.encoding import b64, jcs, strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import PolicyError, ProofError, UsageError, quote
from did_service.core.limits import MAX_CARRIED_BYTES
from did_service.node.federation.draft import Draft
from did_service.node.federation.member import Member

FORMAT = "didsvc-witness-approvals/1"


@dataclass(frozen=True, slots=True)
class WitnessApprovals:
    """The proofs of one region's witness below one draft.

    Attributes:
        region: Its id.
        policy: Digest of the draft's policy.
        approvals: Proof of each other new root, by region id.
    """

    region: str
    policy: bytes
    approvals: Mapping[str, JsonValue]

    def encode(self) -> bytes:
        """Write the file; `parse_approvals` reads it."""
        members: JsonObject = {
            "format": FORMAT,
            "region": self.region,
            "policy": b64.encode_url(self.policy),
            "approvals": dict(self.approvals),
        }
        return jcs.encode(members) + b"\n"


def make_approvals(
    draft: Draft, region: str, native: SigningKey, now: datetime
) -> WitnessApprovals:
    """Approve each new root of a draft but the region's own."""
    approvals = {
        other: write.create_witness_proof(str(entry["versionId"]), native, now=now)
        for other, entry in draft.new_roots.items()
        if other != region
    }
    return WitnessApprovals(region, draft.policy.digest, approvals)


def parse_approvals(data: bytes) -> WitnessApprovals:
    """Read the file; what is signed is judged by `checked_approvals`.

    Raises:
        MalformedError, LimitError: another shape.
    """
    fields = Fields(strict_json.load_object(data, max_bytes=MAX_CARRIED_BYTES), "approvals")
    fields.constant("format", FORMAT)
    proofs = fields.fields("approvals")
    made = WitnessApprovals(
        fields.text("region", max_chars=16),
        fields.data("policy", size=32),
        {name: proofs.object(name) for name in proofs.names()},
    )
    fields.close()
    return made


def checked_approvals(
    draft: Draft, member: Member, given: WitnessApprovals | None
) -> Mapping[str, JsonValue]:
    """Return the approvals of a region whose witness signs elsewhere.

    Raises:
        UsageError: `witness_file_missing`: the draft brings roots, and no file was given;
            `witness_file_of_other`: it is another region's.
        PolicyError: `signature_of_other_draft`.
        ProofError: `signature_wrong`: not all of the new roots, or not its key's proofs.
    """
    others = draft.new_roots.keys() - {member.id}
    if given is None:
        if others:
            what = f"{quote(member.id)}: its witness approves the roots of {', '.join(others)}"
            raise UsageError("witness_file_missing", what)
        return {}
    if given.region != member.id:
        raise UsageError("witness_file_of_other", f"it is of {quote(given.region)}")
    if given.policy != draft.policy.digest:
        what = f"the witness of {quote(member.id)} has signed below another policy"
        raise PolicyError("signature_of_other_draft", what)
    native = did_key_of(multikey.decode_ed25519(member.native))
    versions = {name: str(draft.new_roots[name]["versionId"]) for name in others}
    approved = {
        name
        for name, proof in given.approvals.items()
        if name in versions and witness_of(versions[name], proof) == native
    }
    if not approved == others == given.approvals.keys():
        what = f"{quote(member.id)}: its witness does not approve the roots of this draft"
        raise ProofError("signature_wrong", what)
    return given.approvals
