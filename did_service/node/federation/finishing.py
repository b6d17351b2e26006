"""`federation finish` and `policy publish`: signatures in, a policy that stands.

    first policy        policy.json ── serve ──► own log: policy, root ──► witnessed
    each later one      own log: policy ──► witnessed ──► policy.json ── reload

A running log takes a later policy under its former key, since that is what witnesses know until
they have the entry; only then does the file change which key signs (docs/adr/0062). A log that
has lost what its former key signed takes nothing under that key: there the file comes first
(docs/adr/0080). Every step that is done is seen and left alone, so the command is run again
until nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from did_service.client.registry import RegistryClient
from did_service.client.transport import Transport
from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.policy import Policy, check_successor, parse_policy_body
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.logged_policy import logged_form
from did_service.core.anchor.region import control_origin
from did_service.core.did.syntax import parse_webvh
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    UnavailableError,
)
from did_service.core.limits import MAX_WAIT_SECONDS
from did_service.node.did_folder import PendingVersion
from did_service.node.did_submission import DidSubmission
from did_service.node.federation.draft import Draft
from did_service.node.federation.region_folder import RegionFolder
from did_service.node.federation.signatures import (
    DraftSignatures,
    Settled,
    merged,
    missing,
    settle,
)
from did_service.node.federation.signing import check_follows
from did_service.node.setting_table import LOGGING, ServiceKind


@dataclass(frozen=True, slots=True)
class PeerPolicy:
    """What another region's log says: the number of its policy, or why that is not known.

    Attributes:
        region: Its id.
        sequence: Of the newest policy in its log; None where it has none or cannot be asked.
        code: `same`, `behind`, `ahead`, `forked`, `none`, or a code of an error.
    """

    region: str
    sequence: int | None
    code: str

    def encode(self) -> JsonObject:
        """Return it for machines."""
        return {"region": self.region, "seq": self.sequence, "state": self.code}


@dataclass(frozen=True, slots=True)
class FinishedPolicy:
    """How far a policy has come here.

    Attributes:
        policy: Signed by as many as it takes.
        unsigned: Members that have not signed, of a policy that stands without them.
        installed: Whether this run has put it into the policy's file.
        logged: Index of its entry in this region's log; None where the service does not run.
        service: What runs over the folder: `region`, or `registry` or `witness` alone.
        waits_for: The code that says why it is not logged yet; empty where it is.
        root: The region's root DID.
        peers: What the other regions' logs say.
    """

    policy: Policy
    unsigned: tuple[str, ...]
    installed: bool
    logged: int | None
    service: ServiceKind
    waits_for: str
    root: str
    peers: tuple[PeerPolicy, ...]

    def encode(self) -> JsonObject:
        """Return it for machines."""
        peers: list[JsonValue] = [each.encode() for each in self.peers]
        return {
            "seq": self.policy.sequence,
            "fingerprint": self.policy.fingerprint,
            "unsigned": list(self.unsigned),
            "installed": self.installed,
            "logged": self.logged,
            "waits_for": self.waits_for or None,
            "root": self.root,
            "peers": peers,
        }


def finish(
    folder: RegionFolder,
    draft: Draft,
    files: Iterable[DraftSignatures],
    transport: Transport,
    waits: int,
    *,
    file_first: bool = False,
) -> FinishedPolicy:
    """Put a policy together and let it stand here.

    Args:
        folder: Of the region.
        draft: That was signed.
        files: DraftSignatures of the regions; this one's own is known.
        transport: Reaches all regions, this one included.
        waits: How often to wait for the witnesses, 10 seconds each.
        file_first: Do not wait for the region's own log, which takes nothing before it has the
            policy's new key (docs/adr/0080).

    Raises:
        PolicyError, ProofError, ConflictError: as `merged` and `settle`; `policy_skipped`.
        ConflictError: `draft_unsigned`: a region takes its first policy by the draft alone
            that it has compared and signed itself, whatever lies among the files.
        DidServiceError: why the region's own log refuses it.
    """
    own = folder.signatures()
    mine = [] if own is None or own.policy != draft.policy.digest else [own]
    signatures = merged(draft, [*mine, *files])
    held = folder.policy()
    if held is None:
        _check_signed_here(folder, draft)
    check_follows(draft, held)
    former = None if held is None or held.digest == draft.policy.digest else held
    settled = settle(draft, former, signatures) if former else _settle_again(draft, signatures)
    publishing = _Publishing(folder, settled, transport, waits)
    if former is not None:
        check_successor(former, settled.policy)
    if former is None or file_first:
        installed = publishing.install(draft)
        placed, code = publishing.log_if_served()
    else:
        placed, code = publishing.log(former), ""
        installed = publishing.install(draft)
    return FinishedPolicy(
        policy=settled.policy,
        unsigned=missing(draft, signatures),
        installed=installed,
        logged=None if placed is None else placed.index,
        service=folder.kind,
        waits_for=code,
        root=draft.root_of(folder.region),
        peers=tuple(peers_of(settled.policy, folder.region, transport)),
    )


def _check_signed_here(folder: RegionFolder, draft: Draft) -> None:
    signed = folder.signed()
    if signed == draft.policy.digest:
        return
    mark = "none" if signed is None else signed[:16].hex(" ", 2)
    what = f"signed here by {folder.region} is another draft: fingerprint {mark}"
    raise ConflictError("draft_unsigned", what)


def _settle_again(draft: Draft, signatures: DraftSignatures) -> Settled:
    """Judge a first policy, or one that is in force here already: by its own governance."""
    if draft.terms.previous is None:
        return settle(draft, None, signatures)
    return settle(draft, draft.policy, signatures)


@dataclass(frozen=True, slots=True)
class _Publishing:
    folder: RegionFolder
    settled: Settled
    transport: Transport
    waits: int

    @property
    def policy(self) -> Policy:
        return self.settled.policy

    @property
    def _logs(self) -> bool:
        """Whether the region's log is written here; a witness alone finds it elsewhere."""
        return self.folder.kind in LOGGING

    @property
    def _control(self) -> str:
        own = next(r for r in self.policy.regions if r.id == self.folder.region)
        return control_origin(own)

    def install(self, draft: Draft) -> bool:
        """Put policy, draft and root where services and later commands look for them.

        Whoever waited for the witnesses may find that a later policy came meanwhile: it stays.
        """
        held = self.folder.policy()
        if held is not None and held.sequence > self.policy.sequence:
            return False
        self.folder.keep_standing(draft)
        root = self.settled.roots.get(self.folder.region) if self._logs else None
        did_folder = self.folder.root
        if root is not None:
            with did_folder.locked():
                if not did_folder.versions() and did_folder.pending() is None:
                    did = str(parse_webvh(draft.root_of(self.folder.region)))
                    did_folder.keep_pending(
                        PendingVersion(
                            "create", did, root.version, root.approvals, self._control
                        )
                    )
        if held is not None and held.digest == self.policy.digest:
            return False
        self.folder.keep_policy(self.policy)
        return True

    def log_if_served(self) -> tuple[LoggedEntry | None, str]:
        """Begin the region's log, if its service runs; else say what it waits for."""
        try:
            placed = self.log(None)
            if self._logs:
                self._log_root()
        except UnavailableError as error:
            return None, error.code
        return placed, ""

    def log(self, former: Policy | None) -> LoggedEntry:
        """Hand the policy in to the region's own log until it is witnessed.

        A witness alone takes a policy once the log of its region has it.

        Raises:
            UnavailableError: the service does not run, `not_witnessed_yet`, or, where this is
                a witness, `policy_not_logged`.
            DidServiceError: why the log refuses it.
        """
        client = RegistryClient(self.transport, self._control)
        newest = client.newest("policy", self.policy.federation)
        after = None if newest is None else newest.placed
        if after is not None:
            held = parse_policy_body(after.entry.body)
            if held.digest == self.policy.digest:
                return after
            former = held
        if not self._logs:
            raise UnavailableError("policy_not_logged", f"{self._control} has another policy")
        body = logged_form(self.policy, former if after is not None else None).encode()
        entry = entries.compose("policy", self.policy.federation, body, after=after)
        for _ in range(self.waits):
            receipt = client.submit(entry, wait_seconds=MAX_WAIT_SECONDS)
            if receipt.witnessed:
                return LoggedEntry(entry.sequenced(receipt.at), receipt.index, receipt.leaf)
        raise UnavailableError("not_witnessed_yet", f"{self._control} has it, unwitnessed")

    def _log_root(self) -> None:
        did_folder = self.folder.root
        with did_folder.locked():
            pending = did_folder.pending()
            if pending is not None:
                DidSubmission(did_folder, self.policy, self.transport, self.waits).settle(
                    pending
                )


def peers_of(policy: Policy, own: str, transport: Transport) -> Iterable[PeerPolicy]:
    """Yield what the logs of the other regions say about their policy."""
    for region in policy.regions:
        if region.id == own:
            continue
        client = RegistryClient(transport, control_origin(region))
        try:
            newest = client.newest("policy", policy.federation)
            held = None if newest is None else parse_policy_body(newest.placed.entry.body)
        except DidServiceError as error:
            yield PeerPolicy(region.id, None, error.code)
            continue
        yield PeerPolicy(region.id, held.sequence if held else None, _state(policy, held))


def _state(policy: Policy, held: Policy | None) -> str:
    if held is None:
        return "none"
    if held.sequence != policy.sequence:
        return "behind" if held.sequence < policy.sequence else "ahead"
    return "same" if held.digest == policy.digest else "forked"
