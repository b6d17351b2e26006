"""The issuer's HTTP calls for officers, below `/agencies/ID/office`.

Each call needs the bearer token of an officer with the role: `accept`, `approve` or `revoke`.
The login is judged before anything else of a request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.limits import MAX_SAFE_INTEGER
from did_service.issuer.agency import Agency, Officer
from did_service.issuer.officers import log_in
from did_service.issuer.routes import AgencyServices
from did_service.issuer.status import Verb
from did_service.issuer.wire import (
    ApplicationState,
    ApplicationStateAnswer,
    ApprovalAnswer,
    CredentialStateAnswer,
    OfficeApplications,
    OfficeCredentials,
    ReturnBody,
)
from did_service.web.bodies import json_answer, strict_object
from did_service.web.description import described, refusals

_BODY = Depends(strict_object)
_BEARER = HTTPBearer(auto_error=False)
_Token = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
_Start = Annotated[int, Query(ge=0, le=MAX_SAFE_INTEGER)]
_NO_LOGIN = refusals(401, 403)


def office_applications(desk: AgencyServices) -> APIRouter:
    """Return the routes for applications: accepting and approving are two people's work."""
    router = APIRouter(
        prefix="/office/applications", tags=["issuer office"], responses=_NO_LOGIN
    )
    reading = Depends(_officer(desk.agency, "accept", "approve"))
    accepting = Depends(_officer(desk.agency, "accept"))
    approving = Depends(_officer(desk.agency, "approve"))

    @router.get("", response_model=OfficeApplications, responses=refusals(400))
    def listed(
        _: Officer = reading, state: ApplicationState | None = None, start: _Start = 0
    ) -> Response:
        """Return up to 1,000 applications from number `start` on, all or in one state."""
        return json_answer({"applications": [*desk.applications.listed(state, start)]})

    @router.post(
        "/{identifier}/accept",
        response_model=ApplicationStateAnswer,
        responses=refusals(404, 409),
    )
    def accept(identifier: str, officer: Officer = accepting) -> Response:
        """Accept an application as complete."""
        desk.applications.accept(identifier, officer.name)
        return json_answer({"state": "accepted"})

    @router.post(
        "/{identifier}/return",
        response_model=ApplicationStateAnswer,
        openapi_extra=described(ReturnBody.model_json_schema()),
        responses=refusals(400, 404, 409),
    )
    def send_back(
        identifier: str, officer: Officer = accepting, body: JsonObject = _BODY
    ) -> Response:
        """Return an application to its citizen with a reason."""
        fields = Fields(body, "body")
        note = fields.text("note", max_chars=400)
        fields.close()
        desk.applications.send_back(identifier, note, officer.name)
        return json_answer({"state": "returned"})

    @router.post(
        "/{identifier}/approve",
        response_model=ApprovalAnswer,
        responses=refusals(404, 409, 422, 503),
    )
    def approve(identifier: str, officer: Officer = approving) -> Response:
        """Approve an accepted application and issue its credential."""
        return json_answer({"credential": desk.applications.approve(identifier, officer.name)})

    return router


def office_credentials(desk: AgencyServices) -> APIRouter:
    """Return the routes for credentials that were issued."""
    router = APIRouter(
        prefix="/office/credentials", tags=["issuer office"], responses=_NO_LOGIN
    )
    revoking = Depends(_officer(desk.agency, "revoke"))

    @router.get("", response_model=OfficeCredentials, responses=refusals(400))
    def listed(_: Officer = revoking, start: _Start = 0) -> Response:
        """Return up to 1,000 credentials from number `start` on, without their claims."""
        return json_answer({"credentials": [*desk.statuses.listed(start)]})

    @router.post(
        "/{identifier}/{verb}",
        response_model=CredentialStateAnswer,
        responses=refusals(400, 404, 409, 422, 503),
    )
    def change(identifier: str, verb: Verb, officer: Officer = revoking) -> Response:
        """Revoke, suspend or reinstate a credential; answered once the log has the list."""
        return json_answer({"state": desk.statuses.change(identifier, verb, officer.name)})

    return router


def _officer(agency: Agency, *roles: str) -> Callable[[_Token], Officer]:
    """Return the dependency that demands a login with one of the roles."""

    def logged_in(token: _Token) -> Officer:
        shown = token.credentials if token is not None else ""
        return log_in(agency.officers, shown, frozenset(roles))

    return logged_in
