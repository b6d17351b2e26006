"""The rows of officers. A token is known by its digest and its first characters alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, insert, select, update

from did_service.core.errors import ConflictError, NotFoundError, quote
from did_service.issuer.login_store import LoginStore
from did_service.issuer.logins import PACE
from did_service.issuer.records import Value
from did_service.issuer.tables import OFFICER
from did_service.storage.database import rows, writing


@dataclass(frozen=True, slots=True)
class OfficerRecord:
    """One officer as the database knows them; times are POSIX seconds."""

    name: str
    token_sha256: bytes
    prefix: str
    roles: frozenset[str]
    added: int
    expires: int
    revoked: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> OfficerRecord:
        """Read a row of `issuer_officer`."""
        return cls(**{**row, "roles": frozenset(str(row["roles"]).split())})


class OfficerStore:
    """The officers of one agency.

    Attributes:
        logins: Who was wrong at logging in.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self.logins = engine, LoginStore(engine, PACE)

    def listed(self) -> list[OfficerRecord]:
        """Return all officers by name, also those who may do nothing any more."""
        found = rows(self._engine, select(OFFICER).order_by(OFFICER.c.name))
        return [OfficerRecord.of(row) for row in found]

    def add(self, officer: OfficerRecord) -> None:
        """Keep a new officer.

        Raises:
            ConflictError: `officer_exists`: a name belongs to one person for good, since it
                stands beside what that person decided.
        """
        row = {
            "name": officer.name,
            "token_sha256": officer.token_sha256,
            "prefix": officer.prefix,
            "roles": " ".join(sorted(officer.roles)),
            "added": officer.added,
            "expires": officer.expires,
        }
        taken = select(OFFICER.c.name).where(OFFICER.c.name == officer.name)
        with writing(self._engine) as connection:
            if connection.execute(taken).first() is not None:
                raise ConflictError("officer_exists", f"there is {quote(officer.name)} already")
            connection.execute(insert(OFFICER).values(row))

    def renew(self, name: str, token_sha256: bytes, prefix: str, expires: int) -> None:
        """Put another token in the place of an officer's; raises `officer_not_found`."""
        values: dict[str, Value] = {"token_sha256": token_sha256, "prefix": prefix}
        self._change(name, {**values, "expires": expires, "revoked": None})

    def revoke(self, name: str, now: int) -> None:
        """Let an officer do nothing any more; raises `officer_not_found`."""
        self._change(name, {"revoked": now})

    def _change(self, name: str, values: Mapping[str, Value]) -> None:
        with writing(self._engine) as connection:
            change = update(OFFICER).where(OFFICER.c.name == name).values(dict(values))
            if connection.execute(change).rowcount != 1:
                raise NotFoundError("officer_not_found", f"no officer {quote(name)}")
