"""The issuer's HTTP calls for officers, below `/agencies/ID/office`.

Each call needs the bearer token of an officer with the role: `accept`, `approve` or `revoke`.
The login is judged before anything else of a request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import MalformedError
from did_service.core.limits import MAX_SAFE_INTEGER, STATUS_LIST_BITS
from did_service.issuer.agency import Officer
from did_service.issuer.routes import AgencyServices
from did_service.issuer.states import ApplicationState, Verb
from did_service.issuer.wire import (
    ApplicationStateAnswer,
    ApprovalAnswer,
    CredentialStateAnswer,
    OfficeApplications,
    OfficeCredentials,
    OfficeIndices,
    ReasonBody,
    ReturnBody,
)
from did_service.web.answers import json_answer
from did_service.web.bodies import strict_object
from did_service.web.description import described, refusals
from did_service.web.pools import Pools

_THREADS = 8
_LINE = 64
_BODY = Depends(strict_object)
_BEARER = HTTPBearer(auto_error=False)
_Token = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
_Start = Annotated[int, Query(ge=0, le=MAX_SAFE_INTEGER)]
_Index = Annotated[int, Path(ge=0, lt=STATUS_LIST_BITS)]
_NO_LOGIN = refusals(401, 403, 429)
_MAX_SAID = 400


def office_applications(desk: AgencyServices, pools: Pools) -> APIRouter:
    """Return the routes for applications: accepting and approving are two people's work."""
    router = APIRouter(
        prefix="/office/applications",
        tags=["issuer office"],
        responses=_NO_LOGIN,
        route_class=office_threads(pools),
    )
    reading = Depends(_officer(desk, "accept", "approve"))
    accepting = Depends(_officer(desk, "accept"))
    approving = Depends(_officer(desk, "approve"))

    @router.get(
        "", name="listApplications", response_model=OfficeApplications, responses=refusals(400)
    )
    def listed(
        _: Officer = reading, state: ApplicationState | None = None, start: _Start = 0
    ) -> Response:
        """Return up to 1,000 applications from number `start` on, all or in one state."""
        return json_answer({"applications": [*desk.applications.listed(state, start)]})

    @router.post(
        "/{identifier}/accept",
        name="acceptApplication",
        response_model=ApplicationStateAnswer,
        responses=refusals(404, 409),
    )
    def accept(identifier: str, officer: Officer = accepting) -> Response:
        """Accept an application as complete."""
        desk.applications.accept(identifier, officer.name)
        return json_answer({"state": ApplicationState.ACCEPTED})

    @router.post(
        "/{identifier}/return",
        name="returnApplication",
        response_model=ApplicationStateAnswer,
        openapi_extra=described(ReturnBody.model_json_schema()),
        responses=refusals(400, 404, 409),
    )
    def send_back(
        identifier: str, officer: Officer = accepting, body: JsonObject = _BODY
    ) -> Response:
        """Return an application to its citizen with a reason."""
        fields = Fields(body, "body")
        note = _said(fields, "note")
        fields.close()
        desk.applications.send_back(identifier, note, officer.name)
        return json_answer({"state": ApplicationState.RETURNED})

    @router.post(
        "/{identifier}/approve",
        name="approveApplication",
        response_model=ApprovalAnswer,
        responses=refusals(404, 409, 422, 503),
    )
    def approve(identifier: str, officer: Officer = approving) -> Response:
        """Approve an accepted application and issue its credential."""
        return json_answer({"credential": desk.applications.approve(identifier, officer.name)})

    return router


def office_credentials(desk: AgencyServices, pools: Pools) -> APIRouter:
    """Return the routes for credentials that were issued."""
    router = APIRouter(
        prefix="/office/credentials",
        tags=["issuer office"],
        responses=_NO_LOGIN,
        route_class=office_threads(pools),
    )
    revoking = Depends(_officer(desk, "revoke"))

    @router.get(
        "", name="listCredentials", response_model=OfficeCredentials, responses=refusals(400)
    )
    def listed(_: Officer = revoking, start: _Start = 0) -> Response:
        """Return up to 1,000 credentials from number `start` on, without their claims."""
        return json_answer({"credentials": [*desk.statuses.listed(start)]})

    @router.post(
        "/{identifier}/{verb}",
        name="changeCredential",
        response_model=CredentialStateAnswer,
        openapi_extra=described(ReasonBody.model_json_schema()),
        responses=refusals(400, 404, 409, 422, 503),
    )
    def change(
        identifier: str, verb: Verb, officer: Officer = revoking, body: JsonObject = _BODY
    ) -> Response:
        """Revoke, suspend or reinstate a credential; answered once the log has the list."""
        reason = _reason_in(body)
        state = desk.statuses.change(identifier, verb, officer.name, reason)
        return json_answer({"state": state})

    return router


def office_indices(desk: AgencyServices, pools: Pools) -> APIRouter:
    """Return the routes for places in the status lists whose credentials are forgotten here."""
    router = APIRouter(
        prefix="/office/indices",
        tags=["issuer office"],
        responses=_NO_LOGIN,
        route_class=office_threads(pools),
    )
    revoking = Depends(_officer(desk, "revoke"))

    @router.get(
        "", name="listForgottenIndices", response_model=OfficeIndices, responses=refusals(400)
    )
    def listed(_: Officer = revoking, start: _Start = 0) -> Response:
        """Return up to 1,000 indices whose credentials a lost database had issued."""
        return json_answer({"indices": [*desk.statuses.forgotten(start)]})

    @router.post(
        "/{index}/{verb}",
        name="changeIndex",
        response_model=CredentialStateAnswer,
        openapi_extra=described(ReasonBody.model_json_schema()),
        responses=refusals(400, 409, 422, 503),
    )
    def change(
        index: _Index, verb: Verb, officer: Officer = revoking, body: JsonObject = _BODY
    ) -> Response:
        """Revoke, suspend or reinstate by `statusListIndex`, also what is forgotten here."""
        reason = _reason_in(body)
        state = desk.statuses.change_index(index, verb, officer.name, reason)
        return json_answer({"state": state})

    return router


def office_threads(pools: Pools) -> type[APIRoute]:
    """Return the routes that work in threads which citizens cannot fill."""
    return pools.of("office", threads=_THREADS, line=_LINE).route_class()


def _reason_in(body: JsonObject) -> str:
    fields = Fields(body, "body")
    reason = _said(fields, "reason")
    fields.close()
    return reason


def _said(fields: Fields, name: str) -> str:
    """Return what an officer says; a server's database has no zero character."""
    text = fields.text(name, max_chars=_MAX_SAID)
    if "\0" in text:
        raise MalformedError("member_invalid", f"{fields.path(name)} has a zero character")
    return text


def _officer(desk: AgencyServices, *roles: str) -> Callable[[_Token, Request], Officer]:
    """Return the dependency that demands a login with one of the roles."""

    def logged_in(token: _Token, request: Request) -> Officer:
        shown = token.credentials if token is not None else ""
        peer = request.client.host if request.client is not None else "local"
        return desk.officers.log_in(shown, frozenset(roles), peer)

    return logged_in
