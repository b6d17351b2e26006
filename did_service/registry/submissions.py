"""Handing entries in: from request bodies to rows of the sequencer, and back to answers."""

from __future__ import annotations

import re

from did_service.core.anchor.entry import LoggedEntry, parse_submission
from did_service.core.anchor.types import TYPES
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import DidServiceError, LimitError, MalformedError, RuleError
from did_service.core.limits import (
    MAX_STATUS_CONTENT_BYTES,
    MAX_SUBMISSION_BYTES,
    MAX_WAIT_SECONDS,
    MAX_WAITING_ENTRIES,
)
from did_service.registry.sequencer import QueuedEntry, WriteResult
from did_service.web.problems import problem_of

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*([0-9]{1,6})(?:$|[,;\s])")


def parse_submission_body(body: bytes) -> QueuedEntry:
    """Read `{"entry","content"?}`.

    Raises:
        LimitError: too large, the entry or all of it.
        RuleError: `digest_wrong`: the content is not the one behind `d`.
        MalformedError: another shape; `content_unexpected` for types that have none.
    """
    value = strict_json.load_object(body, max_bytes=MAX_SUBMISSION_BYTES)
    fields = Fields(value, "submission")
    entry = parse_submission(fields.object("entry"))
    if not fields.has("content"):
        fields.close()
        return QueuedEntry(entry, {})
    content = fields.text("content", max_chars=MAX_STATUS_CONTENT_BYTES).encode()
    fields.close()
    if not TYPES[entry.type].has_content:
        raise MalformedError("content_unexpected", f"{entry.type} entries come without content")
    if sha256(content) != entry.digest:
        raise RuleError("digest_wrong", "entry.d is not the SHA-256 of the content")
    return QueuedEntry(entry, {sha256(content): content})


def parse_batch(body: bytes) -> list[QueuedEntry | DidServiceError]:
    """Read one submission a line; what is wrong with a line is its answer.

    Raises:
        LimitError: `too_many_rows`.
    """
    lines = body.removesuffix(b"\n").split(b"\n")
    if len(lines) > MAX_WAITING_ENTRIES:
        raise LimitError("too_many_rows", f"{len(lines)} lines in one batch")
    return [_line(line) for line in lines]


def _line(line: bytes) -> QueuedEntry | DidServiceError:
    try:
        return parse_submission_body(line)
    except DidServiceError as error:
        return error


def receipt_of(origin: str, placed: LoggedEntry) -> JsonObject:
    """Return the answer about an entry that is durable and not known to be witnessed."""
    return {
        "log": origin,
        "index": placed.index,
        "leaf": b64.encode_url(placed.leaf),
        "a": placed.entry.at,
        "witnessed": False,
    }


def line_of(origin: str, result: WriteResult, language: str) -> JsonObject:
    """Return the answer to one line of a batch: a receipt or a problem document."""
    if isinstance(result, DidServiceError):
        return problem_of(result, language)
    return receipt_of(origin, result)


def wait_seconds(prefer: str) -> int:
    """Read `Prefer: wait=SECONDS` (RFC 7240 §4.3); 0 when it is not asked for."""
    match = _WAIT.search(prefer)
    return 0 if match is None else min(int(match[1]), MAX_WAIT_SECONDS)
