"""The evidence set, one shape for staple and trust bundle (docs/formats.md §5).

    {"format":"didsvc-evidence/1",
     "checkpoints":[note text, …],
     "items":[{"log","size","index","entry","path":[…],"head":{"position","record","path"}}, …],
     "contents":{digest: text}, "batches":[…], "policies":[…], "heads_files":{root: gzip}}

It is carried by anybody and signed by nobody: reading it proves nothing, so every value here is
`Unverified`. What it proves under a pinned policy is `proofs.verify_evidence`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from did_service.core.encoding import b64, strict_json
from did_service.core.encoding.strict_json import (
    Fields,
    JsonObject,
    JsonValue,
    as_object,
    as_text,
)
from did_service.core.errors import DidServiceError
from did_service.core.evidence.pieces import (
    UnverifiedBatch,
    UnverifiedItem,
    parse_batch,
    parse_checkpoint,
    parse_content,
    parse_item,
)
from did_service.core.limits import (
    MAX_EVIDENCE_CHECKPOINTS,
    MAX_EVIDENCE_ITEMS,
    MAX_EVIDENCE_VALUES,
    MAX_STAPLE_BYTES,
)

FORMAT = "didsvc-evidence/1"
Piece = TypeVar("Piece")


class LeftOut(NamedTuple):
    """A piece that could not be read: what it is, and the code of the reason."""

    what: str
    code: str


@dataclass(frozen=True, slots=True)
class UnverifiedEvidence:
    """One evidence set as received. `contents` and `heads_files` go by the claimed digest."""

    checkpoints: tuple[bytes, ...] = ()
    items: tuple[UnverifiedItem, ...] = ()
    contents: Mapping[bytes, bytes] = field(default_factory=dict)
    batches: tuple[UnverifiedBatch, ...] = ()
    policies: tuple[JsonObject, ...] = ()
    heads_files: Mapping[bytes, bytes] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = field(default=(), compare=False)

    def about(self, log: str, kind: str, subject: str) -> "UnverifiedEvidence":
        """Return what may concern one subject of a control log, with its heads entries."""
        wanted = ((kind, subject), ("heads", log))
        return UnverifiedEvidence(
            checkpoints=tuple(c for c in self.checkpoints if c.startswith(f"{log}\n".encode())),
            items=tuple(
                each
                for each in self.items
                if each.log == log and (each.entry.type, each.entry.subject) in wanted
            ),
            heads_files=self.heads_files,
        )

    def encode(self) -> JsonObject:
        """Write the set; parts that are empty are left out, but for the first two."""
        optional: JsonObject = {
            "contents": {b64.encode_url(d): c.decode() for d, c in self.contents.items()},
            "batches": [batch.encode() for batch in self.batches],
            "policies": [{"policy": policy} for policy in self.policies],
            "heads_files": {
                b64.encode_url(root): b64.encode_url(file)
                for root, file in self.heads_files.items()
            },
        }
        return {
            "format": FORMAT,
            "checkpoints": [note.decode() for note in self.checkpoints],
            "items": [item.encode() for item in self.items],
            **{name: part for name, part in optional.items() if part},
        }


def parse_evidence(
    data: bytes | JsonObject, *, max_bytes: int = MAX_STAPLE_BYTES
) -> UnverifiedEvidence:
    """Read an evidence set: a staple's bytes, or the object from strict JSON.

    Raises:
        LimitError: `too_large`: more bytes, items or checkpoints than are taken.
        MalformedError: not this shape; `member_unknown` for a member that formats.md lacks. A
            single item or batch that cannot be read is in `left_out`.
        UnsupportedError: never; another `format` is `member_invalid`.
    """
    value = (
        strict_json.load_object(data, max_bytes=max_bytes, max_values=MAX_EVIDENCE_VALUES)
        if isinstance(data, bytes)
        else data
    )
    fields = Fields(value, "evidence")
    fields.constant("format", FORMAT)
    left_out: list[LeftOut] = []
    items = fields.array("items", most=MAX_EVIDENCE_ITEMS)
    evidence = UnverifiedEvidence(
        checkpoints=tuple(
            map(parse_checkpoint, fields.array("checkpoints", most=MAX_EVIDENCE_CHECKPOINTS))
        ),
        items=tuple(_readable("item", parse_item, items, left_out)),
        contents=_contents(_optional_object(fields, "contents")),
        batches=tuple(
            _readable("batch", parse_batch, _optional_array(fields, "batches"), left_out)
        ),
        policies=tuple(_policy(item) for item in _optional_array(fields, "policies")),
        heads_files=_heads_files(_optional_object(fields, "heads_files")),
    )
    fields.close()
    return replace(evidence, left_out=tuple(left_out))


def _readable(
    what: str,
    parse: Callable[[JsonValue], Piece],
    values: Iterable[JsonValue],
    left_out: list[LeftOut],
) -> Iterator[Piece]:
    """Yield the pieces that can be read, and name the others.

    What does not verify is absent, and so is what a later release writes in another shape.
    """
    for value in values:
        try:
            yield parse(value)
        except DidServiceError as error:
            left_out.append(LeftOut(what, error.code))


def _policy(value: JsonValue) -> JsonObject:
    fields = Fields(value, "evidence.policies")
    policy = fields.object("policy")
    fields.close()
    return policy


def _contents(members: JsonObject) -> dict[bytes, bytes]:
    return {
        b64.decode_url(digest, size=32): parse_content(text) for digest, text in members.items()
    }


def _heads_files(members: JsonObject) -> dict[bytes, bytes]:
    return {
        b64.decode_url(root, size=32): b64.decode_url(as_text(file, "evidence.heads_files"))
        for root, file in members.items()
    }


def _optional_array(fields: Fields, name: str) -> list[JsonValue]:
    return fields.array(name, most=MAX_EVIDENCE_ITEMS) if fields.has(name) else []


def _optional_object(fields: Fields, name: str) -> JsonObject:
    return as_object(fields.value(name), fields.path(name)) if fields.has(name) else {}
