"""Step 6: a chain of grants lets this issuer issue this type in this region.

    root of the policy ──► … ──► granter ──► issuer        at most 4 statements, each with heads

A statement that has ended still carries what is proven to have existed before the end (threat
rule 13): in the log's order, or by the time a quorum saw it. Every "no" of this step speaks of
the statements at hand, and whoever supplies evidence could have left another one out. So it
refuses only where the heads file and every entry of the grantee's home log are at hand, as of
the credential's date or later (docs/adr 12, 14).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from did_service.core.anchor.authority import Authority, covers, covers_region, parse_authority
from did_service.core.anchor.policy import Policy, reg_origin
from did_service.core.errors import DidServiceError, quote
from did_service.core.limits import MAX_AUTHORITY_HOPS
from did_service.core.verification.anchored import Anchored
from did_service.core.verification.case import Case, End
from did_service.core.verification.report import Check
from did_service.core.verification.schema import SchemaFinding

_STEP = 6
HELD = "authority_held"
FORMERLY = "issued_while_authorised"
_MOST_REGIONS_NAMED = 4
UNPROVEN = "issuance_time_not_proven"
MISSING = "authority_missing"
# Which of several findings counts: the one that could still turn out best.
_ORDER = (
    HELD,
    FORMERLY,
    UNPROVEN,
    MISSING,
    "authority_suspended",
    "issued_after_end",
    "region_not_granted",
    "type_not_granted",
)


@dataclass(frozen=True, slots=True)
class Stated:
    """An authority entry, and the statement in it."""

    held: Anchored
    says: Authority


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

    @property
    def order(self) -> int:
        """Its place among findings: the smaller, the better it could still turn out."""
        return _ORDER.index(self.code)


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


def check_authority(
    case: Case, finding: AuthorityFinding, schemas: Iterable[SchemaFinding]
) -> Iterator[Check]:
    """Say what was found, and whether a type that demands its issuance batch has one."""
    held = next(iter(finding.hops), None)
    basis = None if held is None else case.basis(held)
    where = "; ".join(filter(None, [_regions_text(case), _basis_text(finding.statement)]))
    yield Check(_STEP, finding.code, case.position, basis, where or None)
    demanded = any(each.terms.get("issuance_logged") is True for each in schemas)
    if demanded and not case.issuances and finding.code in (HELD, FORMERLY):
        yield Check(_STEP, UNPROVEN, case.position)


def statements(case: Case) -> tuple[Stated, ...]:
    """Return the newest statement of each chain about the issuer."""
    home = case.home(case.credential.issuer)
    chains = (
        () if home is None else case.evidence.statements_about(case.credential.issuer, home)
    )
    return tuple(_stated(chain[0]) for chain in chains)


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
        found = [
            self._up(self._chain(list(_linked(chain)), role), hops)
            for chain in self.case.evidence.statements_about(grantee, home)
        ]
        best = min(found, key=lambda each: each.order, default=AuthorityFinding(_ORDER[-1]))
        nothing_left_out = self.case.evidence.complete.get(reg_origin(home))
        if best.order > _ORDER.index(MISSING) and not self.case.covers_dating(nothing_left_out):
            return replace(best, code=MISSING)
        return best

    def _chain(self, chain: list[Stated], role: str) -> AuthorityFinding:
        """Judge the newest statement of a chain that fits, or say why none does.

        Where the statement that stood at the credential's date is not at hand, nothing is
        proven by those that are.
        """
        misfits = []
        for place, stated in enumerate(chain):
            misfit = self._misfit(stated.says, _begin(chain[place:]), role)
            if misfit is None:
                return self._in_time(chain[: place + 1])
            misfits.append(AuthorityFinding(misfit))
        oldest, dated = chain[-1].held.entry, self.case.dated
        if oldest.number > 1 and (dated is None or dated < (oldest.at or 0)):
            return AuthorityFinding(MISSING)
        return min(misfits, key=lambda each: each.order)

    def _misfit(self, statement: Authority, begin: int, role: str) -> str | None:
        """Say what a statement does not grant, by its own words.

        What has no date could have been signed as late as now.
        """
        dated = self.case.now if self.case.dated is None else self.case.dated
        granted = self.types <= set(statement.types) and bool(self.types)
        if role not in statement.roles or not granted or dated < begin:
            return "type_not_granted"
        covered = all(covers_region(statement, code) for code in self.case.regions)
        return None if covered and self.case.regions else "region_not_granted"

    def _in_time(self, chain: list[Stated]) -> AuthorityFinding:
        """Judge the last of these statements, which fits, by what the newer ones did to it.

        An end may still be moved earlier, so what rests on one is as old as the newest
        statement at hand.
        """
        newest, fitting = chain[0], chain[-1]
        held, ends = fitting.held, list(_ends(chain, self.case.now))
        if not ends:
            code, dated = (MISSING if held.time is None else HELD), (held,)
            return AuthorityFinding(code, fitting.says, (held,), dated)
        if any(self.case.is_dated_after(end) for end in ends):
            code = "issued_after_end"
        elif all(self.case.existed_before(end) for end in ends):
            code = MISSING if newest.held.time is None else FORMERLY
            return AuthorityFinding(code, fitting.says, (held,), (newest.held,))
        else:
            code = UNPROVEN
        if fitting is newest and newest.says.state == "suspended":
            code = "authority_suspended" if self.case.is_fresh(held) else MISSING
        return AuthorityFinding(code, fitting.says, (held,))

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
        return AuthorityFinding(
            code, statement, (*found.hops, *above.hops), (*found.dated, *above.dated)
        )


def _stated(held: Anchored) -> Stated:
    return Stated(held, parse_authority(held.entry.body))


def _linked(chain: tuple[Anchored, ...]) -> Iterator[Stated]:
    """Yield the statements of a chain, newest first, as long as hashes link them."""
    successor: Anchored | None = None
    for held in chain:
        if successor is not None and successor.entry.previous != held.placed.leaf:
            return
        yield _stated(held)
        successor = held


def _begin(chain: list[Stated]) -> int:
    """Return the second from which the first of these statements grants anything.

    `from` may lie up to an hour before the entry that first stated it; where that one is not
    at hand, `from` is all that is known.
    """
    first, begins = chain[-1], chain[0].says.begins
    if first.held.entry.number > 1 or first.says.begins != begins:
        return begins
    return max(begins, first.held.entry.at or 0)


def _ends(chain: Sequence[Stated], now: int) -> Iterator[End]:
    """Yield every end of the last of these statements, newest first; none while it stands.

    Its period may be over, the next statement may grant less, and it or any later one may say
    that it ended, perhaps long before. A recorded `since` counts by time alone: what was
    logged after it proves nothing. A suspension that was lifted is no end (docs/adr/15),
    but of the last statement it is: what lifted it does not fit, so this was not taken up.
    """
    fitting = chain[-1]
    for place, each in enumerate(chain):
        lifted = each is not fitting and _is_lifted(chain[:place], each)
        if each.says.state != "active" and not lifted:
            yield _recorded(each)
    if len(chain) > 1:
        successor = chain[-2].held
        yield End(successor.origin, successor.placed.index, successor.entry.at or 0)
    if fitting.says.until <= now:
        yield End(fitting.held.origin, None, fitting.says.until)


def _recorded(stated: Stated) -> End:
    held, since = stated.held, stated.says.since
    if since is not None:
        return End(held.origin, None, since)
    return End(held.origin, held.placed.index, held.entry.at or 0)


def _is_lifted(newer: Sequence[Stated], stopped: Stated) -> bool:
    """Say whether the next statement takes a suspended one up again, from where it began."""
    following = newer[-1].says if newer else None
    return (
        following is not None
        and following.state == "active"
        and following.begins == stopped.says.begins
    )


def _inside(territory: Iterable[str], regions: tuple[str, ...]) -> bool:
    return all(any(covers(held, code) for held in territory) for code in regions)


def _basis_text(statement: Authority | None) -> str | None:
    if statement is None:
        return None
    return f"{quote(statement.basis.zh)} / {quote(statement.basis.en)}"


def _regions_text(case: Case) -> str:
    """Name the regions for which it was issued."""
    return " ".join(case.printed_regions[:_MOST_REGIONS_NAMED])
