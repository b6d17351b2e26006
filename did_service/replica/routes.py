"""A replica over HTTP: its static files, and evidence (docs/formats.md §9).

    BASE/checkpoint                        changes; for seconds in caches
    BASE/tile/…  /heads/HEX  /content/HEX  never change; for a year in caches
    BASE/evidence/T/S[?fresh][&n=N]        S percent-encoded; the same bytes for an hour

The same routes serve a log at its home and a mirror of it. A proxy may serve the files alone:
nothing here adds to them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, TypedDict

from fastapi import APIRouter, Query, Request, Response

from did_service.core.errors import NotFoundError
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.limits import MAX_ENTRY_NUMBER
from did_service.core.log.tiles import parse_tile_path
from did_service.replica.evidence_service import EvidenceService
from did_service.replica.replica import Replica
from did_service.web.answers import Kept, bytes_answer, json_answer, problem_answer
from did_service.web.description import Responses, file_of, refusals
from did_service.web.pools import Pools

_FILE_THREADS = 8
_EVIDENCE_THREADS = 4
_LINE = 512  # of either: about as many as there are connections


class _Static(TypedDict):
    """What the routes of static files share."""

    response_class: type[Response]
    responses: Responses


_HEX = re.compile("[0-9a-f]{64}")
_BYTES = "application/octet-stream"
_NOTE_TYPE = "text/plain; charset=utf-8"
_EVIDENCE_KEPT = {EvidenceMoment.EPOCH: Kept.MINUTE, EvidenceMoment.NEWEST: Kept.SECOND}


def replica_routers(
    log: Replica, evidence: EvidenceService, base: str, pools: Pools
) -> tuple[APIRouter, APIRouter]:
    """Make the routes of one log: its files, and evidence.

    They are not put into one router: FastAPI would build each route once more, a millisecond
    each, and a witness has those of every log.

    Args:
        log: The replica to serve.
        evidence: Gives evidence about its entries.
        base: The path under which all of them stand.
        pools: Files and evidence are read by threads of their own.
    """
    reading = pools.of("files", threads=_FILE_THREADS, line=_LINE)
    proving = pools.of("evidence", threads=_EVIDENCE_THREADS, line=_LINE)
    files = APIRouter(prefix=base, tags=["log"], route_class=reading.route_class())
    proofs = APIRouter(prefix=base, tags=["log"], route_class=proving.route_class())
    _add_files(files, log)
    _add_evidence(proofs, evidence)
    return files, proofs


def _add_files(router: APIRouter, log: Replica) -> None:
    answers = {**file_of(_BYTES, "the file, which never changes"), **refusals(400, 404)}
    static: _Static = {"response_class": Response, "responses": answers}

    @router.get(
        "/checkpoint",
        name="getCheckpoint",
        response_class=Response,
        responses={**file_of("text/plain", "a signed note"), **refusals(404)},
    )
    def checkpoint() -> Response:
        note = log.tree.checkpoint()
        if note is None:
            raise NotFoundError("checkpoint_missing", "nothing was published yet")
        return bytes_answer(note, _NOTE_TYPE, kept=Kept.SECOND)

    @router.get("/tile/{path:path}", name="getTile", **static)
    def tile(path: str) -> Response:
        data = log.tree.tile(parse_tile_path(f"tile/{path}"))
        return bytes_answer(data, _BYTES, kept=Kept.FOREVER)

    @router.get("/heads/{name}", name="getHeads", **static)
    def heads(name: str) -> Response:
        return _file(log.tree.heads, name)

    @router.get("/content/{name}", name="getContent", **static)
    def content(name: str) -> Response:
        return _file(log.tree.content, name)


def _add_evidence(router: APIRouter, service: EvidenceService) -> None:
    @router.get(
        "/evidence/{kind}/{subject:path}",
        name="getEvidence",
        response_model=dict[str, object],
        responses=refusals(400, 404, 503),
    )
    def evidence(
        request: Request,
        kind: str,
        subject: str,
        n: Annotated[int | None, Query(ge=1, le=MAX_ENTRY_NUMBER)] = None,
    ) -> Response:
        moment = (
            EvidenceMoment.NEWEST if "fresh" in request.query_params else EvidenceMoment.EPOCH
        )
        try:
            found = (
                service.newest(kind, subject, moment)
                if n is None
                else service.numbered(kind, subject, n, moment)
            )
        except NotFoundError as error:
            if error.code != "subject_unknown":
                raise
            return problem_answer(request, error, service.absence(kind, subject, moment))
        return json_answer(found.encode(), kept=_EVIDENCE_KEPT[moment])


def _file(held: Callable[[bytes], bytes | None], name: str) -> Response:
    data = held(bytes.fromhex(name)) if _HEX.fullmatch(name) else None
    if data is None:
        raise NotFoundError("file_unknown", "there is no such file in this log")
    return bytes_answer(data, _BYTES, kept=Kept.FOREVER)
