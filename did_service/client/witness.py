"""Calls to a witness: cosign a checkpoint, approve a did:webvh version, show its alarms.

`add_checkpoint` is c2sp.org/tlog-witness and knows nothing of our own shapes, so that foreign
witnesses answer as well; the other two are calls of our own (docs/formats.md §9).
"""

from __future__ import annotations

from did_service.client.transport import Transport
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.limits import MAX_ALARMS_BYTES, MAX_ALARMS_VALUES, MAX_NOTE_BYTES
from did_service.core.log.policy import KnownWitness
from did_service.core.log.witnessing import (
    UnverifiedAddCheckpoint,
    UnverifiedHttpAnswer,
    WitnessAnswer,
    read_answer,
)


class WitnessClient:
    """Asks one witness.

    Args:
        transport: Reaches it.
        base: Its submission prefix, without a slash at the end.
    """

    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self._base = base

    @classmethod
    def of(cls, transport: Transport, witness: KnownWitness) -> WitnessClient:
        """Ask a witness of a policy: at its URL, or at its key's name."""
        return cls(transport, witness_url(witness))

    def add_checkpoint(
        self, request: UnverifiedAddCheckpoint, witness: KnownWitness
    ) -> WitnessAnswer:
        """Ask for a cosignature and read the answer.

        Args:
            request: Old size, proof, and the checkpoint with the log's own signature alone.
            witness: The key that must have signed.

        Raises:
            UnavailableError: the witness cannot be reached.
            MalformedError, ProofError: an answer that is not what it should be.
        """
        answer = self._transport.request(
            "POST",
            f"{self._base}/add-checkpoint",
            body=request.encode(),
            max_bytes=MAX_NOTE_BYTES,
            headers={"content-type": "text/plain; charset=utf-8"},
        )
        content_type = answer.headers.get("content-type", "")
        heard = UnverifiedHttpAnswer(answer.status, content_type, answer.body)
        return read_answer(request, heard, [witness.key])

    def held(self, origin: str) -> bytes:
        """Return the newest head of a log that the witness has cosigned, as the log signed it.

        Raises:
            NotFoundError: `nothing_held`.
            UnavailableError: the witness cannot be reached.
        """
        url = f"{mirror_url(self._base, origin)}/held"
        return self._transport.get(url, max_bytes=MAX_NOTE_BYTES).body

    def did_proof(self, log: bytes) -> JsonObject:
        """Ask for a native did:webvh witness proof of the newest version in a `did.jsonl`.

        Raises:
            RuleError: a rule that the log breaks, or the DID is none of an authority.
            ConflictError: `version_conflict`: it approved another version of that number.
        """
        answer = self._transport.post(
            f"{self._base}/did-proof", log, content_type="application/jsonl"
        )
        return strict_json.load_object(answer.body)

    def alarms(self) -> JsonObject:
        """Return what the witness has refused to cosign, with both notes."""
        answer = self._transport.get(f"{self._base}/alarms", max_bytes=MAX_ALARMS_BYTES)
        return strict_json.load_object(
            answer.body, max_bytes=MAX_ALARMS_BYTES, max_values=MAX_ALARMS_VALUES
        )


def witness_url(witness: KnownWitness) -> str:
    """Return the submission prefix of a witness, without a slash at the end."""
    return (witness.url or f"https://{witness.key.name}").rstrip("/")


def mirror_url(base: str, origin: str) -> str:
    """Return where a witness serves its copy of a log: the hex of the SHA-256 of its origin."""
    return f"{base}/{sha256(origin.encode()).hex()}"
