"""Trust bundles in a folder or a bucket, from where counters fetch them.

    bundle/HEX.jsonl.gz    a bundle file, named by the SHA-256 of its bytes; never changes
    newest.json            which of them is the newest, and how old its logs are

Nobody trusts the place: a counter judges a bundle by its own policy. Files come first, what
names them last; it is swapped for the very bytes that were read, and no log in it ever falls.
So whoever reads finds what is named, and of several who publish nobody takes back what another
has shown. Design: adr 97, layout: docs/formats.md.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from did_service.bundler.collect import BundledLog
from did_service.bundler.make import MadeBundle
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import ConflictError, DidServiceError
from did_service.core.limits import MAX_JSON_BYTES
from did_service.storage.blobs import MOVED, BlobHeaders, BlobStore
from did_service.web.answers import Kept

NEWEST = "newest.json"
FORMAT = "didsvc-newest-bundle/1"
BUNDLES_KEPT = 12  # at the quickest pace two minutes: `newest.json` is kept for one by caches
_FOLDER = "bundle/"
_BUNDLE = re.compile(r"(?:^|/)bundle/[0-9a-f]{64}\.jsonl\.gz$")
_RIVALS = 32  # who may each name a bundle before ours is named


class Shown(StrEnum):
    """What became of a bundle."""

    NEWEST = "newest"  # it is what the place names
    BEHIND = "behind"  # of some log another one, which stays named, has more


@dataclass(frozen=True, slots=True)
class PublishedBundle:
    """A bundle as it was published: its name, what became of it, how many old ones went."""

    name: str
    shown: Shown
    removed: int


@dataclass(frozen=True, slots=True)
class PlaceTarget:
    """A folder or a bucket as the target of bundles.

    Attributes:
        place: As a person has written it.
        blobs: Its door.
    """

    place: str
    blobs: BlobStore

    def check(self) -> None:
        """Do nothing: what is there is never written over."""

    def put(self, made: MadeBundle) -> JsonObject:
        """Write `{"to","name","shown","removed"}`; raises as `publish_bundle`."""
        done = publish_bundle(self.blobs, made.data, made.logs)
        return {
            "to": self.place,
            "name": done.name,
            "shown": done.shown.value,
            "removed": done.removed,
        }


def headers_of(name: str) -> BlobHeaders:
    """Return what is said over HTTP of a file here."""
    if name.rpartition("/")[2] == NEWEST:
        return BlobHeaders(Kept.MINUTE.value, "application/json")
    if _BUNDLE.search(name):
        return BlobHeaders(Kept.FOREVER.value, "application/gzip")
    return BlobHeaders(Kept.CHECKED.value, "application/octet-stream")


def publish_bundle(
    blobs: BlobStore, data: bytes, logs: tuple[BundledLog, ...]
) -> PublishedBundle:
    """Put a bundle where others fetch it, and name it as the newest.

    Args:
        blobs: The place; it holds bundles of one policy alone.
        data: The bundle file.
        logs: What it is about.

    Raises:
        ConflictError: `tile_differs`: something else has its name.
        UnavailableError: the place does not answer; what was named before is named still.
    """
    name = f"{_FOLDER}{sha256(data).hex()}.jsonl.gz"
    blobs.add({name: data})
    shown = _show(blobs, name, len(data), logs)
    if shown is Shown.BEHIND:
        return PublishedBundle(name, shown, 0)
    there = blobs.names(_FOLDER)
    if name not in there:  # it was an old one, and another process has just removed it
        blobs.add({name: data})
    old = [each for each in there[:-BUNDLES_KEPT] if each != name]
    blobs.delete(old)
    return PublishedBundle(name, shown, len(old))


def _show(blobs: BlobStore, name: str, size: int, logs: tuple[BundledLog, ...]) -> Shown:
    note = _encode(name, size, logs)
    for left in reversed(range(_RIVALS)):
        held = blobs.get(NEWEST)
        if held is not None and _falls(logs, _logs_of(held)):
            return Shown.BEHIND
        try:
            blobs.swap(NEWEST, held, note)
        except ConflictError as error:
            if error.code != MOVED or not left:
                raise
        else:
            break
    return Shown.NEWEST


def _falls(ours: tuple[BundledLog, ...], held: dict[str, tuple[int, int]]) -> bool:
    """Say whether a log that both have would be a smaller or an older one."""
    return any(
        log.size < held[log.origin][0] or log.as_of < held[log.origin][1]
        for log in ours
        if log.origin in held
    )


def _encode(name: str, size: int, logs: tuple[BundledLog, ...]) -> bytes:
    about: JsonObject = {
        log.origin: {
            "as_of": timestamps.encode(timestamps.from_posix(log.as_of)),
            "size": log.size,
        }
        for log in logs
    }
    return jcs.encode({"format": FORMAT, "bundle": name, "bytes": size, "logs": about})


def _logs_of(held: bytes) -> dict[str, tuple[int, int]]:
    """Return size and POSIX second of each log; nothing of what is no such file."""
    found: dict[str, tuple[int, int]] = {}
    with suppress(DidServiceError):
        fields = Fields(strict_json.load_object(held, max_bytes=MAX_JSON_BYTES), NEWEST)
        fields.constant("format", FORMAT)
        logs = fields.fields("logs")
        for origin in logs.names():
            log = logs.fields(origin)
            as_of = timestamps.to_posix(timestamps.parse_utc(log.text("as_of")))
            found[origin] = (log.integer("size"), as_of)
    return found
