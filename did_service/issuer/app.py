"""The issuer as a server: one app, one agency, and the clock that keeps its lists fresh."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from urllib.parse import urlsplit

from fastapi import FastAPI, Response

from did_service.client.registry import RegistryClient
from did_service.core.errors import DidServiceError
from did_service.issuer.agency import Agency
from did_service.issuer.applications import Applications
from did_service.issuer.chains import Chains
from did_service.issuer.evidence import IssuanceEvidence
from did_service.issuer.issuance import Issuance
from did_service.issuer.routes import Desk, citizens, office_applications, office_credentials
from did_service.issuer.status import StatusLists
from did_service.issuer.store import IssuerStore
from did_service.web.app import create_app as frame
from did_service.web.settings import Edge

_LOG = logging.getLogger("did_service.issuer")


class Issuer:
    """One agency at work: its app, and the ticks that anchor lists and batches.

    Args:
        agency: Who it is.
        store: Its database.
        log: Hands entries in to the region's ev log.
        edge: Clock and randomness.
    """

    def __init__(
        self, agency: Agency, store: IssuerStore, log: RegistryClient, edge: Edge
    ) -> None:
        self._chains = Chains(agency, store, log, edge)
        self.evidence = IssuanceEvidence(agency, store, self._chains, edge)
        self.statuses = StatusLists(agency, store, self._chains, edge)
        issuance = Issuance(agency, store, self.evidence, edge)
        self.applications = Applications(agency, store, issuance, edge)
        self.desk = Desk(agency, self.applications, self.statuses, self.evidence)

    def tick(self) -> None:
        """Send what is on its way, renew the lists that are due, anchor one batch.

        Raises:
            UnavailableError: the log did not answer; all of it is tried again next time.
        """
        self._chains.flush()
        self.statuses.publish_changes()
        self.evidence.tick()

    @contextmanager
    def ticking(self, seconds: float) -> Iterator[None]:
        """Tick at a fixed pace in a thread of its own while the context lasts."""
        stop = Event()

        def run() -> None:
            while not stop.wait(seconds):
                try:
                    self.tick()
                except DidServiceError as error:
                    _LOG.warning("tick failed: %s", error.code)

        thread = Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def create_app(issuer: Issuer) -> FastAPI:
    """Return the app of one agency: calls below its URL, its did.jsonl at the root."""
    agency = issuer.desk.agency
    app = frame("issuer")
    prefix = urlsplit(agency.url).path
    for router in (citizens, office_applications, office_credentials):
        app.include_router(router(issuer.desk), prefix=prefix)

    @app.get("/.well-known/did.jsonl", tags=["issuer"], response_class=Response)
    def did_log() -> Response:
        """Return the agency's DID log, as any did:webvh resolver fetches it."""
        return Response(agency.did_log, media_type="text/jsonl")

    return app
