"""The signature file `didsvc-policy-signatures/1`: what regions have signed below one draft.

    {"format","policy":b64u digest,"signatures":[{"region","policy":[proofs],
      "root":proof|null,"approvals":{REGION:proof}}]}

A region signs the policy with its governance keys (the former one as well, where it changes),
its own root if that is new, and as native witness the new root of every other region. Files of
several regions are merged by taking them together: `merged`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from did_service.core.anchor.bodies.policy import Policy, check_signed, parse_policy
from did_service.core.anchor.governance import counting, create_proofs
from did_service.core.anchor.region import Region
from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.key import did_key_of
from did_service.core.did.webvh import write
from did_service.core.did.webvh.profile import Profile, check_profile
from did_service.core.did.webvh.state import accept
from did_service.core.did.webvh.witness import check_witness_proofs, witness_of
from did_service.core.encoding import b64, jcs, strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    PolicyError,
    ProofError,
    quote,
)
from did_service.core.limits import MAX_CARRIED_BYTES, MAX_POLICY_MEMBERS, MAX_PROOFS
from did_service.core.log.policy import PolicyLog
from did_service.node.federation.draft import Draft
from did_service.node.federation.member import Member

FORMAT = "didsvc-policy-signatures/1"


@dataclass(frozen=True, slots=True)
class RegionSignature:
    """What one region has signed.

    Attributes:
        region: Its id.
        policy: Proofs of its governance keys over the policy.
        root: The proof below its own new root DID; None where it has one already.
        approvals: Its native witness proof of each other new root, by region id.
    """

    region: str
    policy: tuple[JsonValue, ...]
    root: JsonValue
    approvals: Mapping[str, JsonValue]

    def encode(self) -> JsonObject:
        """Return one member of `signatures`."""
        return {
            "region": self.region,
            "policy": list(self.policy),
            "root": self.root,
            "approvals": dict(self.approvals),
        }


@dataclass(frozen=True, slots=True)
class DraftSignatures:
    """The signatures below one draft, by region id; `policy` is the digest they are for."""

    policy: bytes
    by_region: Mapping[str, RegionSignature]

    def encode(self) -> bytes:
        """Write the file; `parse_signatures` reads it."""
        listed: list[JsonValue] = [each.encode() for _, each in sorted(self.by_region.items())]
        members: JsonObject = {
            "format": FORMAT,
            "policy": b64.encode_url(self.policy),
            "signatures": listed,
        }
        return jcs.encode(members) + b"\n"


@dataclass(frozen=True, slots=True)
class NewRoot:
    """A root DID as its log takes it: first version, and who approves it."""

    version: JsonObject
    approvals: tuple[JsonValue, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a draft has become: the signed policy, and each root that it brings."""

    policy: Policy
    roots: Mapping[str, NewRoot]


def make_signature(
    draft: Draft,
    member: Member,
    governance: Sequence[SigningKey],
    approvals: Mapping[str, JsonValue],
    update: SigningKey | None,
    now: datetime,
) -> RegionSignature:
    """Sign what a region signs below a draft.

    Args:
        draft: That was compared.
        member: The region's own part in it.
        governance: Its keys that count for this policy or for the one before.
        approvals: Its witness's proof of each other new root, by region id.
        update: Signs its own root, if that is new; else None.
        now: Aware UTC.
    """
    new = draft.new_roots
    root = None if update is None else write.sign(new[member.id], update)["proof"]
    proofs = create_proofs(draft.policy.document, governance, now)
    only = root[0] if isinstance(root, list) else None
    return RegionSignature(member.id, tuple(proofs), only, approvals)


def parse_signatures(data: bytes) -> DraftSignatures:
    """Read a signature file; what is signed is judged by `settle`.

    Raises:
        MalformedError, LimitError: another shape.
        ConflictError: `signature_repeated`: a region stands in it twice.
    """
    fields = Fields(strict_json.load_object(data, max_bytes=MAX_CARRIED_BYTES), "signatures")
    fields.constant("format", FORMAT)
    policy = fields.data("policy", size=32)
    found: dict[str, RegionSignature] = {}
    for item in fields.array("signatures", most=MAX_POLICY_MEMBERS):
        each = _signature(Fields(item, "signatures.signatures"))
        if found.setdefault(each.region, each) is not each:
            raise ConflictError(
                "signature_repeated", f"{quote(each.region)} stands there twice"
            )
    fields.close()
    return DraftSignatures(policy, found)


def _signature(fields: Fields) -> RegionSignature:
    approvals = fields.fields("approvals")
    made = RegionSignature(
        fields.text("region", max_chars=16),
        tuple(fields.array("policy", most=MAX_PROOFS)),
        None if fields.value("root") is None else fields.object("root"),
        {name: approvals.object(name) for name in approvals.names()},
    )
    fields.close()
    return made


def merged(draft: Draft, files: Iterable[DraftSignatures]) -> DraftSignatures:
    """Take the signatures of several files below one draft together.

    Raises:
        PolicyError: `signature_of_other_draft`: a file belongs below another draft.
        ConflictError: `signature_repeated`: two files have different ones of one region.
    """
    found: dict[str, RegionSignature] = {}
    for file in files:
        if file.policy != draft.policy.digest:
            told = ", ".join(map(quote, file.by_region)) or "nobody"
            what = f"the signatures of {told} stand below another policy"
            raise PolicyError("signature_of_other_draft", what)
        for region, each in file.by_region.items():
            draft.region(region)
            if found.setdefault(region, each) != each:
                what = f"two files have different signatures of {quote(region)}"
                raise ConflictError("signature_repeated", what)
    return DraftSignatures(draft.policy.digest, found)


def missing(draft: Draft, signatures: DraftSignatures) -> tuple[str, ...]:
    """Return the ids of the members that have not signed, in the order of the draft."""
    return tuple(e.id for e in draft.regions if e.id not in signatures.by_region)


def settle(draft: Draft, former: Policy | None, signatures: DraftSignatures) -> Settled:
    """Judge every signature and put the policy together.

    Args:
        draft: The one that was compared.
        former: The policy before, None where this is the first: then all have to sign. Else
            those have to whom it brings a root, or of whom it says something else.
        signatures: Of one or many regions.

    Raises:
        PolicyError: `signatures_missing` names the regions; `policy_signatures_missing`.
        ProofError: `signature_wrong` names the region whose file was changed, or whose keys are
            not those of the draft; `witness_threshold`: a new root has too few approvals.
    """
    needed = [r for r in missing(draft, signatures) if _has_to_sign(draft, former, r)]
    if needed:
        names = ", ".join(map(quote, needed))
        raise PolicyError("signatures_missing", f"not signed yet by {names}")
    for each in signatures.by_region.values():
        _check_signature(draft, former, each)
    roots = {region: _root(draft, region, signatures) for region in draft.new_roots}
    proofs = _chosen(draft, former, signatures)
    if not proofs:
        raise PolicyError("signatures_missing", "no region has signed yet")
    policy = parse_policy({**draft.policy.document, "proof": proofs})
    check_signed(policy, policy)
    if former is not None:
        check_signed(policy, former)
    return Settled(policy, roots)


def _has_to_sign(draft: Draft, former: Policy | None, region: str) -> bool:
    """A region agrees to what is said of it: an old file of it puts no former key back."""
    if former is None or region in draft.new_roots:
        return True
    before, now = (
        [_said(each) for each in policy.regions if each.id == region]
        for policy in (former, draft.policy)
    )
    return now != before or draft.region(region).governance not in former.governors


def _said(region: Region) -> tuple[Region, dict[str, tuple[PolicyLog, ...]]]:
    """Return what a policy says of one region alone: no text names its witnesses."""
    return region._replace(logs={}), {o: text.logs for o, text in region.logs.items()}


def _check_signature(draft: Draft, former: Policy | None, signed: RegionSignature) -> None:
    """Every proof counts, one is of the region's own key, and it approves all that is new."""
    governors = {*draft.policy.governors, *(former.governors if former else ())}
    counted = counting(draft.policy.document, signed.policy, governors)
    own = draft.region(signed.region).governance
    if len(counted) != len(signed.policy) or own not in counted:
        what = f"{quote(signed.region)}: not its governance keys' signatures of this policy"
        raise ProofError("signature_wrong", what)
    others = draft.new_roots.keys() - {signed.region}
    is_new = signed.region in draft.new_roots
    if signed.approvals.keys() != others or is_new is (signed.root is None):
        what = f"{quote(signed.region)}: not the roots that this policy brings"
        raise ProofError("signature_wrong", what)


def _chosen(
    draft: Draft, former: Policy | None, signatures: DraftSignatures
) -> list[JsonValue]:
    """Return at most eight proofs: those of governors of both policies first."""
    proofs = [proof for each in signatures.by_region.values() for proof in each.policy]
    new, old = draft.policy, former or draft.policy
    governors = [*new.governors, *old.governors]
    counted = counting(new.document, proofs, governors)
    both = [g for g in new.governors if g in old.governors]
    only = [
        [g for g in new.governors if g not in both][: max(0, new.threshold - len(both))],
        [g for g in old.governors if g not in both][: max(0, old.threshold - len(both))],
    ]
    wanted = dict.fromkeys([*(g for part in only for g in part), *both, *governors])
    present = [counted[governor] for governor in wanted if governor in counted]
    return present[:MAX_PROOFS]


def _root(draft: Draft, region: str, signatures: DraftSignatures) -> NewRoot:
    """Judge the first version of a new root, and who approves it."""
    own = signatures.by_region[region]
    entry: JsonObject = {**draft.new_roots[region], "proof": [own.root]}
    try:
        state = accept(None, entry, now=draft.created)
        check_profile(state, Profile.AUTHORITY)
    except DidServiceError as error:
        raise ProofError("signature_wrong", f"{quote(region)}: {error.message}") from error
    given = [e for e in signatures.by_region.values() if e.region != region]
    for each in given:
        native = did_key_of(multikey.decode_ed25519(draft.region(each.region).native))
        if witness_of(state.version.version_id, each.approvals[region]) != native:
            what = f"{quote(each.region)} does not approve the root of {quote(region)}"
            raise ProofError("signature_wrong", what)
    approvals = tuple(each.approvals[region] for each in given)
    check_witness_proofs(state, approvals)
    return NewRoot(entry, approvals)
