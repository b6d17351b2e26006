"""Handing entries in over HTTP.

    POST /LOG/entries     application/json: one   application/jsonl: many, a line each

`async`, because a request waits for its transaction, which it shares with others: it holds no
thread while it does.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from did_service.client.registry import JSON_LINES
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.evidence.moment import EvidenceMoment
from did_service.registry import submissions
from did_service.registry.registry import Registry
from did_service.registry.sequencer import WriteResult
from did_service.registry.wire import Receipt
from did_service.registry.wire import SubmissionBody as WireSubmission
from did_service.web.bodies import json_answer
from did_service.web.description import refusals

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": WireSubmission.model_json_schema()}
            for kind in ("application/json", JSON_LINES)
        },
    }
}


def entries_router(registry: Registry, origin: str, base: str) -> APIRouter:
    """Make the route that takes entries of one log, under its base path."""
    router = APIRouter(prefix=base, tags=["registry"])

    @router.post(
        "/entries",
        status_code=202,
        response_model=None,
        responses={202: {"model": Receipt}, **refusals(400, 409, 413, 422, 503)},
        openapi_extra=_BODY,
    )
    async def submit(request: Request) -> Response:
        body = await request.body()
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == JSON_LINES:
            language = request.headers.get("accept-language", "")
            return await _many(registry, origin, body, language)
        seconds = submissions.wait_seconds(request.headers.get("prefer", ""))
        placed = await _one(registry, origin, body)
        receipt = submissions.receipt_of(origin, placed)
        if seconds:
            receipt |= await run_in_threadpool(_witnessed, registry, origin, placed, seconds)
        headers = {"Preference-Applied": f"wait={seconds}"} if seconds else None
        return json_answer(receipt, 202, headers)

    return router


async def _one(registry: Registry, origin: str, body: bytes) -> LoggedEntry:
    submission = submissions.parse_submission_body(body)
    (answer,) = registry.sequencer.submit(origin, [submission])
    (result,) = await asyncio.wrap_future(answer)
    if isinstance(result, DidServiceError):
        raise result
    return result


async def _many(registry: Registry, origin: str, body: bytes, language: str) -> Response:
    rows = await run_in_threadpool(submissions.parse_batch, body)
    good = [row for row in rows if not isinstance(row, DidServiceError)]
    answers = registry.sequencer.submit(origin, good)
    written: list[list[WriteResult]] = [await asyncio.wrap_future(answer) for answer in answers]
    results = chain.from_iterable(written)
    lines = [
        submissions.line_of(
            origin, row if isinstance(row, DidServiceError) else next(results), language
        )
        for row in rows
    ]
    encoded = b"".join(jcs.encode(line) + b"\n" for line in lines)
    return Response(encoded, 202, media_type=JSON_LINES)


def _witnessed(
    registry: Registry, origin: str, placed: LoggedEntry, seconds: int
) -> JsonObject:
    """Wait for the quorum; return what that adds to the receipt."""
    if not registry.rounds.wait_published(origin, placed.index, seconds):
        return {}
    entry, service = placed.entry, registry.evidence[origin]
    try:
        found = service.numbered(entry.type, entry.subject, entry.number, EvidenceMoment.NEWEST)
    except UnavailableError:
        return {"witnessed": True}  # a data entry whose tree no heads entry names yet
    item, checkpoint = found.items[0], found.checkpoints[0]
    return {"witnessed": True, "item": item.encode(), "checkpoint": checkpoint.decode()}
