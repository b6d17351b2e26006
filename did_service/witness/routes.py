"""A witness over HTTP: add-checkpoint (c2sp.org/tlog-witness), did-proof, alarms."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from did_service.core.log.witnessing import SIZE_CONTENT_TYPE, WitnessStatus
from did_service.web.answers import bytes_answer, json_answer
from did_service.web.description import file_of, refusals
from did_service.web.pools import Pools
from did_service.witness import wire
from did_service.witness.store import RaisedAlarm
from did_service.witness.witness import Witness

_COSIGNING = 32
_COSIGNING_EACH = 4  # of one region at work
_COSIGNING_EACH_LINE = 28  # of one region waiting: whoever repeats its checkpoints is ahead
_COSIGNING_LINE = 1_024  # of all regions: each has its own
_APPROVING = 2
_LINE = 64

_STRING = {"schema": {"type": "string"}}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TEXT = "text/plain; charset=utf-8"


async def _body(request: Request) -> bytes:
    """Read the body before a thread is taken for the work."""
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


def _takes(media_type: str) -> dict[str, Any]:
    # Bytes are read whatever their type is called; generators of clients know this one.
    content = {media_type: _STRING, "application/octet-stream": _BINARY}
    return {"requestBody": {"required": True, "content": content}}


def witness_router(witness: Witness, base: str, pools: Pools) -> APIRouter:
    """Make the routes of a witness, under its base path.

    Each region has a share of the threads that cosign, so that one whose answers hang, or in
    whose name somebody asks again and again, keeps no other region's logs waiting.
    """
    cosigning = pools.of(
        "cosigning",
        threads=_COSIGNING,
        line=_COSIGNING_LINE,
        each=_COSIGNING_EACH,
        each_line=_COSIGNING_EACH_LINE,
    )
    hosts = {origin.partition("/")[0] for origin in witness.mirror.replicas}
    approving = pools.of("approvals", threads=_APPROVING, line=_LINE)
    router = APIRouter(prefix=base, tags=["witness"], route_class=approving.route_class())

    @router.post(
        "/add-checkpoint",
        name="addCheckpoint",
        response_class=Response,
        responses={
            **file_of("text/plain", "the cosignature line"),
            409: {"description": "the size held", "content": {SIZE_CONTENT_TYPE: _STRING}},
            **refusals(400, 403, 404, 422, 503),
        },
        openapi_extra=_takes("text/plain"),
    )
    async def add_checkpoint(body: Body) -> Response:
        work = partial(witness.cosigning.add_checkpoint, body)
        named = _named_host(body)
        reply = await cosigning.run(work, key=named if named in hosts else "")
        kind = _TEXT if reply.status is WitnessStatus.COSIGNED else SIZE_CONTENT_TYPE
        return bytes_answer(reply.body, kind, reply.status)

    @router.post(
        "/did-proof",
        name="requestDidProof",
        response_model=dict[str, object],
        responses=refusals(400, 409, 413, 422, 503),
        openapi_extra=_takes("application/jsonl"),
    )
    def did_proof(body: Body) -> Response:
        proof = witness.approvals.approve(body)
        return json_answer(proof)

    @router.get("/{mirror}/held", name="getHeldHead")
    def held(mirror: str) -> Response:
        return bytes_answer(witness.held_note(mirror), _TEXT)

    @router.get("/alarms", name="listAlarms")
    def alarms() -> wire.Alarms:
        return wire.Alarms(alarms=[_alarm(each) for each in witness.store.alarms()])

    return router


def _named_host(body: bytes) -> str:
    """Return the host that a request names, for its share of threads alone; it may lie."""
    _, _, note = body.partition(b"\n\n")
    return note.partition(b"\n")[0].partition(b"/")[0].decode("latin-1")


def _alarm(alarm: RaisedAlarm) -> wire.Alarm:
    return wire.Alarm(
        log=alarm.log,
        at=alarm.at,
        code=alarm.code,
        offered=alarm.offered.decode(),
        held=alarm.held.decode(),
    )
