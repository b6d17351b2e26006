"""Grants as a chain: who stands where, upward to a root of the policy (threat rule 11).

    root ──grants──► ministry ──grants──► agency ──grants──► issuer        at most 4 statements
                     each within the one above: roles, types, items, prefixes, territory, dates

A statement is worth something only while every one above it stands, so a circle of grants
hangs in the air and is worth nothing. Each statement is read in the home log of its grantee,
as that log stood for this judgement; where the chain goes on in a log on which the judgement
does not rest, `ForeignGranter` says what that means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from did_service.core.anchor.bodies.authority import (
    Authority,
    check_within,
    parse_authority,
)
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.climb import Climb
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.homes import home_of_schema
from did_service.core.anchor.region import Region
from did_service.core.anchor.territory import first_outside
from did_service.core.anchor.view import HomeLogs
from did_service.core.anchor.voids import standing
from did_service.core.errors import RuleError, quote
from did_service.core.limits import MAX_AUTHORITY_HOPS, MAX_ENTRIES_PARSED


class ForeignGranter(Enum):
    """What a grant is worth whose granter is at home in a log that is not consulted."""

    REFUSED = "refused"  # a new statement must name that log's checkpoint
    ENOUGH = "enough"  # checked there when it was logged; a verifier walks all of it again


@dataclass(frozen=True, slots=True)
class Grants:
    """The grants as one judgement sees them, at a POSIX second."""

    policy: Policy
    homes: HomeLogs
    beyond: ForeignGranter
    at: int
    _refusals: dict[tuple[str, int], RuleError | None] = field(default_factory=dict)

    def standing(self, grantee: str) -> Iterator[Authority]:
        """Yield the statements about a grantee that are worth something."""
        for held in self._active(grantee):
            if self._refusal(held, Climb(self.policy)) is None:
                yield held

    def check_enclosed(self, new: Authority) -> None:
        """Check that a statement not yet in a log lies within grants that stand.

        Raises:
            RuleError: `grant_too_wide`, naming what sticks out or that nothing stands above;
                `x_missing` when the chain leads to a log that the statement does not name.
        """
        refusal = self._above(new, Climb(self.policy))
        if refusal is not None:
            raise refusal

    def speakers(self, statement: Authority) -> set[str]:
        """Return who may write the next entry of a statement's chain.

        That is its granter, while a grant that once enclosed the statement stands, and
        everybody above: the granter of each such grant, and so on up to a root. What else the
        granter was granted, and never enclosed the statement, gives its granters no say in it.
        """
        found: set[str] = set()
        # One level up a turn. A chain is named by its subject, so it is walked once however
        # many statements lead to it. Whoever is above may speak even when the granter may not
        # any more: somebody has to be able to end what an ended authority has granted.
        level = {statement.subject: statement}
        climb: Climb | None = Climb(self.policy)
        while climb is not None:
            above: dict[str, Authority] = {}
            for each in level.values():
                if climb.root(each.granter) is not None:
                    found.add(each.granter)
                    continue
                enclosing = {held.subject: held for held in self._once_enclosing(each)}
                if any(held.subject in enclosing for held in self.standing(each.granter)):
                    found.add(each.granter)
                above |= enclosing
            level, climb = above, climb.up()
        return found

    def _once_enclosing(self, statement: Authority) -> Iterator[Authority]:
        """Yield the newest of each chain about the granter that ever held this statement."""
        home = self.homes(statement.granter)
        for placed in [] if home is None else home.statements_about(statement.granter):
            chain = [] if home is None else home.chain("authority", placed.entry.subject)
            chain = standing(chain)
            if any(_is_within(statement, parse_authority(p.entry.body)) for p in chain):
                yield parse_authority(placed.entry.body)

    def _active(self, grantee: str) -> Iterator[Authority]:
        home = self.homes(grantee)
        for placed in [] if home is None else home.statements_about(grantee):
            held = statement_in(placed.entry)
            if held.state == "active" and held.valid_from <= self.at < held.until:
                yield held

    def _refusal(self, held: Authority, climb: Climb) -> RuleError | None:
        """Say why a logged statement is worth nothing, None when it stands; remembered."""
        key = held.subject, climb.hops
        if key not in self._refusals:
            self._refusals[key] = self._above(held, climb)
        return self._refusals[key]

    def _above(self, statement: Authority, climb: Climb) -> RuleError | None:
        """Look for a standing grant that encloses a statement; say why there is none."""
        region, higher = climb.root(statement.granter), climb.up()
        if region is not None:
            return _beyond_root(statement, region, self.policy)
        if higher is None:
            return RuleError("grant_too_wide", f"more than {MAX_AUTHORITY_HOPS} hops to a root")
        if self.homes(statement.granter) is None:
            elsewhere = f"x must name the home log of {quote(statement.granter)}"
            return (
                RuleError("x_missing", elsewhere)
                if self.beyond is ForeignGranter.REFUSED
                else None
            )
        refusal = RuleError("grant_too_wide", f"{quote(statement.granter)} has no such grant")
        for held in self._active(statement.granter):
            found = _sticks_out(statement, held) or self._refusal(held, higher)
            if found is None:
                return None
            refusal = found
        return refusal


@lru_cache(maxsize=MAX_ENTRIES_PARSED)
def statement_in(entry: Entry) -> Authority:
    """Read the statement of an `authority` entry; the same few are asked for again and again.

    Raises:
        RuleError, MalformedError: as `parse_authority`.
    """
    return parse_authority(entry.body)


def _sticks_out(lower: Authority, upper: Authority) -> RuleError | None:
    try:
        check_within(lower, upper)
    except RuleError as error:
        return error
    return None


def _is_within(lower: Authority, upper: Authority) -> bool:
    return _sticks_out(lower, upper) is None


def _beyond_root(new: Authority, region: Region, policy: Policy) -> RuleError | None:
    """Say what of a root's statement lies outside its own region."""
    code = first_outside(new.territory, region.territory)
    if code is not None:
        return RuleError("grant_too_wide", f"territory {code} is not the region's")
    for prefix in new.prefixes:
        if home_of_schema(prefix, policy) is not region:
            return RuleError("grant_too_wide", f"prefix {quote(prefix)} is not the region's")
    return None
