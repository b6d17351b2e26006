"""A witness over HTTP: add-checkpoint (c2sp.org/tlog-witness), did-proof, alarms."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from did_service.core.log.witnessing import SIZE_CONTENT_TYPE, WitnessStatus
from did_service.web.bodies import json_answer
from did_service.witness import wire
from did_service.witness.store import RaisedAlarm
from did_service.witness.witness import Witness

_TEXT = "text/plain; charset=utf-8"


async def _body(request: Request) -> bytes:
    """Read the body before a thread is taken for the work."""
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


def _takes(media_type: str) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "string"}}}
    return {"requestBody": {"required": True, "content": content}}


def witness_router(witness: Witness, base: str) -> APIRouter:
    """Make the routes of a witness, under its base path."""
    router = APIRouter(prefix=base, tags=["witness"])

    @router.post("/add-checkpoint", openapi_extra=_takes(_TEXT))
    def add_checkpoint(body: Body) -> Response:
        reply = witness.cosigning.add_checkpoint(body)
        kind = _TEXT if reply.status is WitnessStatus.COSIGNED else SIZE_CONTENT_TYPE
        response = Response(reply.body, reply.status)
        response.headers["Content-Type"] = kind  # without a charset the log would not expect
        return response

    @router.post("/did-proof", openapi_extra=_takes("application/jsonl"))
    def did_proof(body: Body) -> Response:
        proof = witness.approvals.approve(body)
        return json_answer(proof)

    @router.get("/alarms")
    def alarms() -> wire.Alarms:
        return wire.Alarms(alarms=[_alarm(each) for each in witness.store.alarms()])

    return router


def _alarm(alarm: RaisedAlarm) -> wire.Alarm:
    return wire.Alarm(
        log=alarm.log,
        at=alarm.at,
        code=alarm.code,
        offered=alarm.offered.decode(),
        held=alarm.held.decode(),
    )
