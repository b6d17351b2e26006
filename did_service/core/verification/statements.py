"""The authority statements about an issuer, as proven entries and what they say.

    chain ──newest──► its statement ──next, by hash──► the one before ──► …

A statement that this release cannot read stays the newest of its chain: it says nothing, and
nothing older speaks in its place (docs/adr/0029).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from did_service.core.anchor.bodies.authority import Authority, may_name_list, parse_authority
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.evidence.proven import ProvenEntry
from did_service.core.verification.context import CredentialContext

StatementChain = tuple[ProvenEntry, ...]
"""The entries of one subject, the newest first."""


class ProvenStatement(NamedTuple):
    """An authority entry, and the statement in it."""

    proven: ProvenEntry
    statement: Authority

    @property
    def ended_at(self) -> int | None:
        """The POSIX second at which it ended, None where it has not."""
        if self.statement.state != "ended":
            return None
        return self.proven.at if self.statement.since is None else self.statement.since


def chains_about_issuer(context: CredentialContext) -> tuple[StatementChain, ...]:
    """Return the chains of authority entries about the issuer."""
    issuer = context.credential.issuer
    home = context.home(issuer)
    return () if home is None else context.evidence.statements_about(issuer, home)


def statements(context: CredentialContext) -> tuple[ProvenStatement, ...]:
    """Return the newest statement at hand of each chain about the issuer, the latest or not."""
    chains = chains_about_issuer(context)
    return tuple(each for chain in chains for each in linked(context, chain[:1]))


def linked(context: CredentialContext, chain: StatementChain) -> Iterator[ProvenStatement]:
    """Yield the statements of a chain, newest first.

    One that cannot be read hides all behind it, as one does that is not at hand.
    """
    try:
        yield _read(context, chain[0], chain[0].read_against())
        for successor, proven in pairwise(chain):
            yield _read(context, proven, proven.read_until(successor))
    except DidServiceError:
        return


def why_unread(proven: ProvenEntry) -> str | None:
    """Name a statement that this release cannot read, with the code of the reason."""
    try:
        parse_authority(proven.read_against())
    except DidServiceError as error:
        return f"authority entry {proven.number}: {error.code}"
    return None


def unread_naming(
    context: CredentialContext, known: Sequence[ProvenStatement], url: str
) -> str | None:
    """Name a statement that may say of a list that it has ended, but cannot be read.

    Args:
        context: The credential.
        known: Those about its issuer that can be.
        url: Of the list.
    """
    read = {each.proven.place for each in known}
    for newest in (chain[0] for chain in chains_about_issuer(context)):
        if newest.place not in read and may_name_list(newest.read_against(), url):
            return why_unread(newest)
    return None


def _read(context: CredentialContext, proven: ProvenEntry, body: JsonObject) -> ProvenStatement:
    known = context.verified.statements
    if proven.leaf not in known:
        known[proven.leaf] = parse_authority(body)
    return ProvenStatement(proven, known[proven.leaf])
