"""Who keeps a status list: one law for the log that takes it and the counter that reads it.

    statement ──status_lists──► URL ──► grantee; after the end or the period status_custodian

An end counts, whatever other statement still names the list (threat rules 14, 22). Whether the
statements at hand are the latest is asked by whoever reads them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from did_service.core.anchor.bodies.authority import Authority, parse_authority
from did_service.core.anchor.view import LogPrefix
from did_service.core.errors import RuleError, quote


class Registration(Protocol):
    """An authority statement that names a list, wherever it was found."""

    @property
    def statement(self) -> Authority:
        """What it says."""

    @property
    def ended_at(self) -> int | None:
        """The POSIX second from which its end counts, None where it has not ended."""


Registered = TypeVar("Registered", bound=Registration)


def keepers(naming: Sequence[Registered], logged_at: int) -> Iterator[tuple[str, Registered]]:
    """Yield who could sign a list, and the statement that says so.

    Args:
        naming: The statements about the list's issuer that name it.
        logged_at: POSIX second at which the log took the list.
    """
    ends = [each.ended_at for each in naming if each.ended_at is not None]
    has_ended = any(end <= logged_at for end in ends)
    ended = (each for each in naming if each.ended_at is not None)
    for each in ended if has_ended else naming:
        statement = each.statement
        in_force = not has_ended and logged_at < statement.until
        keeper = statement.grantee if in_force else statement.status_custodian
        if keeper is not None:
            yield keeper, each


class LoggedStatement(NamedTuple):
    """A statement in the control log; an end that stands there counts, whenever it was."""

    statement: Authority

    @property
    def ended_at(self) -> int | None:
        """Every second, once the statement says that it has ended."""
        return 0 if self.statement.state == "ended" else None


def registrations(issuer: str, url: str, control: LogPrefix) -> list[LoggedStatement]:
    """Return the newest statements about an issuer that name a list."""
    statements = [parse_authority(p.entry.body) for p in control.statements_about(issuer)]
    return [LoggedStatement(each) for each in statements if url in each.status_lists]


def allowed_signers(issuer: str, url: str, control: LogPrefix, at: int) -> set[str]:
    """Return who may sign a status list: its issuer, or after the end its custodian.

    Raises:
        RuleError: `list_not_registered`: no statement about the issuer names this URL.
    """
    naming = registrations(issuer, url, control)
    if not naming:
        raise RuleError("list_not_registered", f"{quote(url)} is in no statement of its issuer")
    return {keeper for keeper, _ in keepers(naming, at)}
