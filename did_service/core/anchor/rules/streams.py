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

from did_service.core.anchor.bodies.authority import Authority, parse_authority
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.grants import ForeignGranter, Grants
from did_service.core.anchor.view import (
    LogPrefix,
    LogView,
    RuleContext,
    at_home_in,
    key_of,
    same_subject,
    signers_of,
)
from did_service.core.crypto.hashes import sha256
from did_service.core.did.syntax import did_id, parse_did_url
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import (
    ProofError,
    RuleError,
    UnavailableError,
    UnsupportedError,
    quote,
)
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.limits import (
    MAX_CLOCK_AHEAD_SECONDS,
    MAX_STATUS_CONTENT_BYTES,
    STATUS_LIST_BITS,
)

STREAM_ROLES = {"issuance": "issuer", "audit": "", "receipt": "counter"}
"""Kinds of evidence streams, and the role that the owner must hold; none: any."""


def stream_id(owner: str, kind: str) -> str:
    """Return the only name that a stream of this owner and kind may have."""
    return f"urn:didsvc:stream:{kind}:{did_id(owner)}"


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
    # Heads that cover no more of this log than it holds were logged before the entry: wherever
    # the entry's second puts it, it was not written before them.
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
    signer = _list_signer(entry, world, control)
    if not any(same_subject(signer, one) for one in allowed):
        raise RuleError("signer_wrong", f"{quote(signer)} may not sign {quote(entry.subject)}")


def allowed_signers(issuer: str, url: str, control: LogPrefix, at: int) -> set[str]:
    """Return who may sign a status list: its issuer, or after the end its custodian.

    Raises:
        RuleError: `list_not_registered`: no statement about the issuer names this URL.
    """
    statements = _registrations(issuer, url, control)
    if not statements:
        raise RuleError("list_not_registered", f"{quote(url)} is in no statement of its issuer")
    ended = [held for held in statements if held.state == "ended"]
    if ended:  # an end counts, whatever other statement still names the list
        return {held.status_custodian for held in ended if held.status_custodian is not None}
    keepers = (
        held.grantee if at < held.until else held.status_custodian for held in statements
    )
    return {keeper for keeper in keepers if keeper is not None}


def _registrations(issuer: str, url: str, control: LogPrefix) -> list[Authority]:
    statements = [parse_authority(p.entry.body) for p in control.statements_about(issuer)]
    return [held for held in statements if url in held.status_lists]


def _check_follows(
    issuer: str, issued: int, former: LoggedEntry, entry: Entry, control: LogPrefix
) -> None:
    """A list keeps its issuer while that one has it registered; its time rises."""
    before = Fields(former.entry.body, "status")
    owner = before.text("issuer")
    if not same_subject(owner, issuer) and _registrations(owner, entry.subject, control):
        raise RuleError("signer_wrong", "the list belongs to another issuer")
    if issued <= before.integer("iat"):
        raise RuleError("status_time_falls", "iat must rise with every list")


def _list_signer(entry: Entry, world: RuleContext, control: LogPrefix) -> str:
    """Check the list behind a status entry and return the DID that signed it."""
    content = world.content(entry.digest or b"")
    if content is None:
        raise UnavailableError("content_missing", "the status list did not come with the entry")
    if sha256(content) != entry.digest:
        raise RuleError("digest_wrong", "d is not the digest of the status list")
    listed = strict_json.load_object(content, max_bytes=MAX_STATUS_CONTENT_BYTES)
    check_description(entry, listed)
    document, (proof, *more) = data_integrity.split(listed)
    if more or proof.purpose != "assertionMethod":
        raise RuleError("list_mismatch", "a status list has one assertion proof")
    public = key_of(proof.verification_method, at_home_in(control, world))
    data_integrity.verify(document, proof, public, eddsa_jcs_2022)
    signer = str(parse_did_url(proof.verification_method).did)
    if listed.get("issuer") != signer:
        raise RuleError("list_mismatch", "the list's issuer is not its signer")
    return signer


def check_description(entry: Entry, listed: JsonObject) -> None:
    """Check that a status entry tells the list's own name and times; bits stay unopened.

    Raises:
        RuleError: `list_mismatch`.
        MalformedError: a time that is none.
    """
    times = {"iat": "validFrom", "exp": "validUntil"}
    for short, name in times.items():
        stated = listed.get(name)
        if not isinstance(stated, str) or entry.body.get(short) != timestamps.to_posix(
            timestamps.parse(stated)
        ):
            raise RuleError("list_mismatch", f"{short} is not the list's {name}")
    if listed.get("id") != entry.subject:
        raise RuleError("list_mismatch", "the list's id is not the entry's subject")


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
