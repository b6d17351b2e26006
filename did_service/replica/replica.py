"""One log's copy as a whole: its entries in a database and its files in a blob store."""

from __future__ import annotations

from dataclasses import dataclass

from did_service.replica.store import ReplicaStore
from did_service.replica.tree import StaticTree


@dataclass(frozen=True, slots=True)
class Replica:
    """Store and tree of one log."""

    store: ReplicaStore
    tree: StaticTree

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self.store.origin
