"""The witness of a region as a web application.

    witness = Witness(settings)            witness.start() … witness.refresh_now()
    app = create_app(witness)              witness.close()

Its mirrors are served under `/witness/SHA256HEX(origin)`, like the logs at home.
"""

from __future__ import annotations

import re

from fastapi import APIRouter

from did_service.core.limits import MAX_DID_LOG_BYTES
from did_service.replica.mirrors import folder_of
from did_service.replica.routes import replica_routers
from did_service.web import app as web
from did_service.web.description import DescribedApp
from did_service.web.operations import PathPart
from did_service.web.pools import Pools
from did_service.witness.routes import witness_router
from did_service.witness.witness import Witness

PREFIX = "/witness"
PARTS = (
    PathPart(
        re.compile(r"^/witness/[0-9a-f]{64}(?=/)"),
        "/witness/{mirror}",
        "mirror",
        "4a" * 32,
        "Mirror",
    ),
)
BODY_LIMITS = {f"{PREFIX}/did-proof": MAX_DID_LOG_BYTES}


def create_app(witness: Witness) -> DescribedApp:
    """Make the application of one witness; its lifetime is the caller's business."""
    pools = Pools()
    app = web.create_app(
        "witness",
        ready=witness.ready,
        metrics=witness.metrics,
        body_limits=BODY_LIMITS,
        pools=pools,
    )
    app.parts = PARTS
    app.ends = (witness.end_waits,)
    for router in routers(witness, pools):
        app.include_router(router)
    return app


def routers(witness: Witness, pools: Pools) -> list[APIRouter]:
    """Return the routes of the witness and of every mirror it keeps."""
    made = [witness_router(witness, PREFIX, pools)]
    for origin, replica in witness.mirror.replicas.items():
        base = f"{PREFIX}/{folder_of(origin)}"
        made += replica_routers(replica, witness.evidence[origin], base, pools)
    return made
