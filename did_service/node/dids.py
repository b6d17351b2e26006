"""Making and changing a DID: signed here, logged at home, published once it is witnessed.

    keys sealed ──► pending.json ──► log (leave, join) ──► witnessed ──► did.jsonl, logged.json

The log answers the same entry the same way, so whatever was cut off is done again by the next
command: it finishes what is pending before it begins anything. Each change reveals the key
that the former version committed to and commits to a new one (profiles A, B and C).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from did_service.client.transport import Transport
from did_service.client.witness import WitnessClient
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.region import control_origin
from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.document import document_with_keys
from did_service.core.did.syntax import did_id, parse_webvh
from did_service.core.did.webvh import write
from did_service.core.did.webvh.parameters import next_key_hash
from did_service.core.did.webvh.state import HistoryState, accept
from did_service.core.did.webvh.witness import witness_of
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    RuleError,
    UnavailableError,
    quote,
)
from did_service.node.did_document import with_key
from did_service.node.did_folder import DidFolder, PendingVersion
from did_service.node.did_keys import KeySource
from did_service.node.did_submission import DidSubmission
from did_service.program.clock import ClockAndRandom


@dataclass(frozen=True, slots=True)
class DidChange:
    """A version that is witnessed: which command made it, the state, and where it stands."""

    operation: str
    state: HistoryState
    log: str
    placed: LoggedEntry
    resumed: bool


@dataclass(frozen=True, slots=True)
class Dids:
    """The commands on the DID of one folder.

    Attributes:
        folder: Its files.
        keys: Where its keys come from.
        policy: The federation's; it says which log is home.
        transport: Reaches registries and witnesses.
        edge: Clock and randomness.
        waits: How often to wait for the witnesses, 10 seconds each.
    """

    folder: DidFolder
    keys: KeySource
    policy: Policy
    transport: Transport
    edge: ClockAndRandom
    waits: int = 6

    def create(self, location: str, *, movable: bool = False) -> DidChange:
        """Make a DID at `host[:segment…]`; a movable one may go to another host later.

        Raises:
            ConflictError: `did_exists`: the folder has one already.
            DidServiceError: as `DidSubmission.settle`.
        """
        if (resumed := self._resumed("create")) is not None:
            return resumed
        if self.folder.versions():
            raise ConflictError("did_exists", f"a DID is in {quote(self.folder.path)} already")
        sign, update, following = (self.keys.make() for _ in range(3))
        template = document_with_keys(f"did:webvh:{{SCID}}:{location}", {"key-1": sign.public})
        chosen: JsonObject = {"nextKeyHashes": [_hash(following)]}
        if movable:
            chosen["portable"] = True
        did, version = write.create(template, chosen, update, now=self.edge.clock())
        origin = control_origin(self.policy.home_of_did(parse_webvh(did)))
        self.keys.keep(sign, f"{did}#key-1")
        self.keys.keep(update, f"{did_id(did)}/update")
        self.keys.keep(following, f"{did_id(did)}/next")
        return self._begin(PendingVersion("create", did, version, None, origin))

    def update(self, document: JsonObject) -> DidChange:
        """Publish another document of the DID; raises as `_change`."""
        return self._change("update", document=document)

    def rotate(self, *, drop_old: bool = False) -> DidChange:
        """Give the DID a new signing key; raises as `_change`.

        Args:
            drop_old: Take the former keys out at once: what they signed is refused from then
                on. Without it they stay listed beside the new one (threat rule 14).
        """
        if (resumed := self._resumed("rotate")) is not None:
            return resumed
        state, sign = self._state(), self.keys.make()
        name = f"key-{state.version.number + 1}"
        document = with_key(state.version.document.raw, name, sign.public, alone=drop_old)
        self.keys.keep(sign, f"{state.did}#{name}")
        return self._change("rotate", document=document)

    def move(self, location: str) -> DidChange:
        """Take a movable DID to `host[:segment…]`, of this region or of another one.

        Raises:
            RuleError: `not_portable`; as `_change`.
        """
        if (resumed := self._resumed("move")) is not None:
            return resumed
        state = self._state()
        key, following = self._next(state)
        version = write.migrate(
            state,
            key,
            location,
            now=self.edge.clock(),
            parameters={"nextKeyHashes": [_hash(following)]},
        )
        return self._keep_and_begin("move", state, version, following)

    def deactivate(self) -> DidChange:
        """End the DID for good; raises as `_change`."""
        if (resumed := self._resumed("deactivate")) is not None:
            return resumed
        state = self._state()
        key = self.keys.committed(state.version.parameters.next_key_hashes)
        version = write.deactivate(state, key, now=self.edge.clock())
        return self._keep_and_begin("deactivate", state, version, None)

    def resume(self) -> DidChange | None:
        """Finish what a command was cut off from; None where nothing is pending."""
        pending = self.folder.pending()
        return None if pending is None else replace(self._settle(pending), resumed=True)

    # --- composing --------------------------------------------------------------------------

    def _resumed(self, operation: str) -> DidChange | None:
        """Finish what is pending; where it is what is asked for, that is the answer."""
        resumed = self.resume()
        return resumed if resumed is not None and resumed.operation == operation else None

    def _change(self, operation: str, document: JsonObject) -> DidChange:
        """Publish the next version, with this document.

        Raises:
            NotFoundError: `did_missing`, `next_key_missing`.
            DidServiceError: the version is none, or as `DidSubmission.settle`.
        """
        if (resumed := self._resumed(operation)) is not None:
            return resumed
        state = self._state()
        key, following = self._next(state)
        version = write.rotate(
            state, key, [_hash(following)], now=self.edge.clock(), document=document
        )
        return self._keep_and_begin(operation, state, version, following)

    def _state(self) -> HistoryState:
        """Return the newest state, which may be followed by another.

        Raises:
            NotFoundError: `did_missing`.
            RuleError: `did_deactivated`.
        """
        state = self.folder.state(self.edge.clock())
        if state.deactivated:
            raise RuleError("did_deactivated", f"{quote(state.did)} has ended")
        return state

    def _next(self, state: HistoryState) -> tuple[SigningKey, SigningKey]:
        """Return the key that the newest version committed to, and a new one to commit to."""
        return self.keys.committed(state.version.parameters.next_key_hashes), self.keys.make()

    def _keep_and_begin(
        self,
        operation: str,
        state: HistoryState,
        version: JsonObject,
        following: SigningKey | None,
    ) -> DidChange:
        after = accept(state, version, now=self.edge.clock())
        origin = control_origin(self.policy.home_of_did(parse_webvh(state.did)))
        target = control_origin(self.policy.home_of_did(parse_webvh(after.did)))
        if following is not None:
            self.keys.keep(following, f"{state.scid}/next")
        to = None if target == origin else target
        approved = self._approvals(after, origin)
        named = after.did if to is None else state.did
        return self._begin(
            PendingVersion(
                operation, named, version, approved, origin, self.folder.logged(), to
            )
        )

    def _approvals(self, after: HistoryState, origin: str) -> tuple[JsonValue, ...] | None:
        """Ask the witnesses that the DID names, where it names some, each for one proof.

        Raises:
            UnavailableError: `approvals_missing`: fewer than the threshold have answered.
        """
        rule, version_id = after.witness_rule, after.version.version_id
        if rule is None:
            return None
        log = write.encode_log([*self.folder.versions(), after.version.entry])
        given: dict[str, JsonValue] = {}
        refusals: list[str] = []
        for known in self.policy.log_policy(origin).witnesses:
            try:
                proof = WitnessClient.of(self.transport, known).did_proof(log)
            except DidServiceError as error:
                refusals.append(error.code)
                continue
            witness = witness_of(version_id, proof)
            if witness in rule.witnesses:
                given[str(witness)] = proof
        if len(given) < rule.threshold:
            told = ", ".join(sorted(set(refusals)))
            raise UnavailableError(
                "approvals_missing", f"{len(given)} of {rule.threshold} approve; {told}"
            )
        return tuple(given.values())

    def _begin(self, pending: PendingVersion) -> DidChange:
        self.folder.keep_pending(pending)
        return self._settle(pending)

    def _settle(self, pending: PendingVersion) -> DidChange:
        """Log what is pending, wait for the witnesses, and publish it; raises as `settle`."""
        submitting = DidSubmission(self.folder, self.policy, self.transport, self.waits)
        log, placed = submitting.settle(pending)
        state = self.folder.state(self.edge.clock())
        return DidChange(pending.operation, state, log, placed, resumed=False)


def _hash(key: SigningKey) -> str:
    return next_key_hash(multikey.encode_ed25519(key.public))
