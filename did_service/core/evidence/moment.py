"""At which checkpoint of a log evidence is cut out, or asked for."""

from __future__ import annotations

from enum import Enum


class EvidenceMoment(Enum):
    """The hour's checkpoint, or the newest.

    Wallets ask for the hour's, so that all get the same bytes and none is told apart by them
    (threat rule 27).
    """

    EPOCH = "epoch"
    NEWEST = "newest"
