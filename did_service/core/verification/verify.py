"""Verify what a holder presents: all thirteen steps, one report, no network.

Every step runs, whatever the ones before it found; one failure hides no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from did_service.core.anchor.policy import Policy
from did_service.core.verification.anchored import Tree
from did_service.core.verification.evidence import UnverifiedEvidence
from did_service.core.verification.report import NowFrom, Report


class NonceState(Enum):
    """What this counter's memory says about the nonce of the request."""

    OPEN = "open"
    USED = "used"
    UNKNOWN = "unknown"
    NOT_REMEMBERED = "not-remembered"


@dataclass(frozen=True, slots=True)
class Request:
    """What the counter asked for.

    Attributes:
        tier: `online`, `day` or `field`: how old evidence may be.
        nonce: The challenge; None where no holder proof is demanded.
        audience: Whom the answer must be for; goes with the nonce.
        nonce_state: From the counter's memory.
        item: The service item, whose waivers in the policy apply.
    """

    tier: str = "day"
    nonce: str | None = None
    audience: str | None = None
    nonce_state: NonceState = NonceState.NOT_REMEMBERED
    item: str | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """The time to judge by and where it came from; `floor` is the newest time remembered."""

    now: datetime
    source: NowFrom = NowFrom.CLOCK
    floor: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """Trees and forks that this verifier has met: origin to newest tree, and forked origins."""

    trees: Mapping[str, Tree] = field(default_factory=dict)
    forked: frozenset[str] = frozenset()


def verify(
    presented: bytes,
    *,
    policy: Policy | None,
    evidence: Sequence[tuple[str, UnverifiedEvidence]],
    request: Request,
    clock: Clock,
    remembered: Remembered = Remembered(),
) -> Report:
    """Verify a presentation file, a presentation or a credential.

    Args:
        presented: `{"vp_token":…}` of formats.md §6, or a bare credential or presentation.
        policy: The pinned policy; None leaves everything undecided.
        evidence: Sets by name, as `("bundle", …)`; a staple inside `presented` adds itself.
        request: What was asked.
        clock: When.
        remembered: What the trust directory remembers of the logs.

    Returns:
        The report; nothing in `presented` or `evidence` makes this raise.
    """
    raise NotImplementedError
