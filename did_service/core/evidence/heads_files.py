"""Heads files, each unpacked once: a true one stays at hand, of another that it is none.

    packed ─► twice its size at most, and no more than its heads entry counts ─► root

Whoever brings a file chooses its bytes, and a heads entry of any age gives it a root. So what
is unpacked of a set is bounded by the bytes of the set, and what is kept is bounded as well.
"""

from __future__ import annotations

from did_service.core.anchor.snapshot import HeadsSnapshot, parse_snapshot
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding.compression import gunzip
from did_service.core.errors import DidServiceError, ProofError
from did_service.core.limits import (
    MAX_HEADS_KEPT_BYTES,
    MAX_HEADS_PACKING,
    MAX_HEADS_REFUSED,
)


class HeadsFiles:
    """See the module's docstring.

    Attributes:
        true: Files that have their root, by what was asked: root, bytes, size. Their leaves are
            not among them: who looks for a record needs the records alone.
        refused: Codes of the others, by a hash of what was asked.
        size: Of `true`, in bytes.
    """

    def __init__(self) -> None:
        self.true: dict[bytes, HeadsSnapshot] = {}
        self.refused: dict[bytes, str] = {}
        self.size = 0

    def read(self, root: bytes, file: bytes, most: int) -> HeadsSnapshot:
        """Unpack the heads file of a root.

        Args:
            root: Of its records, as a heads entry names it.
            file: Packed, as received.
            most: Bytes that the heads entry lets it have.

        Raises:
            LimitError, MalformedError: as `gunzip` and `parse_snapshot`.
            ProofError: `digest_wrong`; any code of these where it did not verify before.
        """
        asked = sha256(root + sha256(file) + most.to_bytes(8))
        if (known := self.true.get(asked)) is not None:
            return known
        if (code := self.refused.get(asked)) is not None:
            raise ProofError(code, "it did not verify before")
        try:
            snapshot = _read(root, file, most)
        except DidServiceError as error:
            if len(self.refused) < MAX_HEADS_REFUSED:
                self.refused[asked] = error.code
            raise
        if self.size + len(snapshot.data) <= MAX_HEADS_KEPT_BYTES:
            self.size += len(snapshot.data)
            self.true[asked] = snapshot
        return snapshot


def _read(root: bytes, file: bytes, most: int) -> HeadsSnapshot:
    """Unpack no more than true records can be, and compare the root before anything is kept."""
    data = gunzip(file, min(most, len(file) * MAX_HEADS_PACKING))
    if parse_snapshot(data).root != root:
        raise ProofError("digest_wrong", "a heads file has another root")
    return HeadsSnapshot(data)
