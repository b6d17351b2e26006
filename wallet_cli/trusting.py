"""The wallet's own trust directory, read and written: the pinned policy, imported evidence.

What a wallet fetches for its credentials is kept sealed with them, not here: this directory
lies open and must not tell which credentials there are.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from did_service.core.anchor.bodies.policy import (
    Policy,
    check_current,
    check_first,
    check_successor,
    parse_policy,
)
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ConflictError, PolicyError
from did_service.core.evidence.bundle import encode_bundle, parse_bundle
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven_set import Evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.state import parse_or_damaged


class WalletTrust:
    """The trust directory of one wallet."""

    def __init__(self, path: Path) -> None:
        self._directory = TrustDirectory(path)

    def policy(self) -> Policy | None:
        """Return the pinned policy, None before the first pin.

        Raises:
            MalformedError: `trust_damaged`.
        """
        data = self._directory.read_policy()
        return None if data is None else parse_or_damaged("policy.json", _policy, data)

    def demand_policy(self) -> Policy:
        """Return the pinned policy.

        Raises:
            PolicyError: `policy_missing`.
            MalformedError: `trust_damaged`.
        """
        policy = self.policy()
        if policy is None:
            raise PolicyError("policy_missing", "no policy is pinned in this wallet")
        return policy

    def evidence(self) -> UnverifiedEvidence:
        """Return the evidence that was imported.

        Raises:
            MalformedError: `trust_damaged`.
        """
        data = self._directory.read_evidence()
        if data is None:
            return UnverifiedEvidence()
        return parse_or_damaged("evidence.json.gz", parse_bundle, data)

    def pin(self, members: JsonObject, fingerprint: str, now: datetime) -> Policy:
        """Pin the first policy; the same one again changes nothing.

        Raises:
            ConflictError: `policy_pinned`: another one is pinned.
            PolicyError: `fingerprint_wrong` and what else a policy may be refused for.
        """
        offered = parse_policy(members)
        check_first(offered, fingerprint)
        check_current(offered, now)
        with self._directory.locked():
            held = self.policy()
            if held is None:
                self._write(offered)
            elif held.digest != offered.digest:
                raise ConflictError("policy_pinned", "another policy is pinned in this wallet")
        return offered

    def succeed(self, members: JsonObject, now: datetime) -> Policy:
        """Replace the policy by the one that follows it; the one held already changes nothing.

        Raises:
            PolicyError: `policy_missing`, or why it does not follow.
        """
        offered = parse_policy(members)
        with self._directory.locked():
            held = self.demand_policy()
            if offered.digest != held.digest:
                check_successor(held, offered)
                check_current(offered, now)
                self._write(offered)
        return offered

    def merge(self, offered: UnverifiedEvidence) -> Evidence:
        """Merge evidence into what is held; what does not verify is left out.

        Returns:
            What the union proves.

        Raises:
            PolicyError: `policy_missing`.
        """
        with self._directory.locked():
            policy = self.demand_policy()
            sources = (("held", self.evidence()), ("import", offered))
            proven = verify_evidence(sources, policy)
            if not proven.forks:
                self._directory.write_evidence(encode_bundle(proven.kept()))
        return proven

    def _write(self, policy: Policy) -> None:
        self._directory.write_policy(strict_json.dumps(policy.members).encode())


def _policy(data: bytes) -> Policy:
    return parse_policy(strict_json.loads(data))
