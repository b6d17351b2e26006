"""Step 6: a chain of grants lets this issuer issue this type in this region.

    root of the policy ──► … ──► granter ──► issuer        at most 4 statements, each with heads

A statement that has ended still carries what is proven to have existed before the end (threat
rule 13): in the log's order, or by the time a quorum saw it. Every "no" of this step speaks of
the statements at hand, and whoever supplies evidence could have left another one out. So it
refuses only where the heads file and every entry of the grantee's home log are at hand, as of
the credential's date or later (docs/adr 12, 14).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from did_service.core.anchor.bodies.authority import Authority
from did_service.core.anchor.climb import Climb
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.territory import first_outside
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    UnsupportedError,
    quote,
)
from did_service.core.evidence.proven import Latest, ProvenEntry
from did_service.core.verification.context import CredentialContext, End
from did_service.core.verification.findings import AuthorityFinding
from did_service.core.verification.report import Check
from did_service.core.verification.statements import ProvenStatement, linked, why_unread

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


def check(context: CredentialContext) -> Iterator[Check]:
    """Say what was found, and whether a type that demands its issuance batch has one."""
    finding = context.findings.authority = _find(context)
    for latest in finding.rests_on:
        context.use(latest)
    own = next(iter(finding.hops), None)
    basis = None if own is None else context.basis(own)
    said = [_basis_text(finding.statement), finding.unread]
    detail = "; ".join(filter(None, said))
    yield Check(
        finding.code,
        context.position,
        basis,
        detail or None,
        quoted=_regions_text(context),
    )
    schemas = context.findings.schemas or ()
    demanded = any(each.terms.get("issuance_logged") is True for each in schemas)
    if demanded and not context.issuances and finding.code in (HELD, FORMERLY):
        yield Check(UNPROVEN, context.position)


def _find(context: CredentialContext) -> AuthorityFinding:
    """Walk every chain of grants that leads to the issuer, and return the best finding."""
    policy = context.policy
    if policy is None:
        return AuthorityFinding(MISSING)
    try:
        types = context.types
    except (UnsupportedError, LimitError):
        return AuthorityFinding(MISSING)  # nobody could say what it is, or was not asked to
    except DidServiceError:
        return AuthorityFinding("type_not_granted")
    walk = _GrantWalk(context, frozenset(types))
    return walk.best(context.credential.issuer, "issuer", Climb(policy))


def _order(finding: AuthorityFinding) -> int:
    """Return a finding's place among others: the smaller, the better it could still be."""
    return _ORDER.index(finding.code)


@dataclass(frozen=True, slots=True, eq=False)
class _GrantWalk:
    """One walk up, for one credential."""

    context: CredentialContext
    types: frozenset[str]
    known: dict[tuple[str, str, int], AuthorityFinding] = field(default_factory=dict)

    def best(self, grantee: str, role: str, climb: Climb) -> AuthorityFinding:
        """Return the best finding about a grantee in a role; found once, however many ask."""
        asked = grantee, role, climb.hops
        if asked not in self.known:
            self.known[asked] = self._find(grantee, role, climb)
        return self.known[asked]

    def _find(self, grantee: str, role: str, climb: Climb) -> AuthorityFinding:
        home = self.context.home(grantee)
        if home is None:
            return AuthorityFinding(MISSING)
        found = [
            self._up(self._judged(chain, role), climb)
            for chain in self.context.evidence.statements_about(grantee, home)
        ]
        best = min(found, key=_order, default=AuthorityFinding(_ORDER[-1]))
        if _order(best) <= _ORDER.index(MISSING):
            return best
        strange = self.context.evidence.about_nobody(home)
        if strange is not None:
            return best._replace(code=MISSING, unread=why_unread(strange))
        complete = self.context.evidence.complete.get(control_origin(home))
        if not self.context.covers_dating(complete):
            return best._replace(code=MISSING)
        return best

    def _judged(self, chain: tuple[ProvenEntry, ...], role: str) -> AuthorityFinding:
        stated = list(linked(self.context, chain))
        if not stated:
            return AuthorityFinding(MISSING, unread=why_unread(chain[0]))
        return self._chain(stated, role)

    def _chain(self, chain: list[ProvenStatement], role: str) -> AuthorityFinding:
        """Judge the newest statement of a chain that fits, or say why none does.

        Where the statement that stood at the credential's date is not at hand, nothing is
        proven by those that are.
        """
        misfits = []
        for place, stated in enumerate(chain):
            misfit = self._misfit(stated.statement, _begin(chain[place:]), role)
            if misfit is None:
                return self._in_time(chain[: place + 1])
            misfits.append(AuthorityFinding(misfit))
        oldest, dated = chain[-1].proven, self.context.dated
        if oldest.number > 1 and (dated is None or dated < oldest.at):
            return AuthorityFinding(MISSING)
        return min(misfits, key=_order)

    def _misfit(self, statement: Authority, begin: int, role: str) -> str | None:
        """Say what a statement does not grant, by its own words.

        What has no date could have been signed as late as now.
        """
        dated = self.context.now if self.context.dated is None else self.context.dated
        granted = self.types <= set(statement.types) and bool(self.types)
        if role not in statement.roles or not granted or dated < begin:
            return "type_not_granted"
        covered = first_outside(self.context.regions, statement.territory) is None
        return None if covered and self.context.regions else "region_not_granted"

    def _in_time(self, chain: list[ProvenStatement]) -> AuthorityFinding:
        """Judge the last of these statements, which fits, by what the newer ones did to it.

        An end may still be moved earlier, so what rests on one is as old as the newest
        statement at hand.
        """
        newest, fitting = chain[0], chain[-1]
        ends = list(_ends(chain, self.context.now))
        if not ends:
            return _carried(HELD, fitting, newest)
        # The issuer's own date can only tell against it: dated after one end is a no, but a yes
        # needs the log's word that the credential existed before all of them.
        if any(self.context.is_dated_after(end) for end in ends):
            code = "issued_after_end"
        elif all(self.context.existed_before(end) for end in ends):
            return _carried(FORMERLY, fitting, newest)
        else:
            code = UNPROVEN
        # A suspension may have been lifted since: it is a no only while shown to be the latest.
        if fitting is newest and newest.statement.state == "suspended":
            latest = newest.proven
            is_fresh = isinstance(latest, Latest) and self.context.is_fresh(latest)
            code = "authority_suspended" if is_fresh else MISSING
        return AuthorityFinding(code, fitting.statement, (fitting.proven,))

    def _up(self, found: AuthorityFinding, climb: Climb) -> AuthorityFinding:
        """Go on to the granter, up to a root of the policy."""
        statement = found.statement
        if statement is None or found.code not in (HELD, FORMERLY):
            return found
        region, higher = climb.root(statement.granter), climb.up()
        if region is not None:
            inside = first_outside(self.context.regions, region.territory) is None
            return found if inside else AuthorityFinding(MISSING, statement, found.hops)
        if higher is None:
            return AuthorityFinding(MISSING, statement, found.hops)
        above = self.best(statement.granter, "granter", higher)
        code = max(found.code, above.code, key=_ORDER.index)
        return AuthorityFinding(
            code,
            statement,
            (*found.hops, *above.hops),
            (*found.rests_on, *above.rests_on),
        )


def _carried(code: str, fitting: ProvenStatement, newest: ProvenStatement) -> AuthorityFinding:
    """Answer yes by a statement, if the newest of its chain is shown to be the latest."""
    if not isinstance(newest.proven, Latest):
        return AuthorityFinding(MISSING, fitting.statement, (fitting.proven,))
    return AuthorityFinding(code, fitting.statement, (fitting.proven,), (newest.proven,))


def _begin(chain: list[ProvenStatement]) -> int:
    """Return the second from which the first of these statements grants anything.

    `from` may lie up to an hour before the entry that first stated it; where that one is not
    at hand, `from` is all that is known.
    """
    first, begins = chain[-1], chain[0].statement.valid_from
    if first.proven.number > 1 or first.statement.valid_from != begins:
        return begins
    return max(begins, first.proven.at)


def _ends(chain: Sequence[ProvenStatement], now: int) -> Iterator[End]:
    """Yield every end of the statement that fits, the last of `chain`; none while it stands.

    Args:
        chain: Newest first.
        now: POSIX second.

    A statement ends when its period is over, when the next one takes its place (which may grant
    less), and when it or any later one says so, perhaps long afterwards. A suspension that was
    lifted is no end (docs/adr/0015), except where the fitting statement is itself the suspended
    one: the statement that lifts it does not fit, so it resumes another grant.
    """
    fitting = chain[-1]
    for place, each in enumerate(chain):
        lifted = each is not fitting and _is_lifted(chain[:place], each)
        if each.statement.state != "active" and not lifted:
            yield _recorded(each)
    if len(chain) > 1:
        successor = chain[-2].proven
        yield End(successor.origin, successor.index, successor.at)
    if fitting.statement.until <= now:
        yield End(fitting.proven.origin, None, fitting.statement.until)


def _recorded(stated: ProvenStatement) -> End:
    proven, since = stated.proven, stated.statement.since
    if since is not None:
        # `since` lies before the entry that records it: an entry in between is after the end,
        # though its place in the log is before. So this end has a time and no place.
        return End(proven.origin, None, since)
    return End(proven.origin, proven.index, proven.at)


def _is_lifted(newer: Sequence[ProvenStatement], stopped: ProvenStatement) -> bool:
    """Say whether the next statement takes a suspended one up again, from where it began."""
    following = newer[-1].statement if newer else None
    return (
        following is not None
        and following.state == "active"
        and following.valid_from == stopped.statement.valid_from
    )


def _basis_text(statement: Authority | None) -> str | None:
    if statement is None:
        return None
    return f"{quote(statement.basis.zh)} / {quote(statement.basis.en)}"


def _regions_text(context: CredentialContext) -> str:
    """Name the regions for which it was issued."""
    return " ".join(context.printed_regions[:_MOST_REGIONS_NAMED])
