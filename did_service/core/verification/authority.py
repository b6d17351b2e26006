"""Step 6: a chain of grants lets this issuer issue this type in this region.

    root of the policy ──► … ──► granter ──► issuer        at most 4 statements, each with heads

A statement that has ended still carries what is proven to have existed before the end (threat
rule 13): in the log's order, or by the time a quorum saw it. "Not granted" is a refusal only
where the heads file and every entry of the issuer's home log are at hand, since whoever
supplies evidence could have left the granting statement out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from did_service.core.anchor.authority import Authority, covers, covers_region, parse_authority
from did_service.core.anchor.policy import Policy, reg_origin
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_AUTHORITY_HOPS
from did_service.core.verification.anchored import Anchored
from did_service.core.verification.case import Case, End, described
from did_service.core.verification.report import Check

_STEP = 6
HELD = "authority_held"
FORMERLY = "issued_while_authorised"
MISSING = "authority_missing"
# Which of several findings counts: the one that could still turn out best.
_ORDER = (
    HELD,
    FORMERLY,
    "issuance_time_not_proven",
    MISSING,
    "authority_suspended",
    "issued_after_end",
    "region_not_granted",
    "type_not_granted",
)


@dataclass(frozen=True, slots=True)
class AuthorityFinding:
    """What came out of a chain of grants.

    Attributes:
        code: Of the check.
        statement: The issuer's own statement, where one fits.
        hops: The statements walked, the issuer's first.
        dated: Those whose age matters: still in force, or the newest after an end.
    """

    code: str
    statement: Authority | None = None
    hops: tuple[Anchored, ...] = ()
    dated: tuple[Anchored, ...] = ()


def find_authority(case: Case) -> AuthorityFinding:
    """Walk every chain of grants that leads to the issuer, and return the best finding."""
    policy = case.policy
    if policy is None:
        return AuthorityFinding(MISSING)
    try:
        types = case.types
    except DidServiceError:
        return AuthorityFinding("type_not_granted")
    walk = _Walk(case, policy, frozenset(types))
    return walk.best(case.credential.issuer, "issuer", MAX_AUTHORITY_HOPS)


def authority_check(case: Case, finding: AuthorityFinding) -> Check:
    """Say what was found, resting on the issuer's own statement."""
    held = next(iter(finding.hops), None)
    basis = None if held is None else case.basis(held)
    where = "; ".join(filter(None, [" ".join(case.regions), _basis_text(finding.statement)]))
    return Check(_STEP, finding.code, case.position, basis, where or None)


def check_logged(
    case: Case, finding: AuthorityFinding, schema: JsonObject | None
) -> Iterator[Check]:
    """Demand the issuance batch where the type says `issuance_logged` (threat rule 13)."""
    demanded = described(schema, "issuance_logged") is True
    if demanded and not case.issuances and finding.code in (HELD, FORMERLY):
        yield Check(_STEP, "issuance_time_not_proven", case.position)


def statements(case: Case) -> tuple[tuple[Anchored, Authority], ...]:
    """Return the newest statement of each chain about the issuer."""
    home = case.home(case.credential.issuer)
    chains = (
        () if home is None else case.evidence.statements_about(case.credential.issuer, home)
    )
    return tuple((chain[0], parse_authority(chain[0].entry.body)) for chain in chains)


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk up, for one credential."""

    case: Case
    policy: Policy
    types: frozenset[str]
    known: dict[tuple[str, str, int], AuthorityFinding] = field(default_factory=dict)

    def best(self, grantee: str, role: str, hops: int) -> AuthorityFinding:
        """Return the best finding about a grantee in a role; found once, however many ask."""
        asked = grantee, role, hops
        if asked not in self.known:
            self.known[asked] = self._find(grantee, role, hops)
        return self.known[asked]

    def _find(self, grantee: str, role: str, hops: int) -> AuthorityFinding:
        home = self.case.home(grantee)
        if home is None:
            return AuthorityFinding(MISSING)
        fitting, misfits = [], []
        for chain in self.case.evidence.statements_about(grantee, home):
            found = self._chain(list(_linked(chain)), role)
            if isinstance(found, str):
                misfits.append(found)
            else:
                fitting.append(self._up(found, hops))
        if fitting:
            return min(fitting, key=lambda each: _ORDER.index(each.code))
        if not self.case.covers_dating(self.case.evidence.complete.get(reg_origin(home))):
            return AuthorityFinding(MISSING)
        return AuthorityFinding(min(misfits, key=_ORDER.index, default="type_not_granted"))

    def _chain(self, chain: list[Anchored], role: str) -> AuthorityFinding | str:
        """Judge the newest statement of a chain that fits, or say why none does.

        Where the statement that stood at the credential's date is not at hand, nothing is
        proven by those that are.
        """
        misfits = []
        for place, held in enumerate(chain):
            statement = parse_authority(held.entry.body)
            misfit = self._misfit(statement, _begin(chain[place:], statement), role)
            if misfit is None:
                return self._in_time(chain, place, statement)
            misfits.append(misfit)
        oldest = chain[-1].entry
        dated = self.case.dated
        if oldest.number > 1 and (dated is None or dated < (oldest.at or 0)):
            return AuthorityFinding(MISSING)
        return min(misfits, key=_ORDER.index)

    def _misfit(self, statement: Authority, begin: int, role: str) -> str | None:
        """Say what a statement does not grant, by its own words."""
        dated = self.case.dated
        begun = dated is None or begin <= dated
        granted = self.types <= set(statement.types) and bool(self.types)
        if role not in statement.roles or not granted or not begun:
            return "type_not_granted"
        covered = all(covers_region(statement, code) for code in self.case.regions)
        return None if covered and self.case.regions else "region_not_granted"

    def _in_time(
        self, chain: list[Anchored], place: int, statement: Authority
    ) -> AuthorityFinding:
        """Judge a fitting statement by when it ended, if it has.

        An end may still be moved earlier, so what rests on one is as old as the newest
        statement at hand.
        """
        held, newest = chain[place], chain[0]
        end = _end(held, statement, chain[place - 1] if place else None, self.case.now)
        if end is None:
            code = MISSING if held.time is None else HELD
            return AuthorityFinding(code, statement, (held,), (held,))
        if self.case.is_dated_after(end):
            code = "issued_after_end"
        elif self.case.existed_before(end):
            code = MISSING if newest.time is None else FORMERLY
            return AuthorityFinding(code, statement, (held,), (newest,))
        else:
            code = "issuance_time_not_proven"
        if statement.state == "suspended":
            code = "authority_suspended" if self.case.is_fresh(held) else MISSING
        return AuthorityFinding(code, statement, (held,))

    def _up(self, found: AuthorityFinding, hops: int) -> AuthorityFinding:
        """Go on to the granter, up to a root of the policy."""
        statement = found.statement
        if statement is None or found.code not in (HELD, FORMERLY):
            return found
        region = self.policy.region_of_root(statement.granter)
        if region is not None:
            inside = _inside(region.territory, self.case.regions)
            return found if inside else AuthorityFinding(MISSING, statement, found.hops)
        if hops == 1:
            return AuthorityFinding(MISSING, statement, found.hops)
        above = self.best(statement.granter, "granter", hops - 1)
        code = max(found.code, above.code, key=_ORDER.index)
        if above.code in ("type_not_granted", "region_not_granted"):
            code = MISSING  # the granter handed on more than it has; nothing is proven by that
        return AuthorityFinding(
            code, statement, (*found.hops, *above.hops), (*found.dated, *above.dated)
        )


def _linked(chain: tuple[Anchored, ...]) -> Iterator[Anchored]:
    """Yield the statements of a chain, newest first, as long as hashes link them."""
    successor: Anchored | None = None
    for held in chain:
        if successor is not None and successor.entry.previous != held.placed.leaf:
            return
        yield held
        successor = held


def _begin(chain: list[Anchored], statement: Authority) -> int:
    """Return the second from which a statement, the first of `chain`, grants anything.

    `from` may lie up to an hour before the entry that first stated it; where that one is not
    at hand, `from` is all that is known.
    """
    first = chain[-1].entry
    begins = statement.begins
    if first.number > 1 or parse_authority(first.body).begins != begins:
        return begins
    return max(begins, first.at or 0)


def _end(
    held: Anchored, statement: Authority, successor: Anchored | None, now: int
) -> End | None:
    """Return when a statement ended; None while it stands.

    A recorded `since` counts by time alone: what was logged after it proves nothing.
    """
    ending = held if statement.state != "active" else successor
    if ending is not None:
        since = parse_authority(ending.entry.body).since
        index = ending.placed.index if since is None else None
        at = (ending.entry.at or 0) if since is None else since
        end = End(ending.origin, index, at)
        return end if at <= statement.until else End(held.origin, None, statement.until)
    return End(held.origin, None, statement.until) if statement.until <= now else None


def _inside(territory: Iterable[str], regions: tuple[str, ...]) -> bool:
    return all(any(covers(held, code) for held in territory) for code in regions)


def _basis_text(statement: Authority | None) -> str | None:
    return None if statement is None else f"{statement.basis.zh} / {statement.basis.en}"
