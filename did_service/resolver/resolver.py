"""Resolving DIDs: did:webvh from the federation's logs, did:key and did:jwk by computation.

    did:webvh at home in the federation ── its entries in the logs, fully verified again
    did:webvh elsewhere, did:web         ── fetched by https, verified; no log stands behind

A DID that has moved is followed from its leave to its join, whichever of its names was asked
for. Of a DID that is at home in this region, the result carries the log's proof that this
version is the latest, and how fresh that statement is. Of a did:webvh elsewhere the newest
version seen is remembered: a log that has lost it is refused, whatever else it proves.

Method: did:webvh 1.0 §3.6.2; result: W3C DID Resolution 1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from threading import Lock

from did_service.client.transport import Transport
from did_service.core.anchor import freshness, moves
from did_service.core.anchor.bodies.did import did_of, parse_did_body
from did_service.core.anchor.bodies.heads import parse_heads_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import LoggedEntry, parse_entry
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.view import LogPrefix, LogView
from did_service.core.anchor.voids import is_voiding, standing
from did_service.core.did import resolution
from did_service.core.did.resolution import ResolutionResult
from did_service.core.did.syntax import DidUrl, WebvhDid, parse_webvh
from did_service.core.did.web import check_web_document, document_url
from did_service.core.did.webvh import write
from did_service.core.did.webvh.history import History
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject, as_object, as_text
from did_service.core.errors import (
    NotFoundError,
    PolicyError,
    RuleError,
    UnavailableError,
    quote,
)
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.limits import (
    MAX_DID_LOG_BYTES,
    MAX_HISTORY_CACHED_BYTES,
    MAX_JSON_BYTES,
)
from did_service.replica.evidence_service import EvidenceService
from did_service.replica.store import ReplicaStore
from did_service.resolver.foreign_hosts import ForeignHosts
from did_service.resolver.histories import Histories, WebvhFiles
from did_service.resolver.native_places import NativePlaces
from did_service.resolver.observations import observation
from did_service.resolver.remembered import WeighedMemory
from did_service.resolver.store import ForeignDids

PROOF_TYPE = "urn:didsvc:log-proof:1"
_CHECKPOINTS_KEPT = 16  # the newest few; each answer asks for the newest
_PROOF_BYTES_KEPT = 4_194_304  # as JSON, some 1,500 proofs; objects take five times as much


@dataclass(frozen=True, slots=True)
class ResolverSources:
    """Where a resolver looks.

    Attributes:
        policy: The pinned policy; it says which log is home to which DIDs.
        control: Origin of the region's own control log.
        logs: The logs of the region and the mirrors of all others, by origin.
        evidence: Gives evidence about the region's control log.
        foreign: The newest version seen of DIDs at home elsewhere.
        clock: Returns the present instant, aware UTC.
        transport: Fetches what is at home elsewhere.
        check_current: Raises where the logs are too old to be answered from.
    """

    policy: Policy
    control: str
    logs: Mapping[str, ReplicaStore]
    evidence: EvidenceService
    foreign: ForeignDids
    clock: Callable[[], datetime]
    transport: Transport
    check_current: Callable[[], None] = lambda: None


class Resolver:
    """Resolves DID URLs to results."""

    def __init__(self, sources: ResolverSources) -> None:
        self._sources = sources
        self._histories = Histories(sources.clock)
        self._elsewhere_at = ForeignHosts(sources.transport, sources.clock)
        self._control = sources.evidence
        # Both follow from a checkpoint's bytes, so what was found for a note stays true.
        self._fresh_at = lru_cache(maxsize=_CHECKPOINTS_KEPT)(self._verified_fresh_at)
        self._proofs: WeighedMemory[tuple[str, bytes], JsonObject] = WeighedMemory(
            _PROOF_BYTES_KEPT
        )
        self._places = NativePlaces()
        self._scanned = 0
        self._scanning = Lock()

    def resolve(self, url: DidUrl) -> ResolutionResult:
        """Resolve the DID of a DID URL, at the version its query names.

        Raises:
            DidServiceError: see `resolution.error_type`.
        """
        match url.did.method:
            case "webvh":
                return self._webvh(url)
            case "web":
                did = str(url.did)
                body = self._elsewhere_at.get(document_url(did), MAX_JSON_BYTES)
                result = resolution.resolved(check_web_document(did, body))
                seen = observation(did, body, self._sources.logs.values())
                return replace(result, resolution_metadata=seen)
            case _:
                return resolution.resolve_local(url)

    def is_foreign(self, url: DidUrl) -> bool:
        """Say whether resolving asks a host that somebody outside of the federation runs.

        Raises:
            DidServiceError: it is no DID of its method.
        """
        match url.did.method:
            case "webvh":
                return self._home(parse_webvh(str(url.did))) is None
            case method:
                return method == "web"

    def files_at(self, url: str) -> WebvhFiles:
        """Return the files of the DID that is published at a `did.jsonl` URL of this region.

        Raises:
            NotFoundError: `did_unknown`.
        """
        self._sources.check_current()
        with self._scanning:
            self._scan()
        scid = self._places.holder(url)
        if scid is None:
            raise NotFoundError("did_unknown", f"no DID is published at {quote(url)}")
        here = LogPrefix.now(self._sources.logs[self._sources.control])
        return _files(self._versions(here, scid))

    def _webvh(self, url: DidUrl) -> ResolutionResult:
        self._sources.check_current()
        did = parse_webvh(str(url.did))
        store = self._home(did)
        if store is None:
            return resolution.resolve_history(self._elsewhere(did), url)
        store, newest = moves.follow(store, did.scid, self._home_of)
        if newest is None:
            raise _unknown()
        history = self._history(did, store, newest)
        result = resolution.resolve_history(history, url)
        if store.origin != self._sources.control or moves.departure(newest) is not None:
            return result
        metadata = {**result.resolution_metadata, **self._log_proof(did.scid)}
        return replace(result, resolution_metadata=metadata)

    def _history(self, did: WebvhDid, log: LogView, newest: LoggedEntry) -> History:
        """Return the history up to an entry of the log, which names all that came before."""

        def read() -> WebvhFiles:
            return _files(self._versions(LogPrefix(log, newest.index + 1), did.scid))

        return self._histories.named((newest.leaf, str(did)), read, str(did))

    def _elsewhere(self, did: WebvhDid) -> History:
        """Fetch and verify a DID that no log of the federation holds to one history."""
        files = self._fetch(did)
        kept = files.size <= MAX_HISTORY_CACHED_BYTES  # strangers choose it: up to 10 MB
        verify = self._histories.of if kept else self._histories.verified
        history = verify(files, str(did))
        foreign = self._sources.foreign
        seen, newest = foreign.seen(did.scid), history.states[-1].version.version_id
        if seen is not None:
            history.check_reaches(seen)
        if newest != seen:
            foreign.remember(did.scid, seen, newest)
        return history

    def _versions(self, here: LogPrefix, scid: str) -> list[LoggedEntry]:
        """Return the versions of a DID over all logs that it was in, up to one of them.

        Raises:
            RuleError: `entry_voided`: the newest was, and nothing has been said since.
            UnavailableError: `log_not_mirrored`.
        """
        chain = moves.history(here, scid, self._log)
        if chain and is_voiding(chain[-1]):
            raise RuleError("entry_voided", "governance has voided the newest version")
        return standing(chain)

    def _log(self, origin: str) -> LogView:
        if origin not in self._sources.logs:
            raise UnavailableError("log_not_mirrored", f"there is no copy of {quote(origin)}")
        return self._sources.logs[origin]

    def _home_of(self, did: str) -> LogView | None:
        return self._home(parse_webvh(did))

    def _home(self, did: WebvhDid) -> LogView | None:
        """Return the log in which a DID is at home, None outside of the federation."""
        try:
            origin = control_origin(self._sources.policy.home_of_did(did))
        except PolicyError:
            return None
        return self._sources.logs[origin]

    def _fetch(self, did: WebvhDid) -> WebvhFiles:
        hosts = self._elsewhere_at
        with hosts.at_once():
            log = hosts.get(did.log_url, MAX_DID_LOG_BYTES)
            try:
                witness = hosts.get(did.witness_url, MAX_DID_LOG_BYTES)
            except NotFoundError:
                witness = None
        return WebvhFiles(log, witness)

    def _log_proof(self, scid: str) -> JsonObject:
        """Return evidence of the newest entry and its time; nothing before it is published."""
        try:
            note = self._control.checkpoint(EvidenceMoment.NEWEST)
            return {"proof": [self._proofs.get((scid, note)) or self._proof_at(scid, note)]}
        except (NotFoundError, UnavailableError):
            return {}

    def _proof_at(self, scid: str, note: bytes) -> JsonObject:
        evidence = self._control.newest_at("did", scid, note)
        at = parse_heads_body(evidence.items[-1].entry.body).at
        fresh = freshness.statement_time(self._fresh_at(note), at)
        proof: JsonObject = {
            "type": PROOF_TYPE,
            "evidence": evidence.encode(),
            "freshAt": timestamps.encode(timestamps.from_posix(fresh)),
        }
        self._proofs.keep((scid, note), proof, len(note) + len(jcs.encode(proof)))
        return proof

    def _verified_fresh_at(self, note: bytes) -> int:
        """Verify a checkpoint of the control log, and return its time for ages."""
        return self._sources.policy.log_policy(self._sources.control).verify(note).fresh_at

    def _scan(self) -> None:
        """Learn where the DIDs of entries that came since are published."""
        store = self._sources.logs[self._sources.control]
        size = store.size()
        for data in store.entries(self._scanned, size):
            entry = parse_entry(data)
            if entry.type == "did":
                self._places.note(parse_webvh(did_of(entry.body)), entry.body)
        self._scanned = size


def _files(chain: Sequence[LoggedEntry]) -> WebvhFiles:
    """Write a DID's files out of its log entries.

    Raises:
        NotFoundError: `did_unknown`.
    """
    if not chain:
        raise _unknown()
    bodies = [parse_did_body(placed.entry.body) for placed in chain]
    proofs = {
        as_text(body.entry.get("versionId"), "versionId"): [
            as_object(proof, "witness") for proof in body.witness
        ]
        for body in bodies
        if body.witness is not None
    }
    witness = write.encode_witness_file(proofs) if proofs else None
    return WebvhFiles(write.encode_log([body.entry for body in bodies]), witness)


def _unknown() -> NotFoundError:
    return NotFoundError("did_unknown", "the log has no such DID")
