"""Status lists: signed by the agency, anchored in the log, then served.

There is one list for revocation and one for suspension; a credential has the same index in
both. What a list says is computed from the states of the credentials, so a list that could not
be anchored is made again by the next tick, and what is served is always what the log has.
"""

from __future__ import annotations

from datetime import timedelta

from did_service.core.credentials import proof_set
from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    ListDescription,
    Purpose,
    status_list_credential,
)
from did_service.core.credentials.proof_set import SUITES, ProofOptions
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs, timestamps
from did_service.core.errors import ConflictError, NotFoundError, UsageError, quote
from did_service.issuer.agency import LIST_NUMBERS, Agency
from did_service.issuer.chains import Chains
from did_service.issuer.store import IssuerStore
from did_service.web.settings import Edge

_STATES = {Purpose.REVOCATION: ("revoked",), Purpose.SUSPENSION: ("suspended",)}
_LIFETIME = timedelta(days=7)
# verb: the state it needs, the state it makes
_MOVES = {
    "revoke": (("valid", "suspended"), "revoked"),
    "suspend": (("valid",), "suspended"),
    "reinstate": (("suspended",), "valid"),
}


class StatusLists:
    """The two status lists of one agency."""

    def __init__(self, agency: Agency, store: IssuerStore, chains: Chains, edge: Edge) -> None:
        self._agency, self._store, self._chains, self._edge = agency, store, chains, edge

    def change(self, credential: str, verb: str) -> str:
        """Revoke, suspend or reinstate a credential; returns its new state.

        Raises:
            NotFoundError: `credential_unknown`.
            ConflictError: `state_wrong`: a revoked credential stays revoked.
            UnavailableError: recorded, but the log has not answered; the next tick anchors it.
        """
        if verb not in _MOVES:
            raise UsageError("verb_unknown", f"no such change of state: {quote(verb)}")
        allowed, state = _MOVES[verb]
        former = self._store.credential(credential)["state"]
        if former == state:
            self.publish_changes()
            return state
        if former not in allowed:
            raise ConflictError("state_wrong", f"a {former} credential: cannot {verb}")
        self._store.set_state(credential, former, state)
        self.publish_changes()
        return state

    def publish_changes(self) -> None:
        """Sign and anchor each list whose bits have changed, or that has become old."""
        for purpose in Purpose:
            if self._is_due(purpose):
                self._publish(purpose)

    def served(self, number: int) -> bytes:
        """Return a list as anchored.

        Raises:
            NotFoundError: `list_unknown`.
        """
        for purpose, own in LIST_NUMBERS.items():
            row = self._store.status_list(self._agency.list_url(purpose))
            if own == number and row is not None:
                return bytes(row["content"])
        raise NotFoundError("list_unknown", f"no status list {number}")

    def _bits(self, purpose: Purpose) -> BitstringStatusList:
        bits = BitstringStatusList.empty()
        for index in self._store.indices_in(_STATES[purpose]):
            bits.set(index)
        return bits

    def _is_due(self, purpose: Purpose) -> bool:
        row = self._store.status_list(self._agency.list_url(purpose))
        if row is None:
            return True
        age = self._edge.posix() - row["issued"]
        told = self._bits(purpose).encode().encode()
        return age >= self._agency.status_period.total_seconds() or told not in row["content"]

    def _publish(self, purpose: Purpose) -> None:
        url = self._agency.list_url(purpose)
        former = self._store.status_list(url)
        # iat strictly rises, also when two changes fall into one second
        issued = max(self._edge.posix(), former["issued"] + 1 if former else 0)
        begins = timestamps.from_posix(issued)
        description = ListDescription(
            url=url,
            issuer=self._agency.did,
            purpose=purpose,
            valid_from=begins,
            valid_until=begins + _LIFETIME,
            ttl_seconds=int(self._agency.status_period.total_seconds()),
        )
        bits = self._bits(purpose)
        options = ProofOptions(self._agency.method, "assertionMethod", begins)
        signed = proof_set.sign(
            status_list_credential(description, bits),
            self._agency.key,
            options,
            SUITES["eddsa-jcs-2022"],
        )
        content = jcs.encode(signed)
        body = {
            "issuer": self._agency.did,
            "kind": "bitstring",
            "iat": issued,
            "exp": issued + int(_LIFETIME.total_seconds()),
            "ttl": description.ttl_seconds,
            "bits": len(bits),
        }
        self._chains.append("status", url, body, content, sha256(content))
