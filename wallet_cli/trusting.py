"""The wallet's own trust directory: a face of the room that decides about trust.

What a wallet fetches for its credentials is kept sealed with them, not here: this directory
lies open and must not tell which credentials there are.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from did_service.core.anchor.bodies.policy import Policy, parse_policy
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ConflictError
from did_service.core.evidence.proven_set import Evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.verifier.chain_keys import Wanted
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import (
    TrustState,
    demand_policy,
    read_beside,
    read_held,
    read_known,
    read_policy,
)
from did_service.verifier.importing import Imported, import_bundle, merge
from did_service.verifier.pinning import pin
from did_service.verifier.portions import Bundle, open_bundle

_NO_BOOT = ""  # a wallet asks no questions that could outlive one


class WalletTrust:
    """The trust directory of one wallet."""

    def __init__(self, path: Path) -> None:
        self._directory = TrustDirectory(path)

    def policy(self) -> Policy | None:
        """Return the pinned policy, None before the first pin.

        Raises:
            MalformedError: `trust_damaged`.
        """
        return read_policy(self._directory)

    def demand_policy(self) -> Policy:
        """Return the pinned policy.

        Raises:
            PolicyError: `policy_missing`.
            MalformedError: `trust_damaged`.
        """
        return demand_policy(self._directory)

    def evidence(self, *shown: JsonObject | None) -> TrustState:
        """Return what the wallet judges by: what was imported, and what is remembered.

        Args:
            shown: Credentials and staples that are judged by it; of a large directory only
                what they need is read.

        Raises:
            MalformedError: `trust_damaged`.
            LimitError: `too_much_to_check`.
        """
        wanted = Wanted(tuple(jcs.encode(each) for each in shown if each is not None))
        return read_held(self._directory, _NO_BOOT, wanted)

    def known(self) -> TrustState:
        """Return policy, forks and what is remembered, without the evidence.

        Raises:
            MalformedError: `trust_damaged`.
        """
        return read_known(self._directory, _NO_BOOT)

    def pin(self, members: JsonObject, fingerprint: str, now: datetime) -> Policy:
        """Pin the first policy; the same one again changes nothing.

        Raises:
            ConflictError: `policy_pinned`: another one is pinned.
            PolicyError: `fingerprint_wrong` and what else a policy may be refused for.
        """
        offered, held = parse_policy(members), self.policy()
        if held is not None and held.digest != offered.digest:
            raise ConflictError("policy_pinned", "another policy is pinned in this wallet")
        return pin(self._directory, offered, fingerprint, now).policy

    def succeed(self, members: JsonObject, now: datetime) -> Policy:
        """Replace the policy by the one that follows it; the one held already changes nothing.

        Raises:
            PolicyError: `policy_missing`, or why it does not follow.
        """
        offered = parse_policy(members)
        self.demand_policy()
        return pin(self._directory, offered, None, now).policy

    def opened(self, data: bytes) -> AbstractContextManager[Bundle]:
        """Open a bundle that is to be taken.

        Raises:
            LimitError, MalformedError: as `open_bundle`, when it is entered.
        """
        return open_bundle(data, self._directory.path)

    def take(self, bundle: Bundle, now: datetime) -> Imported:
        """Import a bundle with its policies, as a counter does.

        Raises:
            PolicyError: `policy_missing`, `policy_forked`.
        """
        return import_bundle(self._directory, bundle, now, _NO_BOOT)

    def merge(self, offered: UnverifiedEvidence) -> Evidence:
        """Merge evidence into what is held, without its policies; forks are kept as proofs.

        Returns:
            What the union proves.

        Raises:
            PolicyError: `policy_missing`.
        """
        with self._directory.locked():
            held = read_beside(self._directory, _NO_BOOT, offered)
            return merge(self._directory, held, offered)
