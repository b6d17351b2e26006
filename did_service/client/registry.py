"""Calls to a registry: hand in entries, and read a log from there or from any mirror.

    POST BASE/entries                       `RegistryClient`: an entry, or many as JSON lines
    GET  BASE/checkpoint, /tile/…, …        `LogReader`: static files, trusted for nothing

BASE is `https://` + origin, or `https://HOST/witness/HEX` at a mirror. Whoever reads a log
checks what comes against a checkpoint and its policy. Shapes: docs/formats.md §9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote as percent_encode

from did_service.client.answers import HttpAnswer, error_of
from did_service.client.transport import Transport
from did_service.core.anchor.entry import LoggedEntry, Submission
from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import (
    PROBLEM_TYPE,
    DidServiceError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.evidence.sets import parse_evidence
from did_service.core.limits import (
    MAX_BATCH_BODY_BYTES,
    MAX_BUNDLED_ENTRY_BYTES,
    MAX_NOTE_BYTES,
    MAX_STAPLE_BYTES,
    MAX_STATUS_CONTENT_BYTES,
    TILE_WIDTH,
)
from did_service.core.log import tiles
from did_service.core.log.tiles import ENTRIES, TileId

JSON_LINES = "application/jsonl"
_HAS_NONE = {"subject_unknown", "path_unknown", "checkpoint_missing", "heads_missing"}
_MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_BUNDLED_ENTRY_BYTES)


@dataclass(frozen=True, slots=True)
class EntryReceipt:
    """Where an entry stands, durable in its log.

    Attributes:
        log: Origin.
        index: Zero-based.
        leaf: Leaf hash, 32 bytes.
        at: POSIX second of sequencing.
        witnessed: Whether a published checkpoint covers it.
        item: Evidence item of the entry (formats.md §5); None unless waited for.
        checkpoint: The checkpoint that the item's path leads to; None likewise.
    """

    log: str
    index: int
    leaf: bytes
    at: int
    witnessed: bool
    item: JsonObject | None = None
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class UnverifiedLogged:
    """An entry as a log shows it, and the bytes behind its digest; nothing is proven."""

    placed: LoggedEntry
    content: bytes | None


class RegistryClient:
    """Hands entries in to one log.

    Args:
        transport: Reaches the registry.
        origin: The log's origin; `https://` + origin is its base URL.
    """

    def __init__(self, transport: Transport, origin: str) -> None:
        self._transport = transport
        self._url = f"https://{origin}/entries"
        self._reader = LogReader.of_log(transport, origin)

    def submit(
        self, entry: Submission, content: bytes | None = None, *, wait_seconds: int = 0
    ) -> EntryReceipt:
        """Hand in one entry.

        Args:
            entry: As `entry.compose` makes it, signed where its type demands it.
            content: The UTF-8 text behind the entry's digest, for types that have one.
            wait_seconds: Wait so long, at most 10, for a quorum to witness it.

        Raises:
            OrderError: `out_of_order`, with `newest` and `leaf` in `details`.
            RuleError: the rule that is broken.
            UnavailableError: `log_busy` and the transport's own.
        """
        headers = {"prefer": f"wait={wait_seconds}"} if wait_seconds else {}
        body = jcs.encode(_row(entry, content))
        answer = self._transport.post(
            self._url, body, headers=headers, max_bytes=MAX_STAPLE_BYTES
        )
        return parse_receipt(strict_json.load_object(answer.body, max_bytes=MAX_STAPLE_BYTES))

    def submit_batch(
        self, rows: Sequence[tuple[Submission, bytes | None]]
    ) -> list[EntryReceipt | DidServiceError]:
        """Hand in many entries of one log; one that is refused costs the others nothing.

        Returns:
            For each row in order, where it stands or why it was refused.

        Raises:
            UnavailableError: `log_busy`: none was taken.
            MalformedError: a row that is no JSON; none was taken.
        """
        body = b"".join(jcs.encode(_row(*row)) + b"\n" for row in rows)
        answer = self._transport.post(
            self._url, body, content_type=JSON_LINES, max_bytes=MAX_BATCH_BODY_BYTES
        )
        lines = answer.body.removesuffix(b"\n").split(b"\n")
        if len(lines) != len(rows):
            raise MalformedError("answer_invalid", f"{len(lines)} answers to {len(rows)} rows")
        return [_result(line) for line in lines]

    def entry(self, kind: str, subject: str, number: int) -> UnverifiedLogged:
        """Read back a published entry of a chain; errors as `LogReader.evidence`."""
        return self._read(kind, subject, number)

    def newest(self, kind: str, subject: str) -> UnverifiedLogged | None:
        """Read the newest published entry of a chain, None before any; errors as `entry`."""
        try:
            return self._read(kind, subject, None)
        except (NotFoundError, UnavailableError) as error:
            if error.code in _HAS_NONE:
                return None
            raise

    def _read(self, kind: str, subject: str, number: int | None) -> UnverifiedLogged:
        newest = EvidenceMoment.NEWEST
        found = parse_evidence(
            self._reader.evidence(kind, subject, number=number, moment=newest)
        )
        for item in found.items:
            entry = item.entry
            named = number is None or entry.number == number
            if named and (entry.type, entry.subject) == (kind, subject):
                content = found.contents.get(entry.digest or b"")
                return UnverifiedLogged(LoggedEntry(entry, item.index, entry.leaf()), content)
        raise UnavailableError("answer_invalid", "the log shows another entry")


class LogReader:
    """Reads the files of one log, at its own registry or at a mirror.

    Args:
        transport: Reaches the host.
        base: Base URL without a slash at its end.
    """

    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self._base = base

    @classmethod
    def of_log(cls, transport: Transport, origin: str) -> LogReader:
        """Read a log where it is written."""
        return cls(transport, f"https://{origin}")

    def checkpoint(self) -> bytes:
        """Return the newest published checkpoint note."""
        return self._get("checkpoint", MAX_NOTE_BYTES)

    def tile(self, tile: TileId) -> bytes:
        """Return the hashes of a tile: a `tiles.HashReader`."""
        try:
            return self._get(tile.path(), HASH_BYTES * TILE_WIDTH)
        except NotFoundError:
            full = _full(tile)
            return self._get(full.path(), HASH_BYTES * TILE_WIDTH)[: HASH_BYTES * tile.width]

    def entries(self, start: int, stop: int, size: int) -> list[bytes]:
        """Return entries `start` up to, not including, `stop`, out of the bundles of a tree.

        Args:
            start: First index.
            stop: At most `size`.
            size: A tree size that the log has signed.
        """
        found: list[bytes] = []
        for index in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            first = index * TILE_WIDTH
            bundle = TileId(ENTRIES, index, min(TILE_WIDTH, size - first))
            found += self._bundle(bundle)[max(0, start - first) : stop - first]
        return found

    def _bundle(self, bundle: TileId) -> list[bytes]:
        try:
            data = self._get(bundle.path(), _MAX_BUNDLE_BYTES)
        except NotFoundError:
            data, width = self._get(_full(bundle).path(), _MAX_BUNDLE_BYTES), bundle.width
            return tiles.parse_bundle(data, TILE_WIDTH)[:width]
        return tiles.parse_bundle(data, bundle.width)

    def heads(self, root: bytes, max_bytes: int) -> bytes:
        """Return a heads snapshot file by its root."""
        return self._get(f"heads/{root.hex()}", max_bytes)

    def content(self, digest: bytes) -> bytes:
        """Return content by its SHA-256."""
        return self._get(f"content/{digest.hex()}", MAX_STATUS_CONTENT_BYTES)

    def evidence(
        self,
        kind: str,
        subject: str,
        *,
        number: int | None = None,
        moment: EvidenceMoment = EvidenceMoment.EPOCH,
    ) -> bytes:
        """Return the evidence of an entry, formats.md §5.

        Args:
            kind: Entry type.
            subject: Its subject.
            number: Prove that this entry of the chain existed; None for the newest, with proof
                that it is.
            moment: The checkpoint at which it is cut out.

        Raises:
            NotFoundError: `subject_unknown`, `entry_unknown`.
            UnavailableError: `not_covered_yet`.
        """
        asked = ["fresh"] if moment is EvidenceMoment.NEWEST else []
        asked += [] if number is None else [f"n={number}"]
        query = f"?{'&'.join(asked)}" if asked else ""
        path = f"evidence/{kind}/{percent_encode(subject, safe='')}{query}"
        return self._get(path, MAX_STAPLE_BYTES)

    def _get(self, path: str, max_bytes: int) -> bytes:
        return self._transport.get(f"{self._base}/{path}", max_bytes=max_bytes).body


def parse_receipt(value: JsonObject) -> EntryReceipt:
    """Read a registry's answer.

    Raises:
        MalformedError: another shape.
    """
    fields = Fields(value, "receipt")
    waited = fields.has("item")
    receipt = EntryReceipt(
        log=fields.text("log"),
        index=fields.integer("index"),
        leaf=fields.data("leaf", size=HASH_BYTES),
        at=fields.integer("a"),
        witnessed=fields.value("witnessed") is True,
        item=fields.object("item") if waited else None,
        checkpoint=fields.text("checkpoint", max_chars=MAX_NOTE_BYTES) if waited else None,
    )
    fields.close()
    return receipt


def _full(partial: TileId) -> TileId:
    """Name the tile that a log of static files may keep instead of a partial one.

    A log may delete a partial tile once the full one is there (C2SP tlog-tiles, Partial Tiles).
    To be called for what was not found.

    Raises:
        NotFoundError: `file_unknown`: the tile is full already.
    """
    if partial.width == TILE_WIDTH:
        raise NotFoundError("file_unknown", f"{partial.path()} is not there")
    return TileId(partial.level, partial.index)


def _row(entry: Submission, content: bytes | None) -> JsonObject:
    row: JsonObject = {"entry": entry.members}
    return row if content is None else {**row, "content": content.decode()}


def _result(line: bytes) -> EntryReceipt | DidServiceError:
    document = strict_json.load_object(line)
    status = document.get("status")
    if not isinstance(status, int):
        return parse_receipt(document)
    headers = {"content-type": PROBLEM_TYPE}
    return error_of(HttpAnswer(status, headers, line))
