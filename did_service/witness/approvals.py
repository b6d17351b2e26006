"""Approving versions of authorities' DIDs, as a native did:webvh witness (§3.7.8).

The whole log is verified, by the law of did:webvh and by profile A; it must agree with the
entries of the DID's home log that are mirrored here, and with every version that was approved
before. A version once approved is never joined by another of its number.
"""

from __future__ import annotations

from did_service.core.anchor.bodies.did import parse_did_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.rules_number import check_known
from did_service.core.anchor.voids import standing
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.key import did_key_of
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh import write
from did_service.core.did.webvh.profile import Profile, check_profile
from did_service.core.did.webvh.state import HistoryState, accept
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ConflictError, LimitError, RuleError, quote
from did_service.core.limits import MAX_DID_LOG_BYTES, MAX_DID_LOG_ENTRIES
from did_service.program.clock import ClockAndRandom
from did_service.replica.mirror import Mirror
from did_service.witness.store import WitnessStore


class Approvals:
    """Gives native witness proofs.

    Args:
        key: The did:key that authorities name as their witness; it has no other role.
        policy: Names the authorities, which are the roots of the regions.
        mirror: The copies of their logs.
        store: Remembers what was approved.
        edge: The clock.
    """

    def __init__(
        self,
        key: SigningKey,
        policy: Policy,
        mirror: Mirror,
        store: WitnessStore,
        edge: ClockAndRandom,
    ) -> None:
        self._key = key
        self._policy = policy
        self._mirror = mirror
        self._store = store
        self._edge = edge

    def approve(self, log: bytes) -> JsonObject:
        """Verify a `did.jsonl` and return a proof over its newest version.

        Raises:
            RuleError: `not_an_authority`, `witness_not_named`, or a rule of did:webvh.
            ConflictError: `version_conflict`: the log or an approval has another version.
            MalformedError, ProofError: the log is not valid.
            UnavailableError: `rules_unknown`.
        """
        states = self._replay(log)
        newest = states[-1]
        rule = newest.witness_rule
        if rule is None or did_key_of(self._key.public) not in rule.witnesses:
            raise RuleError("witness_not_named", "the version does not ask this witness")
        self._check_mirrored(states)
        version = newest.version
        self._store.approve(newest.scid, version.number, version.version_id)
        return write.create_witness_proof(version.version_id, self._key, now=self._edge.clock())

    def _replay(self, log: bytes) -> list[HistoryState]:
        """Verify a log, of an authority: a stranger's long one ends with its first entry."""
        lines = log.removesuffix(b"\n").split(b"\n")
        if len(log) > MAX_DID_LOG_BYTES or len(lines) > MAX_DID_LOG_ENTRIES:
            raise LimitError("too_large", f"a DID log of {len(log)} bytes")
        states: list[HistoryState] = []
        for line in lines:
            before = states[-1] if states else None
            states.append(accept(before, line, now=self._edge.clock()))
            check_profile(states[-1], Profile.AUTHORITY)
            if self._policy.region_of_root(states[-1].did) is None:
                raise RuleError(
                    "not_an_authority", f"{quote(states[-1].did)} is no region's root"
                )
        return states

    def _check_mirrored(self, states: list[HistoryState]) -> None:
        """Refuse a branch: the home log may be behind the file, but not beside it.

        Under rules that this release does not know, it approves nothing (threat rule 6).
        """
        did = parse_webvh(states[-1].did)
        origin = control_origin(self._policy.home_of_did(did))
        check_known(self._mirror.policy_over(origin))
        chain = self._mirror.replicas[origin].store.chain("did", did.scid)
        for number, placed in enumerate(standing(chain), 1):
            logged = parse_did_body(placed.entry.body).entry
            offered = states[number - 1].version.version_id if number <= len(states) else None
            if offered != logged.get("versionId"):
                raise ConflictError("version_conflict", f"the log has another version {number}")
