"""The issuer's HTTP calls (docs/formats.md §9), below `/agencies/ID`.

Citizens: challenge, applications, pick-up, status lists, places in batches. Officers, with a
bearer token each: applications and credentials of the office. Errors are problem documents made
in `web.problems`; personal data stand only in answers to officers and in the pick-up itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Depends, Header, Response

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import MalformedError, RuleError
from did_service.issuer.agency import Agency, Officer
from did_service.issuer.applications import Applications
from did_service.issuer.evidence import IssuanceEvidence
from did_service.issuer.status import StatusLists
from did_service.issuer.wire import (
    ApplicationAnswer,
    ApplicationBody,
    ApprovalAnswer,
    ChallengeAnswer,
    HandoverAnswer,
    OfficeApplications,
    ReturnBody,
    StateAnswer,
)
from did_service.web.bodies import JsonBody, described


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of one agency that answer calls."""

    agency: Agency
    applications: Applications
    statuses: StatusLists
    evidence: IssuanceEvidence


def citizens(desk: Desk) -> APIRouter:
    """Return the routes that need no login."""
    router = APIRouter(tags=["issuer"])

    @router.get("/challenge", response_model=ChallengeAnswer)
    def challenge() -> Response:
        """Give out a challenge for one application."""
        return _json(desk.applications.challenge())

    @router.post(
        "/applications",
        status_code=201,
        response_model=ApplicationAnswer,
        openapi_extra=described(ApplicationBody.model_json_schema()),
    )
    def apply(body: JsonBody) -> Response:
        """Take an application that its holder has signed."""
        return _json(desk.applications.submit(body), 201)

    @router.get(
        "/pickup/{code}",
        response_model=HandoverAnswer,
        responses={202: {"model": StateAnswer}, 410: {"description": "picked up before"}},
    )
    def pickup(code: str) -> Response:
        """Hand over an issued credential, once; 202 while there is none."""
        answer = desk.applications.collect(code)
        return _json(answer, 200 if "credential" in answer else 202)

    @router.get("/status/{number}", response_class=Response)
    def status(number: int) -> Response:
        """Return a signed status list as anchored in the log."""
        return Response(desk.statuses.served(number), media_type="application/vc")

    @router.get("/batches/{record}", response_class=Response)
    def batch(record: str) -> Response:
        """Return the place of a record, lower-case hex of its SHA-256, in its batch."""
        return _json(desk.evidence.proof(_digest(record)))

    return router


def office_applications(desk: Desk) -> APIRouter:
    """Return the officers' routes for applications: accepting and approving are two people."""
    router = APIRouter(prefix="/office/applications", tags=["issuer office"])
    accepting = Depends(_officer(desk.agency, "accept"))
    approving = Depends(_officer(desk.agency, "approve"))

    @router.get("", response_model=OfficeApplications)
    def listed(state: str | None = None, _: Officer = accepting) -> Response:
        """Return applications, all or those in one state."""
        return _json({"applications": [*desk.applications.listed(state)]})

    @router.post("/{identifier}/accept", response_model=StateAnswer)
    def accept(identifier: str, officer: Officer = accepting) -> Response:
        """Accept an application as complete."""
        desk.applications.accept(identifier, officer.name)
        return _json({"state": "accepted"})

    @router.post(
        "/{identifier}/return",
        response_model=StateAnswer,
        openapi_extra=described(ReturnBody.model_json_schema()),
    )
    def send_back(identifier: str, body: JsonBody, _: Officer = accepting) -> Response:
        """Return an application to its citizen with a reason."""
        fields = Fields(body, "body")
        note = fields.text("note", max_chars=400)
        fields.close()
        desk.applications.send_back(identifier, note)
        return _json({"state": "returned"})

    @router.post("/{identifier}/approve", response_model=ApprovalAnswer)
    def approve(identifier: str, officer: Officer = approving) -> Response:
        """Approve an accepted application and issue its credential."""
        return _json({"credential": desk.applications.approve(identifier, officer.name)})

    return router


def office_credentials(desk: Desk) -> APIRouter:
    """Return the officers' routes for credentials that were issued."""
    router = APIRouter(prefix="/office/credentials", tags=["issuer office"])
    revoking = Depends(_officer(desk.agency, "revoke"))

    @router.post("/{identifier}/{verb}", response_model=StateAnswer)
    def change(identifier: str, verb: str, _: Officer = revoking) -> Response:
        """Revoke, suspend or reinstate a credential; answered once the log has the list."""
        return _json({"state": desk.statuses.change(identifier, verb)})

    return router


def _officer(agency: Agency, role: str) -> Callable[[str], Officer]:
    """Return the dependency that demands a login with a role."""

    def logged_in(authorization: str = Header(default="")) -> Officer:
        scheme, _, token = authorization.partition(" ")
        digest = sha256(token.encode())
        for officer in agency.officers:
            if scheme == "Bearer" and officer.token_sha256 == digest:
                if role not in officer.roles:
                    raise RuleError("role_missing", f"{officer.name} may not {role}")
                return officer
        raise RuleError("officer_unknown", "a bearer token of an officer is needed")

    return logged_in


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError as error:
        raise MalformedError("hex_invalid", "a record is 64 lower-case hex digits") from error
    if digest.hex() != text or len(text) != 64:
        raise MalformedError("hex_invalid", "a record is 64 lower-case hex digits")
    return digest


def _json(value: JsonObject, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(jcs.encode(value), status, headers, "application/json")
