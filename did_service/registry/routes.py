"""Handing entries in over HTTP.

    POST /LOG/entries     application/json: one   application/jsonl: many, a line each

`async`, because a request waits for its transaction, which it shares with others: it holds no
thread while it does.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial
from itertools import chain
from typing import Any

from fastapi import APIRouter, Request, Response

from did_service.client.registry import JSON_LINES
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.evidence.moment import EvidenceMoment
from did_service.registry import submissions
from did_service.registry.judges import begins_did
from did_service.registry.registry import Registry
from did_service.registry.sequencer import QueuedEntry, WriteResult
from did_service.registry.wire import Receipt
from did_service.registry.wire import SubmissionBody as WireSubmission
from did_service.web.answers import bytes_answer, json_answer, language_of
from did_service.web.description import refusals
from did_service.web.hot import HotRoute
from did_service.web.pools import Pools

_BATCH_THREADS = 2
_RECEIPT_THREADS = 4
_LINE = 512
_SMALL_BYTES = 16_384  # read at once; a larger document keeps everybody else waiting meanwhile

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": WireSubmission.model_json_schema()}
            for kind in ("application/json", JSON_LINES)
        },
    }
}


def entries_router(registry: Registry, origin: str, base: str, pools: Pools) -> APIRouter:
    """Make the route that takes entries of one log, under its base path."""
    router = APIRouter(prefix=base, tags=["registry"])
    parsing = pools.of("batches", threads=_BATCH_THREADS, line=_LINE)
    proving = pools.of("receipts", threads=_RECEIPT_THREADS, line=_LINE)

    async def submit(request: Request) -> Response:
        body = await request.body()
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == JSON_LINES:
            language = language_of(request)
            rows = await parsing.run(partial(submissions.parse_batch, body))
            return await _many(registry, origin, rows, language)
        seconds = submissions.wait_seconds(request.headers.get("prefer", ""))
        read = partial(submissions.parse_submission_body, body)
        submission = read() if len(body) <= _SMALL_BYTES else await parsing.run(read)
        placed = await _one(registry, origin, submission)
        receipt = submissions.receipt_of(origin, placed)
        waiter = registry.rounds.waiting.for_entry(origin, placed) if seconds else None
        if waiter is not None and await _is_told(waiter, seconds):
            receipt |= await proving.run(partial(_witnessed, registry, origin, placed))
        headers = {"Preference-Applied": f"wait={seconds}"} if waiter is not None else None
        return json_answer(receipt, 202, headers)

    router.add_api_route(
        "/entries",
        submit,
        methods=["POST"],
        route_class_override=HotRoute,
        name="submitEntries",
        status_code=202,
        response_model=None,
        responses={202: {"model": Receipt}, **refusals(400, 409, 413, 422, 503)},
        openapi_extra=_BODY,
    )
    return router


def refused_entries_router(base: str) -> APIRouter:
    """Make the same route where nothing is written: a proxy tries the next process."""
    router = APIRouter(prefix=base, tags=["registry"])

    @router.post("/entries", name="refuseEntries", responses=refusals(503))
    async def refuse() -> Response:
        raise UnavailableError("another_leads", "this process only reads these logs")

    return router


async def _one(registry: Registry, origin: str, submission: QueuedEntry) -> LoggedEntry:
    (answer,) = registry.sequencer.submit(origin, await _looked_at(registry, [submission]))
    (result,) = await asyncio.wrap_future(answer)
    if isinstance(result, DidServiceError):
        raise result
    return result


async def _looked_at(registry: Registry, rows: list[QueuedEntry]) -> list[QueuedEntry]:
    """Return rows with what judges beside the writer have found of them.

    Rows that begin no DID do not wait behind others that do: no judge has a word for them.
    """
    if not registry.judges.count or not any(map(begins_did, rows)):
        return rows
    looks = registry.judges.look_at(rows)
    return [row for look in looks for row in await asyncio.wrap_future(look)]


async def _many(
    registry: Registry,
    origin: str,
    rows: list[QueuedEntry | DidServiceError],
    language: str,
) -> Response:
    good = [row for row in rows if not isinstance(row, DidServiceError)]
    good = await _looked_at(registry, good)
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
    return bytes_answer(encoded, JSON_LINES, 202)


async def _is_told(waiter: Future[bool], seconds: int) -> bool:
    """Wait for the quorum, without a thread; say whether it came in time.

    A service that ends waits no longer: what is durable is answered as after its time.
    """
    try:
        return await asyncio.wait_for(asyncio.wrap_future(waiter), seconds)
    except TimeoutError:
        return False


def _witnessed(registry: Registry, origin: str, placed: LoggedEntry) -> JsonObject:
    """Return what the quorum adds to the receipt."""
    entry, service = placed.entry, registry.evidence[origin]
    try:
        found = service.numbered(entry.type, entry.subject, entry.number, EvidenceMoment.NEWEST)
    except UnavailableError:
        return {"witnessed": True}  # a data entry whose tree no heads entry names yet
    item, checkpoint = found.items[0], found.checkpoints[0]
    return {"witnessed": True, "item": item.encode(), "checkpoint": checkpoint.decode()}
