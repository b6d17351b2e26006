"""The issuer as a server: one app, one agency, and the clock that keeps its lists fresh."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread
from time import monotonic
from urllib.parse import urlsplit

from fastapi import Response

from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.did.syntax import parse_webvh
from did_service.core.errors import DidServiceError, RuleError, kind_and_place
from did_service.core.text import quote
from did_service.issuer.agency import Agency
from did_service.issuer.applications import Applications
from did_service.issuer.chains import Chains, LogOf
from did_service.issuer.evidence import IssuanceEvidence
from did_service.issuer.issuance import CredentialIssuer
from did_service.issuer.office_routes import office_applications, office_credentials
from did_service.issuer.officers import check_officers
from did_service.issuer.routes import AgencyServices, citizens
from did_service.issuer.status import StatusLists
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom
from did_service.web.app import create_app as frame
from did_service.web.description import DescribedApp

_LOG = logging.getLogger("did_service.issuer")


class Issuer:
    """One agency at work: the parts behind its app, and the ticks that anchor.

    Args:
        agency: Who it is.
        store: Its database, which no other process may use.
        log_of: Finds who takes entries of one of the region's data logs, by origin.
        edge: Clock and randomness.

    Raises:
        UsageError: `officers_ambiguous` or `role_unknown`.
    """

    def __init__(
        self, agency: Agency, store: IssuerStore, log_of: LogOf, edge: ClockAndRandom
    ) -> None:
        check_officers(agency.officers)
        chains = Chains(agency, store.ledger, log_of, edge)
        self._store = store
        self._refusals: dict[str, str] = {}  # reason by chain, as of the last tick
        self.evidence = IssuanceEvidence(agency, store.ledger, chains, edge)
        self.statuses = StatusLists(agency, store, chains, edge)
        issuance = CredentialIssuer(agency, store, self.evidence, edge)
        self.applications = Applications(agency, store, issuance, edge)
        self.desk = AgencyServices(agency, self.applications, self.statuses, self.evidence)

    def tick(self) -> None:
        """Renew the lists that are due, and anchor one batch; what was on its way goes first.

        Credentials that were picked up long ago are forgotten.

        A chain that the log refuses, as it refuses all of an agency whose authority has ended,
        does not hold up the others. It is tried again at each tick, for a suspension is lifted.

        Raises:
            UnavailableError: the log did not answer; all of it is tried again next time.
        """
        self.applications.close_pickups()
        for purpose in Purpose:
            self._try_chain(f"{purpose.value} list", partial(self.statuses.publish, purpose))
        self._try_chain("issuances", self.evidence.tick)

    def _try_chain(self, name: str, step: Callable[[], None]) -> None:
        """Say once that the log refuses a chain, and once that it takes it again."""
        before = self._refusals.pop(name, None)
        try:
            step()
        except RuleError as error:
            reason = str(error.details.get("reason", error.code))
            self._refusals[name] = reason
            if reason != before:
                _LOG.warning("the log refuses our %s: %s", name, quote(reason))
        else:
            if before is not None:
                _LOG.warning("the log takes our %s again", name)

    @contextmanager
    def ticking(self, seconds: float) -> Iterator[None]:
        """Tick now and then at a fixed pace, in a thread of its own, while the context lasts.

        The pace does not depend on how long a tick takes: a busy one shows no more than others.
        """
        stop = Event()

        def run() -> None:
            due = monotonic()
            while not stop.wait(max(0.0, due - monotonic())):
                self._try_tick()
                due = max(due + seconds, monotonic())

        thread = Thread(target=run, name="issuer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def ready(self) -> Mapping[str, bool]:
        """Say for `/ready` whether the status lists that credentials name are in the log."""
        return {"status_lists": self.statuses.anchored()}

    def gauges(self) -> Mapping[str, int]:
        """Return numbers for `/metrics`."""
        return {
            "issuer_pending_entries": self._store.ledger.pending_count(),
            "issuer_refused_chains": len(self._refusals),
        }

    def _try_tick(self) -> None:
        try:
            self.tick()
        except DidServiceError as error:
            _LOG.warning(
                "tick failed: %s %s", error.code, quote(error.details.get("reason", ""))
            )
        except Exception as error:  # noqa: BLE001 - lists must be renewed after any fault
            _LOG.error("tick failed: %s", kind_and_place(error))


def create_app(issuer: Issuer) -> DescribedApp:
    """Return the app of one agency: calls below its URL, and its DID log."""
    agency = issuer.desk.agency
    app = frame("issuer", ready=issuer.ready, gauges=issuer.gauges)
    prefix = urlsplit(agency.url).path
    for router in (citizens, office_applications, office_credentials):
        app.include_router(router(issuer.desk), prefix=prefix)

    @app.get(
        urlsplit(parse_webvh(agency.did).log_url).path,
        tags=["issuer"],
        response_class=Response,
        responses={200: {"content": {"text/jsonl": {}}}},
    )
    def did_log() -> Response:
        """Return the agency's DID log, as any did:webvh resolver fetches it."""
        return Response(agency.did_log, media_type="text/jsonl")

    return app
