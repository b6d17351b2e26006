"""The copies of logs that lie in one service's stores: of a policy, and of those before it."""

from __future__ import annotations

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import Region
from did_service.core.crypto.hashes import sha256
from did_service.replica.replica import Replica
from did_service.replica.store import ReplicaStore, logs_in
from did_service.replica.tree import StaticTree
from did_service.storage.stores import ServiceStores


def mirrors_in(stores: ServiceStores, policy: Policy) -> dict[str, Replica]:
    """Return the copies of all logs that lie in stores, by origin; their tables are there."""
    return {
        origin: Replica(
            ReplicaStore(stores.engine, origin),
            StaticTree(stores.blobs.below(folder_of(origin))),
        )
        for region in policy.regions
        for origin in region.logs
    }


def former_logs_in(stores: ServiceStores, policy: Policy) -> dict[str, ReplicaStore]:
    """Return the copies of logs whose region has left the federation, by origin.

    Nobody adds to them any more. DIDs that have left them in time go on elsewhere, and are
    judged after what stands here (docs/adr/0079).
    """
    named = {origin for region in policy.regions for origin in region.logs}
    held = [origin for origin in logs_in(stores.engine) if origin not in named]
    return {origin: ReplicaStore(stores.engine, origin) for origin in held}


def copies_of_others(
    stores: ServiceStores, policy: Policy, region: Region
) -> dict[str, ReplicaStore]:
    """Return the copies of all logs of other regions, also of those that have left."""
    others = (each for each in policy.regions if each.id != region.id)
    named = {o: ReplicaStore(stores.engine, o) for each in others for o in each.logs}
    return {**former_logs_in(stores, policy), **named}


def folder_of(origin: str) -> str:
    """Return the name of a mirror: lower-case hex of the SHA-256 of the origin."""
    return sha256(origin.encode()).hex()
