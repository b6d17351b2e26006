"""Answering add-checkpoint (c2sp.org/tlog-witness): the one place where a witness cosigns.

    400 malformed, old above new · 404 not ours to witness · 403 not signed by the log
    409 not the size held · 422 a proof that fails, or an entry that the rules refuse
    503 still copying, ask again · 200 copied, judged, held, guarded, cosigned

What can be decided is decided before anything is asked of the log. Before the first signature
about a log in the life of a process, its own published checkpoint is looked at: where it bears
our signature on a larger tree than we hold, we were restored from a backup, and hold that tree
before anything is signed (threat rule 9). An alarm against a log is raised only over a copy
that is sound; where it is not, the damage is ours: said in /ready, and mended.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from threading import Lock

from did_service.core.anchor.rules_number import check_known
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    MalformedError,
    NotFoundError,
    PolicyError,
    ProofError,
    RuleError,
    UnavailableError,
    quote,
)
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint, parse_checkpoint
from did_service.core.log.cosignature import Cosigner, cosigned_at
from did_service.core.log.merkle import check_consistency
from did_service.core.log.note import UnverifiedNote, VerifierKey, parse_note, verify_note
from did_service.core.log.witnessing import (
    Decision,
    UnverifiedAddCheckpoint,
    WitnessStatus,
    decide,
    parse_add_checkpoint,
)
from did_service.program.clock import ClockAndRandom
from did_service.replica.mirror import Mirror
from did_service.signer.last_signed import LastSigned
from did_service.witness.catch_up import CatchUp
from did_service.witness.look_back import LookBack
from did_service.witness.own_copies import OwnCopies
from did_service.witness.store import AlarmKind, RaisedAlarm, WitnessStore


@dataclass(frozen=True, slots=True)
class Reply:
    """A signature line with status 200, or the size that is held with status 409."""

    status: WitnessStatus
    body: bytes


class CosignService:
    """Cosigns the logs whose policy names this witness.

    Args:
        cosigner: The witness's key.
        mirror: Its copies.
        store: What it holds, and its alarms.
        guard: What its key last signed, outside of the database.
        edge: The clock.

    Attributes:
        refused_ahead: How many entries of each log were ahead of our clock.
        copies: What it holds of the logs.
    """

    def __init__(
        self,
        cosigner: Cosigner,
        mirror: Mirror,
        store: WitnessStore,
        guard: LastSigned,
        edge: ClockAndRandom,
    ) -> None:
        self._cosigner = cosigner
        self._mirror = mirror
        self._store = store
        self._guard = guard
        self._edge = edge
        self.copies = OwnCopies(mirror, store, guard, cosigner.verifier_key)
        self._catch_up = CatchUp(mirror)
        self._locks = {origin: Lock() for origin in mirror.replicas}
        self._look_back = LookBack(self._recover)
        self.refused_ahead: Counter[str] = Counter()

    def add_checkpoint(self, body: bytes) -> Reply:
        """Judge a request and cosign what it offers.

        Raises:
            MalformedError: the request, or `old_size_too_large`.
            NotFoundError: `origin_unknown`.
            ProofError: `not_signed_by_log`; `consistency_invalid` and the like, `tree_differs`:
                it is not the history that is held, and now an alarm.
            RuleError: `entry_refused`, with the rule's code in `details`; an alarm as well.
            UnavailableError: the log cannot be read, or copying it takes longer;
                `rules_unknown`: the policy in force asks for a newer release, for every tree;
                `time_ahead`: its clock or ours is wrong; `guard_missing`, `guard_damaged`,
                `guard_differs`, `mirror_damaged`: what we hold ourselves.
        """
        request = parse_add_checkpoint(body)
        head = request.checkpoint
        key = self._key_of(request)
        _check_signed(request, key)  # nobody else makes this witness do anything
        check_known(self._mirror.policy_over(head.origin))
        decision = decide(request, self.copies.held(head.origin), key)
        if decision.checkpoint is None:
            return self._refuse(decision, request)
        self._look_back.once(head.origin)
        self._copy(request)
        with self._locks[head.origin]:
            decision = decide(request, self.copies.held(head.origin), key)
            if decision.checkpoint is None:
                return self._refuse(decision, request)
            return Reply(WitnessStatus.COSIGNED, self._cosign(decision.checkpoint, request))

    def end_waits(self) -> None:
        """Wait for no copy any more."""
        self._catch_up.end_waits()

    def close(self) -> None:
        """Let copies that are under way finish their piece, and stop."""
        self._catch_up.close()

    # --- signing ----------------------------------------------------------------------------

    def _cosign(self, head: Checkpoint, request: UnverifiedAddCheckpoint) -> bytes:
        """Hold a head, durably, and then sign a re-encoding of it."""
        now = self._edge.posix()
        self._keep(head, request.note)
        self._mirror.replicas[head.origin].store.remember_cosigned(head.size, now)
        return self._cosigner.cosign(head.encode(), now).encode()

    def _keep(self, head: Checkpoint, note: UnverifiedNote) -> None:
        """Hold a head if it extends both what the row and what the guard say was signed.

        Raises:
            UnavailableError: `guard_differs`: it does not; that is between the two of us.
        """
        hashes = self._mirror.replicas[head.origin].store.hashes
        prove = partial(tiles.consistency_proof, hashes, new_size=head.size)
        row = self._store.held(head.origin)
        after = None if row is None else row.head
        try:
            if after is not None:
                check_consistency(
                    after.size, head.size, after.root, head.root, prove(after.size)
                )
            self._guard.advance(head, prove)
            self._store.hold(head, note.encode(), after)
        except (ConflictError, ProofError) as error:
            what = f"what was signed about {head.origin} is told in two ways: {error.code}"
            raise UnavailableError("guard_differs", what) from error

    def _recover(self, origin: str, seconds: float) -> None:
        """Hold the newest published head that bears our own signature."""
        note = self._published_by_us(origin, seconds)
        if note is not None:
            signed, held = parse_checkpoint(note.text), self.copies.held(origin)
            if held is None or signed.size > held.size:
                self._catch_up.to(signed)
                with self._locks[origin]:
                    self._keep(signed, note)

    def _published_by_us(self, origin: str, seconds: float) -> UnverifiedNote | None:
        """Return what a log has published, if it bears the log's signature and ours."""
        try:
            note = parse_note(self._mirror.glance(origin, seconds))
            if cosigned_at(note, self._cosigner.verifier_key) is None:
                return None
            verify_note(note, self._log_key(origin, note))
        except NotFoundError:
            return None  # it has never published
        except DidServiceError as error:
            raise UnavailableError("log_unreadable", f"{origin}: {error.code}") from error
        return note if parse_checkpoint(note.text).origin == origin else None

    # --- judging ----------------------------------------------------------------------------

    def _key_of(self, request: UnverifiedAddCheckpoint) -> VerifierKey:
        origin = request.checkpoint.origin
        try:
            policy = self._mirror.log_policy(origin)
        except PolicyError as error:
            raise NotFoundError("origin_unknown", f"no log {quote(origin)} here") from error
        if all(each.key != self._cosigner.verifier_key for each in policy.witnesses):
            raise NotFoundError("origin_unknown", f"{quote(origin)} has other witnesses")
        return self._log_key(origin, request.note)

    def _log_key(self, origin: str, note: UnverifiedNote) -> VerifierKey:
        """Return the key of a log that signed a note; of several, the first if none did."""
        keys = [log.key for log in self._mirror.log_policy(origin).logs]
        return next((key for key in keys if note.lines_of(key)), keys[0])

    def _copy(self, request: UnverifiedAddCheckpoint) -> None:
        """Copy a log up to the head that is offered; what it proves about the log is kept."""
        origin = request.checkpoint.origin
        try:
            self._catch_up.to(request.checkpoint)
        except UnavailableError as error:
            if error.code == "time_ahead":
                self.refused_ahead[origin] += 1
            raise
        except RuleError as error:
            self._remember(str(error.details.get("rule", error.code)), request)
            raise
        except ProofError as error:
            self._remember(error.code, request)
            raise
        except DidServiceError as error:  # our own files and rows
            self.copies.damaged.add(origin)
            raise UnavailableError("mirror_damaged", f"{origin}: {error.code}") from error

    def _watch(self, request: UnverifiedAddCheckpoint, unknown: str = "") -> None:
        """Compare what the log has signed with our copy, whatever the request lacks.

        A wrong proof beside an honest checkpoint, which everybody can read and send, says
        nothing about the log. Of a tree beyond our copy nobody can tell yet: `unknown`.
        """
        head = request.checkpoint
        store = self._mirror.replicas[head.origin].store
        if head.size > store.size():
            code = unknown
        else:
            code = "" if store.root(head.size) == head.root else AlarmKind.LOG_FORKED.value
        if code:
            self._remember(code, request)

    def _refuse(self, decision: Decision, request: UnverifiedAddCheckpoint) -> Reply:
        match decision.status:
            case WitnessStatus.SIZE_CONFLICT:
                self._watch(request)
                return Reply(decision.status, decision.size_body)
            case WitnessStatus.MALFORMED:
                raise MalformedError(decision.reason, "the old size is above the new one")
            case _:
                self._watch(request, AlarmKind.HISTORY_UNPROVEN.value)
                raise ProofError(decision.reason, "the tree does not extend the one held")

    def _remember(self, code: str, request: UnverifiedAddCheckpoint) -> None:
        """Keep an alarm against a log.

        Raises:
            UnavailableError: `mirror_damaged`: our own copy is not sound, so nothing is said
                about the log.
        """
        origin = request.checkpoint.origin
        if not self.copies.is_sound(request.checkpoint):
            self.copies.damaged.add(origin)
            raise UnavailableError("mirror_damaged", f"our copy of {origin} is damaged")
        held = self._store.held(origin)
        note = b"" if held is None else held.note
        key = self._log_key(origin, request.note)  # lines of others would make it new each time
        offered = request.note._replace(signatures=request.note.lines_of(key))
        self._store.remember_alarm(
            RaisedAlarm(origin, self._edge.posix(), code, offered.encode(), note)
        )


def _check_signed(request: UnverifiedAddCheckpoint, key: VerifierKey) -> None:
    try:
        verify_note(request.note, key)
    except ProofError as error:
        raise ProofError("not_signed_by_log", "no valid signature of the log's key") from error
