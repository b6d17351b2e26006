"""A region's log and the operators that cosign it, with keys made from their names."""

from dataclasses import dataclass

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.cosignature import Cosigner, cosigned_at
from did_service.core.log.note import NoteSigner, parse_note
from did_service.core.log.policy import KnownWitness, LogPolicy, PolicyLog
from did_service.core.log.quorum import Quorum

ORIGIN = "gd.example/reg"
NOON = 1_795_608_000


def signer(origin: str = ORIGIN) -> NoteSigner:
    return NoteSigner(origin, SigningKey(sha256(origin.encode())))


def cosigner(number: int) -> Cosigner:
    name = f"r{number}.example/witness"
    return Cosigner(name, SigningKey(sha256(name.encode())))


def signed_by(policy: LogPolicy, note: bytes) -> dict[str, int]:
    """Who cosigned a note that its policy accepts, and when: POSIX seconds by witness name."""
    parsed = parse_note(policy.verify(note).note)
    times = {each.name: cosigned_at(parsed, each.key) for each in policy.witnesses}
    return {name: time for name, time in times.items() if time is not None}


@dataclass(frozen=True)
class WitnessPool:
    """`count` operators w0, w1, … of which `k` are the quorum of one log."""

    count: int
    k: int

    @property
    def policy(self) -> LogPolicy:
        witnesses = [KnownWitness(f"w{i}", cosigner(i).verifier_key) for i in range(self.count)]
        quorum = Quorum.of(self.k, [each.name for each in witnesses])
        return LogPolicy((PolicyLog(signer().verifier_key),), tuple(witnesses), quorum)

    def note(self, size: int, root: bytes, times: dict[int, int]) -> bytes:
        """A checkpoint signed by the log and cosigned by operators at the given times."""
        return cosigned(sign_checkpoint(Checkpoint(ORIGIN, size, root), signer()), times)


def cosigned(note: bytes, times: dict[int, int]) -> bytes:
    parsed = parse_note(note)
    lines = [cosigner(number).cosign(parsed.text, time) for number, time in times.items()]
    return parsed.with_lines(lines).encode()
