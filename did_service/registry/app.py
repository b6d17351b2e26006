"""The registry of a region as a web application.

    registry = Registry(settings)          registry.start() … registry.publish_now()
    app = create_app(registry)             registry.close()

A region's registry and witness share a host name. Whoever serves both in one process mounts
`routers` and `body_limits` of both in one application.
"""

from __future__ import annotations

import re

from fastapi import APIRouter

from did_service.core.limits import MAX_BATCH_BODY_BYTES
from did_service.registry.reading import ReadingRegistry
from did_service.registry.registry import Registry
from did_service.registry.routes import entries_router, refused_entries_router
from did_service.replica.routes import replica_routers
from did_service.web import app as web
from did_service.web.age import DataAge
from did_service.web.description import DescribedApp
from did_service.web.operations import PathPart
from did_service.web.pools import Pools

PARTS = (
    PathPart(
        re.compile(r"^/(reg|ev/[0-9]{4})(?=/)"),
        "/{log}",
        "log",
        "reg",
    ),
)


def create_app(registry: Registry) -> DescribedApp:
    """Make the application of one registry; its lifetime is the caller's business."""
    pools = Pools()
    app = web.create_app(
        "registry",
        ready=registry.ready,
        metrics=registry.metrics,
        body_limits=body_limits(registry),
        pools=pools,
        edge=registry.region.edge,
    )
    app.parts = PARTS
    app.ends = (registry.end_waits,)
    for router in routers(registry, pools):
        app.include_router(router)
    return app


def create_reading_app(reading: ReadingRegistry) -> DescribedApp:
    """Make the application of a process that only reads; entries are refused there."""
    pools = Pools()
    app = web.create_app(
        "registry",
        ready=reading.ready,
        metrics=reading.metrics,
        pools=pools,
        edge=reading.settings.edge,
    )
    app.parts = PARTS
    for origin, log in reading.replicas.items():
        app.include_router(refused_entries_router(_path(origin)))
        for router in replica_routers(log, reading.evidence[origin], _path(origin), pools):
            app.include_router(router)
    app.add_middleware(DataAge, age=reading.age)
    return app


def routers(registry: Registry, pools: Pools) -> list[APIRouter]:
    """Return the routes of every log of the region, which work in these pools."""
    replicas = registry.region.replicas
    takers = [entries_router(registry, o, _path(o), pools) for o in replicas]
    files = [
        router
        for o, log in replicas.items()
        for router in replica_routers(log, registry.evidence[o], _path(o), pools)
    ]
    return [*takers, *files]


def body_limits(registry: Registry) -> dict[str, int]:
    """Return the bytes that the paths which take entries allow."""
    return {f"{_path(origin)}/entries": MAX_BATCH_BODY_BYTES for origin in registry.logs}


def _path(origin: str) -> str:
    return "/" + origin.partition("/")[2]
