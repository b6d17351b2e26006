"""A region behind one host: its registry, its witness and its resolver in one application."""

from __future__ import annotations

from did_service.registry import app as registry_parts
from did_service.registry.registry import Registry
from did_service.resolver.resolver import Resolver, ResolverSources
from did_service.resolver.routes import resolution_router
from did_service.resolver.store import ForeignDids
from did_service.web.app import create_app
from did_service.web.description import DescribedApp
from did_service.web.pools import Pools
from did_service.witness import app as witness_app
from did_service.witness.witness import Witness


def region_app(host: str, registry: Registry, witness: Witness) -> DescribedApp:
    """Make the application of a region; the lifetime of both is the caller's business."""
    pools = Pools()
    app = create_app(
        host,
        ready=lambda: (*registry.ready(), *witness.ready()),
        metrics=lambda: (*registry.metrics(), *witness.metrics()),
        body_limits={**registry_parts.body_limits(registry), **witness_app.BODY_LIMITS},
        pools=pools,
        edge=registry.region.edge,
    )
    app.parts = (*registry_parts.PARTS, *witness_app.PARTS)
    app.ends = (registry.end_waits, witness.end_waits)
    for router in (
        *registry_parts.routers(registry, pools),
        *witness_app.routers(witness, pools),
    ):
        app.include_router(router)
    app.include_router(resolution_router(Resolver(resolver_sources(registry)), pools))
    return app


def registry_app(registry: Registry) -> DescribedApp:
    """Make the application of a registry without a witness beside it, resolver included."""
    app = registry_parts.create_app(registry)
    resolver = Resolver(resolver_sources(registry))
    app.include_router(resolution_router(resolver, app.pools))
    return app


def resolver_sources(registry: Registry) -> ResolverSources:
    """Return where the resolver of a region looks: its own logs and the mirrors beside them."""
    region = registry.region
    return ResolverSources(
        policy=region.pinned,
        control=region.control,
        logs={**region.foreign, **region.stores},
        evidence=registry.evidence[region.control],
        foreign=ForeignDids(region.engine),
        clock=region.edge.clock,
        transport=registry.transport,
    )
