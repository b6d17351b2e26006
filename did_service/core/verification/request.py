"""The circumstances of a verification: what a counter asked, when, and what it remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from did_service.core.evidence.proven_set import Tree
from did_service.core.text import Bilingual
from did_service.core.verification.asked_for import Asked
from did_service.core.verification.report import NowFrom
from did_service.core.verification.verified import Verified

NO_QUESTION = ""
"""The nonce of a demand that nothing shown can meet: it answers no question at all."""


class NonceState(Enum):
    """What this counter's memory says about the nonce of the request."""

    OPEN = "open"
    USED = "used"
    UNKNOWN = "unknown"
    NOT_REMEMBERED = "not-remembered"


class Request(NamedTuple):
    """What the counter asked for.

    Attributes:
        tier: `online`, `day` or `field`: how old the clerk lets evidence be; None where nothing
            is said. What the item demands binds as well (`tier`).
        nonce: The challenge; None where no holder proof is demanded: the outcome is
            `document` at best.
        audience: Whom the answer must be for; goes with the nonce.
        state: What comes back beside the answer, if anything does; None where none is known.
        nonce_state: From the counter's memory.
        nonce_until: Until when an open one may be answered; None where nothing is remembered.
        item: The service item, whose tier and whose waivers in the policy apply.
        errand: The service item that the clerk has at hand, where that was said: an answer to
            a question that was asked for another one does not count for it.
    """

    tier: str | None = None
    nonce: str | None = None
    audience: str | None = None
    state: str | None = None
    nonce_state: NonceState = NonceState.NOT_REMEMBERED
    nonce_until: datetime | None = None
    item: str | None = None
    errand: str | None = None

    def asked(self, item_name: Bilingual | None = None) -> Asked | None:
        """Return the question for a report; None where it is none of this counter's."""
        ours = self.nonce is not None and self.nonce_state is not NonceState.UNKNOWN
        if not ours:
            return None if self.item is None else Asked(item=self.item, item_name=item_name)
        return Asked(self.audience, self.item, item_name, self.state, self.nonce_until)


class Clock(NamedTuple):
    """The time to judge by, where it came from, and what was remembered of time.

    Attributes:
        now: Aware UTC.
        source: The machine's clock, or a person.
        witnessed: The newest time that a quorum has shown to this verifier.
        decided: The newest time at which it decided something, by its clock of then.
    """

    now: datetime
    source: NowFrom = NowFrom.CLOCK
    witnessed: datetime | None = None
    decided: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What this verifier has met.

    Attributes:
        trees: The largest tree of each log, by origin.
        forked: Origins of logs whose fork is on record.
        verified: What was verified before, for a counter that keeps it from visit to visit; of
            another policy nothing of it counts.
    """

    trees: Mapping[str, Tree] = field(default_factory=dict)
    forked: frozenset[str] = frozenset()
    verified: Verified | None = None
