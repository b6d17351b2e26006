"""The issuer's HTTP calls for citizens (docs/formats.md §9), below `/agencies/ID`.

Challenge, applications, pick-up, status lists, places in batches. None needs a login: an
application is bound to its holder's key, a pick-up to its secret address. Errors are problem
documents made in `web.problems`; personal data stand only in the pick-up itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from did_service.core.errors import MalformedError
from did_service.issuer.agency import Agency
from did_service.issuer.applications import Applications
from did_service.issuer.evidence import IssuanceEvidence
from did_service.issuer.status import StatusLists
from did_service.issuer.wire import (
    ApplicationAnswer,
    ApplicationBody,
    BatchAnswer,
    ChallengeAnswer,
    HandoverAnswer,
    WaitingAnswer,
)
from did_service.web.bodies import JsonBody, json_answer
from did_service.web.description import described, refusals

_DIGEST_HEX = 64
_LIST_TYPE = "application/vc"


@dataclass(frozen=True, slots=True)
class AgencyServices:
    """The parts of one agency that answer calls."""

    agency: Agency
    applications: Applications
    statuses: StatusLists
    evidence: IssuanceEvidence


def citizens(desk: AgencyServices) -> APIRouter:
    """Return the routes that need no login."""
    router = APIRouter(tags=["issuer"])

    @router.get("/challenge", response_model=ChallengeAnswer, responses=refusals(429))
    def challenge() -> Response:
        """Give out a challenge for one application."""
        return json_answer(desk.applications.challenge())

    @router.post(
        "/applications",
        status_code=201,
        response_model=ApplicationAnswer,
        openapi_extra=described(ApplicationBody.model_json_schema()),
        responses=refusals(400, 404, 409, 413, 422),
    )
    def apply(body: JsonBody) -> Response:
        """Take an application that its holder has signed."""
        return json_answer(desk.applications.submit(body), 201)

    @router.get(
        "/pickup/{code}",
        response_model=HandoverAnswer,
        responses={202: {"model": WaitingAnswer}, **refusals(404, 410)},
    )
    def pickup(code: str) -> Response:
        """Hand over an issued credential, for a day or until it is deleted; 202: not yet."""
        found = desk.applications.collect(code)
        return json_answer(found, 200 if "credential" in found else 202)

    @router.delete("/pickup/{code}", status_code=204, responses=refusals(404, 409))
    def acknowledge(code: str) -> Response:
        """Say that the credential has arrived: the agency forgets it."""
        desk.applications.acknowledge(code)
        return Response(status_code=204)

    @router.get(
        "/status/{number}",
        response_class=Response,
        responses={200: {"content": {_LIST_TYPE: {}}}, **refusals(404)},
    )
    def status(number: str) -> Response:
        """Return a signed status list as anchored in the log."""
        headers = {"Cache-Control": "no-cache"}
        return Response(desk.statuses.served(number), 200, headers, _LIST_TYPE)

    @router.get("/batches/{record}", response_model=BatchAnswer, responses=refusals(400, 404))
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
