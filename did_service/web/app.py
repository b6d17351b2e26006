"""The frame of a server: an application with problems, limits and health already in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from fastapi.dependencies import models
from fastapi.telemetry import TelemetryConfig

from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.program.version import __version__
from did_service.web import health, pages, refusing
from did_service.web.description import ANY_REFUSAL, DescribedApp
from did_service.web.head import HeadAsGet
from did_service.web.health import Readiness, Ready
from did_service.web.hot import HotRoutes
from did_service.web.limits import BodyLimit
from did_service.web.message import Http11Message
from did_service.web.metrics import Metric, Metrics, disk_metrics
from did_service.web.operations import operation_name
from did_service.web.paths import PlainPaths
from did_service.web.pools import Pools

_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}  # what the environment says of it is asked for with each request otherwise, and obeyed
_HEALTH_THREADS = 2
_HEALTH_LINE = 64


def create_app(
    name: str,
    *,
    ready: Ready = tuple,
    metrics: Metrics = tuple,
    body_limits: Mapping[str, int] | None = None,
    pools: Pools | None = None,
    edge: ClockAndRandom = SYSTEM,
) -> DescribedApp:
    """Make an application; its caller includes the routers.

    Args:
        name: For the API description.
        ready: Says of each part whether it is well; `/ready` asks it.
        metrics: Numbers of the services, for `/metrics`.
        body_limits: Bytes by exact path, where more than `MAX_BODY_BYTES` is taken.
        pools: The threads in which the routers' work is done, and theirs alone.
        edge: The clock.
    """
    app = DescribedApp(
        title=name,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
        responses=ANY_REFUSAL,
        generate_unique_id_function=lambda route: operation_name(route.name, route.path_format),
    )
    counts: Counter[str] = Counter()
    app.pools = threads = pools or Pools()

    def numbers() -> Iterator[Metric]:
        yield from metrics()
        yield from threads.metrics()
        if app.folder is not None:
            yield from disk_metrics(app.folder)

    refusing.install(app)
    pool = threads.of("health", threads=_HEALTH_THREADS, line=_HEALTH_LINE)
    readiness = Readiness(ready, edge.posix)
    app.include_router(health.health_router(readiness, numbers, counts, pool))
    app.include_router(pages.docs_router(app, pool))
    app.add_middleware(HotRoutes, table=app.hot)
    app.add_middleware(HeadAsGet)
    app.add_middleware(BodyLimit, larger=body_limits or {})
    app.add_middleware(PlainPaths)
    app.add_middleware(refusing.FaultBarrier)
    app.add_middleware(health.RequestCount, counts=counts)
    app.add_middleware(Http11Message)
    return app


def forget_apps() -> None:
    """Have FastAPI let go of applications that are served no more.

    It keeps how it has classified its last 4,096 callables; each holds a route, and a route all
    that its service has.
    """
    for kept in vars(models).values():
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()
