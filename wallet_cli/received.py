"""What became of a delivery: a credential of this wallet, or one that is set apart."""

from __future__ import annotations

from dataclasses import dataclass

from did_service.core.verification.report import Report
from wallet_cli.holdings import Application, HeldCredential
from wallet_cli.staples import Missing


@dataclass(frozen=True, slots=True)
class Received:
    """A credential that was taken in.

    Attributes:
        held: The credential.
        report: What a counter would say; None where no policy is pinned.
        missing: Evidence that did not come.
        is_fresh: Whether it was asked for in the newest checkpoints, not those of the hour.
    """

    held: HeldCredential
    report: Report | None
    missing: tuple[Missing, ...] = ()
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class SetAside:
    """A delivery of which nothing is proven: it stays apart, under `wallet pending`."""

    application: Application
