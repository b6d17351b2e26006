"""One line of `did.jsonl` (did:webvh 1.0 §3.5, §3.7.3, §3.7.4), as far as it speaks for itself.

    {"versionId": "2-Qm…", "versionTime": …, "parameters": {…}, "state": {…}, "proof": […]}

    SCID       = multihash(JCS(entry 1 without proof, versionId and every SCID := "{SCID}"))
    entry hash = multihash(JCS(entry without proof, versionId := the previous one, or the SCID))
    proof      = eddsa-jcs-2022 over the entry without proof, by a did:key of an update key

The proof stands outside the entry hash: two entries with one versionId may differ in it.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from did_service.core.crypto.hashes import sha256
from did_service.core.did.key import public_of_method_id
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.multiformats import multihash_sha256
from did_service.core.encoding.strict_json import Fields, JsonObject, Numbers, load_object
from did_service.core.errors import MalformedError, ProofError, quote
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.integrity.data_integrity import Cryptosuite, Proof

SCID_PLACEHOLDER = "{SCID}"
PURPOSE = "assertionMethod"
_BLANK = b" \t\r"
_SCID = re.compile(r"Qm[1-9A-HJ-NP-Za-km-z]{44}")
_REST_OF_STRING = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+"')  # behind something in it
_VERSION_ID = re.compile(r"([1-9][0-9]{0,8})-(Qm[1-9A-HJ-NP-Za-km-z]{44})")


class UnverifiedEntry(NamedTuple):
    """A parsed entry. `unsecured` is the entry without its proofs, `raw` as received."""

    version_id: str
    number: int
    entry_hash: str
    time: datetime
    parameters: JsonObject
    state: JsonObject
    proofs: tuple[Proof, ...]
    unsecured: JsonObject
    raw: JsonObject


def parse_entry(entry: bytes | JsonObject) -> UnverifiedEntry:
    """Parse an entry: a line without its line end, or an object from strict JSON.

    Raises:
        MalformedError: `line_invalid`, `version_id_invalid`, `version_time_invalid`, or a
            member's or proof's own code.
        LimitError: larger or deeper than JSON at a door.
    """
    raw = _line(entry) if isinstance(entry, bytes) else entry
    fields = Fields(raw, "entry")
    version_id = fields.text("versionId")
    time = parse_version_time(fields.text("versionTime"))
    parameters, state = fields.object("parameters"), fields.object("state")
    fields.value("proof")
    fields.close()
    number, entry_hash = split_version_id(version_id)
    unsecured, proofs = data_integrity.split(raw)
    return UnverifiedEntry(
        version_id, number, entry_hash, time, parameters, state, proofs, unsecured, raw
    )


def split_version_id(text: str) -> tuple[int, str]:
    """Part a versionId into number and entry hash.

    Raises:
        MalformedError: `version_id_invalid`.
    """
    match = _VERSION_ID.fullmatch(text)
    if match is None:
        raise MalformedError("version_id_invalid", f"not a versionId: {quote(text)}")
    return int(match[1]), match[2]


def parse_version_time(text: str) -> datetime:
    """Parse a versionTime, which is in UTC as `Z` or `+00:00`.

    Raises:
        MalformedError: `version_time_invalid`.
    """
    try:
        if text.endswith(("Z", "+00:00")):
            return timestamps.parse(text)
    except MalformedError as error:
        raise MalformedError("version_time_invalid", error.message) from error
    raise MalformedError("version_time_invalid", f"versionTime is not UTC: {quote(text)}")


def entry_hash(unsecured: JsonObject, predecessor: str) -> str:
    """Hash an entry without proofs onto its predecessor's versionId, or onto the SCID."""
    return multihash_sha256(sha256(jcs.encode({**unsecured, "versionId": predecessor})))


def written_form(entry: UnverifiedEntry) -> bytes:
    """Return the canonical form of an entry without proofs: what its proofs sign.

    It is made once: the two hashes are over the same with another versionId.
    """
    return jcs.encode(entry.unsecured)


def check_hash(entry: UnverifiedEntry, written: bytes, predecessor: str) -> None:
    """Check the entry hash of a versionId; arguments as `check_scid` and `entry_hash`.

    Raises:
        ProofError: `entry_hash_mismatch`.
    """
    text = _with_version_id(entry, written, predecessor)
    if multihash_sha256(sha256(text.encode())) != entry.entry_hash:
        what = f"versionId {quote(entry.version_id)} is not the entry's hash"
        raise ProofError("entry_hash_mismatch", what)


def scid_of(preliminary: JsonObject) -> str:
    """Hash the first entry without proofs, with placeholders wherever the SCID will stand."""
    return multihash_sha256(sha256(jcs.encode(preliminary)))


def check_scid(entry: UnverifiedEntry, written: bytes, scid: str) -> None:
    """Check that the SCID is the hash of the first entry (§3.7.3.2).

    Args:
        entry: The first entry.
        written: Its `written_form`.
        scid: As its parameters say.

    Raises:
        ProofError: `scid_mismatch`.
        MalformedError: the entry is no JSON once the SCID is replaced.
    """
    text = _with_version_id(entry, written, SCID_PLACEHOLDER)
    preliminary = text.replace(scid, SCID_PLACEHOLDER)
    if _stands_in_values_alone(scid, text):  # then the names keep their order
        found = multihash_sha256(sha256(preliminary.encode()))
    else:
        found = scid_of(load_object(preliminary, numbers=Numbers.FINITE))
    if found != scid:
        raise ProofError("scid_mismatch", "parameters.scid is not the hash of the first entry")


def _with_version_id(entry: UnverifiedEntry, written: bytes, version_id: str) -> str:
    """Return a canonical form with another versionId.

    An entry has four members, of which versionId and versionTime are the last two by RFC 8785;
    neither has a character that is escaped.
    """
    time = f',"versionTime":"{entry.unsecured["versionTime"]}"}}'
    head = written.decode().removesuffix(f'"{entry.version_id}"{time}')
    return f"{head}{jcs.encode(version_id).decode()}{time}"


def _stands_in_values_alone(scid: str, text: str) -> bool:
    """Say whether a SCID is in no member's name of canonical JSON; one pass over the text."""
    if _SCID.fullmatch(scid) is None:
        return False
    at = text.find(scid)
    while at >= 0:
        end = _REST_OF_STRING.match(text, at + len(scid))
        if end is None or text.startswith(":", end.end()):
            return False
        at = text.find(scid, end.end())
    return True


def check_signatures(entry: UnverifiedEntry, written: bytes, keys: Sequence[str]) -> None:
    """Check every proof of an entry against the multikeys that may sign it.

    Args:
        entry: The entry.
        written: Its `written_form`.
        keys: The multikeys.

    Raises:
        ProofError: `key_not_authorized`, `purpose_wrong`, `cryptosuite_mismatch`,
            `signature_invalid`.
        MalformedError: the verification method is not `did:key:z…#z…`.
    """
    suite = eddsa_jcs_2022.OfWritten(written)
    for proof in entry.proofs:
        check_proof(entry.unsecured, proof, suite)
        key = proof.verification_method.partition("#")[2]  # did:key:z…#z…, halves equal
        if key not in keys:
            raise ProofError("key_not_authorized", f"{quote(key)} may not sign this entry")


def check_proof(
    unsecured: JsonObject, proof: Proof, suite: Cryptosuite = eddsa_jcs_2022
) -> bytes:
    """Check a did:webvh proof, of an entry or of a witness; return the key that made it.

    Args:
        unsecured: What it signs.
        proof: The proof.
        suite: eddsa-jcs-2022, for any document or for this one.

    Raises:
        ProofError: `purpose_wrong`, `cryptosuite_mismatch`, `signature_invalid`.
        MalformedError: the verification method is not `did:key:z…#z…`.
    """
    if proof.purpose != PURPOSE:
        raise ProofError("purpose_wrong", f"proofPurpose is {quote(proof.purpose)}")
    public = public_of_method_id(proof.verification_method)
    data_integrity.verify(unsecured, proof, public, suite)
    return public


def _line(line: bytes) -> JsonObject:
    """Read a line of JSON Lines, with whatever white space stands round the object.

    §3.5 says what a producer writes. The hash is over the canonical form, so blanks and the
    carriage return that some tools add change nothing. The numbers in a state are other
    people's: a fraction is as good as any.
    """
    line = line.strip(_BLANK)
    if not line.startswith(b"{") or not line.endswith(b"}"):
        raise MalformedError("line_invalid", "a log line is not one JSON object")
    return load_object(line, numbers=Numbers.FINITE)
