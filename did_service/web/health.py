"""The three paths that every server has: is it up, may it be asked, what has it done.

`/health` answers while the process lives; `/ready` asks the app about each thing it depends on
and is 503 while one is missing; `/metrics` is the text format of Prometheus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from did_service.core.encoding.strict_json import JsonObject
from did_service.web.bodies import json_answer

Ready = Callable[[], Mapping[str, bool]]
Gauges = Callable[[], Mapping[str, int]]
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class RequestCount:
    """ASGI middleware that counts answers by the class of their status: `2xx`, `4xx`."""

    def __init__(self, app: ASGIApp, counts: Counter[str]) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts[f"{message['status'] // 100}xx"] += 1
            await send(message)

        await self._app(scope, receive, count)


def health_router(ready: Ready, gauges: Gauges, counts: Counter[str]) -> APIRouter:
    """Make the three routes.

    Args:
        ready: Says of each dependency whether it is there.
        gauges: Present numbers of the app, by metric name without prefix.
        counts: What `RequestCount` counts.
    """
    router = APIRouter(tags=["health"])

    @router.get("/health")
    def health() -> Response:
        return json_answer({"status": "ok"})

    @router.get("/ready")
    def readiness() -> Response:
        parts = ready()
        waiting = sorted(name for name, there in parts.items() if not there)
        status = "waiting" if waiting else "ready"
        document: JsonObject = {"status": status, "waiting_for": list(waiting)}
        return json_answer(document, 503 if waiting else 200)

    @router.get("/metrics")
    def metrics() -> Response:
        lines = [f"didsvc_{name} {value}" for name, value in sorted(gauges().items())]
        lines += [
            f'didsvc_requests_total{{status="{status}"}} {number}'
            for status, number in sorted(counts.items())
        ]
        return Response("".join(f"{line}\n" for line in lines), media_type=METRICS_TYPE)

    return router
