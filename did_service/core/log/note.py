"""Signed note (c2sp.org/signed-note v1.0.0): text, an empty line, signature lines.

    example.org/log                             ┐
    4711                                        │ text, signed with its last newline
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=┘
                                                  the last empty line of the note
    — example.org/log 4EpzOJ…=                    em dash, key name, base64(key id ‖ signature)

Name and key id select a key. Lines of unknown keys are ignored; a line that selects a known key
must verify, or the whole note is refused. A key is written as a "vkey":
`name+8 hex digits of its id+base64(type ‖ public key)`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from did_service.core.crypto import ed25519
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64
from did_service.core.errors import (
    LimitError,
    MalformedError,
    ProofError,
    UnsupportedError,
    quote,
)
from did_service.core.limits import (
    MAX_KEY_NAME_BYTES,
    MAX_KEYS_CACHED,
    MAX_NOTE_BYTES,
    MAX_NOTE_SIGNATURES,
)

KEY_ID_BYTES = 4
_DASH = "\N{EM DASH} "
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f]")
_NOT_IN_NAME = re.compile("[\\s+\x00-\x1f\ud800-\udfff]")
_HEX_ID = re.compile("[0-9a-f]{8}")


class KeyType(IntEnum):
    """The signature types we have keys for; lines of any other type are ignored."""

    ED25519 = 0x01  # over the note's text
    COSIGNATURE_ED25519 = 0x04  # timestamped, see `cosignature`


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name and type it is used under.

    Raises:
        MalformedError: `key_name_invalid`, or `length_wrong` unless `public` has 32 bytes.
    """

    name: str
    type: KeyType
    public: bytes
    key_id: bytes = field(init=False, repr=False, compare=False)
    """The 4 bytes that stand before each signature of this key."""

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.public) != ed25519.PUBLIC_BYTES:
            raise MalformedError("length_wrong", f"a public key of {len(self.public)} bytes")
        material = self.name.encode() + b"\n" + bytes([self.type]) + self.public
        # Each line of each note asks for it, and a policy keeps its keys.
        object.__setattr__(self, "key_id", sha256(material)[:KEY_ID_BYTES])

    def encode(self) -> str:
        """Write the vkey text."""
        material = b64.encode_std(bytes([self.type]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{material}"


@lru_cache(maxsize=MAX_KEYS_CACHED)  # a policy names each witness once for every log
def parse_verifier_key(text: str) -> VerifierKey:
    """Read a vkey and check that the id in it is the key's own.

    Raises:
        UnsupportedError: `key_type_unknown`.
        MalformedError: `vkey_invalid`, `key_id_wrong` and what the fields raise.
    """
    name, _, rest = text.partition("+")  # a name has no plus, base64 may
    hex_id, _, encoded = rest.partition("+")
    if not _HEX_ID.fullmatch(hex_id):
        raise MalformedError("vkey_invalid", f"not name+id+key: {quote(text)}")
    material = b64.decode_std(encoded)
    if not material or material[0] not in set(KeyType):
        raise UnsupportedError("key_type_unknown", f"no known type of key: {quote(text)}")
    key = VerifierKey(name, KeyType(material[0]), material[1:])
    if key.key_id.hex() != hex_id:
        raise MalformedError("key_id_wrong", f"the id is not that of the key: {quote(text)}")
    return key


def check_key_name(name: str) -> None:
    """Check a key name: not empty, no white space, control character or plus.

    Raises:
        MalformedError: `key_name_invalid`.
    """
    fits = 0 < len(name.encode("utf-8", "surrogatepass")) <= MAX_KEY_NAME_BYTES
    if not fits or _NOT_IN_NAME.search(name):
        raise MalformedError("key_name_invalid", f"not the name of a key: {quote(name)}")


# --- signature lines ---------------------------------------------------------------------


class SignatureLine(NamedTuple):
    """One signature, still unchecked: key name, 4-byte key id, and at least one byte."""

    name: str
    key_id: bytes
    signature: bytes

    def selects(self, key: VerifierKey) -> bool:
        """Say whether name and id are those of `key`."""
        return self.name == key.name and self.key_id == key.key_id

    def encode(self) -> bytes:
        """Write the line with its newline."""
        return f"{_DASH}{self.name} {b64.encode_std(self.key_id + self.signature)}\n".encode()


def parse_signature_lines(data: bytes) -> tuple[SignatureLine, ...]:
    """Read one or more signature lines, each with its newline.

    Raises:
        MalformedError: `signature_line_invalid` or `utf8_invalid`.
        LimitError: `too_many_signatures`.
    """
    lines = _decode(data).split("\n")
    if len(lines) < 2 or lines.pop():
        raise MalformedError("signature_line_invalid", "no signature line with its newline")
    if len(lines) > MAX_NOTE_SIGNATURES:
        raise LimitError("too_many_signatures", f"{len(lines)} signature lines")
    return tuple(_parse_signature_line(line) for line in lines)


def _parse_signature_line(line: str) -> SignatureLine:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise MalformedError("signature_line_invalid", f"not a signature line: {quote(line)}")
    check_key_name(name)
    data = b64.decode_std(encoded)
    if len(data) <= KEY_ID_BYTES:
        raise MalformedError("signature_line_invalid", f"no signature in it: {quote(line)}")
    return SignatureLine(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


# --- notes -------------------------------------------------------------------------------


class UnverifiedNote(NamedTuple):
    """A note as received: its text with the last newline, and its lines in order."""

    text: bytes
    signatures: tuple[SignatureLine, ...]

    def encode(self) -> bytes:
        """Write the note, byte for byte what `parse_note` read."""
        return self.text + b"\n" + b"".join(line.encode() for line in self.signatures)

    def lines_of(self, key: VerifierKey) -> tuple[SignatureLine, ...]:
        """Return the lines that select a key, each once; each of them must verify."""
        found = [line for line in self.signatures if line.selects(key)]
        return tuple(dict.fromkeys(found) if len(found) > 1 else found)

    def only_of(self, keys: Iterable[VerifierKey]) -> "UnverifiedNote":
        """Return the note with the lines that select these keys, each once and in order."""
        known = {(key.name, key.key_id) for key in keys}
        lines = (line for line in self.signatures if (line.name, line.key_id) in known)
        return self._replace(signatures=tuple(dict.fromkeys(lines)))

    def with_lines(self, lines: Iterable[SignatureLine]) -> "UnverifiedNote":
        """Return the note with more signature lines at its end, none of them twice."""
        every = dict.fromkeys((*self.signatures, *lines))
        return self._replace(signatures=tuple(every))


def parse_note(data: bytes) -> UnverifiedNote:
    """Read a signed note; nothing is verified yet.

    Raises:
        LimitError: `note_too_large` or `too_many_signatures`.
        MalformedError: `note_invalid`, `utf8_invalid` or `signature_line_invalid`.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise LimitError("note_too_large", f"a note of {len(data)} bytes")
    text, empty_line, lines = data.rpartition(b"\n\n")
    if not empty_line:
        raise MalformedError("note_invalid", "no empty line between text and signatures")
    if _CONTROLS.search(_decode(data)):
        raise MalformedError("note_invalid", "a control character in a note")
    return UnverifiedNote(text + b"\n", parse_signature_lines(lines))


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("utf8_invalid", "a note is UTF-8") from error


# --- signing and verifying ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A private key with the name it signs under."""

    name: str
    key: ed25519.SigningKey

    @property
    def verifier_key(self) -> VerifierKey:
        """Return the public half, as a policy lists it."""
        return VerifierKey(self.name, KeyType.ED25519, self.key.public)

    def sign(self, text: bytes) -> SignatureLine:
        """Sign a note's text, which ends in a newline."""
        return SignatureLine(self.name, self.verifier_key.key_id, self.key.sign(text))


def sign_note(text: bytes, signer: NoteSigner) -> bytes:
    """Write a text as a note with one signature.

    Raises:
        MalformedError: `note_invalid` and others when the text cannot stand in a note.
    """
    note = UnverifiedNote(text, (signer.sign(text),)).encode()
    if parse_note(note).text != text:
        raise MalformedError("note_invalid", "a note's text ends in a newline")
    return note


def verify_note(note: UnverifiedNote, key: VerifierKey) -> None:
    """Check that a log's key has signed a note, and that every line selecting it verifies.

    Raises:
        ProofError: `log_signature_missing` when no line selects the key, or when it is not a
            key for notes; `signature_invalid`.
    """
    lines = note.lines_of(key)
    if not lines or key.type is not KeyType.ED25519:
        raise ProofError("log_signature_missing", f"no signature of {quote(key.name)}")
    for line in lines:
        ed25519.verify(key.public, note.text, line.signature)
