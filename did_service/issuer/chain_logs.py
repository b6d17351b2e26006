"""In which logs the entries of an agency's chains stand, and how they are read there.

Each year has a log of its own (docs/formats.md §2): the chains of status lists go on from one
to the next, those of evidence begin anew.
"""

from __future__ import annotations

from collections.abc import Callable

from did_service.client.registry import RegistryClient, UnverifiedLogged
from did_service.core.anchor.region import year_of
from did_service.core.errors import DidServiceError
from did_service.issuer.agency import Agency
from did_service.issuer.chain import Chain, elsewhere

LogOf = Callable[[str], RegistryClient]
"""Finds who takes entries of a log, by origin."""
_YEARS_BACK = 10  # in which a list may have been signed last; no log is older


class ChainLogs:
    """The logs of one agency's region."""

    def __init__(self, agency: Agency, log_of: LogOf) -> None:
        self._agency, self.log_of = agency, log_of

    def of(self, chain: Chain, origin: str) -> tuple[str, ...]:
        """Return the logs in which the newest entry of a chain may stand: its own one first."""
        if chain.kind != "status":
            return (origin,)
        year = year_of(origin) or 0
        before = (self._agency.evidence_log(year - back) for back in range(1, _YEARS_BACK + 1))
        return (origin, *before)

    def newest(self, chain: Chain, origin: str) -> tuple[str, UnverifiedLogged] | None:
        """Read the newest entry of a chain that is published, and its log; None for none."""
        for log in self.of(chain, origin):
            found = self.log_of(log).newest(chain.kind, chain.subject)
            if found is not None:
                return log, found
        return None

    def read(self, chain: Chain, origin: str, number: int) -> tuple[str, UnverifiedLogged]:
        """Read an entry by its number, and say its log.

        Raises:
            UnavailableError: `log_elsewhere`.
        """
        refusal = ""
        for log in self.of(chain, origin):
            try:
                return log, self.log_of(log).entry(chain.kind, chain.subject, number)
            except DidServiceError as error:
                refusal = error.code
        raise elsewhere(f"entry {number} cannot be read: {refusal}")
