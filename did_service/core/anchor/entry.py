"""The entry of a registry log: one JSON object, stored and hashed as RFC 8785.

    {"v":1,"t":type,"s":subject,"n":number,"p":leaf hash before,"a":seconds,"b":body,"d":digest}

`(t, s)` is a chain: `n` counts from 1 without gaps and `p` is the leaf hash of the entry
before, absent when n = 1. `a` is the POSIX second at which the log sequenced it: a `Submission`
is without it, an `Entry` has it. `d` is the SHA-256 of content that is kept beside the log.
What a body says is in `bodies`, which entry may come next in `rules`. Shapes: docs/formats.md
§2.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from did_service.core.anchor.types import TYPES, takes_back
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.encoding import b64, jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue, as_object
from did_service.core.errors import LimitError, MalformedError, UnsupportedError, quote
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.integrity.data_integrity import Proof
from did_service.core.limits import MAX_ENTRIES_PARSED, MAX_ENTRY_BYTES, MAX_ENTRY_NUMBER
from did_service.core.log.merkle import leaf_hash

VERSION = 1
_TYPE = re.compile(r"[a-z][a-z0-9-]{0,31}")

_Members = tuple[str, str, int, bytes | None, bytes | None, bytes, JsonObject]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a submission and the entry that a log makes of it have in common.

    `data`, the canonical form, is what gets stored and hashed. `object` is the same as it was
    parsed; where many entries are held it is left out and parsed again when somebody asks, as
    it takes five times the memory.
    """

    type: str
    subject: str
    number: int
    previous: bytes | None
    digest: bytes | None
    data: bytes
    object: JsonObject | None = field(default=None, compare=False, repr=False)

    @property
    def members(self) -> JsonObject:
        """All of it as an object; nobody may change it."""
        return _parsed(self.data) if self.object is None else self.object

    @property
    def body(self) -> JsonObject:
        """The member `b`, which the parser of its type reads (`types`)."""
        return as_object(self.members["b"], "entry.b")

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return self.data


@dataclass(frozen=True, slots=True)
class Submission(Envelope):
    """An entry as a submitter sends it: it has no time yet, nor a place in a log."""

    def sequenced(self, at: int) -> "Entry":
        """Return the entry as the log stores it, with the POSIX second of sequencing."""
        Fields({"a": at}, "entry").integer("a", most=timestamps.MAX_POSIX_SECONDS)
        data = b'{"a":%d,%b' % (at, self.data[1:])  # the first of its members, by RFC 8785
        chain = self.type, self.subject, self.number, self.previous
        return Entry(*chain, self.digest, _of_size(data), {"a": at, **self.members}, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Envelope):
    """An entry of a log; its bytes are the leaf's content.

    Attributes:
        at: `a`, the POSIX second at which the log sequenced it.
    """

    at: int

    def leaf(self) -> bytes:
        """Return the RFC 6962 leaf hash, 32 bytes."""
        return leaf_hash(self.data)

    def compact(self) -> "Entry":
        """Return the same entry as its bytes alone, in a copy that takes no more than they do.

        What orjson returns still holds the buffer that it wrote to, eight kilobytes of it.
        """
        return replace(self, data=bytes(memoryview(self.data)), object=None)

    def submission(self) -> Submission:
        """Return the entry as its submitter sent it, without `a`."""
        return _submission(_without(self.members, "a"))


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry and where it stands in its log."""

    entry: Entry
    index: int
    leaf: bytes


def parse_entry(data: bytes) -> Entry:
    """Parse a sequenced entry from the bytes of an entry bundle.

    Raises:
        LimitError: more than 60,000 bytes.
        MalformedError: `entry_not_canonical` when the bytes are not their own RFC 8785 form,
            `entry_malformed` and the members' own codes otherwise.
    """
    return _sequenced(data, any_type=False)


def parse_carried(data: bytes) -> Entry:
    """Parse a sequenced entry of any type, as evidence carries it from a log to its readers.

    Its envelope says where it stands, and that is all that a type which this release does not
    know says to it (docs/adr/0029). No log takes such an entry: see `parse_entry`.

    Raises:
        LimitError, MalformedError: as `parse_entry`; `entry_type_unknown` for no type's name.
    """
    return _sequenced(data, any_type=True)


def _sequenced(data: bytes, *, any_type: bool) -> Entry:
    members = strict_json.load_object(data, max_bytes=MAX_ENTRY_BYTES)
    entry = _entry(members, any_type=any_type)
    if entry.data != data:
        raise MalformedError("entry_not_canonical", "the entry is not in canonical form")
    return entry


def parse_sequenced(value: JsonObject) -> Entry:
    """Take a sequenced entry of any type that is a member of another document, as evidence has.

    That document may write 7 as 7.0, which has the same leaf hash and is no integer: an entry
    with any such number is read again from its canonical bytes.

    Raises:
        LimitError, MalformedError: as `parse_carried`.
    """
    data = jcs.encode_plain(value)  # has no fraction either, so most need no second look
    if data is None and not strict_json.has_integers_alone(value):
        return parse_carried(jcs.encode(value))
    return _entry(value, any_type=True, data=data)


def parse_submission(value: JsonObject) -> Submission:
    """Take an entry as a submitter sends it: without `a`.

    Raises:
        LimitError: more than 60,000 bytes in canonical form.
        MalformedError: as `parse_entry`, and `entry_malformed` when `a` is there.
    """
    if "a" in value:
        raise MalformedError("entry_malformed", "entry.a is set by the log, not by submitters")
    return _submission(value)


def compose(
    kind: str,
    subject: str,
    body: JsonObject,
    *,
    after: LoggedEntry | None = None,
    digest: bytes | None = None,
) -> Submission:
    """Write the next entry of a chain, still without proof.

    Args:
        kind: One of `types.TYPES`.
        subject: The subject within that type.
        body: Its body, without `proof`.
        after: The newest entry of the same chain, None for the first.
        digest: SHA-256 of content kept beside the log, for types that have one.
    """
    members: JsonObject = {"v": VERSION, "t": kind, "s": subject, "n": 1}
    if after is not None:
        members |= {"n": after.entry.number + 1, "p": b64.encode_url(after.leaf)}
    if digest is not None:
        members["d"] = b64.encode_url(digest)
    return _submission({**members, "b": body})


def sign(entry: Submission, key: SigningKey, method: str, created: datetime) -> Submission:
    """Add one proof to `b.proof`; an entry that has proofs gets one more.

    Args:
        entry: With or without proofs of others.
        key: Signs.
        method: The DID URL under which verifiers find the public key.
        created: Written into the proof.
    """
    options: JsonObject = {
        "created": timestamps.encode(created),
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }
    proof = data_integrity.create(secured(entry), options, key, eddsa_jcs_2022)
    held = entry.body.get("proof")
    former = held if isinstance(held, list) else [] if held is None else [held]
    body: JsonObject = {**entry.body, "proof": [*former, proof] if former else proof}
    return _submission({**entry.members, "b": body})


def secured(entry: Envelope) -> JsonObject:
    """Return what the proofs in `b.proof` sign: the whole entry without `a` and the proofs.

    A statement can therefore not be replayed as a later number of its chain.
    """
    return {**_without(entry.members, "a"), "b": _without(entry.body, "proof")}


def identity(entry: Envelope) -> bytes:
    """Return what makes a submission the one it is: all of it but `a` and every signature.

    Two with one identity say the same, however proofs were turned, doubled or left out on the
    way (docs/adr/0024). A policy numbers itself, so its place in the chain is no part of it.
    """
    members, body = secured(entry), _without(entry.body, "proof")
    if entry.type == "did":  # native witness proofs stand beside the entry, its own inside
        body = _without(body, "witness") | {"entry": _unsigned(body.get("entry"))}
    elif entry.type == "policy":
        members = _without(members, "n", "p")
        body = {**body, "policy": _unsigned(body.get("policy"))}
    return jcs.encode({**members, "b": body})


def proofs(entry: Envelope) -> tuple[Proof, ...]:
    """Return the proofs of an entry that must have some.

    Raises:
        MalformedError: `proof_missing` or a proof's own code.
    """
    return data_integrity.split(entry.body)[1]


def _without(members: JsonObject, *names: str) -> JsonObject:
    return {name: value for name, value in members.items() if name not in names}


def _unsigned(value: JsonValue) -> JsonValue:
    return _without(value, "proof") if isinstance(value, dict) else value


@lru_cache(maxsize=MAX_ENTRIES_PARSED)
def _parsed(data: bytes) -> JsonObject:
    return strict_json.load_object(data, max_bytes=MAX_ENTRY_BYTES)


def _submission(members: JsonObject) -> Submission:
    return Submission(*_envelope(Fields(members, "entry"), members, any_type=False))


def _entry(members: JsonObject, *, any_type: bool = False, data: bytes | None = None) -> Entry:
    """Read an entry; `data` is its canonical form, where that is at hand."""
    fields = Fields(members, "entry")
    if "a" not in members:
        raise MalformedError("entry_malformed", "entry.a is missing")
    at = fields.integer("a", most=timestamps.MAX_POSIX_SECONDS)
    return Entry(*_envelope(fields, members, any_type=any_type, data=data), at=at)


def _envelope(
    fields: Fields, members: JsonObject, *, any_type: bool, data: bytes | None = None
) -> _Members:
    """Read what submissions and entries have in common, and refuse whatever else is there."""
    fields.constant("v", VERSION)
    name = fields.text("t", max_chars=32)
    known = TYPES.get(name)
    if known is None and not (any_type and _TYPE.fullmatch(name)):
        raise UnsupportedError("entry_type_unknown", f"entries of type {quote(name)}")
    number = fields.integer("n", least=1, most=MAX_ENTRY_NUMBER)
    subject = fields.text("s", max_chars=2_048)
    previous = fields.data("p", size=32) if number > 1 else None
    has_digest = fields.has("d") if known is None else known.has_digest
    digest = fields.data("d", size=32) if has_digest else None
    body = fields.object("b")
    data = jcs.encode_to_keep(members) if data is None else data
    fields.close()
    is_unsigned = known is not None and not known.is_signed and not takes_back(name, body)
    if is_unsigned and "proof" in body:
        raise MalformedError("entry_malformed", f"a {name} entry has no proof of its own")
    return name, subject, number, previous, digest, _of_size(data), members


def _of_size(data: bytes) -> bytes:
    if len(data) > MAX_ENTRY_BYTES:
        raise LimitError("too_large", f"an entry of {len(data)} bytes")
    return data
