"""What a face asks of this room: a file to judge, and what is wanted of it."""

from datetime import datetime
from typing import NamedTuple

from did_service.core.evidence.proven_set import Dropped
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.verification.report import NowFrom
from did_service.core.verification.request import Request


class Question(NamedTuple):
    """One file to judge.

    Attributes:
        presented: The file as it is.
        name: What the person called it.
        bundles: Evidence sets by name.
        unreadable: Bundles that are none: like all evidence, they are dropped and named.
        request: What was asked of the holder; a directory finds its own question by itself,
            and holds it to the item that is named here, if one is.
        now: The time to judge by.
        source: Where it comes from.
        document: Whether the document alone is wanted, whoever its holder is.
        accept_limits: Whether what is accepted with limits is taken for an acceptance.
        challenges: The codes that the file says it answers; `decide` reads them.
    """

    presented: bytes
    name: str
    bundles: tuple[tuple[str, UnverifiedEvidence], ...]
    unreadable: tuple[Dropped, ...]
    request: Request
    now: datetime
    source: NowFrom
    document: bool = False
    accept_limits: bool = False
    challenges: tuple[str, ...] = ()
