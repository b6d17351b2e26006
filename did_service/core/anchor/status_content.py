"""A published status list beside its entry: it names itself, its times and its signer.

The log keeps the list's bytes beside the entry that has their digest. What is judged here is
the document alone: its bits stay unopened here; `revocations` opens those that must stay set.
"""

from __future__ import annotations

from did_service.core.anchor.bodies.status import StatusBody
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.view import LogPrefix, RuleContext, at_home_in, key_of
from did_service.core.crypto.hashes import sha256
from did_service.core.did.syntax import parse_did_url
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import RuleError, UnavailableError
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.limits import MAX_STATUS_CONTENT_BYTES


def check_description(url: str, body: StatusBody, listed: JsonObject) -> None:
    """Check that a status entry tells the list's own name and times; bits stay unopened.

    Args:
        url: Subject of the entry.
        body: What it says.
        listed: The list beside it.

    Raises:
        RuleError: `list_mismatch`.
        MalformedError: a time that is none.
    """
    for second, name in ((body.issued, "validFrom"), (body.expires, "validUntil")):
        stated = listed.get(name)
        if not isinstance(stated, str) or second != timestamps.to_posix(
            timestamps.parse(stated)
        ):
            raise RuleError("list_mismatch", f"the list's {name} is not what the entry says")
    if listed.get("id") != url:
        raise RuleError("list_mismatch", "the list's id is not the entry's subject")


def list_signer(entry: Entry, body: StatusBody, control: LogPrefix, world: RuleContext) -> str:
    """Check the list behind a status entry and return the DID that signed it.

    Raises:
        UnavailableError: `content_missing`: the list did not come with its entry.
        RuleError: `digest_wrong`, `list_mismatch`, and as `view.key_of`.
        ProofError, PolicyError, LimitError, MalformedError: a signature or a shape.
    """
    content = world.content(entry.digest or b"")
    if content is None:
        raise UnavailableError("content_missing", "the status list did not come with the entry")
    if sha256(content) != entry.digest:
        raise RuleError("digest_wrong", "d is not the digest of the status list")
    listed = strict_json.load_object(content, max_bytes=MAX_STATUS_CONTENT_BYTES)
    check_description(entry.subject, body, listed)
    document, (proof, *more) = data_integrity.split(listed)
    if more or proof.purpose != "assertionMethod":
        raise RuleError("list_mismatch", "a status list has one assertion proof")
    public = key_of(proof.verification_method, at_home_in(control, world))
    data_integrity.verify(document, proof, public, eddsa_jcs_2022)
    signer = str(parse_did_url(proof.verification_method).did)
    if listed.get("issuer") != signer:
        raise RuleError("list_mismatch", "the list's issuer is not its signer")
    return signer
