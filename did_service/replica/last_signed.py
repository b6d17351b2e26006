"""What a key has last signed about each log: a guard file that no database backup contains.

    {"format":"didsvc-last-signed/1","logs":{origin:{"size","root":"b64u"}}}

Whoever signs tree heads, a log its own or a witness those of others, first writes here what it
is about to sign, and only ever writes what extends the head before. A database that was
restored from yesterday therefore cannot make the key sign a second history (threat rule 9).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import Fields, JsonObject, dumps, load_object
from did_service.core.errors import (
    ConflictError,
    MalformedError,
    ProofError,
    UnavailableError,
)
from did_service.core.limits import MAX_LAST_SIGNED_BYTES
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import check_consistency
from did_service.core.log.witnessing import NOTHING_HELD, HeldCheckpoint
from did_service.program.files import read_file, replace_file

FORMAT = "didsvc-last-signed/1"


class LastSigned:
    """The guard file of one key holder, for all logs it signs about.

    Args:
        path: Of the file; it is made with the first signature.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def held(self, origin: str) -> HeldCheckpoint | None:
        """Return the newest head that was signed about a log, None for none.

        Raises:
            UnavailableError: `guard_damaged`; or the file cannot be read.
        """
        return self._read().get(origin)

    def advance(self, head: Checkpoint, prove: Callable[[int], Sequence[bytes]]) -> None:
        """Note that `head` is about to be signed; durable when this returns.

        Args:
            head: Equal to the head before it, or larger.
            prove: Gives the consistency proof from a size to `head`.

        Raises:
            ConflictError: `signed_more_before`: a larger tree was signed already;
                `signed_other_before`: one that this one does not extend.
            UnavailableError: the disk.
        """
        with self._lock:
            logs = self._read()
            held = logs.get(head.origin, NOTHING_HELD)
            if held.size > head.size:
                raise ConflictError(
                    "signed_more_before", f"{head.origin} was signed up to {held.size}"
                )
            _check_extends(held, head, prove(held.size))
            fresh = HeldCheckpoint(head.size, head.root)
            if fresh != held or head.origin not in logs:
                replace_file(self._path, _encode({**logs, head.origin: fresh}))

    def _read(self) -> dict[str, HeldCheckpoint]:
        data = read_file(self._path, MAX_LAST_SIGNED_BYTES)
        try:
            return {} if data is None else _parse(data)
        except MalformedError as error:
            raise UnavailableError("guard_damaged", f"{self._path.name} is damaged") from error


def _check_extends(held: HeldCheckpoint, head: Checkpoint, proof: Sequence[bytes]) -> None:
    try:
        check_consistency(held.size, head.size, held.root, head.root, proof)
    except ProofError as error:
        what = f"{head.origin} was signed at {held.size} with another history"
        raise ConflictError("signed_other_before", what) from error


def _encode(logs: dict[str, HeldCheckpoint]) -> bytes:
    held: JsonObject = {
        origin: {"size": head.size, "root": b64.encode_url(head.root)}
        for origin, head in logs.items()
    }
    return f"{dumps({'format': FORMAT, 'logs': held})}\n".encode()


def _parse(data: bytes) -> dict[str, HeldCheckpoint]:
    fields = Fields(load_object(data, max_bytes=MAX_LAST_SIGNED_BYTES), "last-signed")
    fields.constant("format", FORMAT)
    logs = fields.fields("logs")
    fields.close()
    return {origin: _head(logs.fields(origin)) for origin in logs.names()}


def _head(fields: Fields) -> HeldCheckpoint:
    head = HeldCheckpoint(fields.integer("size"), fields.data("root", size=32))
    fields.close()
    return head
