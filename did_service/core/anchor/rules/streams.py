"""Rules of data entries: status lists and evidence batches.

A `status` entry anchors the digest of a signed status list, whose bytes come with it. The list
is signed by its issuer or, after the issuer's end, by the custodian that the statement names;
number and time strictly rise, also from one year's log to the next (threat rule 22). An
`evidence` entry anchors the Merkle root of one batch of salted records; its stream's name holds
its owner's, so nobody can take another's stream.

data entries are judged by the region's control log as it stood in the same second: neither a
validator that was ahead nor one that comes back later sees another state.
"""

from __future__ import annotations

from did_service.core.anchor.bodies.authority import parse_authority
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.grants import ForeignGranter, Grants
from did_service.core.anchor.list_keepers import allowed_signers, registrations
from did_service.core.anchor.region import year_before
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
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import (
    ProofError,
    RuleError,
    UnsupportedError,
    quote,
)
from did_service.core.limits import (
    MAX_CLOCK_AHEAD_SECONDS,
    STATUS_LIST_BITS,
)


def check(entry: Entry, log: LogView, world: RuleContext, former: LoggedEntry | None) -> None:
    """Check a `status` or `evidence` entry.

    Args:
        entry: The entry.
        log: A data log.
        world: Everything else.
        former: The newest entry of the same chain, perhaps in last year's log.

    Raises:
        RuleError: `list_not_registered`, `status_time_falls`, `status_time_ahead`,
            `digest_wrong`, `signer_wrong`, `list_mismatch`; `subject_wrong`, `role_missing`.
        UnsupportedError: `list_kind_unknown`.
        UnavailableError: `content_missing`, `log_not_mirrored`.
        ProofError, MalformedError: a signature or a shape.
    """
    if entry.type == "status":
        _check_year_link(entry, former, log)
    after, before = _control_around(entry, log, world)
    try:
        _check_by(after, entry, world, former)
    except (RuleError, ProofError):
        if not _would_do(before, entry, world, former):
            raise


def _would_do(
    control: LogPrefix, entry: Entry, world: RuleContext, former: LoggedEntry | None
) -> bool:
    try:
        _check_by(control, entry, world, former)
    except (RuleError, ProofError):
        return False
    return True


def _control_around(
    entry: Entry, log: LogView, world: RuleContext
) -> tuple[LogPrefix, LogPrefix]:
    """Return the control log as it stood after and before the second of a data entry.

    Within one second nobody can say which of the two logs moved first, so either will do. But
    never before the newest heads entry that covers the data log up to this entry: an operator
    who sets the second back gains nothing by it.
    """
    control, at = world.control_beside(log.origin), entry.at or 0
    heads = control.newest("heads", log.origin)
    least = 0
    if heads is not None and Fields(heads.entry.body, "heads").integer("size") <= log.size():
        least = heads.index + 1
    after, before = (LogPrefix.as_of(control, second).size for second in (at, at - 1))
    return LogPrefix(control, max(after, least)), LogPrefix(control, max(before, least))


def _check_by(
    control: LogPrefix, entry: Entry, world: RuleContext, former: LoggedEntry | None
) -> None:
    if entry.type == "status":
        _check_status(entry, control, world, former)
    else:
        _check_evidence(entry, control, world)


def _check_status(
    entry: Entry, control: LogPrefix, world: RuleContext, former: LoggedEntry | None
) -> None:
    fields = Fields(entry.body, "status")
    if fields.choice("kind", ("bitstring", "token")) != "bitstring":
        raise UnsupportedError("list_kind_unknown", "only bitstring lists are taken so far")
    issuer, issued = fields.text("issuer"), fields.integer("iat")
    if fields.integer("exp") <= issued:
        raise RuleError("status_time_falls", "the list expires before it begins")
    if issued > (entry.at or 0) + MAX_CLOCK_AHEAD_SECONDS:
        raise RuleError("status_time_ahead", "iat is more than 120 s after the entry itself")
    fields.integer("ttl", least=1)
    fields.integer("bits", least=STATUS_LIST_BITS)
    if fields.has("x"):
        fields.value("x")  # judged with the place of the entry
    fields.close()
    if former is not None:
        _check_follows(issuer, issued, former, entry, control)
    allowed = allowed_signers(issuer, entry.subject, control, entry.at or 0)
    signer = list_signer(entry, control, world)
    if not any(same_subject(signer, one) for one in allowed):
        raise RuleError("signer_wrong", f"{quote(signer)} may not sign {quote(entry.subject)}")


def _check_follows(
    issuer: str, issued: int, former: LoggedEntry, entry: Entry, control: LogPrefix
) -> None:
    """A list keeps its issuer while that one has it registered; its time rises."""
    before = Fields(former.entry.body, "status")
    owner = before.text("issuer")
    if not same_subject(owner, issuer) and registrations(owner, entry.subject, control):
        raise RuleError("signer_wrong", "the list belongs to another issuer")
    if issued <= before.integer("iat"):
        raise RuleError("status_time_falls", "iat must rise with every list")


def _check_year_link(entry: Entry, former: LoggedEntry | None, log: LogView) -> None:
    """The first entry of a list in a new year names its last one in the old log (rule 22)."""
    crosses = former is not None and log.newest(entry.type, entry.subject) is None
    if "x" in entry.body and former is not None and crosses:
        link = Fields(entry.body, "status").fields("x")
        link.constant("log", year_before(log.origin))
        link.constant("index", former.index)
        link.close()
    elif crosses or "x" in entry.body:
        raise RuleError("x_wrong", "x names the list's last entry in last year's log, once")


def _check_evidence(entry: Entry, control: LogPrefix, world: RuleContext) -> None:
    """Its stream belongs to the owner, and the owner has signed.

    An owner that lost its authority anchors no more issuances; what it asked or decided
    before, it still may.
    """
    fields = Fields(entry.body, "evidence")
    owner, kind = fields.text("owner"), fields.choice("kind", tuple(STREAM_ROLES))
    fields.value("proof")
    fields.close()
    if entry.subject != stream_id(owner, kind):
        raise RuleError("subject_wrong", "the stream's name does not hold its owner's")
    homes = at_home_in(control, world)
    if owner not in signers_of(entry, homes):
        raise RuleError("signer_wrong", "the owner of the stream has not signed")
    if kind == "issuance":
        held = list(
            Grants(world.policy, homes, ForeignGranter.ENOUGH, entry.at or 0).standing(owner)
        )
    else:
        held = [parse_authority(p.entry.body) for p in control.statements_about(owner)]
    role = STREAM_ROLES[kind]
    if not any(not role or role in statement.roles for statement in held):
        raise RuleError("role_missing", f"{quote(owner)} holds no authority for this stream")
