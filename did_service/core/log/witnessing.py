"""Asking a witness for a cosignature (c2sp.org/tlog-witness, add-checkpoint), as pure law.

    old 20852014                       POST <submission prefix>/add-checkpoint
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9te…  consistency proof from the size the witness holds
                                       an empty line, then the checkpoint note

    decide:  404 unknown origin → 403 no trusted signature → 400 old above new
             → 409 not the size held → 422 root or proof wrong → 200

The witness checks and stores the new head in one atomic step before it answers; `decide` is the
check. It cosigns a re-encoding of `Decision.checkpoint`, never the bytes received. A log reads
answers with `read_answer`: a conflict that does not name a size is an alarm, never a hint.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum

from did_service.core.encoding import b64
from did_service.core.errors import LimitError, MalformedError, ProofError, quote
from did_service.core.limits import MAX_NOTE_BYTES
from did_service.core.log.checkpoint import Checkpoint, parse_checkpoint, parse_number
from did_service.core.log.cosignature import valid_lines
from did_service.core.log.merkle import EMPTY_ROOT, check_consistency
from did_service.core.log.note import (
    SignatureLine,
    UnverifiedNote,
    VerifierKey,
    parse_note,
    verify_note,
)
from did_service.core.log.proof import parse_hashes

SIZE_CONTENT_TYPE = "text/x.tlog.size"


# --- the request ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnverifiedAddCheckpoint:
    """A request as sent and as received.

    Attributes:
        old_size: The size that the log believes the witness holds.
        proof: Consistency proof from there, at most 63 hashes.
        note: The checkpoint with the log's signature; no other line needs to be in it.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: UnverifiedNote

    @property
    def checkpoint(self) -> Checkpoint:
        """Return the tree head in the note.

        Raises:
            MalformedError: never after `parse_add_checkpoint`.
        """
        return parse_checkpoint(self.note.text)

    def encode(self) -> bytes:
        """Write the request body."""
        lines = [f"old {self.old_size}", *map(b64.encode_std, self.proof), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.note.encode()


def parse_add_checkpoint(body: bytes) -> UnverifiedAddCheckpoint:
    """Read a request body; any error is an answer 400.

    Raises:
        LimitError: `request_too_large`, `too_many_hashes`, or a limit of the note.
        MalformedError: `request_invalid`, or what numbers, base64, notes and checkpoints raise.
    """
    if len(body) > MAX_NOTE_BYTES:
        raise LimitError("request_too_large", f"a request of {len(body)} bytes")
    head, empty_line, note = body.partition(b"\n\n")
    if not empty_line or not head.isascii():
        raise MalformedError("request_invalid", "no empty line between proof and checkpoint")
    old, *lines = head.decode("ascii").split("\n")
    if not old.startswith("old "):
        raise MalformedError("request_invalid", f"not an old size: {quote(old)}")
    size = parse_number(old.removeprefix("old "))
    request = UnverifiedAddCheckpoint(size, parse_hashes(lines), parse_note(note))
    parse_checkpoint(request.note.text)
    return request


# --- the witness's side -----------------------------------------------------------------------


class WitnessStatus(IntEnum):
    """The HTTP status codes to which tlog-witness gives a meaning."""

    COSIGNED = 200
    MALFORMED = 400
    NOT_SIGNED = 403
    ORIGIN_UNKNOWN = 404
    SIZE_CONFLICT = 409
    INCONSISTENT = 422


@dataclass(frozen=True, slots=True)
class HeldCheckpoint:
    """The newest tree head that a witness has cosigned for an origin."""

    size: int
    root: bytes


NOTHING_HELD = HeldCheckpoint(0, EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a witness answers.

    Attributes:
        status: The status code; only 200 may be followed by a signature.
        checkpoint: What to store and then to cosign; None unless the status is 200.
        held_size: The size the witness holds, which an answer 409 names.
        reason: Stable code of what was refused; empty at 200.
    """

    status: WitnessStatus
    checkpoint: Checkpoint | None
    held_size: int
    reason: str = ""

    @property
    def size_body(self) -> bytes:
        """Return the body of an answer 409, of type `SIZE_CONTENT_TYPE`."""
        return b"%d\n" % self.held_size


def decide(
    request: UnverifiedAddCheckpoint, held: HeldCheckpoint | None, log_key: VerifierKey | None
) -> Decision:
    """Judge a request against what the witness holds.

    Args:
        request: As parsed.
        held: What was last cosigned for the request's origin, None if nothing.
        log_key: The key trusted for that origin, None if the origin is unknown.
    """
    held = held or NOTHING_HELD
    head = request.checkpoint
    if log_key is None or log_key.name != head.origin:
        return Decision(WitnessStatus.ORIGIN_UNKNOWN, None, held.size, "origin_unknown")
    try:
        verify_note(request.note, log_key)
    except ProofError as error:
        return Decision(WitnessStatus.NOT_SIGNED, None, held.size, error.code)
    if request.old_size > head.size:
        return Decision(WitnessStatus.MALFORMED, None, held.size, "old_size_too_large")
    if request.old_size != held.size:
        return Decision(WitnessStatus.SIZE_CONFLICT, None, held.size, "size_conflict")
    try:
        check_consistency(held.size, head.size, held.root, head.root, request.proof)
    except ProofError as error:
        return Decision(WitnessStatus.INCONSISTENT, None, held.size, error.code)
    return Decision(WitnessStatus.COSIGNED, head, held.size)


# --- the log's side ---------------------------------------------------------------------------


class CosignOutcome(Enum):
    """What an answer means to the log that asked."""

    COSIGNED = "cosigned"
    OTHER_SIZE = "other-size"  # ask again with a proof from the size it holds
    FORK_ALARM = "fork-alarm"  # it holds a history that ours does not extend
    NOT_ONBOARDED = "not-onboarded"  # it does not know our origin or our key
    REFUSED = "refused"  # it calls our request malformed
    TRY_LATER = "try-later"


_OUTCOMES = {
    WitnessStatus.MALFORMED: CosignOutcome.REFUSED,
    WitnessStatus.NOT_SIGNED: CosignOutcome.NOT_ONBOARDED,
    WitnessStatus.ORIGIN_UNKNOWN: CosignOutcome.NOT_ONBOARDED,
    WitnessStatus.SIZE_CONFLICT: CosignOutcome.FORK_ALARM,
    WitnessStatus.INCONSISTENT: CosignOutcome.FORK_ALARM,
}


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """One witness's answer, checked.

    Attributes:
        outcome: What it means.
        lines: Verified cosignatures to add to the note; empty unless cosigned.
        held_size: The size the witness holds; None unless it told another one.
    """

    outcome: CosignOutcome
    lines: tuple[SignatureLine, ...] = ()
    held_size: int | None = None


@dataclass(frozen=True, slots=True)
class UnverifiedHttpAnswer:
    """The parts of an HTTP response that the protocol uses; `content_type` may be empty."""

    status: int
    content_type: str
    body: bytes


def read_answer(
    request: UnverifiedAddCheckpoint, answer: UnverifiedHttpAnswer, keys: Iterable[VerifierKey]
) -> WitnessAnswer:
    """Read what a witness answered.

    Older witnesses answer 409 without the size type where the specification now says 422: the
    same size with another root. Both are alarms.

    Args:
        request: What was sent.
        answer: What came back; status codes beside those of `WitnessStatus` mean: try later.
        keys: The keys this witness is known by.

    Raises:
        MalformedError: an answer that is not what its status promises.
        ProofError: a cosignature that does not verify, or none of a known key.
    """
    if answer.status == WitnessStatus.COSIGNED:
        return WitnessAnswer(
            CosignOutcome.COSIGNED, valid_lines(request.note.text, answer.body, keys)
        )
    content_type = answer.content_type.partition(";")[0].strip().lower()
    if answer.status == WitnessStatus.SIZE_CONFLICT and content_type == SIZE_CONTENT_TYPE:
        return WitnessAnswer(CosignOutcome.OTHER_SIZE, held_size=_held_size(answer.body))
    if answer.status in set(WitnessStatus):
        return WitnessAnswer(_OUTCOMES[WitnessStatus(answer.status)])
    return WitnessAnswer(CosignOutcome.TRY_LATER)


def _held_size(body: bytes) -> int:
    if not body.isascii() or body[-1:] != b"\n":
        raise MalformedError("answer_invalid", "a conflict names a size and a newline")
    return parse_number(body[:-1].decode("ascii"))
