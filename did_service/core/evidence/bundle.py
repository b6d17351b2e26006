"""The trust bundle: evidence for many credentials as one file (docs/formats.md §5).

    {"format":"didsvc-bundle/1"}        gzip of JSON lines: this one, then one line a piece
    {"checkpoint":note} {"item":{…}} {"content":text} {"batch":{…}} {"policy":{…}}
    {"heads_file":gzip of the snapshot}

Carried beforehand by file, USB or LAN, by anybody. It is read piece by piece: the unpacked
size, each line and the values in it are bounded before anything is built of them, so a file of
some kilobytes cannot fill the memory. A piece that cannot be read is left out and named, as
evidence is that does not verify; so a file of a later release is read as far as this one can.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, jcs, strict_json
from did_service.core.encoding.strict_json import JsonObject, JsonValue, as_object
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    MalformedError,
    UnsupportedError,
)
from did_service.core.evidence.pieces import (
    UnverifiedBatch,
    UnverifiedItem,
    parse_batch,
    parse_checkpoint,
    parse_content,
    parse_item,
)
from did_service.core.evidence.sets import LeftOut, UnverifiedEvidence, parse_evidence
from did_service.core.limits import (
    MAX_BUNDLE_BYTES,
    MAX_BUNDLE_LINE_BYTES,
    MAX_EVIDENCE_CHECKPOINTS,
    MAX_EVIDENCE_ITEMS,
    MAX_EVIDENCE_POLICIES,
    MAX_JSON_BYTES,
    MAX_PIECE_VALUES,
    MAX_STAPLE_BYTES,
)

FORMAT = "didsvc-bundle/1"
_HEADER = jcs.encode({"format": FORMAT})
_HEADER_BYTES = 256  # with whatever white space


def encode_bundle(evidence: UnverifiedEvidence) -> bytes:
    """Write a bundle file; the same evidence gives the same bytes.

    Raises:
        LimitError: `too_large`: nobody could read it.
    """
    packed, size = io.BytesIO(), 0
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as file:
        for line in (_HEADER, *encode_pieces(evidence)):
            size += file.write(line + b"\n")
            if size > MAX_BUNDLE_BYTES or len(line) > MAX_BUNDLE_LINE_BYTES:
                raise LimitError("too_large", f"evidence of more than {size} bytes")
    return packed.getvalue()


def encode_pieces(evidence: UnverifiedEvidence) -> Iterator[bytes]:
    """Write each piece as its line of a bundle; the same piece gives the same bytes."""
    for note in evidence.checkpoints:
        yield jcs.encode({"checkpoint": note.decode()})
    for item in evidence.items:
        yield jcs.encode({"item": item.encode()})
    for content in evidence.contents.values():
        yield jcs.encode({"content": content.decode()})
    for batch in evidence.batches:
        yield jcs.encode({"batch": batch.encode()})
    for policy in evidence.policies:
        yield jcs.encode({"policy": policy})
    for root, file in evidence.heads_files.items():
        named: JsonObject = {"root": b64.encode_url(root), "gzip": b64.encode_url(file)}
        yield jcs.encode({"heads_file": named})


def parse_pieces(lines: Iterable[bytes]) -> UnverifiedEvidence:
    """Read the lines of a bundle's pieces.

    Raises:
        LimitError: `too_large`, as for a bundle.
    """
    pieces = _Pieces()
    for line in _bounded(lines):
        pieces.take(line)
        pieces.check_count()
    return pieces.evidence()


def is_of_heads(line: bytes) -> bool:
    """Say whether a piece is a heads entry; most lines show at a glance that they are not."""
    if b'"heads"' not in line and b"\\" not in line:
        return False
    return any(item.entry.type == "heads" for item in parse_pieces((line,)).items)


def parse_bundle(data: bytes) -> UnverifiedEvidence:
    """Read a bundle file, or an evidence set such as a staple, packed or not.

    Raises:
        LimitError: `too_large`: more than 256 MiB unpacked, or more pieces than are taken.
        MalformedError: `gzip_invalid`, `bundle_invalid`, or what `parse_evidence` raises.
    """
    lines = bundle_lines(data)
    if lines is not None:
        return parse_pieces(lines)
    with _unpacked(data) as file:
        return parse_evidence(file.read(MAX_STAPLE_BYTES + 1))


def bundle_lines(data: bytes) -> Iterator[bytes] | None:
    """Return the lines of a bundle's pieces as they are unpacked; None for what is no bundle.

    Raises:
        MalformedError: `gzip_invalid`; of what follows the first line, as it is reached.
    """
    with _unpacked(data) as file:
        first = file.readline(MAX_STAPLE_BYTES + 1)
    return _bounded(_lines(data)) if _is_header(first) else None


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield the lines after the first, of one that is too long as much as shows it."""
    with _unpacked(data) as file:
        file.readline(MAX_STAPLE_BYTES + 1)
        while line := file.readline(MAX_BUNDLE_LINE_BYTES + 1):
            yield line


def _bounded(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines as long as they, and all of them, are no longer than they may be.

    Raises:
        LimitError: `too_large`.
    """
    size = 0
    for line in lines:
        size += len(line)
        if size > MAX_BUNDLE_BYTES or len(line) > MAX_BUNDLE_LINE_BYTES:
            raise LimitError("too_large", f"more than {MAX_BUNDLE_BYTES} bytes unpacked")
        yield line


@contextmanager
def _unpacked(data: bytes) -> Iterator[io.BufferedIOBase]:
    """Open a file, packed or not.

    Raises:
        MalformedError: `gzip_invalid`, while it is read.
    """
    plain = io.BytesIO(data)
    with plain if data.lstrip()[:1] == b"{" else gzip.GzipFile(fileobj=plain) as file:
        try:
            yield file
        except (OSError, EOFError, zlib.error) as error:
            raise MalformedError("gzip_invalid", "not gzip, cut short, or damaged") from error


def _is_header(line: bytes) -> bool:
    """Say whether a first line is that of a bundle, however it is spaced."""
    try:
        return strict_json.load_object(line, max_bytes=_HEADER_BYTES) == {"format": FORMAT}
    except DidServiceError:
        return False


class _Pieces:
    """What was read so far."""

    def __init__(self) -> None:
        self.checkpoints: list[bytes] = []
        self.items: list[UnverifiedItem] = []
        self.contents: dict[bytes, bytes] = {}
        self.batches: list[UnverifiedBatch] = []
        self.policies: list[JsonObject] = []
        self.policies_met = 0
        self.heads_files: dict[bytes, bytes] = {}
        self.left_out: list[LeftOut] = []

    def take(self, line: bytes) -> None:
        """Add the piece that a line holds, or say why there is none."""
        try:
            ((name, value),) = _piece(line).items()
            _TAKEN[name](self, value)
        except DidServiceError as error:
            self.left_out.append(LeftOut("piece", error.code))

    def check_count(self) -> None:
        """Refuse more than a bundle may hold."""
        others = len(self.contents) + len(self.batches) + len(self.heads_files)
        if (
            max(len(self.items), others, len(self.left_out)) > MAX_EVIDENCE_ITEMS
            or len(self.checkpoints) > MAX_EVIDENCE_CHECKPOINTS
            or self.policies_met > MAX_EVIDENCE_POLICIES
        ):
            raise LimitError("too_large", f"more than {MAX_EVIDENCE_ITEMS} pieces of evidence")

    def evidence(self) -> UnverifiedEvidence:
        """Return the set."""
        return UnverifiedEvidence(
            checkpoints=tuple(self.checkpoints),
            items=tuple(self.items),
            contents=self.contents,
            batches=tuple(self.batches),
            policies=tuple(self.policies),
            heads_files=self.heads_files,
            left_out=tuple(self.left_out),
        )


def _piece(line: bytes) -> JsonObject:
    """Read one line. Only a heads file needs a long one, and is written in plain ASCII.

    One character beyond the first plane makes four bytes of each that stands beside it.
    """
    if len(line) > MAX_STAPLE_BYTES and not (line.isascii() and b"\\" not in line):
        raise LimitError("too_large", f"a line of {len(line)} bytes that is no heads file")
    members = strict_json.load_object(
        line, max_bytes=MAX_BUNDLE_LINE_BYTES, max_values=MAX_PIECE_VALUES
    )
    if len(members) != 1:
        raise MalformedError("bundle_invalid", f"a line with {len(members)} members")
    if not members.keys() <= _TAKEN.keys():
        raise UnsupportedError("piece_unknown", "a line of another kind")
    if "policy" in members and len(line) > MAX_JSON_BYTES:
        raise LimitError("too_large", f"a policy of {len(line)} bytes")
    return members


def _take_item(pieces: _Pieces, value: JsonValue) -> None:
    item = parse_item(value)
    pieces.items.append(replace(item, entry=item.entry.compact()))


def _take_content(pieces: _Pieces, value: JsonValue) -> None:
    content = parse_content(value)
    pieces.contents[sha256(content)] = content


def _take_policy(pieces: _Pieces, value: JsonValue) -> None:
    """Take a policy that can be read; one that cannot costs as much, and is counted too."""
    pieces.policies_met += 1
    parse_policy(value)
    pieces.policies.append(as_object(value, "policy"))


def _take_heads_file(pieces: _Pieces, value: JsonValue) -> None:
    fields = strict_json.Fields(value, "heads_file")
    pieces.heads_files[fields.data("root", size=32)] = fields.data("gzip")
    fields.close()


_TAKEN: dict[str, Callable[[_Pieces, JsonValue], None]] = {
    "checkpoint": lambda pieces, value: pieces.checkpoints.append(parse_checkpoint(value)),
    "item": _take_item,
    "content": _take_content,
    "batch": lambda pieces, value: pieces.batches.append(parse_batch(value)),
    "policy": _take_policy,
    "heads_file": _take_heads_file,
}
