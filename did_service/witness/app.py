"""The witness of a region as a web application.

    witness = Witness(settings)            witness.start() … witness.refresh_now()
    app = create_app(witness)              witness.close()

Its mirrors are served under `/witness/SHA256HEX(origin)`, like the logs at home.
"""

from __future__ import annotations

from fastapi import APIRouter

from did_service.core.anchor.region import control_origin
from did_service.core.limits import MAX_DID_LOG_BYTES
from did_service.replica.evidence import EvidenceService
from did_service.replica.routes import replica_router
from did_service.web import app as web
from did_service.web.description import DescribedApp
from did_service.witness.routes import witness_router
from did_service.witness.witness import Witness, folder_of

PREFIX = "/witness"
BODY_LIMITS = {f"{PREFIX}/did-proof": MAX_DID_LOG_BYTES}


def create_app(witness: Witness) -> DescribedApp:
    """Make the application of one witness; its lifetime is the caller's business."""
    app = web.create_app(
        "witness", ready=witness.ready, gauges=witness.gauges, body_limits=BODY_LIMITS
    )
    for router in routers(witness):
        app.include_router(router)
    return app


def routers(witness: Witness) -> list[APIRouter]:
    """Return the routes of the witness and of every mirror it keeps."""
    made, mirror = [witness_router(witness, PREFIX)], witness.mirror
    for origin, replica in mirror.replicas.items():
        control = mirror.replicas[control_origin(mirror.pinned.region_of_log(origin))]
        evidence = EvidenceService(replica, control)
        made.append(replica_router(replica, evidence, f"{PREFIX}/{folder_of(origin)}"))
    return made
