"""States of applications and of issued credentials: one type each, from row to wire.

received ──accept──► accepted ──approve──► issued ──pick-up, acknowledged──► collected
    └────────return────────┘► returned

valid ◄──reinstate── suspended        revoked is the end
  └──────suspend──────►│
  └──────────revoke────┴──► revoked
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ApplicationState(StrEnum):
    """How far an application has come."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    ISSUED = "issued"
    COLLECTED = "collected"


class CredentialState(StrEnum):
    """Whether an issued credential is good."""

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Verb(StrEnum):
    """What an officer can do to an issued credential."""

    REVOKE = "revoke"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"


MOVES: Mapping[Verb, tuple[tuple[CredentialState, ...], CredentialState]] = {
    Verb.REVOKE: (
        (CredentialState.VALID, CredentialState.SUSPENDED),
        CredentialState.REVOKED,
    ),
    Verb.SUSPEND: ((CredentialState.VALID,), CredentialState.SUSPENDED),
    Verb.REINSTATE: ((CredentialState.SUSPENDED,), CredentialState.VALID),
}
"""By verb: the states it starts from, the state it leads to."""
