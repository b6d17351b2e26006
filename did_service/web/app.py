"""The frame of a server: an application with problems, limits and health already in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from did_service.program.version import __version__
from did_service.web import health, problems
from did_service.web.description import ANY_REFUSAL, DescribedApp
from did_service.web.head import HeadAsGet
from did_service.web.health import Gauges, Ready
from did_service.web.limits import BodyLimit
from did_service.web.message import Http11Message


def create_app(
    name: str,
    *,
    ready: Ready = dict,
    gauges: Gauges = dict,
    body_limits: Mapping[str, int] | None = None,
) -> DescribedApp:
    """Make an application; its caller includes the routers.

    Args:
        name: For the API description.
        ready: Says of each dependency whether it is there; `/ready` asks it.
        gauges: Present numbers for `/metrics`, by name.
        body_limits: Bytes by exact path, where more than `MAX_BODY_BYTES` is taken.
    """
    app = DescribedApp(
        title=name,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=ANY_REFUSAL,
    )
    counts: Counter[str] = Counter()
    problems.install(app)
    app.include_router(health.health_router(ready, gauges, counts))
    app.add_middleware(HeadAsGet)
    app.add_middleware(BodyLimit, larger=body_limits or {})
    app.add_middleware(problems.FaultBarrier)
    app.add_middleware(health.RequestCount, counts=counts)
    app.add_middleware(Http11Message)
    return app
