"""The issuer's HTTP calls for citizens (docs/formats.md §9), below `/agencies/ID`.

Challenge, applications, pick-up, status lists, places in batches. None needs a login: an
application is bound to its holder's key, a pick-up to its secret address. Errors are problem
documents made in `web.problems`; personal data stand only in the pick-up itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute

from did_service.core.errors import MalformedError
from did_service.issuer.agency import Agency
from did_service.issuer.applications import Applications
from did_service.issuer.evidence import IssuanceEvidence
from did_service.issuer.officers import Officers
from did_service.issuer.status import StatusLists
from did_service.issuer.wire import (
    ApplicationAnswer,
    ApplicationBody,
    BatchAnswer,
    ChallengeAnswer,
    HandoverAnswer,
    WaitingAnswer,
)
from did_service.web.answers import Kept, bytes_answer, empty_answer, json_answer
from did_service.web.bodies import JsonBody
from did_service.web.description import described, file_of, refusals
from did_service.web.pools import Pools

_THREADS = 8
_LINE = 256
_JUDGES = 2  # an application costs the processor, which more threads do not make faster
_JUDGED_LINE = 64
_DIGEST_HEX = 64
_LIST_TYPE = "application/vc"


@dataclass(frozen=True, slots=True)
class AgencyServices:
    """The parts of one agency that answer calls."""

    agency: Agency
    applications: Applications
    statuses: StatusLists
    evidence: IssuanceEvidence
    officers: Officers


def published_threads(pools: Pools) -> type[APIRoute]:
    """Return the routes of what stands there for everybody: no application holds it up."""
    return pools.of("published", threads=_THREADS, line=_LINE).route_class()


def citizens(desk: AgencyServices, pools: Pools) -> APIRouter:
    """Return the routes that need no login, but for applications and what is published."""
    pool = pools.of("citizens", threads=_THREADS, line=_LINE)
    router = APIRouter(tags=["issuer"], route_class=pool.route_class())

    @router.get("/challenge", name="getChallenge", response_model=ChallengeAnswer)
    def challenge() -> Response:
        """Give out a challenge for one application."""
        return json_answer(desk.applications.challenge())

    @router.get(
        "/pickup/{code}",
        name="getPickup",
        response_model=HandoverAnswer,
        responses={202: {"model": WaitingAnswer}, **refusals(404, 410)},
    )
    def pickup(code: str) -> Response:
        """Hand over an issued credential, for a day or until it is deleted; 202: not yet."""
        found = desk.applications.collect(code)
        return json_answer(found, 200 if "credential" in found else 202)

    @router.delete(
        "/pickup/{code}",
        name="acknowledgePickup",
        status_code=204,
        responses=refusals(404, 409),
    )
    def acknowledge(code: str) -> Response:
        """Say that the credential has arrived: the agency forgets it."""
        desk.applications.acknowledge(code)
        return empty_answer()

    return router


def applying(desk: AgencyServices, pools: Pools) -> APIRouter:
    """Return the route of applications, whose judging strangers can ask for."""
    pool = pools.of("applications", threads=_JUDGES, line=_JUDGED_LINE)
    router = APIRouter(tags=["issuer"], route_class=pool.route_class())

    @router.post(
        "/applications",
        name="submitApplication",
        status_code=201,
        response_model=ApplicationAnswer,
        openapi_extra=described(ApplicationBody.model_json_schema()),
        responses=refusals(400, 404, 409, 413, 422, 503),
    )
    def apply(body: JsonBody) -> Response:
        """Take an application that its holder has signed."""
        return json_answer(desk.applications.submit(body), 201)

    return router


def published(desk: AgencyServices, pools: Pools) -> APIRouter:
    """Return the routes of status lists and of places in batches."""
    router = APIRouter(tags=["issuer"], route_class=published_threads(pools))

    @router.get(
        "/status/{number}",
        name="getStatusList",
        response_class=Response,
        responses={**file_of(_LIST_TYPE, "the signed list"), **refusals(404)},
    )
    def status(number: str) -> Response:
        """Return a signed status list as anchored in the log."""
        return bytes_answer(desk.statuses.served(number), _LIST_TYPE, kept=Kept.CHECKED)

    @router.get(
        "/batches/{record}",
        name="getBatchPlace",
        response_model=BatchAnswer,
        responses=refusals(400, 404),
    )
    def batch(record: str) -> Response:
        """Return the place of a record, lower-case hex of its SHA-256, in its batch."""
        return json_answer(desk.evidence.proof(_digest(record)))

    return router


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(text) != _DIGEST_HEX or digest.hex() != text:
        raise MalformedError("hex_invalid", "a record is 64 lower-case hex digits")
    return digest
