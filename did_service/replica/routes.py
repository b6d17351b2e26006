"""A replica over HTTP: its static files, and evidence (docs/formats.md §9).

    BASE/checkpoint                        changes; for seconds in caches
    BASE/tile/…  /heads/HEX  /content/HEX  never change; for a year in caches
    BASE/evidence/T/S[?fresh][&n=N]        S percent-encoded; the same bytes for an hour

The same routes serve a log at its home and a mirror of it. A proxy may serve the files alone:
nothing here adds to them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import FileResponse

from did_service.core.encoding import jcs
from did_service.core.errors import NotFoundError
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.limits import MAX_ENTRY_NUMBER
from did_service.core.log.tiles import parse_tile_path
from did_service.replica.evidence import EvidenceService
from did_service.replica.replica import Replica
from did_service.web.problems import problem_response

_HEX = re.compile("[0-9a-f]{64}")
_BYTES = "application/octet-stream"
_NOTE_TYPE = "text/plain; charset=utf-8"
_FOREVER = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}
_SECONDS = {"Cache-Control": "public, max-age=1"}
_EVIDENCE_CACHE = {
    EvidenceMoment.EPOCH: {"Cache-Control": "public, max-age=60"},
    EvidenceMoment.NEWEST: _SECONDS,
}


def replica_router(log: Replica, evidence: EvidenceService, base: str) -> APIRouter:
    """Make the routes of one log.

    Args:
        log: The replica to serve.
        evidence: Gives evidence about its entries.
        base: The path under which all of them stand.
    """
    router = APIRouter(prefix=base, tags=["log"])
    _add_files(router, log)
    _add_evidence(router, evidence)
    return router


def _add_files(router: APIRouter, log: Replica) -> None:
    @router.get("/checkpoint")
    def checkpoint() -> Response:
        note = log.tree.checkpoint()
        if note is None:
            raise NotFoundError("checkpoint_missing", "nothing was published yet")
        return Response(note, headers=_SECONDS, media_type=_NOTE_TYPE)

    @router.get("/tile/{path:path}")
    def tile(path: str) -> Response:
        data = log.tree.tile(parse_tile_path(f"tile/{path}"))
        return Response(data, headers=_FOREVER, media_type=_BYTES)

    @router.get("/heads/{name}")
    def heads(name: str) -> Response:
        return _file(log.tree.folder / "heads", name)

    @router.get("/content/{name}")
    def content(name: str) -> Response:
        return _file(log.tree.folder / "content", name)


def _add_evidence(router: APIRouter, service: EvidenceService) -> None:
    @router.get("/evidence/{kind}/{subject:path}")
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
            language = request.headers.get("accept-language", "")
            return problem_response(error, language, service.absence(kind, subject, moment))
        document = jcs.encode(found.encode())
        return Response(document, 200, _EVIDENCE_CACHE[moment], "application/json")


def _file(folder: Path, name: str) -> Response:
    path = folder / name
    if _HEX.fullmatch(name) is None or not path.is_file():
        raise NotFoundError("file_unknown", "there is no such file in this log")
    return FileResponse(path, headers=_FOREVER, media_type=_BYTES)
