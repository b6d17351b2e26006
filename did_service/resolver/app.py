"""The resolver of a region as a web application of its own.

Whoever serves it beside a registry mounts `routes.resolution_router` last in one application:
the native files take any path.
"""

from __future__ import annotations

from did_service.resolver.resolver import Resolver
from did_service.resolver.routes import resolution_router
from did_service.web import app as web
from did_service.web.description import DescribedApp
from did_service.web.pools import Pools


def create_app(resolver: Resolver) -> DescribedApp:
    """Make the application of one resolver; its lifetime is the caller's business."""
    pools = Pools()
    app = web.create_app("resolver", pools=pools)
    app.include_router(resolution_router(resolver, pools))
    return app
