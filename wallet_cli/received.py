"""What became of a delivery: a credential of this wallet, or one that is set apart."""

from __future__ import annotations

from dataclasses import dataclass

from did_service.core.verification.report import Report
from wallet_cli.holdings import Application, HeldCredential
from wallet_cli.staples import Missing


@dataclass(frozen=True, slots=True)
class Received:
    """A credential that was taken in; `report` is None where no policy is pinned."""

    held: HeldCredential
    report: Report | None
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAside:
    """A delivery of which nothing is proven: it stays apart, under `wallet pending`."""

    application: Application
