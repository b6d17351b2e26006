"""What `did-verify check` is asked, read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from did_service.core.evidence.proven_set import Dropped
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.verification.report import NowFrom
from did_service.core.verification.request import Request


@dataclass(frozen=True, slots=True)
class Question:
    """What the command line asks, read.

    Attributes:
        presented: The file as it is.
        name: What the person called it.
        bundles: Evidence sets by name.
        unreadable: Bundles that are none: like all evidence, they are dropped and named.
        request: What was asked of the holder; the state of its nonce is not known yet.
        now: The time to judge by.
        source: Where it comes from.
    """

    presented: bytes
    name: str
    bundles: tuple[tuple[str, UnverifiedEvidence], ...]
    unreadable: tuple[Dropped, ...]
    request: Request
    now: datetime
    source: NowFrom
