"""What a key has last signed about each log: a guard file that no database backup contains.

    {"format":"didsvc-last-signed/1","logs":{name:{"size","root":"b64u"}}}

    ORIGIN        the newest head of a log, which the next one extends
    ORIGIN+…      a verifier key of that log: the newest head that this very key has signed

Whoever signs tree heads, a log its own or a witness those of others, first writes here what it
is about to sign, and only ever writes what extends the head before. A database that was
restored from yesterday therefore cannot make the key sign a second history (threat rule 9).
Where what a former key has signed is lost for good, a new key goes on from what others hold;
the former one stays bound to its own last head, and signs nothing more (docs/adr/0080).

What stands in the file counts only once this process has written it whole and every sync has
succeeded: a sync that failed leaves a file that reads well and may be gone after a power cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType

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
from did_service.program.files import exclusive_lock, read_file, replace_file

FORMAT = "didsvc-last-signed/1"
_PARSED = 4  # it is asked for with each batch of entries, and changes with each signature


class LastSigned:
    """The guard file of one key holder, for all logs it signs about.

    Any number of threads and processes may advance it: each reads, compares and writes under a
    lock beside the file, NAME.lock.

    Args:
        path: Of the file; made with the first signature, that of a witness with its folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._synced = b""  # what this process has written, with every sync successful

    def held(self, origin: str) -> HeldCheckpoint | None:
        """Return the newest head that was signed about a log, None for none.

        Raises:
            UnavailableError: `guard_damaged`; or the file cannot be read.
        """
        return self._read().get(origin)

    def keys(self, origin: str) -> set[str]:
        """Return the verifier keys that are known to have signed about a log.

        None are where the guard was written by a release before 0.3.0, which changed no key.

        Raises:
            UnavailableError: as `held`.
        """
        return {name for name in self._read() if name.startswith(f"{origin}+")}

    def is_there(self) -> bool:
        """Say whether there is a file; a key that signs has had one since its folder was made.

        Raises:
            UnavailableError: the file cannot be read.
        """
        return read_file(self._path, MAX_LAST_SIGNED_BYTES) is not None

    def advance(
        self, head: Checkpoint, prove: Callable[[int], Sequence[bytes]], key: str = ""
    ) -> None:
        """Note that `head` is about to be signed; durable when this returns.

        Args:
            head: Equal to the head before it, or larger.
            prove: Gives the consistency proof from a size to `head`.
            key: The verifier key of a log's key, which must extend what it has signed itself
                as well; empty for a witness, which has one key.

        Raises:
            ConflictError: `signed_more_before`: a larger tree was signed already;
                `signed_other_before`: one that this one does not extend.
            UnavailableError: the disk.
        """
        with self._locked():
            logs, names = self._read(), tuple(filter(None, (head.origin, key)))
            for held in dict.fromkeys(logs.get(name, NOTHING_HELD) for name in names):
                if held.size > head.size:
                    raise ConflictError(
                        "signed_more_before", f"{head.origin} was signed up to {held.size}"
                    )
                _check_extends(held, head, prove(held.size))
            new = HeldCheckpoint(head.size, head.root)
            self._write({**logs, **dict.fromkeys(names, new)})

    def retire(
        self, origin: str, key: str, former: Iterable[str], head: HeldCheckpoint
    ) -> HeldCheckpoint:
        """Let a new key go on from a head, and bind all former ones to what they have signed.

        Args:
            origin: The log.
            key: The verifier key of the new key.
            former: Those of all other keys of the log.
            head: What others hold, and rows have.

        Returns:
            What the former keys have signed last.

        Raises:
            ConflictError: `log_key_not_new`: the new key has signed before, so that it is
                bound to what is lost.
            UnavailableError: `guard_damaged`; or the disk.
        """
        with self._locked():
            logs = self._read()
            if key in logs:
                raise ConflictError("log_key_not_new", f"this key of {origin} has signed")
            last = logs.get(origin, NOTHING_HELD)
            bound = {name: logs.get(name, last) for name in former}
            self._write({**logs, **bound, origin: head})
        return last

    def begin(self, heads: Mapping[str, HeldCheckpoint]) -> None:
        """Begin a guard that was lost with what was signed by all that is known.

        Args:
            heads: By origin; logs that the file already names stay as they are.

        Raises:
            UnavailableError: `guard_damaged`: it is there; or the disk.
        """
        with self._locked():
            self._write({**heads, **self._read()})

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock, exclusive_lock(self._path.with_name(f"{self._path.name}.lock")):
            yield

    def _write(self, logs: dict[str, HeldCheckpoint]) -> None:
        """Write the file, unless this very content is known to be on the disk."""
        data = _encode(logs)
        if data != self._synced or read_file(self._path, MAX_LAST_SIGNED_BYTES) != data:
            self._synced = b""
            replace_file(self._path, data)
            self._synced = data

    def _read(self) -> Mapping[str, HeldCheckpoint]:
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


@lru_cache(maxsize=_PARSED)
def _parse(data: bytes) -> Mapping[str, HeldCheckpoint]:
    fields = Fields(load_object(data, max_bytes=MAX_LAST_SIGNED_BYTES), "last-signed")
    fields.constant("format", FORMAT)
    logs = fields.fields("logs")
    fields.close()
    return MappingProxyType({name: _head(logs.fields(name)) for name in logs.names()})


def _head(fields: Fields) -> HeldCheckpoint:
    head = HeldCheckpoint(fields.integer("size"), fields.data("root", size=32))
    fields.close()
    return head
