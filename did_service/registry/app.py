"""The registry of a region as a web application.

    registry = Registry(settings)          registry.start() … registry.publish_now()
    app = create_app(registry)             registry.close()

A region's registry and witness share a host name. Whoever serves both in one process mounts
`routers` and `body_limits` of both in one application.
"""

from __future__ import annotations

from fastapi import APIRouter

from did_service.core.limits import MAX_BATCH_BODY_BYTES
from did_service.registry.registry import Registry
from did_service.registry.resolution_routes import resolution_router
from did_service.registry.resolver import Resolver
from did_service.registry.routes import entries_router
from did_service.replica.routes import replica_router
from did_service.web import app as web
from did_service.web.description import DescribedApp


def create_app(registry: Registry) -> DescribedApp:
    """Make the application of one registry; its lifetime is the caller's business."""
    app = web.create_app(
        "registry",
        ready=registry.ready,
        gauges=registry.gauges,
        body_limits=body_limits(registry),
    )
    for router in routers(registry):
        app.include_router(router)
    return app


def routers(registry: Registry) -> list[APIRouter]:
    """Return the routes of every log of the region, and those of the resolver."""
    replicas = registry.region.replicas
    takers = [entries_router(registry, origin, _path(origin)) for origin in replicas]
    files = [replica_router(log, registry.evidence[o], _path(o)) for o, log in replicas.items()]
    return [*takers, *files, resolution_router(Resolver(registry, registry.transport))]


def body_limits(registry: Registry) -> dict[str, int]:
    """Return the bytes that the paths which take entries allow."""
    return {f"{_path(origin)}/entries": MAX_BATCH_BODY_BYTES for origin in registry.logs}


def _path(origin: str) -> str:
    return "/" + origin.partition("/")[2]
