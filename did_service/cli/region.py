"""A region behind one host: its registry and its witness in one application."""

from __future__ import annotations

from collections.abc import Mapping

from did_service.registry import app as registry_app
from did_service.registry.registry import Registry
from did_service.web.app import create_app
from did_service.web.description import DescribedApp
from did_service.witness import app as witness_app
from did_service.witness.witness import Witness


def region_app(host: str, registry: Registry, witness: Witness) -> DescribedApp:
    """Make the application of a region; the lifetime of both is the caller's business."""
    app = create_app(
        host,
        ready=lambda: _both(registry.ready(), witness.ready()),
        gauges=lambda: {**registry.gauges(), **witness.gauges()},
        body_limits={**registry_app.body_limits(registry), **witness_app.BODY_LIMITS},
    )
    for router in (*registry_app.routers(registry), *witness_app.routers(witness)):
        app.include_router(router)
    return app


def _both(one: Mapping[str, bool], other: Mapping[str, bool]) -> Mapping[str, bool]:
    """Say of each part whether it is there for both."""
    return {name: one.get(name, True) and other.get(name, True) for name in {**one, **other}}
