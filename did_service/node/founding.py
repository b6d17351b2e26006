"""Founding a federation: keys, root DIDs, the first policy, and the first entries of each log.

Each region makes its own keys, one key a role. The root DIDs are written and receive native
witness proofs of the other regions; a threshold of governance keys signs policy 1; each control
log begins with that policy and its region's root (docs/formats.md §4). Between separate
machines the files are passed by hand; here one process does the same steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.did import DidBody
from did_service.core.anchor.bodies.policy import FORMAT, Policy, sign_policy
from did_service.core.anchor.entry import Submission
from did_service.core.anchor.rules_number import RULES
from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SEED_BYTES, SigningKey
from did_service.core.did.document import document_with_keys
from did_service.core.did.key import did_key_of
from did_service.core.did.syntax import did_id
from did_service.core.did.webvh import write
from did_service.core.did.webvh.entry import parse_entry
from did_service.core.did.webvh.parameters import WitnessRule, next_key_hash
from did_service.core.encoding import bilingual, strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import NoteSigner
from did_service.core.log.policy import KnownWitness, LogPolicy, PolicyLog, check_portable
from did_service.core.log.quorum import Quorum
from did_service.core.text import Bilingual
from did_service.program.clock import ClockAndRandom, Rng

_POLICY_LIFETIME = timedelta(days=365)
_TIERS: JsonObject = {"online": 300, "day": 86_400, "field": 604_800}


@dataclass(frozen=True, slots=True)
class Plan:
    """What the members of a federation have agreed on.

    Attributes:
        federation: The federation's URN.
        regions: Its members.
        years: Of the first data logs: each has to be named before it begins.
        quorum: How many of the other regions must cosign a checkpoint.
        governors: How many governance keys must sign a policy.
        faults: How many cosigners of one log may be malicious.
        demo: Whether everything is fictional, which each verdict then says.
    """

    federation: str
    regions: tuple[RegionPlan, ...]
    years: tuple[int, ...]
    quorum: int
    governors: int
    faults: int
    demo: bool


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """One member: its id, name, territory code and host."""

    id: str
    name: Bilingual
    territory: str
    host: str


@dataclass(frozen=True, slots=True)
class OfficeIdentity:
    """A DID with its first entry and the keys behind it.

    `next` is committed to by its hash alone and belongs on removable media.
    """

    did: str
    method: str
    sign: SigningKey
    update: SigningKey
    next: SigningKey
    entry: JsonObject


@dataclass(frozen=True, slots=True)
class RegionKeys:
    """The keys of one region, one key a role."""

    logs: Mapping[str, NoteSigner]
    witness: Cosigner
    native: SigningKey
    governance: SigningKey


@dataclass(frozen=True, slots=True)
class Founded:
    """A federation that has been founded."""

    policy: Policy
    keys: Mapping[str, RegionKeys]
    roots: Mapping[str, OfficeIdentity]

    def first_entries(self, region: str, now: datetime) -> tuple[Submission, Submission]:
        """Return the entries with which a region's control log begins: policy, then root."""
        policy = entries.compose("policy", self.policy.federation, self.policy.encode())
        root = self.roots[region]
        proofs: list[JsonValue] = [
            write.create_witness_proof(str(root.entry["versionId"]), keys.native, now=now)
            for other, keys in self.keys.items()
            if other != region
        ]
        return policy, did_entry(root, proofs)


def found_federation(plan: Plan, edge: ClockAndRandom) -> Founded:
    """Make all keys, root DIDs and the signed policy of a new federation."""
    keys = {region.id: _region_keys(region, plan.years, edge.rng) for region in plan.regions}
    roots = {region.id: _root(region, plan, keys, edge) for region in plan.regions}
    governors = [made.governance for made in keys.values()][: plan.governors]
    policy = sign_policy(_members(plan, keys, roots, edge.clock()), governors, edge.clock())
    return Founded(policy, keys, roots)


def create_identity(
    location: str, edge: ClockAndRandom, parameters: Mapping[str, JsonValue] | None = None
) -> OfficeIdentity:
    """Create a did:webvh with pre-rotation: signing, update and next key, each its own.

    Args:
        location: `host[:segment…]` of the DID.
        edge: Clock and randomness.
        parameters: Further did:webvh parameters, such as `witness`.
    """
    sign, update, following = (SigningKey(edge.rng(SEED_BYTES)) for _ in range(3))
    did, entry = first_version(location, [sign], update, following, edge.clock(), parameters)
    return OfficeIdentity(did, f"{did}#key-1", sign, update, following, entry)


def first_version(
    location: str,
    signing: Sequence[SigningKey],
    update: SigningKey,
    following: SigningKey,
    now: datetime,
    parameters: Mapping[str, JsonValue] | None = None,
) -> tuple[str, JsonObject]:
    """Write the first version of a did:webvh with pre-rotation, from keys that are kept.

    Args:
        location: `host[:segment…]` of the DID.
        signing: Become `#key-1`, `#key-2` and so on.
        update: Signs this version.
        following: Is committed to by its hash alone.
        now: Aware UTC.
        parameters: Further did:webvh parameters, such as `witness`.

    Returns:
        The DID and its first entry.
    """
    committed = next_key_hash(multikey.encode_ed25519(following.public))
    keys = {f"key-{number}": key.public for number, key in enumerate(signing, 1)}
    template = document_with_keys(f"did:webvh:{{SCID}}:{location}", keys)
    chosen: JsonObject = {"nextKeyHashes": [committed], **(parameters or {})}
    return write.create(template, chosen, update, now=now)


def did_of_log(log: bytes) -> str:
    """Return the DID whose log this is, as its newest version has it.

    Raises:
        MalformedError: it is no log of a did:webvh.
    """
    newest = parse_entry(log.rstrip(b"\n").rpartition(b"\n")[2])
    return strict_json.as_text(newest.state.get("id"), "id")


def did_entry(identity: OfficeIdentity, witness: Sequence[JsonValue] = ()) -> Submission:
    """Return the log entry of a DID's first version."""
    body = DidBody(identity.did, identity.entry, tuple(witness) or None)
    return entries.compose("did", did_id(identity.did), body.encode())


def _region_keys(region: RegionPlan, years: Sequence[int], rng: Rng) -> RegionKeys:
    origins = (f"{region.host}/reg", *(f"{region.host}/ev/{year}" for year in years))
    return RegionKeys(
        logs={origin: NoteSigner(origin, _key(rng)) for origin in origins},
        witness=Cosigner(f"{region.host}/witness", _key(rng)),
        native=_key(rng),
        governance=_key(rng),
    )


def _root(
    region: RegionPlan, plan: Plan, keys: Mapping[str, RegionKeys], edge: ClockAndRandom
) -> OfficeIdentity:
    witnesses = tuple(
        did_key_of(made.native.public) for other, made in keys.items() if other != region.id
    )
    rule = WitnessRule(plan.quorum, witnesses)
    return create_identity(region.host, edge, {"witness": rule.encode()})


def _members(
    plan: Plan,
    keys: Mapping[str, RegionKeys],
    roots: Mapping[str, OfficeIdentity],
    created: datetime,
) -> JsonObject:
    governors: list[JsonValue] = [
        multikey.encode_ed25519(made.governance.public) for made in keys.values()
    ]
    regions: list[JsonValue] = [
        _region(region, plan, keys, roots[region.id].did) for region in plan.regions
    ]
    return {
        "format": FORMAT,
        "federation": plan.federation,
        "demo": plan.demo,
        "seq": 1,
        "previous": None,
        "expires": timestamps.encode(created + _POLICY_LIFETIME),
        "rules": RULES,
        "regions": regions,
        "faults": {"regions": plan.faults, "outside": 0},
        "governance": {"k": plan.governors, "keys": governors},
        "tiers": _TIERS,
        "waivers": [],
    }


def _region(
    region: RegionPlan, plan: Plan, keys: Mapping[str, RegionKeys], root: str
) -> JsonObject:
    own = keys[region.id]
    return {
        "id": region.id,
        "name": bilingual.encode(region.name),
        "territory": [region.territory],
        "hosts": [region.host],
        "prefixes": [f"https://{region.host}/"],
        "root": root,
        "logs": {
            origin: _log_policy(signer, region, plan, keys).encode().decode()
            for origin, signer in own.logs.items()
        },
        "witness": own.witness.verifier_key.encode(),
        "daily_entries": 100_000,
        "daily_bytes": 200_000_000,
    }


def _log_policy(
    signer: NoteSigner, region: RegionPlan, plan: Plan, keys: Mapping[str, RegionKeys]
) -> LogPolicy:
    """Return any `quorum` of the other regions: no key of the log's own operator counts."""
    others = {
        each.id: KnownWitness(
            each.id, keys[each.id].witness.verifier_key, f"https://{each.host}/witness"
        )
        for each in plan.regions
        if each.id != region.id
    }
    log = PolicyLog(signer.verifier_key, f"https://{signer.name}")
    made = LogPolicy((log,), tuple(others.values()), Quorum.of(plan.quorum, list(others)))
    check_portable(made)
    return made


def _key(rng: Rng) -> SigningKey:
    return SigningKey(rng(SEED_BYTES))
