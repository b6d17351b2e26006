"""What one credential needs to be verified offline (docs/offline-verification.md §2)."""

from __future__ import annotations

from dataclasses import dataclass

from did_service.core.anchor.policy import Policy
from did_service.core.credentials.model import Credential
from did_service.core.verification.anchored import Evidence


@dataclass(frozen=True, slots=True)
class Wanted:
    """One entry to fetch: `GET BASE/evidence/T/S` of a log, or of any mirror of it."""

    origin: str
    kind: str
    subject: str


def needed_for(
    credential: Credential, policy: Policy, evidence: Evidence
) -> tuple[Wanted, ...]:
    """Name what a credential needs and the evidence at hand already leads to.

    A wallet asks again after each fetch, until nothing is named that it has not fetched: the
    issuer's statements name its granters, and so on up to a root.
    """
    raise NotImplementedError
