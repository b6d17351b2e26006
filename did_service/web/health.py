"""The three paths that every server has: is it up, may it be asked, what has it done.

`/health` answers while the process lives. `/ready` names the parts that are not well, each with
a word, its age and what to do about it, and is 503 while there is one. `/metrics` is the text
format of Prometheus. All three have threads of their own, so that they answer under any load.

    {"parts":[{"age":312,"log":"gd.example/reg","meaning":"…","next":"…",
               "page":"docs/operating.md#publication_late","part":"publication",
               "since":"2026-11-28T09:00:00Z","word":"publication_late"}],
     "status":"waiting","waiting_for":["publication_late"]}

A word is one of `ReadyWord`: a code like those of errors, with words in both languages and a
section of its name in docs/operating.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import UnavailableError
from did_service.program.words import words_of_error
from did_service.web import wire
from did_service.web.answers import bytes_answer, json_answer
from did_service.web.description import file_of
from did_service.web.metrics import (
    METRICS_TYPE,
    Metric,
    MetricKind,
    Metrics,
    Sample,
    counter_by,
    encode,
    process_metrics,
)
from did_service.web.pools import Pool
from did_service.web.problems import preferred
from did_service.web.ready_words import ReadyWord

PAGE = "docs/operating.md"


@dataclass(frozen=True, slots=True)
class HealthPart:
    """Something that a server needs in order to be well.

    Attributes:
        name: What it is: `publication`, `cosigning`, `disk`.
        word: What is wrong with it; None where all is well.
        log: Origin of the log that it is about; empty where it is about no log.
        age: Seconds since it last went well; None where it never did, or has no such moment.
        since: POSIX second since when the word holds; None where only the asking tells.
    """

    name: str
    word: ReadyWord | None = None
    log: str = ""
    age: int | None = None
    since: int | None = None


Ready = Callable[[], Iterable[HealthPart]]


def checked_part(name: str, word: ReadyWord, *, well: bool, log: str = "") -> HealthPart:
    """Return a part that is well or not, whatever the time."""
    return HealthPart(name, None if well else word, log)


def aged_part(
    name: str, word: ReadyWord, *, last: int | None, now: int, most: int, log: str = ""
) -> HealthPart:
    """Return a part that is well while it went well not long ago.

    Args:
        name: What it is.
        word: What it is called when it is late.
        last: POSIX second at which it last went well, None where it never did.
        now: The present POSIX second.
        most: Seconds of age at which it is still well.
        log: Origin of the log that it is about.
    """
    if last is None:
        return HealthPart(name, word, log)
    age = max(0, now - last)  # a clock that was set back makes nothing old
    if age <= most:
        return HealthPart(name, None, log, age)
    return HealthPart(name, word, log, age, last + most)


class Readiness:
    """The parts of a server as they are told.

    Args:
        ready: Asks the server for its parts.
        now: Returns the present POSIX second.
    """

    def __init__(self, ready: Ready, now: Callable[[], int]) -> None:
        self._ready, self._now = ready, now
        self._seen: dict[HealthPart, int] = {}

    def waiting(self) -> list[HealthPart]:
        """Return the parts that are not well, each with the second since when."""
        missing = [part for part in self._ready() if part.word is not None]
        now = self._now()
        self._seen = {
            key: self._seen.get(key, now) for key in (_without_times(part) for part in missing)
        }
        return [
            HealthPart(part.name, part.word, part.log, part.age, self._since(part))
            for part in sorted(missing, key=lambda part: (part.name, part.log))
        ]

    def metrics(self) -> Iterator[Metric]:
        """Return for each part whether it is well, and its age."""
        parts = sorted(self._ready(), key=lambda part: (part.name, part.log))
        well = tuple(Sample(int(part.word is None), _labels(part)) for part in parts)
        yield Metric("part_ready", MetricKind.GAUGE, "Whether a part of /ready is well.", well)
        told = "Seconds since a part of /ready last went well."
        ages = tuple(Sample(p.age, _labels(p)) for p in parts if p.age is not None)
        yield Metric("part_age_seconds", MetricKind.GAUGE, told, ages)
        waiting = tuple(
            Sample(1, (*_labels(part), ("word", part.word.value)))
            for part in parts
            if part.word
        )
        told = "What /ready names, each with its section of docs/operating.md."
        yield Metric("waiting_for", MetricKind.GAUGE, told, waiting)

    def _since(self, part: HealthPart) -> int:
        return self._seen[_without_times(part)] if part.since is None else part.since


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


def health_router(
    readiness: Readiness, metrics: Metrics, counts: Counter[str], pool: Pool
) -> APIRouter:
    """Make the three routes.

    Args:
        readiness: The parts of the server.
        metrics: Numbers of the services behind it.
        counts: What `RequestCount` counts.
        pool: The threads in which services are asked.
    """
    router = APIRouter(tags=["health"], route_class=pool.route_class())

    @router.get("/health", name="getHealth", response_model=wire.Health)
    async def health() -> Response:
        return json_answer({"status": "ok"})

    @router.get(
        "/ready",
        name="getReadiness",
        response_model=wire.ReadinessAnswer,
        responses={503: {"model": wire.ReadinessAnswer, "description": "parts are not well"}},
    )
    def ready(request: Request) -> Response:
        language = preferred(request.headers.get("accept-language", ""))
        waiting = readiness.waiting()
        document: JsonObject = {
            "status": "waiting" if waiting else "ready",
            "waiting_for": [*sorted({part.word.value for part in waiting if part.word})],
            "parts": [_told(part, language) for part in waiting],
        }
        return json_answer(document, 503 if waiting else 200, {"Vary": "Accept-Language"})

    @router.get(
        "/metrics",
        name="getMetrics",
        response_class=Response,
        responses=file_of("text/plain", "the text format of Prometheus"),
    )
    def numbers() -> Response:
        requests = counter_by(
            "requests_total", "Answers by class of status.", "status", dict(counts)
        )
        found = [*metrics(), *readiness.metrics(), *process_metrics(), requests]
        return bytes_answer(encode(found).encode(), METRICS_TYPE)

    return router


def _told(part: HealthPart, language: str) -> JsonObject:
    word = "" if part.word is None else part.word.value
    meaning, following = words_of_error(UnavailableError(word, ""), "http")
    since = None if part.since is None else timestamps.from_posix(part.since)
    return {
        "part": part.name,
        "log": part.log or None,
        "word": word,
        "since": None if since is None else timestamps.encode(since),
        "age": part.age,
        "meaning": getattr(meaning, language),
        "next": getattr(following, language),
        "page": f"{PAGE}#{word}",
    }


def _without_times(part: HealthPart) -> HealthPart:
    return HealthPart(part.name, part.word, part.log)


def _labels(part: HealthPart) -> tuple[tuple[str, str], ...]:
    return (("part", part.name), ("log", part.log))
