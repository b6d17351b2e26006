"""Files of a log beside rows that may end before them: a standby's, which follow later.

What is published is read, and a checkpoint of which the rows do not hold everything yet is not
shown: the one before it is, until they do. So evidence out of these rows never names a newer
moment than the rows have reached.
"""

from __future__ import annotations

from did_service.core.log.checkpoint import checkpoint_in
from did_service.replica.store import ReplicaStore
from did_service.replica.tree import StaticTree
from did_service.storage.blobs import BlobStore


class HeldTree(StaticTree):
    """The files of a log, with no checkpoint beyond the rows.

    Args:
        blobs: Where they are.
        store: The rows.
    """

    def __init__(self, blobs: BlobStore, store: ReplicaStore) -> None:
        super().__init__(blobs)
        self._store = store
        self._newest: dict[str, bytes] = {}  # by `checkpoint` and `epoch`

    def _note(self, name: str) -> bytes | None:
        note, kind = super()._note(name), name.partition("/")[0]
        if note is not None and note != self._newest.get(kind) and self._holds(note):
            self._newest[kind] = note
        return self._newest.get(kind)

    def _holds(self, note: bytes) -> bool:
        head = checkpoint_in(note)
        return self._store.size() >= head.size and self._store.root(head.size) == head.root
