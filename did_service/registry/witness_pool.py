"""Asking the witnesses of a log, all at once, until the quorum has signed.

Each witness is told the size that it last held and the proof from there; one that holds
another size says so and is asked once more. Who says that it holds another history is asked for
the note, which our own key must have signed: a claim is counted, a proof is an alarm. Witnesses
beyond the quorum are asked as well and waited for a moment, so that readers see more signatures
than they need (c2sp.org/tlog-witness).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from did_service.client.transport import Transport
from did_service.client.witness import WitnessClient
from did_service.core.errors import (
    DidServiceError,
    ProofError,
    UnavailableError,
    kind_and_place,
)
from did_service.core.limits import MAX_POLICY_MEMBERS
from did_service.core.log.checkpoint import Checkpoint, parse_checkpoint
from did_service.core.log.cosignature import TIMESTAMP_BYTES
from did_service.core.log.note import SignatureLine, UnverifiedNote, parse_note, verify_note
from did_service.core.log.policy import KnownWitness, LogPolicy, VerifiedCheckpoint
from did_service.core.log.witnessing import CosignOutcome, UnverifiedAddCheckpoint
from did_service.core.text import quote
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.web.metrics import Histogram, LabelledCounter, Metric

_GRACE_SECONDS = 0.5  # for those whose answer is not needed any more
_LOG = logging.getLogger("did_service.registry")

Prove = Callable[[int], Sequence[bytes]]
Answer = Future[tuple[SignatureLine, ...]]


@dataclass(frozen=True, slots=True)
class CosignerState:
    """How it goes with one witness of a log.

    Attributes:
        signed_at: POSIX second at which its last cosignature came, None before the first.
        seconds: How long that one took.
        failures: How often it has not signed.
        failure: Why it did not sign the last time; empty where it did.
    """

    signed_at: int | None = None
    seconds: float = 0.0
    failures: int = 0
    failure: str = ""


class WitnessPool:
    """The witnesses of one log.

    Args:
        transport: Reaches them.
        origin: The log.
        edge: The clock.
        heard: Told the second that a witness has signed just now, by its name.
        holds: Says whether the log has this head in its own history.

    Attributes:
        alarms: Heads that our own key has signed, that are in no history of ours, and that a
            witness has shown; by its name.
        states: How it goes with each witness, by its name.
    """

    def __init__(
        self,
        transport: Transport,
        origin: str,
        edge: ClockAndRandom = SYSTEM,
        heard: Callable[[str, int], None] = lambda _name, _at: None,
        holds: Callable[[Checkpoint], bool] = lambda _head: True,
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._edge = edge
        self._heard = heard
        self._holds = holds
        self._seconds = Histogram("cosigner_seconds", "How long a witness takes to answer.")
        told = "Requests that a witness has not cosigned."
        self._failures = LabelledCounter("cosigner_failures_total", told)
        self._pool = ThreadPoolExecutor(MAX_POLICY_MEMBERS, thread_name_prefix="cosigners")
        self._held: dict[str, int] = {}
        self._asked: dict[str, Answer] = {}
        self.alarms: dict[str, Checkpoint] = {}
        self.states: dict[str, CosignerState] = {}

    def gather(self, note: bytes, policy: LogPolicy, prove: Prove) -> VerifiedCheckpoint:
        """Return the checkpoint with the cosignatures that came.

        Args:
            note: The checkpoint with the log's own signature.
            policy: Names the witnesses and the quorum.
            prove: Gives the consistency proof from a size to this checkpoint.

        Raises:
            ProofError: `quorum_not_met`.
        """
        parsed = parse_note(note)
        request = _Request(parsed, policy, prove)
        asked = [self._ask_unless_busy(each, request) for each in policy.witnesses]
        pending = {answer for answer in asked if answer is not None}
        timeout = None
        while pending:
            done, pending = wait(pending, timeout, FIRST_COMPLETED)
            if not done:
                break
            parsed = parsed.with_lines(line for answer in done for line in answer.result())
            timeout = _GRACE_SECONDS if _is_met(policy, parsed) else None
        return policy.verify(parsed.encode())

    def shown(self, witnesses: int) -> Checkpoint | None:
        """Return a head that so many witnesses have, each at least, shown us to have signed."""
        heads = sorted(self.alarms.values(), key=lambda head: head.size, reverse=True)
        return heads[witnesses - 1] if len(heads) >= witnesses else None

    def metrics(self) -> Iterator[Metric]:
        """Return numbers for `/metrics`, by log and witness."""
        yield self._seconds.metric()
        yield self._failures.metric()

    def close(self) -> None:
        """Wait for the answers that are still due, and stop."""
        self._pool.shutdown()

    def _ask_unless_busy(self, witness: KnownWitness, request: _Request) -> Answer | None:
        former = self._asked.get(witness.name)
        if former is not None and not former.done():
            return None  # it hangs; one thread is enough for that
        answer = self._pool.submit(self._ask, witness, request)
        self._asked[witness.name] = answer
        return answer

    def _ask(self, witness: KnownWitness, request: _Request) -> tuple[SignatureLine, ...]:
        begun = time.monotonic()
        try:
            lines = self._cosignature(witness, request)
        except DidServiceError as error:
            self._failed(witness, error.code)
        except Exception as error:  # noqa: BLE001 - one witness does not stop a log
            self._failed(witness, kind_and_place(error))
        else:
            self._signed(witness, lines, time.monotonic() - begun)
            return lines
        return ()

    def _signed(
        self, witness: KnownWitness, lines: Sequence[SignatureLine], seconds: float
    ) -> None:
        former = self.states.get(witness.name, CosignerState())
        if former.failure:
            _LOG.info("witness %s signs again", quote(witness.key.name))
        self._seconds.observe(seconds, log=self._origin, witness=witness.key.name)
        now = self._edge.posix()
        self.states[witness.name] = CosignerState(now, seconds, former.failures)
        stamps = [line.signature[:TIMESTAMP_BYTES] for line in lines]
        self._heard(witness.name, max(int.from_bytes(stamp, "big") for stamp in stamps))

    def _failed(self, witness: KnownWitness, why: str) -> None:
        """Count a failure, and tell of it once until it changes."""
        self._failures.add(log=self._origin, witness=witness.key.name)
        former = self.states.get(witness.name, CosignerState())
        if former.failure != why:
            _LOG.warning("witness %s: %s", quote(witness.key.name), why)
        self.states[witness.name] = replace(former, failures=former.failures + 1, failure=why)

    def _cosignature(
        self, witness: KnownWitness, request: _Request
    ) -> tuple[SignatureLine, ...]:
        """Ask one witness.

        Raises:
            DidServiceError: why it did not sign; `fork_alarm` where it has proven another
                history, `fork_claimed` where it only says so.
        """
        client = WitnessClient.of(self._transport, witness)
        size = parse_checkpoint(request.note.text).size
        for _ in range(2):
            old = self._held.get(witness.name, 0)
            offer = UnverifiedAddCheckpoint(old, tuple(request.prove(old)), request.note)
            answer = client.add_checkpoint(offer, witness)
            match answer.outcome:
                case CosignOutcome.COSIGNED:
                    self._held[witness.name] = size
                    self.alarms.pop(witness.name, None)
                    return answer.lines
                case CosignOutcome.OTHER_SIZE if (answer.held_size or 0) <= size:
                    self._held[witness.name] = answer.held_size or 0
                case CosignOutcome.OTHER_SIZE | CosignOutcome.FORK_ALARM:
                    self._examine_claim(client, witness, request)
                case outcome:
                    raise UnavailableError(_CODES[outcome], f"{quote(witness.key.name)}")
        raise UnavailableError("witness_undecided", "it names another size each time")

    def _examine_claim(
        self, client: WitnessClient, witness: KnownWitness, request: _Request
    ) -> None:
        """Ask who says that it holds another history for the note that shows it.

        Raises:
            ProofError: `fork_alarm`: our own key has signed what it shows, and we hold
                something else; `fork_claimed`: it shows nothing of the kind.
        """
        try:
            shown = parse_note(client.held(self._origin))
            head = parse_checkpoint(shown.text)
            keys = [log.key for log in request.policy.logs if shown.lines_of(log.key)]
            for key in keys:
                verify_note(shown, key)
        except DidServiceError as error:
            raise ProofError("fork_claimed", f"it shows no note: {error.code}") from error
        if not keys or head.origin != self._origin or self._holds(head):
            raise ProofError("fork_claimed", "what it shows is in our own history")
        self.alarms[witness.name] = head
        raise ProofError("fork_alarm", f"our key has signed another history at {head.size}")


@dataclass(frozen=True, slots=True)
class _Request:
    """What every witness is asked about."""

    note: UnverifiedNote
    policy: LogPolicy
    prove: Prove


_CODES = {
    CosignOutcome.NOT_ONBOARDED: "witness_not_onboarded",
    CosignOutcome.REFUSED: "witness_refused",
    CosignOutcome.TRY_LATER: "witness_busy",
}


def _is_met(policy: LogPolicy, note: UnverifiedNote) -> bool:
    try:
        policy.verify(note.encode())
    except ProofError:
        return False
    return True
