"""The law of did:webvh 1.0: which entry may come next (§3.6.2, per entry).

    accept(state, entry)  ->  the next state, or an error; one pure function decides

Steps, numbered as in our documents: 1 parameters, 2 signer, 3 number and entry hash, 4 time,
5 SCID, 6 identity. The number is looked at before all, so that a late submission learns that it
is late. Witnesses (step 7) are judged apart, in `witness`, because their proofs travel apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from did_service.core.crypto import multikey
from did_service.core.did.document import DidDocument, parse_document
from did_service.core.did.syntax import WebvhDid, parse_webvh
from did_service.core.did.webvh.entry import (
    UnverifiedEntry,
    check_hash,
    check_scid,
    check_signatures,
    parse_entry,
    written_form,
)
from did_service.core.did.webvh.parameters import (
    Parameters,
    WitnessRule,
    merge,
    next_key_hash,
)
from did_service.core.encoding.strict_json import JsonObject, as_text
from did_service.core.errors import OrderError, ProofError, RuleError, quote
from did_service.core.limits import MAX_VERSION_TIME_AHEAD_SECONDS


@dataclass(frozen=True, slots=True)
class Version:
    """One verified version. `parameters` is the active set after it, `entry` as received."""

    did: WebvhDid
    version_id: str
    number: int
    time: datetime
    document: DidDocument
    parameters: Parameters
    entry: JsonObject


@dataclass(frozen=True, slots=True)
class RevealedKeys:
    """Hashes, as in nextKeyHashes, of the keys that versions showed.

    Each version that shows others has a link to those before it: with a set of all keys for
    every version, the largest log would fill gigabytes.
    """

    hashes: frozenset[str]
    earlier: RevealedKeys | None = field(compare=False, repr=False)

    def include_any(self, hashes: Iterable[str]) -> bool:
        """Say whether one of these hashes is of a key that was ever shown."""
        wanted = frozenset(hashes)
        link: RevealedKeys | None = self
        while link is not None and link.hashes.isdisjoint(wanted):
            link = link.earlier
        return link is not None


@dataclass(frozen=True, slots=True)
class HistoryState:
    """Everything about a DID's past that the next entry is judged by.

    Attributes:
        version: The newest accepted version.
        created: versionTime of the first version.
        dids: Every DID that the subject ever had, in order, each once.
        revealed: Every key ever shown in parameters or documents.
        witness_rule: Whose approval the newest version needs; None for nobody's (§3.7.8).
    """

    version: Version
    created: datetime
    dids: tuple[str, ...]
    revealed: RevealedKeys
    witness_rule: WitnessRule | None

    @property
    def did(self) -> str:
        """The DID as it is now."""
        return str(self.version.did)

    @property
    def scid(self) -> str:
        """The part of the DID that never changes."""
        return self.version.did.scid

    @property
    def deactivated(self) -> bool:
        """Whether the DID has ended; nothing may follow."""
        return self.version.parameters.deactivated


def accept(
    state: HistoryState | None, entry: bytes | JsonObject, *, now: datetime
) -> HistoryState:
    """Decide whether an entry is the valid next one, witnesses aside.

    Args:
        state: The state before; None when the entry begins a DID.
        entry: A line of `did.jsonl` without its line end, or its object from strict JSON.
        now: Aware UTC; versionTime may lead it by 5 minutes.

    Raises:
        OrderError: `version_number_wrong`: another entry comes next.
        RuleError: `did_deactivated`, `scid_repeated`, `portable_late`,
            `pre_rotation_incomplete`, `key_not_committed`, `version_time_not_increasing`,
            `version_time_in_future`, `not_portable`, `former_did_missing`.
        ProofError: `key_not_authorized`, `signature_invalid`, `entry_hash_mismatch`,
            `scid_mismatch` and the like.
        MalformedError: the entry, a parameter, the DID or the document is not well-formed.
    """
    found = parse_entry(entry)
    before = None if state is None else state.version
    _check_number(before, found)
    parameters = merge(None if before is None else before.parameters, found.parameters)
    written = written_form(found)
    check_signatures(found, written, _signers(before, found, parameters))
    check_hash(found, written, parameters.scid if before is None else before.version_id)
    _check_time(before, found, now)
    if before is None:
        check_scid(found, written, parameters.scid)
    version = _version(before, found, parameters)
    return _next_state(state, version)


def _check_number(before: Version | None, found: UnverifiedEntry) -> None:
    if before is not None and before.parameters.deactivated:
        raise RuleError("did_deactivated", "nothing may follow the entry that deactivates")
    expected = 1 if before is None else before.number + 1
    if found.number != expected:
        raise OrderError(
            "version_number_wrong", f"version {found.number} where {expected} comes next"
        )


def _signers(
    before: Version | None, found: UnverifiedEntry, parameters: Parameters
) -> tuple[str, ...]:
    """Return the multikeys that may sign an entry (§3.7.5), pre-rotation checked (§3.7.7)."""
    if before is None:
        return parameters.update_keys
    if not before.parameters.pre_rotation:
        return before.parameters.update_keys
    for name in ("updateKeys", "nextKeyHashes"):
        if found.parameters.get(name) is None:
            raise RuleError("pre_rotation_incomplete", f"pre-rotation asks for explicit {name}")
    for key in parameters.update_keys:
        if next_key_hash(key) not in before.parameters.next_key_hashes:
            raise RuleError(
                "key_not_committed", f"update key {quote(key)} was not committed to"
            )
    return parameters.update_keys


def _check_time(before: Version | None, found: UnverifiedEntry, now: datetime) -> None:
    if before is not None and found.time <= before.time:
        raise RuleError(
            "version_time_not_increasing", f"version {found.number} is not later than the last"
        )
    if found.time > now + timedelta(seconds=MAX_VERSION_TIME_AHEAD_SECONDS):
        raise RuleError("version_time_in_future", f"version {found.number} is of the future")


def _version(before: Version | None, found: UnverifiedEntry, parameters: Parameters) -> Version:
    did = parse_webvh(as_text(found.state.get("id"), "state.id"))
    if did.scid != parameters.scid:
        raise ProofError("scid_mismatch", f"state.id {quote(did)} has another SCID")
    document = parse_document(found.state, str(did))
    if before is not None and did != before.did:
        if not parameters.portable:
            raise RuleError("not_portable", f"{quote(before.did)} may not move")
        if str(before.did) not in document.also_known_as:
            raise RuleError("former_did_missing", f"alsoKnownAs lacks {quote(before.did)}")
    return Version(
        did, found.version_id, found.number, found.time, document, parameters, found.raw
    )


def _next_state(state: HistoryState | None, version: Version) -> HistoryState:
    revealed = _revealed(version, None if state is None else state.revealed)
    own_rule = version.parameters.witness
    did = str(version.did)
    if state is None:
        return HistoryState(version, version.time, (did,), revealed, own_rule)
    dids = state.dids if did in state.dids else (*state.dids, did)
    rule = state.version.parameters.witness or own_rule
    return HistoryState(version, state.created, dids, revealed, rule)


def _revealed(version: Version, earlier: RevealedKeys | None) -> RevealedKeys:
    methods = version.document.methods
    published = {multikey.encode_ed25519(m.public) for m in methods if m.public is not None}
    shown = frozenset(map(next_key_hash, published.union(version.parameters.update_keys)))
    if earlier is not None and shown <= earlier.hashes:
        return earlier
    return RevealedKeys(shown, earlier)
