"""Asking the witnesses of a log, all at once, until the quorum has signed.

Each witness is told the size that it last held and the proof from there; one that holds
another size says so and is asked once more. An answer that means a fork is an alarm and never
a reason to try again. Witnesses beyond the quorum are asked as well and waited for a moment,
so that readers see more signatures than they need (c2sp.org/tlog-witness).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from did_service.client.transport import Transport
from did_service.client.witness import WitnessClient
from did_service.core.errors import DidServiceError, ProofError, kind_and_place
from did_service.core.limits import MAX_POLICY_MEMBERS
from did_service.core.log.checkpoint import parse_checkpoint
from did_service.core.log.note import SignatureLine, UnverifiedNote, parse_note
from did_service.core.log.policy import KnownWitness, LogPolicy
from did_service.core.log.witnessing import CosignOutcome, UnverifiedAddCheckpoint
from did_service.core.text import quote

_GRACE_SECONDS = 0.5  # for those whose answer is not needed any more
_LOG = logging.getLogger("did_service.registry")

Prove = Callable[[int], Sequence[bytes]]
Answer = Future[tuple[SignatureLine, ...]]


class WitnessPool:
    """The witnesses of one log.

    Attributes:
        alarms: Names of witnesses that hold a history which this log does not extend.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._pool = ThreadPoolExecutor(MAX_POLICY_MEMBERS, thread_name_prefix="cosigners")
        self._held: dict[str, int] = {}
        self._asked: dict[str, Answer] = {}
        self.alarms: set[str] = set()

    def gather(self, note: bytes, policy: LogPolicy, prove: Prove) -> bytes:
        """Return a checkpoint note with the cosignatures that came.

        Args:
            note: The checkpoint with the log's own signature.
            policy: Names the witnesses and the quorum.
            prove: Gives the consistency proof from a size to this checkpoint.

        Raises:
            ProofError: `quorum_not_met`.
        """
        parsed = parse_note(note)
        asked = [self._ask_unless_busy(each, parsed, prove) for each in policy.witnesses]
        pending = {answer for answer in asked if answer is not None}
        timeout = None
        while pending:
            done, pending = wait(pending, timeout, FIRST_COMPLETED)
            if not done:
                break
            parsed = parsed.with_lines(line for answer in done for line in answer.result())
            timeout = _GRACE_SECONDS if _is_met(policy, parsed) else None
        return policy.verify(parsed.encode()).note

    def close(self) -> None:
        """Wait for the answers that are still due, and stop."""
        self._pool.shutdown()

    def _ask_unless_busy(
        self, witness: KnownWitness, note: UnverifiedNote, prove: Prove
    ) -> Answer | None:
        former = self._asked.get(witness.name)
        if former is not None and not former.done():
            return None  # it hangs; one thread is enough for that
        answer = self._pool.submit(self._ask, witness, note, prove)
        self._asked[witness.name] = answer
        return answer

    def _ask(
        self, witness: KnownWitness, note: UnverifiedNote, prove: Prove
    ) -> tuple[SignatureLine, ...]:
        try:
            return self._cosignature(witness, note, prove)
        except DidServiceError as error:
            _LOG.warning("witness %s: %s", quote(witness.key.name), error.code)
        except Exception as error:  # noqa: BLE001 - one witness does not stop a log
            _LOG.error("witness %s: %s", quote(witness.key.name), kind_and_place(error))
        return ()

    def _cosignature(
        self, witness: KnownWitness, note: UnverifiedNote, prove: Prove
    ) -> tuple[SignatureLine, ...]:
        client = WitnessClient.of(self._transport, witness)
        size = parse_checkpoint(note.text).size
        for _ in range(2):
            old = self._held.get(witness.name, 0)
            request = UnverifiedAddCheckpoint(old, tuple(prove(old)), note)
            answer = client.add_checkpoint(request, witness)
            match answer.outcome:
                case CosignOutcome.COSIGNED:
                    self._held[witness.name] = size
                    self.alarms.discard(witness.name)
                    return answer.lines
                case CosignOutcome.OTHER_SIZE if (answer.held_size or 0) <= size:
                    self._held[witness.name] = answer.held_size or 0
                case CosignOutcome.OTHER_SIZE | CosignOutcome.FORK_ALARM:
                    self.alarms.add(witness.name)
                    raise ProofError("fork_alarm", "the witness holds another history")
                case outcome:
                    _LOG.warning("witness %s: %s", quote(witness.key.name), outcome.value)
                    return ()
        return ()


def _is_met(policy: LogPolicy, note: UnverifiedNote) -> bool:
    try:
        policy.verify(note.encode())
    except ProofError:
        return False
    return True
