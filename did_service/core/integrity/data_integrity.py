"""Data Integrity proofs (W3C Verifiable Credential Data Integrity 1.0, §2.1 and §4).

A proof is made and checked in three steps: the cryptosuite completes the options, hashes
document and options to 64 bytes, and Ed25519 signs those:

    hash data = SHA-256(canonical options without proofValue) || SHA-256(canonical document)

A cryptosuite is a module with `NAME`, `prepare` and `hash_data`. Which key may sign, for what
purpose and with which suite is the caller's decision and always an argument; sets and chains
of proofs are in `credentials.proof_set`.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from did_service.core.crypto import ed25519
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.encoding import timestamps
from did_service.core.encoding.multiformats import multibase_decode, multibase_encode
from did_service.core.encoding.strict_json import (
    JsonObject,
    JsonValue,
    as_object,
    as_text,
)
from did_service.core.encoding.xsd_datetime import Instant
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    MalformedError,
    ProofError,
    UnsupportedError,
    quote,
)
from did_service.core.limits import MAX_PROOFS

TYPE = "DataIntegrityProof"
ReadTime: TypeAlias = Callable[[str], Instant]
"""Reads `created` and `expires`: `exact_time`, or `parse_datetime` for other people's."""


class Cryptosuite(Protocol):
    """What a cryptosuite module offers."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a module constant
        """The `cryptosuite` identifier."""

    def prepare(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the proof members that will stand in the signed document."""

    def hash_data(self, document: JsonObject, options: JsonObject) -> bytes:
        """Return the 64 bytes to be signed."""


class Proof(NamedTuple):
    """One parsed proof. `members` is the object as received, which is what gets hashed."""

    cryptosuite: str
    verification_method: str
    purpose: str
    value: bytes
    created: Instant | None
    expires: Instant | None
    challenge: str | None
    domains: tuple[str, ...]
    identifier: str | None
    previous: tuple[str, ...]
    members: JsonObject

    @property
    def options(self) -> JsonObject:
        """The proof without its value: what was hashed beside the document."""
        return {name: value for name, value in self.members.items() if name != "proofValue"}


ReadProof: TypeAlias = Proof | DidServiceError
"""A proof, or why it cannot be read."""


def exact_time(text: str) -> Instant:
    """Read a time as log entries, policies and their kin must have it: with an offset.

    Raises:
        MalformedError: `time_invalid`.
    """
    return Instant.of(timestamps.parse(text))


def parse_proof(value: JsonValue, read_time: ReadTime = exact_time) -> Proof:
    """Parse one proof object; members of other suites stay in `members`, unread.

    Raises:
        UnsupportedError: `proof_type_unknown`, or `proof_base_unknown` for a `proofValue` that
            is not base58btc: other suites write theirs so.
        MalformedError: `proof_malformed` or a member's own code.
    """
    members = as_object(value, "proof")
    kind = members.get("type")
    if not isinstance(kind, str):
        raise MalformedError("proof_malformed", "proof.type is no text")
    if kind != TYPE:
        raise UnsupportedError("proof_type_unknown", f"proof type {quote(kind)}")
    text = as_text(members.get("proofValue"), "proof.proofValue")
    if not text:
        raise MalformedError("proof_malformed", "proofValue is empty")
    if not text.startswith("z"):
        suite = quote(members.get("cryptosuite"))
        raise UnsupportedError(
            "proof_base_unknown", f"{suite} with a proofValue in multibase {quote(text[:1])}"
        )
    return Proof(
        cryptosuite=as_text(members.get("cryptosuite"), "proof.cryptosuite"),
        verification_method=as_text(
            members.get("verificationMethod"), "proof.verificationMethod"
        ),
        purpose=as_text(members.get("proofPurpose"), "proof.proofPurpose"),
        value=multibase_decode(text),
        created=_time(members, "created", read_time),
        expires=_time(members, "expires", read_time),
        challenge=_text(members, "challenge"),
        domains=_texts(members, "domain"),
        identifier=_text(members, "id"),
        previous=_texts(members, "previousProof"),
        members=members,
    )


def split(
    document: JsonObject, read_time: ReadTime = exact_time
) -> tuple[JsonObject, tuple[Proof, ...]]:
    """Part a secured document into the document without `proof` and its 1 to 8 proofs.

    Raises:
        MalformedError: `proof_missing` or what `parse_proof` raises.
        LimitError: more than 8 proofs.
    """
    unsecured, proofs = split_unread(document)
    return unsecured, tuple(parse_proof(proof, read_time) for proof in proofs)


def read_each(document: JsonObject, read_time: ReadTime = exact_time) -> tuple[ReadProof, ...]:
    """Read each proof of a document, or say why; none where they are missing or too many."""
    try:
        unread = split_unread(document)[1]
    except MalformedError:
        return ()
    return tuple(read_proof(each, read_time) for each in unread)


def read_proof(value: JsonValue, read_time: ReadTime = exact_time) -> ReadProof:
    """Read one proof, or return why it cannot be read; arguments as `parse_proof`."""
    try:
        return parse_proof(value, read_time)
    except DidServiceError as error:
        return error


def split_unread(document: JsonObject) -> tuple[JsonObject, list[JsonValue]]:
    """Part a secured document from its 1 to 8 proofs, which stay as they are.

    Raises:
        MalformedError: `proof_missing`.
        LimitError: more than 8 proofs.
    """
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    found = document.get("proof")
    proofs: list[JsonValue] = found if isinstance(found, list) else [found]
    if found is None or not proofs:
        raise MalformedError("proof_missing", "the document has no proof")
    if len(proofs) > MAX_PROOFS:
        raise LimitError("too_large", f"more than {MAX_PROOFS} proofs")
    return unsecured, proofs


def create(
    document: JsonObject, options: JsonObject, key: SigningKey, suite: Cryptosuite
) -> JsonObject:
    """Make a proof over an unsecured document.

    Args:
        document: The document without `proof` (for a chain: with the proofs it rests on).
        options: `verificationMethod`, `proofPurpose` and, where wanted, `created`, `challenge`,
            `domain`, `id`, `previousProof`; `type` and `cryptosuite` are filled in.
        key: Signs the hash data.
        suite: The cryptosuite module.
    """
    wanted: JsonObject = {"type": TYPE, "cryptosuite": suite.NAME, **options}
    proof = suite.prepare(document, wanted)
    signature = key.sign(suite.hash_data(document, proof))
    return {**proof, "proofValue": multibase_encode(signature)}


def verify(document: JsonObject, proof: Proof, public: bytes, suite: Cryptosuite) -> None:
    """Check one proof over an unsecured document with a 32-byte Ed25519 key.

    Raises:
        ProofError: `cryptosuite_mismatch` or `signature_invalid`.
        MalformedError: the document cannot be canonicalized.
    """
    if proof.cryptosuite != suite.NAME:
        raise ProofError(
            "cryptosuite_mismatch",
            f"cryptosuite {quote(proof.cryptosuite)} is not {suite.NAME}",
        )
    ed25519.verify(public, suite.hash_data(document, proof.options), proof.value)


def _text(members: JsonObject, name: str) -> str | None:
    return as_text(members[name], f"proof.{name}") if name in members else None


def _texts(members: JsonObject, name: str) -> tuple[str, ...]:
    value = members.get(name, [])
    items = value if isinstance(value, list) else [value]
    return tuple(as_text(item, f"proof.{name}") for item in items)


def _time(members: JsonObject, name: str, read_time: ReadTime) -> Instant | None:
    text = _text(members, name)
    return None if text is None else read_time(text)
