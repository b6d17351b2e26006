"""Rules of ev entries: status lists and evidence batches.

A `status` entry anchors the digest of a signed status list, whose bytes come with it. The list
is signed by its issuer's newest state or, after the issuer's authority has ended, by the
custodian that the statement names; number and time strictly rise (threat rule 22). An
`evidence` entry anchors the Merkle root of one batch of salted records; its stream's name holds
its owner's, so nobody can take another's stream.
"""

from __future__ import annotations

from did_service.core.anchor.authority import Authority, parse_authority
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.view import LogView, World, key_of, same_subject, signers_of
from did_service.core.crypto.hashes import sha256
from did_service.core.did.syntax import did_id, parse_did_url
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import RuleError, UnavailableError, quote
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.limits import MAX_STATUS_LIST_BYTES, STATUS_LIST_BITS

STREAM_KINDS = ("issuance", "audit", "receipt")


def stream_id(owner: str, kind: str) -> str:
    """Return the only name that a stream of this owner and kind may have."""
    return f"urn:didsvc:stream:{kind}:{did_id(owner)}"


def check_status(entry: Entry, log: LogView, world: World) -> None:
    """Check a `status` entry and the list behind it.

    Raises:
        RuleError: `list_not_registered`, `status_time_falls`, `digest_wrong`, `signer_wrong`,
            `list_mismatch`.
        UnavailableError: `content_missing`.
        ProofError, MalformedError: a signature or a shape.
    """
    fields = Fields(entry.body, "status")
    issuer, kind = fields.text("issuer"), fields.choice("kind", ("bitstring", "token"))
    issued, expires = fields.integer("iat"), fields.integer("exp")
    fields.integer("ttl", least=1)
    fields.integer("bits", least=STATUS_LIST_BITS)
    fields.close()
    if kind != "bitstring":
        raise RuleError("list_mismatch", "only bitstring lists are taken so far")
    if not issued < expires:
        raise RuleError("status_time_falls", "the list expires before it begins")
    former = log.newest("status", entry.subject)
    if former is not None:
        _check_follows(issuer, issued, Fields(former.entry.body, "status"))
    reg = world.reg_beside(log.origin)
    signer = _list_signer(entry, world, reg)
    if not any(
        same_subject(signer, allowed) for allowed in allowed_signers(issuer, entry.subject, reg)
    ):
        raise RuleError("signer_wrong", f"{quote(signer)} may not sign {quote(entry.subject)}")


def allowed_signers(issuer: str, url: str, reg: LogView) -> set[str]:
    """Return who may sign a status list now: its issuer, or after the end its custodian.

    Raises:
        RuleError: `list_not_registered`: no statement about the issuer names this URL.
    """
    statements = [
        held
        for held in (parse_authority(p.entry.body) for p in reg.statements_about(issuer))
        if url in held.status_lists
    ]
    if not statements:
        raise RuleError("list_not_registered", f"{quote(url)} is in no statement of its issuer")
    return {signer for held in statements if (signer := _list_keeper(held)) is not None}


def _list_keeper(held: Authority) -> str | None:
    return held.status_custodian if held.state == "ended" else held.grantee


def _check_follows(issuer: str, issued: int, former: Fields) -> None:
    if not same_subject(former.text("issuer"), issuer):
        raise RuleError("signer_wrong", "the list belongs to another issuer")
    if issued <= former.integer("iat"):
        raise RuleError("status_time_falls", "iat must rise with every list")


def _list_signer(entry: Entry, world: World, reg: LogView) -> str:
    """Check the list behind a status entry and return the DID that signed it."""
    content = world.content(entry.digest or b"")
    if content is None:
        raise UnavailableError("content_missing", "the status list did not come with the entry")
    if sha256(content) != entry.digest:
        raise RuleError("digest_wrong", "d is not the digest of the status list")
    listed = strict_json.load_object(content, max_bytes=MAX_STATUS_LIST_BYTES)
    if listed.get("id") != entry.subject:
        raise RuleError("list_mismatch", "the list's id is not the entry's subject")
    document, (proof, *more) = data_integrity.split(listed)
    if more or proof.purpose != "assertionMethod":
        raise RuleError("list_mismatch", "a status list has one assertion proof")
    public = key_of(proof.verification_method, reg)
    data_integrity.verify(document, proof, public, eddsa_jcs_2022)
    signer = parse_did_url(proof.verification_method).did
    if listed.get("issuer") != signer:
        raise RuleError("list_mismatch", "the list's issuer is not its signer")
    return signer


def check_evidence(entry: Entry, log: LogView, world: World) -> None:
    """Check an `evidence` entry: its stream belongs to the owner, and the owner has signed.

    Raises:
        RuleError: `subject_wrong`, `signer_wrong`, `role_missing`.
        ProofError, MalformedError: a signature or a shape.
    """
    fields = Fields(entry.body, "evidence")
    owner, kind = fields.text("owner"), fields.choice("kind", STREAM_KINDS)
    fields.value("proof")
    fields.close()
    if entry.subject != stream_id(owner, kind):
        raise RuleError("subject_wrong", "the stream's name does not hold its owner's")
    reg = world.reg_beside(log.origin)
    if owner not in signers_of(entry, reg):
        raise RuleError("signer_wrong", "the owner of the stream has not signed")
    if not any(reg.statements_about(owner)):
        raise RuleError("role_missing", f"{quote(owner)} holds no authority in this region")
