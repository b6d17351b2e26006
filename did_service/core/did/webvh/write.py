"""Writing did:webvh 1.0: entries, witness proofs and the two files (§3.6.1, §3.6.3, §3.6.4).

Parameters are given in the specification's own words: `{"updateKeys": […], "portable": true}`.
Every entry written here has passed `accept`. Under pre-rotation each entry shows its update
keys and commits to the next ones, explicitly, as §3.7.1 demands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.key import did_key_method
from did_service.core.did.webvh.entry import (
    PURPOSE,
    SCID_PLACEHOLDER,
    entry_hash,
    scid_of,
)
from did_service.core.did.webvh.parameters import METHOD
from did_service.core.did.webvh.state import HistoryState, accept
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue, as_array, load_object
from did_service.core.integrity import data_integrity, eddsa_jcs_2022


def create(
    document: JsonObject, parameters: JsonObject, key: SigningKey, *, now: datetime
) -> tuple[str, JsonObject]:
    """Create a DID.

    Args:
        document: The first document, `{SCID}` standing wherever the SCID will stand; its id is
            `did:webvh:{SCID}:host[%3Aport][:segment…]`.
        parameters: What is not default; `updateKeys` is the signing key's unless given.
        key: Signs; one of the update keys.
        now: Aware UTC; becomes versionTime, to the second.

    Returns:
        The DID and its first entry.

    Raises:
        DidServiceError: as `accept`.
    """
    unsigned = draft(document, parameters, key.public, now=now)
    entry = sign(unsigned, key)
    return accept(None, entry, now=now).did, entry


def draft(
    document: JsonObject, parameters: JsonObject, public: bytes, *, now: datetime
) -> JsonObject:
    """Write the first entry of a DID without its proof, from public keys alone.

    The SCID does not depend on the proof, so whoever knows these values knows the DID before
    the holder of the update key has signed. Arguments as `create`; `public` has 32 bytes.

    Raises:
        MalformedError: it is no JSON once the SCID stands in it.
    """
    preliminary: JsonObject = {
        "versionId": SCID_PLACEHOLDER,
        "versionTime": timestamps.encode(now),
        "parameters": {
            "method": METHOD,
            "scid": SCID_PLACEHOLDER,
            "updateKeys": [multikey.encode_ed25519(public)],
            **parameters,
        },
        "state": document,
    }
    scid = scid_of(preliminary)
    first = load_object(jcs.encode(preliminary).decode().replace(SCID_PLACEHOLDER, scid))
    return {**first, "versionId": f"1-{entry_hash(first, scid)}"}


def sign(unsigned: JsonObject, key: SigningKey) -> JsonObject:
    """Add the proof of an update key to an entry, made at its versionTime: a fixed value."""
    return {**unsigned, "proof": [_proof(unsigned, key, str(unsigned["versionTime"]))]}


def update(
    state: HistoryState,
    key: SigningKey,
    *,
    now: datetime,
    document: JsonObject | None = None,
    parameters: JsonObject | None = None,
) -> JsonObject:
    """Write the next entry.

    Args:
        state: The newest accepted state.
        key: Signs: a current update key, or under pre-rotation one that was committed to.
        now: Aware UTC; becomes versionTime, a second after the last one at the earliest.
        document: The new document; None keeps the current one.
        parameters: What changes. Under pre-rotation `updateKeys` is the signing key's unless
            given, and `nextKeyHashes` must be given.

    Raises:
        DidServiceError: as `accept`.
    """
    changes: JsonObject = dict(parameters or {})
    if state.version.parameters.pre_rotation:
        changes = {"updateKeys": [_multikey(key)], **changes}
    time = max(now, state.version.time + timedelta(seconds=1))
    unsigned: JsonObject = {
        "versionId": state.version.version_id,
        "versionTime": timestamps.encode(time),
        "parameters": changes,
        "state": state.version.document.raw if document is None else document,
    }
    entry = _signed(unsigned, state.version.number + 1, state.version.version_id, key)
    accept(state, entry, now=now)
    return entry


def rotate(
    state: HistoryState,
    key: SigningKey,
    next_key_hashes: Sequence[str],
    *,
    now: datetime,
    document: JsonObject | None = None,
) -> JsonObject:
    """Reveal a committed key, which signs, and commit to the next ones.

    Raises:
        DidServiceError: as `accept`; `key_not_committed` when it is not the committed key.
    """
    changes: JsonObject = {
        "updateKeys": [_multikey(key)],
        "nextKeyHashes": list(next_key_hashes),
    }
    return update(state, key, now=now, document=document, parameters=changes)


def deactivate(state: HistoryState, key: SigningKey, *, now: datetime) -> JsonObject:
    """End the DID in one entry; no key can update it afterwards.

    Raises:
        DidServiceError: as `accept`.
    """
    ending: JsonObject = {"deactivated": True, "updateKeys": []}
    if state.version.parameters.pre_rotation:
        # The signer must be among the entry's own keys here, so they cannot be emptied as well.
        ending = {"deactivated": True, "updateKeys": [_multikey(key)], "nextKeyHashes": []}
    return update(state, key, now=now, parameters=ending)


def migrate(
    state: HistoryState,
    key: SigningKey,
    location: str,
    *,
    now: datetime,
    parameters: JsonObject | None = None,
) -> JsonObject:
    """Move a portable DID to another place; the former DID goes to `alsoKnownAs` (§3.7.6).

    Args:
        state: The newest accepted state.
        key: Signs, as in `update`.
        location: `host[%3Aport][:segment…]`.
        now: Aware UTC.
        parameters: As in `update`.

    Raises:
        DidServiceError: as `accept`; `not_portable`.
    """
    moved = f"did:webvh:{state.scid}:{location}"
    document: JsonObject = {
        name: _renamed(member, state.did, moved)
        for name, member in state.version.document.raw.items()
    }
    known = as_array(document.get("alsoKnownAs", []), "alsoKnownAs")
    others = [name for name in known if name not in (moved, state.did)]
    document["alsoKnownAs"] = [*others, state.did]
    return update(state, key, now=now, document=document, parameters=parameters)


def create_witness_proof(version_id: str, key: SigningKey, *, now: datetime) -> JsonObject:
    """Approve a version, and thereby all before it, as a witness."""
    return _proof({"versionId": version_id}, key, timestamps.encode(now))


def encode_log(entries: Iterable[JsonObject]) -> bytes:
    """Write `did.jsonl`: one entry a line, in RFC 8785 form."""
    return b"".join(jcs.encode(entry) + b"\n" for entry in entries)


def encode_witness_file(proofs: Mapping[str, Sequence[JsonObject]]) -> bytes:
    """Write `did-witness.json` from versionIds and their proofs."""
    items: list[JsonValue] = [
        {"versionId": version_id, "proof": list(made)} for version_id, made in proofs.items()
    ]
    return jcs.encode(items)


def _signed(unsigned: JsonObject, number: int, predecessor: str, key: SigningKey) -> JsonObject:
    version_id = f"{number}-{entry_hash(unsigned, predecessor)}"
    return sign({**unsigned, "versionId": version_id}, key)


def _proof(document: JsonObject, key: SigningKey, created: str) -> JsonObject:
    options: JsonObject = {
        "verificationMethod": did_key_method(key.public),
        "proofPurpose": PURPOSE,
        "created": created,
    }
    return data_integrity.create(document, options, key, eddsa_jcs_2022)


def _multikey(key: SigningKey) -> str:
    return multikey.encode_ed25519(key.public)


def _renamed(value: JsonValue, former: str, moved: str) -> JsonValue:
    """Replace a DID, bare or at the head of a DID URL, wherever it stands as a value."""
    if isinstance(value, str):
        named = value == former or value.startswith(tuple(f"{former}{c}" for c in "#?/"))
        return moved + value[len(former) :] if named else value
    if isinstance(value, list):
        return [_renamed(item, former, moved) for item in value]
    if isinstance(value, dict):
        return {name: _renamed(member, former, moved) for name, member in value.items()}
    return value
