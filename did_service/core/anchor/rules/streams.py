"""Rules of data entries: status lists and evidence batches.

A `status` entry anchors the digest of a signed status list, whose bytes come with it. The list
is signed by its issuer or, after the issuer's end, by the custodian that the statement names;
number and time strictly rise, also from one year's log to the next, and what was revoked stays
so (threat rule 22). An
`evidence` entry anchors the Merkle root of one batch of salted records; its stream's name holds
its owner's, so nobody can take another's stream.

Data entries are judged by the region's control log as it stood in the same second: neither a
validator that was ahead nor one that comes back later sees another state.
"""

from __future__ import annotations

from collections.abc import Callable

from did_service.core.anchor.bodies.evidence import EvidenceBody, parse_evidence_body
from did_service.core.anchor.bodies.heads import parse_heads_body
from did_service.core.anchor.bodies.status import FormerYear, StatusBody, parse_status_body
from did_service.core.anchor.earlier_years import last_before
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.grants import ForeignGranter, Grants, statement_in
from did_service.core.anchor.list_keepers import allowed_signers, registrations
from did_service.core.anchor.revocations import check_kept
from did_service.core.anchor.status_content import list_signer
from did_service.core.anchor.streams import STREAM_ROLES, stream_id
from did_service.core.anchor.view import (
    LogPrefix,
    LogView,
    RuleContext,
    at_home_in,
    same_subject,
    signers_of,
)
from did_service.core.errors import ProofError, RuleError, quote
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS


def check_status(
    entry: Entry, former: LoggedEntry | None, log: LogView, world: RuleContext
) -> None:
    """Check a `status` entry; `former` may stand in an earlier year's log.

    Raises:
        RuleError: `x_wrong`, `list_not_registered`, `status_time_falls`, `status_time_ahead`,
            `digest_wrong`, `signer_wrong`, `list_mismatch`; from rules 2 on
            `revocation_cleared`.
        UnsupportedError: `kind_unknown`.
        UnavailableError: `content_missing`, `log_not_mirrored`.
        ProofError, MalformedError: a signature or a shape.
    """
    body = parse_status_body(entry.body)
    _check_year_link(entry, body, log, world)
    check_around(entry, log, world, lambda c: _status(entry, body, former, c, world))
    check_kept(entry, former, world)


def check_evidence(
    entry: Entry, _former: LoggedEntry | None, log: LogView, world: RuleContext
) -> None:
    """Check an `evidence` entry.

    Raises:
        RuleError: `subject_wrong`, `signer_wrong`, `signer_unknown`, `role_missing`.
        UnsupportedError: `kind_unknown`.
        UnavailableError: `log_not_mirrored`.
        ProofError, MalformedError: a signature or a shape.
    """
    body = parse_evidence_body(entry.body)
    check_around(entry, log, world, lambda c: _evidence(entry, body, c, world))


def check_around(
    entry: Entry, log: LogView, world: RuleContext, rule: Callable[[LogPrefix], None]
) -> None:
    """Apply a rule to the control log as it stood after the entry's second, or before it.

    Within one second nobody can say which of the two logs moved first, so either will do.
    """
    after, before = _control_around(entry, log, world)
    try:
        rule(after)
    except (RuleError, ProofError) as refusal:
        try:
            rule(before)
        except (RuleError, ProofError):
            raise refusal from None


def _control_around(
    entry: Entry, log: LogView, world: RuleContext
) -> tuple[LogPrefix, LogPrefix]:
    """Return the control log as it stood after and before the second of a data entry.

    But never before the newest heads entry that covers the data log up to this entry: an
    operator who sets the second back gains nothing by it.
    """
    control, least = world.control_beside(log.origin), 0
    # Heads that cover no more of this log than it holds were logged before the entry: wherever
    # the entry's second puts it, it was not written before them.
    heads = control.newest("heads", log.origin)
    if heads is not None and parse_heads_body(heads.entry.body).size <= log.size():
        least = heads.index + 1
    sizes = (LogPrefix.as_of(control, second).size for second in (entry.at, entry.at - 1))
    after, before = (LogPrefix(control, max(size, least)) for size in sizes)
    return after, before


def _status(
    entry: Entry,
    body: StatusBody,
    former: LoggedEntry | None,
    control: LogPrefix,
    world: RuleContext,
) -> None:
    if body.expires <= body.issued:
        raise RuleError("status_time_falls", "the list expires before it begins")
    if body.issued > entry.at + MAX_CLOCK_AHEAD_SECONDS:
        raise RuleError("status_time_ahead", "iat is more than 120 s after the entry itself")
    if former is not None:
        _check_follows(body, former.entry, control)
    allowed = allowed_signers(body.issuer, entry.subject, control, entry.at)
    signer = list_signer(entry, body, control, world)
    if not any(same_subject(signer, one) for one in allowed):
        raise RuleError("signer_wrong", f"{quote(signer)} may not sign {quote(entry.subject)}")


def _check_follows(body: StatusBody, former: Entry, control: LogPrefix) -> None:
    """A list keeps its issuer while that one has it registered; its time rises."""
    before = parse_status_body(former.body)
    is_same = same_subject(before.issuer, body.issuer)
    if not is_same and registrations(before.issuer, former.subject, control):
        raise RuleError("signer_wrong", "the list belongs to another issuer")
    if body.issued <= before.issued:
        raise RuleError("status_time_falls", "iat must rise with every list")


def _check_year_link(entry: Entry, body: StatusBody, log: LogView, world: RuleContext) -> None:
    """The first entry of a list in a year's log names its last one in an older (rule 22)."""
    wanted = None
    if log.newest(entry.type, entry.subject) is None:
        before = last_before(entry.type, entry.subject, log, world)
        wanted = None if before is None else FormerYear(before[0], before[1].index)
    if body.former != wanted:
        raise RuleError("x_wrong", "x names the list's last entry in an earlier log, once")


def _evidence(entry: Entry, body: EvidenceBody, control: LogPrefix, world: RuleContext) -> None:
    """Its stream belongs to the owner, and the owner has signed.

    An owner that lost its authority anchors no more issuances; what it asked or decided
    before, it still may.
    """
    if entry.subject != stream_id(body.owner, body.kind):
        raise RuleError("subject_wrong", "the stream's name does not hold its owner's")
    homes = at_home_in(control, world)
    if body.owner not in signers_of(entry, homes):
        raise RuleError("signer_wrong", "the owner of the stream has not signed")
    if body.kind == "issuance":
        grants = Grants(world.policy, homes, ForeignGranter.ENOUGH, entry.at)
        held = list(grants.standing(body.owner))
    else:
        held = [statement_in(p.entry) for p in control.statements_about(body.owner)]
    role = STREAM_ROLES[body.kind]
    if not any(not role or role in statement.roles for statement in held):
        raise RuleError(
            "role_missing", f"{quote(body.owner)} holds no authority for this stream"
        )
