"""A region behind one host: its registry and its witness in one application."""

from __future__ import annotations

from did_service.registry import app as registry_app
from did_service.registry.registry import Registry
from did_service.web.app import Application, create_app
from did_service.witness import app as witness_app
from did_service.witness.witness import Witness


def region_app(host: str, registry: Registry, witness: Witness) -> Application:
    """Make the application of a region; the lifetime of both is the caller's business."""
    app = create_app(
        host,
        ready=registry.ready,
        gauges=lambda: {**registry.gauges(), **witness.gauges()},
        body_limits={**registry_app.body_limits(registry), **witness_app.BODY_LIMITS},
    )
    for router in (*registry_app.routers(registry), *witness_app.routers(witness)):
        app.include_router(router)
    return app
