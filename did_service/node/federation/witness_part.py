"""The witness file `didsvc-witness/1`: the part of a member file that its witness answers for.

    {"format","id","host","witness":vkey,"native":z6Mk…,"proof":[one of each of the two keys]}

A witness may run on a host of its own: its keys are made there, and this file carries their
public halves to where the member file is made. The same two keys sign this part, and no more,
of every member file; so it says whose it is, and nobody else can bring it in as theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.encoding.xsd_datetime import Instant
from did_service.core.integrity import data_integrity
from did_service.core.limits import MAX_CARRIED_BYTES
from did_service.core.log.note import VerifierKey, parse_verifier_key
from did_service.node.federation.possession import check_possession, prove

FORMAT = "didsvc-witness/1"
_NEVER = Instant(0)


@dataclass(frozen=True, slots=True)
class WitnessPart:
    """What the witness of a region says of itself.

    Attributes:
        id: Of the region.
        host: The first of the region's hosts.
        witness: The key under which it cosigns.
        native: Multikey that approves other regions' roots.
        proofs: Of the two keys.
    """

    id: str
    host: str
    witness: VerifierKey
    native: str
    proofs: tuple[JsonValue, ...] = ()

    @property
    def document(self) -> JsonObject:
        """The part without its proofs."""
        return {
            "format": FORMAT,
            "id": self.id,
            "host": self.host,
            "witness": self.witness.encode(),
            "native": self.native,
        }

    @property
    def publics(self) -> tuple[bytes, ...]:
        """Its keys, each once."""
        both = (self.witness.public, multikey.decode_ed25519(self.native))
        return tuple(dict.fromkeys(both))

    def is_before(self, other: WitnessPart) -> bool:
        """Say whether a key has signed this one before any has signed the other.

        Whoever has stolen one of the keys signs anew with that one alone.
        """
        return min(self._signed()) < min(other._signed())

    def _signed(self) -> list[Instant]:
        times = (data_integrity.parse_proof(each).created for each in self.proofs)
        return [each or _NEVER for each in times]

    def encode(self) -> bytes:
        """Write the file; `parse_witness_part` reads it."""
        return jcs.encode({**self.document, "proof": list(self.proofs)}) + b"\n"


def sign_part(part: WitnessPart, keys: Iterable[SigningKey], created: datetime) -> WitnessPart:
    """Let the two keys sign, and read the file back; raises as `parse_witness_part`."""
    proofs = prove(part.document, keys, created)
    signed = WitnessPart(part.id, part.host, part.witness, part.native, tuple(proofs))
    return parse_witness_part(signed.encode())


def parse_witness_part(data: bytes) -> WitnessPart:
    """Read a witness file, and check that both keys have signed it.

    Raises:
        MalformedError, LimitError: another shape.
        ProofError: `member_proof_missing`, `member_proof_wrong`.
    """
    fields = Fields(strict_json.load_object(data, max_bytes=MAX_CARRIED_BYTES), "witness file")
    fields.constant("format", FORMAT)
    native = fields.text("native", max_chars=64)
    multikey.decode_ed25519(native)
    part = WitnessPart(
        id=fields.text("id", max_chars=16),
        host=fields.text("host", max_chars=253),
        witness=parse_verifier_key(fields.text("witness")),
        native=native,
        proofs=tuple(fields.array("proof", most=2)),
    )
    fields.close()
    check_possession(part.id, dict.fromkeys(part.publics, part.document), part.proofs)
    return part
