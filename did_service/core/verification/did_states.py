"""What the did entries at hand say of a DID: its document, and whether it has ended.

did entry, newest ──► its state ──next, by hash──► the state before an end
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import suppress
from itertools import pairwise

from did_service.core.anchor.bodies.did import LEAVE, parse_did_body
from did_service.core.anchor.region import Region
from did_service.core.did.document import parse_document
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh.entry import check_signatures, parse_entry, written_form
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    DidServiceError,
    NotFoundError,
    ProofError,
    RuleError,
    UnsupportedError,
    quote,
)
from did_service.core.evidence.proven import ProvenEntry
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.findings import DidState
from did_service.core.verification.verified import Record


def read_state(
    proven: ProvenEntry, body: JsonObject, known: MutableMapping[bytes, Record]
) -> DidState:
    """Read a proven did entry alone: its cosigners judged the chain before it (docs/adr/0030).

    SCID, DID, document and signer must agree; the signer is one of the entry's own update keys,
    which pre-rotation makes every version name.

    Args:
        proven: The entry.
        body: Of the entry, by the door that fits the question.
        known: What was read before, by the leaf, which is a hash of all that the entry says.

    Raises:
        RuleError: `did_left`, `entry_voided`.
        DidServiceError: an entry that this release cannot read, or that no honest quorum lets
            pass.
    """
    if proven.leaf not in known:
        known[proven.leaf] = _read_record(proven, body)
    return DidState(proven, *known[proven.leaf])


def _read_record(proven: ProvenEntry, body: JsonObject) -> Record:
    said = parse_did_body(body)
    if said.op == LEAVE:
        raise RuleError("did_left", "the DID has another home from then on")
    logged = parse_entry(said.entry)
    if parse_webvh(said.did).scid != proven.subject:
        raise ProofError("subject_wrong", "a did entry is about another SCID")
    document = parse_document(logged.state, said.did)
    document.check_self_controlled()
    keys = logged.parameters.get("updateKeys")
    deactivated = logged.parameters.get("deactivated") is True
    if isinstance(keys, list) and keys:
        written = written_form(logged)
        check_signatures(logged, written, [key for key in keys if isinstance(key, str)])
    return document, deactivated


def states_of(context: CredentialContext, did: str) -> tuple[DidState, ...]:
    """Return the newest state of a DID and, linked by its hash, the one before.

    Whether the newest is the latest is asked by whoever answers yes.

    Raises:
        RuleError: `did_left`: it stands in another log by now.
        DidServiceError: the newest cannot be read; no older one takes its place.
    """
    home = context.home(did)
    if home is None:
        return ()
    _check_here(context, did, home)
    chain = context.evidence.chain("did", parse_webvh(did).scid, home)[:2]
    known = context.verified.records
    states = [read_state(newest, newest.read_against(), known) for newest in chain[:1]]
    for newest, former in pairwise(chain):
        with suppress(DidServiceError):
            body = former.read_until(newest)
            states.append(read_state(former, body, known))
    return tuple(states) if states and states[0].document.id == did else ()


def latest_state(context: CredentialContext, did: str) -> DidState:
    """Return the state of a DID that is shown to be the latest, for use now.

    Raises:
        NotFoundError: `signer_unknown`.
        UnsupportedError: an entry that cannot be read, with the code of the reason: nothing
            is known of whoever signed, neither for nor against.
    """
    home = context.home(did)
    scid = None if home is None else parse_webvh(did).scid
    latest = None if home is None else context.evidence.latest("did", scid or "", home)
    if latest is None:
        raise NotFoundError("signer_unknown", f"no latest record of {quote(did)}")
    try:
        if home is not None:
            _check_here(context, did, home)
        return read_state(latest, context.use(latest), context.verified.records)
    except DidServiceError as error:
        raise UnsupportedError("record_unreadable", error.code) from error


def _check_here(context: CredentialContext, did: str, home: Region) -> None:
    """Heads of the home log name its latest, and say nothing of where the chain goes on.

    A later entry elsewhere counts where its own name is at home there: one that only carries
    the former name stands in a stranger's log, and says nothing.
    """
    for elsewhere in context.evidence.beyond("did", parse_webvh(did).scid, home):
        region = None
        with suppress(DidServiceError):  # no log that keeps the rules holds one unreadable
            region = context.home(parse_did_body(elsewhere.read_against()).did)
        if region is not None and elsewhere.origin in region.logs:
            raise RuleError("did_left", "another log has a later entry of the DID")
