"""What a verifier must not forget, as a value: sizes of logs, questions, times (formats.md 8).

Sizes and the two times only rise: `witnessed` a quorum has shown, `decided` was this machine's
clock at a decision, and can be taken back. A nonce is answered once; used ones are remembered
like open ones, so that a second answer is told from one to a question never asked. When its day
is over, a quorum's time decides: a clock that was wrong once forgets no question. They do not
outlive the boot of the machine that asked them: a directory restored from a snapshot has
forgotten which of them were answered since (docs/threat-model.md rule 25).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from did_service.core.errors import ConflictError, NotFoundError, quote

if TYPE_CHECKING:
    from did_service.core.verification.report import Outcome

OPEN, USED = "open", "used"


class RememberedLog(NamedTuple):
    """The largest tree of one log that was verified with a quorum, and when it was fresh."""

    size: int
    root: bytes
    time: datetime


class Answered(NamedTuple):
    """The first answer to a question: when it was judged, how, and SHA-256 of its bytes."""

    time: datetime
    outcome: "Outcome"
    presented: bytes


class Nonce(NamedTuple):
    """One question given out.

    Attributes:
        expires: Until when it may be answered.
        state: `open` or `used`.
        boot: Of the machine that asked it.
        audience, item: Whose question it is and for which service, where that was said.
        answer: Of one that is used, where it was told.
    """

    expires: datetime
    state: str = OPEN
    boot: str | None = None
    audience: str | None = None
    item: str | None = None
    answer: Answered | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything remembered; each change makes a new value.

    Attributes:
        logs: By origin.
        nonces: By text; a directory reads one when it is asked for, and never all.
        witnessed, decided: See the module's docstring.
        boot: In which this was written.
        audience: The name under which it asked last.
        spent: The questions that were answered in the making of this value.
    """

    logs: Mapping[str, RememberedLog] = field(default_factory=dict)
    nonces: Mapping[str, Nonce] = field(default_factory=dict)
    witnessed: datetime | None = None
    decided: datetime | None = None
    boot: str | None = None
    audience: str | None = None
    spent: Mapping[str, Nonce] = field(default_factory=dict)

    @property
    def floor(self) -> datetime | None:
        """The later of both times: before it, it is not."""
        known = [each for each in (self.witnessed, self.decided) if each is not None]
        return max(known, default=None)

    def with_log(self, origin: str, log: RememberedLog) -> "Memory":
        """Remember a verified tree; a smaller or older one changes nothing.

        Raises:
            ConflictError: `log_forked`: another root at the same size.
        """
        known = self.logs.get(origin)
        if known is None or log.size > known.size:
            return replace(self, logs={**self.logs, origin: log})
        if log.size == known.size and log.root != known.root:
            raise ConflictError(
                "log_forked", f"two trees of {log.size} entries: {quote(origin)}"
            )
        if log.size == known.size and log.time > known.time:
            return replace(self, logs={**self.logs, origin: log})
        return self

    def without_logs(self, origins: Collection[str]) -> "Memory":
        """Forget the trees of logs whose fork a higher policy has settled."""
        left = {origin: log for origin, log in self.logs.items() if origin not in origins}
        return self if len(left) == len(self.logs) else replace(self, logs=left)

    def with_witnessed(self, instant: datetime) -> "Memory":
        """Remember a quorum's time; an earlier one changes nothing."""
        if self.witnessed is not None and instant <= self.witnessed:
            return self
        return replace(self, witnessed=instant)

    def with_decided(self, instant: datetime) -> "Memory":
        """Remember when a decision was made; what is before the floor changes nothing."""
        if self.floor is not None and instant <= self.floor:
            return self
        return replace(self, decided=instant)

    def without_decided(self) -> "Memory":
        """Take back what a clock said at own decisions; the floor is a quorum's time again."""
        return self if self.decided is None else replace(self, decided=None)

    def in_boot(self, boot: str) -> "Memory":
        """Go on in this boot of the machine; what an earlier one asked is closed for good."""
        return self if boot == self.boot else replace(self, boot=boot)

    def nonce(self, text: str) -> Nonce | None:
        """Return what is remembered of a question; an open one of another boot is unknown."""
        known = self.spent.get(text) or self.nonces.get(text)
        if known is None or (known.state == OPEN and known.boot != self.boot):
            return None
        return known

    def with_answer(self, text: str, now: datetime, answer: Answered | None = None) -> "Memory":
        """Mark a question as answered.

        Raises:
            NotFoundError: `nonce_unknown`: never given out here, or expired.
            ConflictError: `nonce_used`.
        """
        asked = self.nonce(text)
        if asked is None or asked.expires <= now:
            raise NotFoundError(
                "nonce_unknown", f"not given out here, or expired: {quote(text)}"
            )
        if asked.state == USED:
            raise ConflictError("nonce_used", f"answered before: {quote(text)}")
        used = asked._replace(state=USED, answer=answer)
        return replace(self, spent={**self.spent, text: used})
