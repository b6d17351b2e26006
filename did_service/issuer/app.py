"""The issuer as a server: one app, one agency, and the clock that keeps its lists fresh."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Thread
from time import monotonic
from urllib.parse import urlsplit

from fastapi import APIRouter, Response

from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.did.syntax import parse_webvh
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError, RuleError, UnavailableError, kind_and_place
from did_service.core.text import quote
from did_service.issuer.agency import Agency
from did_service.issuer.applications import Applications
from did_service.issuer.chain_logs import LogOf
from did_service.issuer.chains import Chains
from did_service.issuer.evidence import IssuanceEvidence
from did_service.issuer.issuance import CredentialIssuer
from did_service.issuer.office_routes import (
    office_applications,
    office_credentials,
    office_indices,
)
from did_service.issuer.officers import Officers
from did_service.issuer.routes import (
    AgencyServices,
    applying,
    citizens,
    published,
    published_threads,
)
from did_service.issuer.standing import AgencyStanding
from did_service.issuer.status import StatusLists
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom
from did_service.program.logs import about
from did_service.web.answers import Kept, bytes_answer
from did_service.web.app import create_app as frame
from did_service.web.description import DescribedApp, file_of
from did_service.web.health import HealthPart, checked_part
from did_service.web.metrics import Metric, counter, gauge
from did_service.web.operations import PathPart
from did_service.web.pools import Pools
from did_service.web.ready_words import ReadyWord

_PARTS = (
    PathPart(
        re.compile(r"^/agencies/[a-z0-9-]+(?=/)"),
        "/agencies/{agency}",
        "agency",
        "police",
    ),
)
_LOG = logging.getLogger("did_service.issuer")


class Issuer:
    """One agency at work: the parts behind its app, and the ticks that anchor.

    Args:
        agency: Who it is.
        store: Its database; other processes of the agency may write it as well (ADR 95).
        log_of: Finds who takes entries of one of the region's data logs, by origin.
        edge: Clock and randomness.

    Raises:
        UsageError: `officers_ambiguous` or `role_unknown`.
    """

    def __init__(
        self, agency: Agency, store: IssuerStore, log_of: LogOf, edge: ClockAndRandom
    ) -> None:
        store.belong_to(agency)
        officers = Officers(agency, store.officers, edge)
        chains = Chains(agency, store.ledger, log_of, edge)
        self._store, self._edge, self._contact = store, edge, chains.contact
        self._refusals: dict[str, str] = {}  # reason by chain, as of the last tick
        self.evidence = IssuanceEvidence(agency, store, chains, edge)
        self.statuses = StatusLists(agency, store, chains, edge)
        self.standing = AgencyStanding(store.alarms, chains, self._compare, edge)
        issuance = CredentialIssuer(agency, store, self.evidence, edge)
        self.applications = Applications(agency, store, issuance, self.standing, edge)
        self.officers = officers
        self.desk = AgencyServices(
            agency, self.applications, self.statuses, self.evidence, officers
        )

    def tick(self) -> None:
        """Anchor one batch and renew the lists that are due; what was on its way goes first.

        The batch comes first, for it brings the log's time: a clock that does not go with it
        signs no list and lets nothing be deleted.

        A chain that the log refuses, as it refuses all of an agency whose authority has ended,
        does not hold up the others. It is tried again at each tick, for a suspension is lifted.

        Raises:
            UnavailableError: the log did not answer, or this clock is wrong; all of it is
                tried again next time.
        """
        with suppress(RuleError):  # that chain is compared again, and says why not
            self.standing.compare()
        failure = self._anchor_batch()
        self.standing.check_measured_clock()
        for purpose in Purpose:
            self._try_chain(f"{purpose.value} list", partial(self.statuses.publish, purpose))
        if self.standing.is_clock_confirmed():
            self.applications.tidy()
        if failure is not None:
            raise failure

    def _anchor_batch(self) -> UnavailableError | None:
        """Anchor a batch; a log that takes none now may take a revocation nevertheless."""
        try:
            refusal = self._try_chain("issuances", self.evidence.tick)
        except UnavailableError as error:
            if error.code == "log_unreachable":
                raise
            return error
        if refusal is None:
            self.standing.taken()
        else:
            self.standing.refused(refusal)
        return None

    def _compare(self) -> None:
        self.statuses.compare()
        self.evidence.compare()

    def _try_chain(self, name: str, step: Callable[[], None]) -> str | None:
        """Say once that the log refuses a chain, and once that it takes it again.

        Returns:
            Why it was refused, None where it was not.
        """
        before = self._refusals.pop(name, None)
        try:
            step()
        except RuleError as error:
            reason = str(error.details.get("reason", error.code))
            self._refusals[name] = reason
            if reason != before:
                told = about(error)
                _LOG.warning("the log refuses our %s: %s", name, quote(reason), extra=told)
            return reason
        if before is not None:
            _LOG.warning("the log takes our %s again", name)
        return None

    @contextmanager
    def ticking(self, seconds: float) -> Iterator[None]:
        """Tick now and then at a fixed pace, in a thread of its own, while the context lasts.

        The pace does not depend on how long a tick takes: a busy one shows no more than others.
        """
        stop = Event()
        self._contact.begin(seconds)

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

    def ready(self) -> Iterator[HealthPart]:
        """Say for `/ready` whether lists are in the log, and how the agency stands."""
        well = self.statuses.anchored()
        yield checked_part("status lists", ReadyWord.STATUS_LISTS_MISSING, well=well)
        for word, is_well in self.standing.ready().items():
            yield checked_part(word.value, word, well=is_well)
        agency, year = self.desk.agency, timestamps.from_posix(self._edge.posix()).year
        yield self._contact.part(agency.evidence_log(year))

    def metrics(self) -> Iterator[Metric]:
        """Return numbers for `/metrics`."""
        pending, refused = self._store.ledger.pending_count(), len(self._refusals)
        yield gauge("issuer_pending_entries", "Entries on their way into the log.", pending)
        yield gauge("issuer_refused_chains", "Chains that the log refuses.", refused)
        waiting = self._store.open_applications()
        yield gauge("issuer_open_applications", "Applications that wait for officers.", waiting)
        told = "Log-ins with a wrong token."
        yield counter("issuer_wrong_logins_total", told, self.officers.limit.wrong)

    def _try_tick(self) -> None:
        try:
            self.tick()
        except DidServiceError as error:
            reason = quote(error.details.get("reason", ""))
            _LOG.warning("tick failed: %s", reason, extra=about(error))
        except Exception as error:  # noqa: BLE001 - lists must be renewed after any fault
            _LOG.error("tick failed: %s", kind_and_place(error))


def create_app(issuer: Issuer) -> DescribedApp:
    """Return the app of one agency: calls below its URL, and its DID log."""
    agency = issuer.desk.agency
    pools = Pools()
    app = frame("issuer", ready=issuer.ready, metrics=issuer.metrics, pools=pools)
    app.parts = _PARTS
    prefix = urlsplit(agency.url).path
    offices = (office_applications, office_credentials, office_indices)
    for router in (citizens, applying, published, *offices):
        app.include_router(router(issuer.desk, pools), prefix=prefix)

    own = APIRouter(route_class=published_threads(pools))

    @own.get(
        urlsplit(parse_webvh(agency.did).log_url).path,
        name="getDidLog",
        tags=["issuer"],
        response_class=Response,
        responses=file_of("text/jsonl", "the log, a line a version"),
    )
    def did_log() -> Response:
        """Return the agency's DID log, as any did:webvh resolver fetches it."""
        return bytes_answer(agency.did_log, "text/jsonl; charset=utf-8", kept=Kept.CHECKED)

    app.include_router(own)
    return app
