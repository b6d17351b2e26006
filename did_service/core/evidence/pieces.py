"""One piece of evidence as it travels: an entry with its proofs, or a record with its own.

A piece proves nothing by being read, so every value here is `Unverified`. Sets of pieces are
`evidence`. Shapes: docs/formats.md §5.
"""

from dataclasses import dataclass
from sys import intern
from typing import NamedTuple

from did_service.core.anchor.entry import Entry, parse_sequenced
from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue, as_text
from did_service.core.errors import LimitError, MalformedError, quote
from did_service.core.evidence.audit_path import AuditPath
from did_service.core.limits import (
    HEADS_RECORD_BYTES,
    MAX_NOTE_BYTES,
    MAX_PROOF_HASHES,
    MAX_TREE_SIZE,
)


class UnverifiedHead(NamedTuple):
    """The claim that a heads snapshot names an entry as its subject's latest.

    `record` is the 84-byte record at `position`, `path` its audit path in the heads tree.
    """

    position: int
    record: bytes
    path: AuditPath

    def encode(self) -> JsonObject:
        """Write the member `head`."""
        return {
            "position": self.position,
            "record": b64.encode_url(self.record),
            "path": _encode_path(self.path),
        }


@dataclass(frozen=True, slots=True)
class UnverifiedItem:
    """The claim that an entry stands at `index` in the tree of `log` with `size` leaves."""

    log: str
    size: int
    index: int
    entry: Entry
    path: AuditPath
    head: UnverifiedHead | None = None

    def encode(self) -> JsonObject:
        """Write one member of `items`."""
        item: JsonObject = {
            "log": self.log,
            "size": self.size,
            "index": self.index,
            "entry": self.entry.members,
            "path": _encode_path(self.path),
        }
        return item if self.head is None else {**item, "head": self.head.encode()}


@dataclass(frozen=True, slots=True)
class UnverifiedBatch:
    """The claim that a salted record is in the batch that an evidence entry anchors.

    Attributes:
        log: Origin of the data log.
        index: Index of the evidence entry there.
        record: SHA-256 of the record: of the exact secured bytes of a credential.
        salt: 32 random bytes.
        position: Of the leaf in the batch, whose size is two to the power of the path's length.
        path: Audit path to the batch root.
    """

    log: str
    index: int
    record: bytes
    salt: bytes
    position: int
    path: AuditPath

    def encode(self) -> JsonObject:
        """Write one member of `batches`."""
        return {
            "log": self.log,
            "index": self.index,
            "record": b64.encode_url(self.record),
            "salt": b64.encode_url(self.salt),
            "position": self.position,
            "path": _encode_path(self.path),
        }


def parse_checkpoint(value: JsonValue) -> bytes:
    """Read the text of one checkpoint."""
    note = _utf8(as_text(value, "evidence.checkpoints"))
    if len(note) > MAX_NOTE_BYTES:
        raise LimitError("too_large", f"a checkpoint of {len(note)} bytes")
    return note


def parse_content(value: JsonValue) -> bytes:
    """Read the text of one content."""
    return _utf8(as_text(value, "evidence.contents"))


def parse_item(value: JsonValue) -> UnverifiedItem:
    """Read one item; errors as `parse_evidence`."""
    fields = Fields(value, "evidence.items")
    item = UnverifiedItem(
        log=intern(fields.text("log")),
        size=fields.integer("size", least=1, most=MAX_TREE_SIZE),
        index=fields.integer("index", most=MAX_TREE_SIZE),
        entry=parse_sequenced(fields.object("entry")),
        path=_path(fields, "path"),
        head=_head(fields.fields("head")) if fields.has("head") else None,
    )
    fields.close()
    return item


def _head(fields: Fields) -> UnverifiedHead:
    head = UnverifiedHead(
        position=fields.integer("position", most=MAX_TREE_SIZE),
        record=fields.data("record", size=HEADS_RECORD_BYTES),
        path=_path(fields, "path"),
    )
    fields.close()
    return head


def parse_batch(value: JsonValue) -> UnverifiedBatch:
    """Read the proof of one record; errors as `parse_evidence`."""
    fields = Fields(value, "evidence.batches")
    batch = UnverifiedBatch(
        log=fields.text("log"),
        index=fields.integer("index", most=MAX_TREE_SIZE),
        record=fields.data("record", size=32),
        salt=fields.data("salt", size=32),
        position=fields.integer("position", most=MAX_TREE_SIZE),
        path=_path(fields, "path"),
    )
    fields.close()
    return batch


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise MalformedError("utf8_invalid", f"a lone surrogate in {quote(text)}") from error


def _path(fields: Fields, name: str) -> AuditPath:
    hashes = fields.texts(name, most=MAX_PROOF_HASHES)
    return AuditPath(b64.decode_url(text, size=HASH_BYTES) for text in hashes)


def _encode_path(path: AuditPath) -> list[JsonValue]:
    return [b64.encode_url(each) for each in path]
