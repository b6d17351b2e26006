"""The federation policy: the only thing a counter trusts beforehand.

A small signed envelope (docs/formats.md §4): the regions with their hosts, root DIDs and log
keys, for each log its own c2sp.org/tlog-policy text, the governance keys, the freshness tiers
and the named waivers. It is pinned once with a fingerprint from a second channel and goes on
one step at a time, signed by thresholds of the old and the new governance (threat rule 17).

Here a policy is read, judged on its own (`policy_soundness`), and compared with the former.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from did_service.core.anchor import policy_soundness
from did_service.core.anchor.fingerprint import read_fingerprint
from did_service.core.anchor.freshness import Waiver, parse_tiers, parse_waiver
from did_service.core.anchor.governance import counting, create_proofs, ordered_proofs
from did_service.core.anchor.hosts import Hosts, hosts_of, longest, parse_retired
from did_service.core.anchor.lasting import (
    Prefixes,
    check_lasting,
    longest_prefix,
    prefixes_of,
)
from did_service.core.anchor.region import Region, parse_region
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.did.syntax import WebvhDid
from did_service.core.encoding import jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import MalformedError, PolicyError, quote
from did_service.core.limits import MAX_POLICY_MEMBERS, POLICY_LIFETIME_DAYS
from did_service.core.log.policy import LogPolicy

FORMAT = "didsvc-policy/1"


@dataclass(frozen=True)
class Policy:
    """One policy. `members` is the object as received, its proofs in order and each once.

    Equal digests mean the same policy, whatever signatures came with it. `rules` is the number
    by which logs are judged; `retired` are hosts that nobody has any more (`hosts`).
    """

    federation: str
    demo: bool
    rules: int
    sequence: int
    previous: bytes | None
    expires: datetime
    regions: tuple[Region, ...]
    region_faults: int
    outside_faults: int
    threshold: int
    governors: tuple[str, ...]
    tiers: dict[str, int]
    waivers: tuple[Waiver, ...]
    retired: tuple[str, ...]
    members: JsonObject

    @property
    def document(self) -> JsonObject:
        """The policy without its proofs: what governors sign."""
        return {name: value for name, value in self.members.items() if name != "proof"}

    @property
    def proofs(self) -> list[JsonValue]:
        """The proofs, sorted and each once."""
        return strict_json.as_array(self.members["proof"], "policy.proof")

    def encode(self) -> JsonObject:
        """Return the body of a `policy` entry."""
        return {"policy": self.members}

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical policy without its proofs, 32 bytes: which policy it is."""
        return sha256(jcs.encode(self.document))

    @property
    def fingerprint(self) -> str:
        """Eight groups of four hex digits, to be compared over a second channel."""
        return self.digest[:16].hex(" ", 2)

    def log_policy(self, origin: str) -> LogPolicy:
        """Return the tlog-policy of a log.

        Raises:
            PolicyError: `log_unknown`.
        """
        return self.region_of_log(origin).logs[origin]

    def region_of_log(self, origin: str) -> Region:
        """Return the region that operates a log.

        Raises:
            PolicyError: `log_unknown`.
        """
        for region in self.regions:
            if origin in region.logs:
                return region
        raise PolicyError("log_unknown", f"no log {quote(origin)} in the policy")

    def region_of_host(self, host: str) -> Region:
        """Return the region with the longest host that this one equals or is below.

        Raises:
            PolicyError: `home_unknown`, also where that region has left.
        """
        own = longest(host, self.hosts)
        region = None if own is None else self.hosts[own]
        if region is None:
            raise PolicyError("home_unknown", f"host {quote(host)} belongs to no region")
        return region

    @cached_property
    def hosts(self) -> Hosts:
        """Who has which host."""
        return hosts_of(self.regions, self.retired)

    def home_of_did(self, did: WebvhDid) -> Region:
        """Return the only region in whose log a did:webvh may stand.

        Raises:
            PolicyError: `home_unknown`, however it is spelt.
            MalformedError: `did_not_canonical`: our logs have one spelling of a DID.
        """
        home = self.region_of_host(did.host)
        if not did.location.is_canonical:
            raise MalformedError(
                "did_not_canonical", f"another spelling of a port: {quote(did)}"
            )
        return home

    def home_of_schema(self, identifier: str) -> Region:
        """Return the region in whose log a schema id may stand: longest fitting prefix.

        Raises:
            PolicyError: `home_unknown`.
        """
        prefix = longest_prefix(identifier, self.prefixes)
        if prefix is None:
            raise PolicyError("home_unknown", f"{quote(identifier)} belongs to no region")
        return self.prefixes[prefix]

    @cached_property
    def prefixes(self) -> Prefixes:
        """Who has which prefix of schema ids."""
        return prefixes_of(self.regions)

    def region_of_root(self, did: str) -> Region | None:
        """Return the region that has this root DID, None if it is no root."""
        return next((region for region in self.regions if region.root == did), None)


def parse_policy(value: JsonValue) -> Policy:
    """Read a policy and judge it on its own; signatures are left to the checks below.

    Raises:
        UnsupportedError, MalformedError: another format, version or shape.
        LimitError: more than 8 different proofs.
        PolicyError: `policy_skipped` or a code of `policy_soundness`.
    """
    fields = Fields(value, "policy")
    fields.constant("format", FORMAT)
    faults, governance = fields.fields("faults"), fields.fields("governance")
    policy = Policy(
        federation=fields.text("federation"),
        demo=_flag(fields, "demo"),
        rules=fields.integer("rules", least=1),
        sequence=fields.integer("seq", least=1),
        previous=None if fields.value("previous") is None else fields.data("previous", size=32),
        expires=timestamps.parse_utc(fields.text("expires")),
        regions=tuple(
            parse_region(item) for item in fields.array("regions", most=MAX_POLICY_MEMBERS)
        ),
        region_faults=faults.integer("regions", most=MAX_POLICY_MEMBERS),
        outside_faults=faults.integer("outside", most=MAX_POLICY_MEMBERS),
        threshold=governance.integer("k", least=1, most=MAX_POLICY_MEMBERS),
        governors=governance.texts("keys", most=MAX_POLICY_MEMBERS),
        tiers=parse_tiers(fields.fields("tiers")),
        waivers=tuple(parse_waiver(item) for item in fields.array("waivers")),
        retired=parse_retired(fields),
        members={
            **strict_json.as_object(value, "policy"),
            "proof": ordered_proofs(fields.array("proof")),
        },
    )
    faults.close()
    governance.close()
    fields.close()
    _check_sound(policy)
    return policy


def parse_policy_body(body: JsonObject) -> Policy:
    """Read the body of a `policy` entry, `{"policy"}`; errors as `parse_policy`."""
    fields = Fields(body, "policy entry")
    policy = parse_policy(fields.value("policy"))
    fields.close()
    return policy


def sign_policy(members: JsonObject, keys: list[SigningKey], created: datetime) -> Policy:
    """Sign a policy without `proof` with governance keys, and read it back.

    Raises:
        PolicyError, MalformedError: as `parse_policy`.
    """
    return parse_policy({**members, "proof": create_proofs(members, keys, created)})


def check_first(policy: Policy, fingerprint: str) -> None:
    """Check a parsed policy that is to be pinned first.

    The fingerprint comes from a second channel, as `read_fingerprint` reads it.

    Raises:
        PolicyError: `fingerprint_wrong` or `policy_signatures_missing`.
    """
    if read_fingerprint(fingerprint) != read_fingerprint(policy.fingerprint):
        raise PolicyError("fingerprint_wrong", "the fingerprint does not match this policy")
    check_signed(policy, policy)


def check_successor(held: Policy, offered: Policy) -> None:
    """Check that a policy is the next one after the one held.

    Raises:
        PolicyError: `policy_rollback` (also for the policy held: ask first whether it is),
            `policy_skipped`, `policy_forked` (another policy of the same number),
            `policy_signatures_missing`, and as `check_lasting`.
    """
    if offered.federation != held.federation:
        raise PolicyError("policy_skipped", "the policy is of another federation")
    if offered.sequence == held.sequence and offered.digest != held.digest:
        check_signed(offered, held)
        raise PolicyError("policy_forked", f"there are two policies {held.sequence}")
    if offered.sequence <= held.sequence:
        raise PolicyError("policy_rollback", f"policy {held.sequence} is already held")
    if offered.sequence != held.sequence + 1 or offered.previous != held.digest:
        raise PolicyError("policy_skipped", "the policy does not continue the one held")
    check_signed(offered, held)
    check_signed(offered, offered)
    check_lasting(held, offered)


def check_signed(policy: Policy, judge: Policy) -> None:
    """Check that a policy bears the signatures of `judge`'s governance threshold.

    Raises:
        PolicyError: `policy_signatures_missing`. Proofs of other keys, or that do not verify,
            count for nothing.
    """
    signers = counting(policy.document, policy.proofs, judge.governors)
    if len(signers) < judge.threshold:
        few = f"{len(signers)} governance signatures where {judge.threshold} are needed"
        raise PolicyError("policy_signatures_missing", few)


def check_current(policy: Policy, now: datetime) -> None:
    """Check that a policy has not expired.

    Raises:
        PolicyError: `policy_expired`, or `policy_lifetime` when it lasts beyond 13 months.
    """
    if now >= policy.expires:
        raise PolicyError("policy_expired", f"expired {timestamps.encode(policy.expires)}")
    if policy.expires - now > timedelta(days=POLICY_LIFETIME_DAYS):
        raise PolicyError("policy_lifetime", "a policy may not last longer than 13 months")


def _check_sound(policy: Policy) -> None:
    if (policy.sequence == 1) != (policy.previous is None):
        raise PolicyError("policy_skipped", "only the first policy has no previous one")
    policy_soundness.check_governance(policy.threshold, policy.governors)
    policy_soundness.check_unique(policy.regions, policy.governors, policy.retired)
    policy_soundness.check_roots(policy.hosts)
    for origin in [origin for region in policy.regions for origin in region.logs]:
        policy_soundness.check_quorum(
            origin, policy.regions, policy.region_faults, policy.outside_faults
        )


def _flag(fields: Fields, name: str) -> bool:
    if isinstance(value := fields.value(name), bool):
        return value
    raise MalformedError("member_invalid", f"{fields.path(name)} is neither true nor false")
