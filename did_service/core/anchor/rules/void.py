"""Rules of voids: governance alone takes back what a chain has said (docs/adr/0054).

Whoever operates a log or governs a region may have let the bad entry in, and a void can take
any DID, grant or schema away. So it takes what a policy takes: the threshold of the governance
keys that the policy in force names, over this very entry.

Where a DID stands now, all of its history can be voided, over all logs: else a thief who leaves
would put what it has said beyond reach. In a log that the DID has left, nothing can.
"""

from __future__ import annotations

from did_service.core.anchor.bodies.authority import subject_of
from did_service.core.anchor.bodies.void import VoidBody, parse_void
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.moves import has_left, history_with_joins
from did_service.core.anchor.view import LogPrefix, LogView, RuleContext, signers_of
from did_service.core.anchor.voids import standing
from did_service.core.crypto import multikey
from did_service.core.did.key import did_key_of
from did_service.core.did.syntax import parse_webvh
from did_service.core.errors import RuleError


def check(entry: Entry, newest: LoggedEntry | None, log: LogView, world: RuleContext) -> None:
    """Check a void, which comes after `newest` in its chain.

    Raises:
        RuleError: `void_of_nothing`, `leave_stays`, `subject_wrong`, `void_not_by_governance`,
            and as `signers_of`.
        UnavailableError: `log_not_mirrored`: a log in which the DID has been before.
        ProofError, MalformedError: a signature or a shape.
    """
    body = parse_void(entry.type, entry.body)
    if _subject(entry, body) != entry.subject:
        raise RuleError("subject_wrong", "the void names another subject than its chain's")
    chain = [] if newest is None else log.chain(entry.type, entry.subject)
    left = entry.type == "did" and has_left(chain)
    if entry.type == "did" and chain and not left:
        chain = history_with_joins(LogPrefix.now(log), entry.subject, world.log)
    voided = [placed for placed in standing(chain) if placed.entry.number >= body.number]
    if not voided or voided[0].entry.number != body.number:
        raise RuleError("void_of_nothing", f"entry {body.number} of the chain does not stand")
    if left:
        raise RuleError("leave_stays", "what left may stand elsewhere: let it come back")
    _check_governance(entry, world)


def _subject(entry: Entry, body: VoidBody) -> str:
    """Return the subject of the chain that a void names; a schema's is in the entry alone."""
    match entry.type:
        case "did":
            return parse_webvh(body.named["did"]).scid
        case "authority":
            return subject_of(**body.named)
        case _:
            return entry.subject


def _check_governance(entry: Entry, world: RuleContext) -> None:
    keys = (multikey.decode_ed25519(key) for key in world.policy.governors)
    signed = signers_of(entry, lambda _did: None) & set(map(did_key_of, keys))
    if len(signed) < world.policy.threshold:
        raise RuleError(
            "void_not_by_governance",
            f"{len(signed)} governance signatures where {world.policy.threshold} are needed",
        )
