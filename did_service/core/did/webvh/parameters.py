"""Parameters of a did:webvh log (did:webvh 1.0 §3.7.1), as each entry sets and inherits them.

An entry names only what it changes. `merge` turns that and the active set into the next active
set; which keys may sign under it, and what pre-rotation demands, is decided in `history`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from did_service.core.crypto import multikey
from did_service.core.crypto.hashes import HASH_BYTES, sha256
from did_service.core.did.key import public_of_did_key
from did_service.core.encoding import base58
from did_service.core.encoding.multiformats import SHA2_256, multihash_sha256
from did_service.core.encoding.strict_json import (
    Fields,
    JsonObject,
    JsonValue,
    as_array,
    as_integer,
    as_text,
)
from did_service.core.errors import (
    LimitError,
    MalformedError,
    RuleError,
    UnsupportedError,
    quote,
)
from did_service.core.limits import (
    MAX_DID_KEYS,
    MAX_DID_WITNESSES,
    MAX_KEYS_CACHED,
    MAX_TTL_SECONDS,
)

METHOD = "did:webvh:1.0"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WitnessRule:
    """Whose approval a version needs: `threshold` of these did:key DIDs, all distinct."""

    threshold: int
    witnesses: tuple[str, ...]

    def encode(self) -> JsonObject:
        """Write the value of the `witness` parameter; the inverse of `parse_witness_rule`."""
        ids: list[JsonValue] = [{"id": witness} for witness in self.witnesses]
        return {"threshold": self.threshold, "witnesses": ids}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The active set after an entry. Keys are multikeys, `witness` None where it is `{}`."""

    scid: str
    update_keys: tuple[str, ...]
    next_key_hashes: tuple[str, ...]
    witness: WitnessRule | None
    watchers: tuple[str, ...]
    portable: bool
    deactivated: bool
    ttl_seconds: int

    @property
    def pre_rotation(self) -> bool:
        """Whether the keys of the next entry are committed to."""
        return bool(self.next_key_hashes)


DEFAULTS = Parameters("", (), (), None, (), False, False, 3_600)  # noqa: FBT003 - §3.7.1


@lru_cache(maxsize=MAX_KEYS_CACHED)
def next_key_hash(key: str) -> str:
    """Return the `nextKeyHashes` item of a multikey: the hash of its text, not of its bytes."""
    return multihash_sha256(sha256(key.encode("ascii")))


def merge(active: Parameters | None, changes: JsonObject) -> Parameters:
    """Apply the parameters of an entry to the active set.

    Args:
        active: The set after the previous entry; None for the first entry.
        changes: The entry's `parameters`. `null` is read as the default (§3.7.1, deprecated).

    Raises:
        MalformedError: `member_unknown`, `member_missing`, `member_invalid`, `method_unknown`,
            `witness_invalid`, or a key's own code.
        RuleError: `scid_repeated` or `portable_late`.
        LimitError: more than 64 keys, hashes or witnesses.
    """
    fields = Fields(changes, "parameters")
    _check_method(fields, active)
    scid = _scid(fields, active)
    before = active or DEFAULTS
    keys, hashes = before.update_keys, before.next_key_hashes
    merged = Parameters(
        scid=scid,
        update_keys=_read(fields, "updateKeys", keys, (), _update_keys),
        next_key_hashes=_read(fields, "nextKeyHashes", hashes, (), _key_hashes),
        witness=_read(fields, "witness", before.witness, None, parse_witness_rule),
        watchers=_read(fields, "watchers", before.watchers, (), _texts),
        portable=_read(fields, "portable", before.portable, False, _flag),  # noqa: FBT003
        deactivated=_read(fields, "deactivated", False, False, _flag),  # noqa: FBT003
        ttl_seconds=_read(fields, "ttl", before.ttl_seconds, DEFAULTS.ttl_seconds, _ttl),
    )
    fields.close()
    return merged


def parse_witness_rule(value: JsonValue) -> WitnessRule | None:
    """Parse the value of the `witness` parameter; `{}` means no witnesses (§3.7.8).

    Raises:
        MalformedError: `witness_invalid`: ids repeat or are not did:key with Ed25519, or the
            threshold is not between 1 and their number; or a member's own code.
        LimitError: more than 64 witnesses.
    """
    if value == {}:
        return None
    fields = Fields(value, "parameters.witness")
    witnesses = tuple(_witness(item) for item in fields.array("witnesses"))
    threshold = as_integer(fields.value("threshold"), fields.path("threshold"))
    fields.close()
    if len(witnesses) > MAX_DID_WITNESSES:
        raise LimitError("too_large", f"more than {MAX_DID_WITNESSES} witnesses")
    if len(set(witnesses)) != len(witnesses):
        raise MalformedError("witness_invalid", "a witness is listed twice")
    if not 1 <= threshold <= len(witnesses):
        raise MalformedError(
            "witness_invalid", f"threshold {threshold} of {len(witnesses)} witnesses"
        )
    return WitnessRule(threshold, witnesses)


def _check_method(fields: Fields, active: Parameters | None) -> None:
    if active is not None and not fields.has("method"):
        return
    found = fields.value("method")
    if found != METHOD:
        raise UnsupportedError("method_unknown", f"parameters.method is {quote(found)}")


def _scid(fields: Fields, active: Parameters | None) -> str:
    if active is None:
        fields.value("updateKeys")
        return fields.text("scid")
    if fields.has("scid"):
        raise RuleError("scid_repeated", "only the first entry has parameters.scid")
    if fields.has("portable") and fields.value("portable") is True:
        raise RuleError("portable_late", "only the first entry may set portable to true")
    return active.scid


def _read(
    fields: Fields, name: str, before: T, default: T, parse: Callable[[JsonValue], T]
) -> T:
    if not fields.has(name):
        return before
    value = fields.value(name)
    return default if value is None else parse(value)


def _update_keys(value: JsonValue) -> tuple[str, ...]:
    keys = _distinct(value, "updateKeys")
    for key in keys:
        multikey.decode_ed25519(key)
    return keys


def _key_hashes(value: JsonValue) -> tuple[str, ...]:
    hashes = _distinct(value, "nextKeyHashes")
    for item in hashes:
        data = base58.decode(item)
        if data[:2] != SHA2_256 or len(data) != len(SHA2_256) + HASH_BYTES:
            raise MalformedError("member_invalid", f"next key hash {quote(item)} not SHA-256")
    return hashes


def _distinct(value: JsonValue, name: str) -> tuple[str, ...]:
    items = _texts(value, name)
    if len(items) > MAX_DID_KEYS:
        raise LimitError("too_large", f"parameters.{name} has more than {MAX_DID_KEYS} items")
    if len(set(items)) != len(items):
        raise MalformedError("member_invalid", f"parameters.{name} repeats an item")
    return items


def _texts(value: JsonValue, name: str = "watchers") -> tuple[str, ...]:
    where = f"parameters.{name}"
    return tuple(as_text(item, where) for item in as_array(value, where))


def _witness(value: JsonValue) -> str:
    fields = Fields(value, "parameters.witness.witnesses")
    did = fields.text("id")
    fields.close()
    try:
        public_of_did_key(did)
    except MalformedError as error:
        raise MalformedError("witness_invalid", f"witness id: {error.message}") from error
    return did


def _flag(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise MalformedError("member_invalid", f"a parameter is {quote(value)}, not a boolean")
    return value


def _ttl(value: JsonValue) -> int:
    seconds = as_integer(value, "parameters.ttl")
    if not 0 <= seconds <= MAX_TTL_SECONDS:
        raise MalformedError("member_invalid", f"parameters.ttl {seconds} is out of range")
    return seconds
