"""What the issuer reads from its database: one frozen type for each kind of row.

The columns are described in `tables`; a record is one row of them, with its state as a type.
Times are POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from did_service.core.errors import UnavailableError
from did_service.issuer.states import ApplicationState, CredentialState

Value = str | int | bytes | None
S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ApplicationRecord:
    """What a citizen asked for; `signed` is the application as it came.

    `credential` is there from approval until its wallet has it.
    """

    id: str
    item: str
    claims: str
    holder: str
    state: ApplicationState
    note: str
    received: int
    accepted_by: str | None
    approved_by: str | None
    returned_by: str | None
    pickup_sha256: bytes
    credential: str | None
    handed_out: int | None
    signed: bytes | None
    ended: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ApplicationRecord:
        """Read a row of `issuer_application`; raises `database_damaged` for a strange state."""
        return cls(**{**row, "state": state_of(ApplicationState, row["state"])})


@dataclass(frozen=True, slots=True)
class UsedChallenge:
    """A challenge that an application has answered.

    Attributes:
        text: As it was given out.
        expires: When it ends.
        forgotten: What ended by then no clock of the agency takes for good any more.
    """

    text: str
    expires: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """What is known of an issued credential: no claims."""

    id: str
    application: str
    record: bytes
    index: int
    state: CredentialState
    issued: int
    changed: int | None
    changed_by: str | None
    reason: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> IssuedCredential:
        """Read a row of `issuer_credential`; raises `database_damaged` for a strange state."""
        return cls(**{**row, "state": state_of(CredentialState, row["state"])})


@dataclass(frozen=True, slots=True)
class OrphanedStatus:
    """A status index whose credential this database does not know."""

    index: int
    state: CredentialState
    changed: int | None
    changed_by: str | None
    reason: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> OrphanedStatus:
        """Read a row of `issuer_lost`; raises `database_damaged` for a strange state."""
        return cls(**{**row, "state": state_of(CredentialState, row["state"])})


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What an officer does to a credential, and why."""

    state: CredentialState
    changed: int
    changed_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AnchoredList:
    """A status list as it stands in the log; `issued` is its `iat`."""

    url: str
    content: bytes
    issued: int


@dataclass(frozen=True, slots=True)
class ChainRecord:
    """The newest entry of a chain in `log`, and the one on its way to `pending_log`."""

    type: str
    subject: str
    log: str | None
    newest: bytes | None
    index: int | None
    pending_log: str | None
    pending: bytes | None
    content: bytes | None


@dataclass(frozen=True, slots=True)
class AnchoredLeaf:
    """The place of a record in a batch that stands in a log."""

    record: bytes
    root: bytes
    salt: bytes
    position: int
    path: bytes
    log: str
    entry_index: int


def state_of(kind: type[S], value: object) -> S:
    """Read a state; raises UnavailableError `database_damaged` for one that there is not."""
    try:
        return kind(str(value))
    except ValueError:
        what = "a row holds a state that there is not"
        raise UnavailableError("database_damaged", what) from None
