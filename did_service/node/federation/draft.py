"""The draft `didsvc-policy-draft/1`: terms and member files, from which the policy follows.

    {"format","created","terms":{"federation","demo","seq","previous","expires","rules",
      "quorum","faults","governors","tiers","waivers","retired"?},"roots":{REGION:DID},"members":[…]}

Nothing that can be computed stands in it: every machine makes regions, log texts and the DIDs
of new roots from it by itself (a SCID does not depend on the signature below it). `roots` names
the DIDs of regions that have one already. The policy's fingerprint is what people compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from did_service.core.anchor.bodies import policy as policies
from did_service.core.anchor.bodies.policy import Policy, parse_policy
from did_service.core.crypto import multikey
from did_service.core.did.key import did_key_of
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh import write
from did_service.core.did.webvh.parameters import WitnessRule
from did_service.core.encoding import b64, jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import (
    MalformedError,
    PolicyError,
    ProofError,
    UsageError,
    quote,
)
from did_service.core.limits import MAX_CARRIED_BYTES, MAX_POLICY_MEMBERS
from did_service.core.log.policy import KnownWitness, LogPolicy, PolicyLog, check_portable
from did_service.core.log.quorum import Quorum
from did_service.node.federation.member import Member, parse_member
from did_service.node.federation.terms import PolicyTerms, parse_terms

FORMAT = "didsvc-policy-draft/1"
TIERS: JsonObject = {"online": 300, "day": 86_400, "field": 604_800}


@dataclass(frozen=True)
class Draft:
    """A policy before it is signed.

    Attributes:
        created: Aware UTC; the versionTime of new roots.
        terms: What is agreed on.
        roots: DID by region id, of those that have one already.
        regions: Every member, in the order of the policy.
    """

    created: datetime
    terms: PolicyTerms
    roots: Mapping[str, str]
    regions: tuple[Member, ...]

    @cached_property
    def policy(self) -> Policy:
        """The policy that follows, signed by nobody.

        Raises:
            PolicyError, MalformedError: it would not be sound.
        """
        return parse_policy({**_policy(self), "proof": [{}]})

    @cached_property
    def new_roots(self) -> Mapping[str, JsonObject]:
        """The first entry of each DID that this policy brings, unsigned, by region id."""
        return {
            each.id: _root_entry(self, each)
            for each in self.regions
            if each.id not in self.roots
        }

    def root_of(self, region: str) -> str:
        """Return the root DID of a region."""
        if region in self.roots:
            return self.roots[region]
        state = strict_json.as_object(self.new_roots[region]["state"], "state")
        return str(state["id"])

    def region(self, identifier: str) -> Member:
        """Return a member by its id.

        Raises:
            UsageError: `region_unknown`.
        """
        for each in self.regions:
            if each.id == identifier:
                return each
        raise UsageError("region_unknown", f"no region {quote(identifier)} in the draft")

    def encode(self) -> bytes:
        """Write the file; `parse_draft_file` reads it."""
        regions: list[JsonValue] = [each.members for each in self.regions]
        members: JsonObject = {
            "format": FORMAT,
            "created": timestamps.encode(self.created),
            "terms": self.terms.encode(),
            "roots": dict(self.roots),
            "members": regions,
        }
        return jcs.encode(members) + b"\n"


def parse_draft_file(data: bytes) -> Draft:
    """Read a draft, every member file in it, and the policy that follows.

    Raises:
        MalformedError, LimitError: another shape.
        ProofError: as `parse_member`; `member_proof_missing`: a first policy has a former key.
        PolicyError: `roots_changed`: a first policy names roots; or it would not be sound.
    """
    fields = Fields(strict_json.load_object(data, max_bytes=MAX_CARRIED_BYTES), "draft")
    fields.constant("format", FORMAT)
    roots = fields.fields("roots")
    draft = Draft(
        created=timestamps.parse_utc(fields.text("created")),
        terms=parse_terms(fields.fields("terms")),
        roots={name: _did(roots, name) for name in roots.names()},
        regions=tuple(
            parse_member(item) for item in fields.array("members", most=MAX_POLICY_MEMBERS)
        ),
    )
    fields.close()
    if not draft.roots.keys() <= {each.id for each in draft.regions}:
        raise MalformedError("member_invalid", "draft.roots names a region that is no member")
    if draft.terms.previous is None:
        _check_first(draft)
    _ = draft.policy
    return draft


def _check_first(draft: Draft) -> None:
    """Before the first policy nobody has a root DID, and no log a key that it no longer uses.

    Both would stand there without whoever has their keys.
    """
    if draft.roots:
        raise PolicyError("roots_changed", "the draft of a first policy names root DIDs")
    for each in draft.regions:
        if any(len(keys) > 1 for keys in each.logs.values()):
            what = f"{quote(each.id)}: a former key of a log that never signed"
            raise ProofError("member_proof_missing", what)


def _did(fields: Fields, name: str) -> str:
    did = fields.text(name)
    parse_webvh(did)
    return did


# --- what follows from a draft ----------------------------------------------------------------


def _policy(draft: Draft) -> JsonObject:
    terms = draft.terms
    regions: list[JsonValue] = [_region(draft, each) for each in draft.regions]
    keys: list[JsonValue] = [each.governance for each in draft.regions]
    return {
        "format": policies.FORMAT,
        "federation": terms.federation,
        "demo": terms.demo,
        "seq": terms.sequence,
        "previous": None if terms.previous is None else b64.encode_url(terms.previous),
        "expires": timestamps.encode(terms.expires),
        "rules": terms.rules,
        "regions": regions,
        "faults": {"regions": terms.faults, "outside": 0},
        "governance": {"k": terms.governors, "keys": keys},
        "tiers": terms.tiers,
        "waivers": list(terms.waivers),
        **terms.encode_retired(),
    }


def _region(draft: Draft, own: Member) -> JsonObject:
    return {
        "id": own.id,
        "name": {"zh": own.name.zh, "en": own.name.en},
        "territory": list(own.territory),
        "hosts": list(own.hosts),
        "prefixes": list(own.prefixes),
        "root": draft.root_of(own.id),
        "logs": {origin: _log_text(draft, own, origin) for origin in own.logs},
        "witness": own.witness.encode(),
        "daily_entries": own.daily_entries,
        "daily_bytes": own.daily_bytes,
    }


def _log_text(draft: Draft, own: Member, origin: str) -> str:
    """Return any `quorum` of the other regions: no key of the log's own operator counts."""
    others = tuple(
        KnownWitness(each.id, each.witness, f"https://{each.witness.name}")
        for each in draft.regions
        if each.id != own.id
    )
    logs = tuple(PolicyLog(key, f"https://{origin}") for key in own.logs[origin])
    quorum = Quorum.of(draft.terms.quorum, [each.name for each in others])
    made = LogPolicy(logs, others, quorum)
    check_portable(made)
    return made.encode().decode()


def _root_entry(draft: Draft, own: Member) -> JsonObject:
    """Return the first entry of a region's root: every other region is its native witness."""
    native = [
        did_key_of(multikey.decode_ed25519(each.native))
        for each in draft.regions
        if each.id != own.id
    ]
    rule = WitnessRule(draft.terms.quorum, tuple(native))
    parameters: JsonObject = {"nextKeyHashes": [own.root.next], "witness": rule.encode()}
    update = multikey.decode_ed25519(own.root.update)
    return write.draft(own.root.document(own.host), parameters, update, now=draft.created)


def thresholds(regions: Sequence[Member] | int) -> tuple[int, int, int]:
    """Return what is usual for so many regions: quorum, faults, governors.

    A quorum of k of m others shares an honest cosigner with any other one if 2k > m + f; f is
    the largest number for which one region more may still be down.
    """
    number = regions if isinstance(regions, int) else len(regions)
    others = number - 1
    faults = max(0, (number - 2) // 3)
    return (others + faults) // 2 + 1, faults, number // 2 + 1
