"""Where evidence is asked for, and how much may be spent on asking.

A delivery, a pick-up link or a mirror names places; each may be slow, and each may name more.
So one collection has one deadline and one number of requests, whoever named what, and a place
that did not answer in time is not asked again in this run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from did_service.client.registry import LogReader
from did_service.client.transport import Transport
from did_service.client.web_address import host_of
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import UnavailableError, quote
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.limits import MAX_COLLECTION_REQUESTS
from did_service.core.verification.staple import EvidenceRequest

Fetched = TypeVar("Fetched")
_SILENT = frozenset(("peer_timeout", "peer_unreachable", "address_refused"))


@dataclass(slots=True)
class RequestBudget:
    """What one collection may still ask for.

    Attributes:
        left: Requests.
        silent: Hosts that were not reached; shared by the collections of a run.
    """

    left: int = MAX_COLLECTION_REQUESTS
    silent: set[str] = field(default_factory=set)

    def spend(self, url: str, ask: Callable[[], Fetched]) -> Fetched:
        """Make one request to the host of a URL.

        Raises:
            UnavailableError: `collection_ended`: no request is left; `peer_timeout`: the host
                did not answer before.
            UsageError: `url_invalid`: a text that is no address costs no request.
            DidServiceError: what `ask` raises.
        """
        host = host_of(url)
        if self.left <= 0:
            raise UnavailableError("collection_ended", "as many requests as one may cost")
        if host in self.silent:
            raise UnavailableError("peer_timeout", f"{quote(host)} did not answer before")
        self.left -= 1
        try:
            return ask()
        except UnavailableError as error:
            if error.code in _SILENT:
                self.silent.add(host)
            raise


@dataclass(frozen=True, slots=True)
class EvidenceSources:
    """Where evidence is asked for.

    Attributes:
        transport: Reaches them.
        bases: Base URLs of logs and mirrors, in the order in which they are asked; one that
            ends in `/witness` stands for all mirrors that this witness keeps.
        moment: The checkpoint.
        budget: What may be spent.
    """

    transport: Transport
    bases: Sequence[str]
    moment: EvidenceMoment = EvidenceMoment.EPOCH
    budget: RequestBudget = field(default_factory=RequestBudget)

    def all_bases(self, wanted: EvidenceRequest) -> Iterator[str]:
        """Yield the places of each log in which an entry may stand, the likeliest first."""
        for origin in (wanted.origin, *wanted.before):
            yield from self._bases(origin)

    def _bases(self, origin: str) -> Iterator[str]:
        """Yield the places of one log: mirrors of it, then its own address."""
        mirror, own = sha256(origin.encode()).hex(), f"https://{origin}"
        found: list[str] = []
        for base in (each.rstrip("/") for each in self.bases):
            if base.endswith("/witness"):
                found.append(f"{base}/{mirror}")
            elif base == own or base.endswith(f"/{mirror}"):
                found.append(base)
        yield from dict.fromkeys([*found, own])

    def read(self, base: str, wanted: EvidenceRequest, number: int | None) -> bytes:
        """Ask one place for the newest entry of a subject, or for entry `number` of it."""
        reader = LogReader(self.transport, base)
        return self.budget.spend(
            base,
            lambda: reader.evidence(
                wanted.kind, wanted.subject, number=number, moment=self.moment
            ),
        )
