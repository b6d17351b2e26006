"""What may be the key of a chain in what is presented, and in the pieces read for it.

Every text is one: that costs a question each, and overlooks nothing. A DID goes by what its
subject is called in a log, a credential by the digest of its record.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from itertools import chain

from did_service.core.credentials.record import record_of
from did_service.core.did.syntax import did_id
from did_service.core.encoding import b64, strict_json
from did_service.core.encoding.strict_json import JsonValue, Numbers
from did_service.core.errors import DidServiceError, LimitError
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import (
    MAX_BUNDLE_LINE_BYTES,
    MAX_KEYS_WANTED,
    MAX_PRESENTED_BYTES,
    MAX_PRESENTED_VALUES,
)
from did_service.core.verification.presented import parse_presented


class Wanted:
    """What a check asks a large directory for: found once, and by nobody who holds a lock.

    Attributes:
        presented: What is to be checked.
        beside: Sets that stand beside what is held.
    """

    def __init__(
        self, presented: tuple[bytes, ...], beside: tuple[UnverifiedEvidence, ...] = ()
    ) -> None:
        self.presented = presented
        self.beside = beside

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys.

        Raises:
            LimitError: `too_much_to_check`: more than are looked up for one check.
        """
        presented = (key for each in self.presented for key in keys_of(each))
        beside = (key for each in self.beside for key in named_by(each))
        found: set[str] = set()
        for key in chain(presented, beside):
            found.add(key)
            if len(found) > MAX_KEYS_WANTED:
                raise LimitError("too_much_to_check", f"more than {MAX_KEYS_WANTED} keys")
        return frozenset(found)


def keys_of(presented: bytes) -> Iterator[str]:
    """Yield all that may be a key in what is presented; none where it cannot be read.

    It is read as `parse_presented` reads it: what that one reads must name its keys here, and
    what it takes as a credential is known by its record as well.
    """
    try:
        value = strict_json.loads(
            presented.removeprefix(BOM_UTF8),
            max_bytes=MAX_PRESENTED_BYTES,
            max_values=MAX_PRESENTED_VALUES,
            numbers=Numbers.FINITE,
        )
    except DidServiceError:
        return
    yield from _keys(value)
    yield from _records(presented)


def named_in(line: bytes) -> Iterator[str]:
    """Yield what a piece names; checkpoints and heads files name no subject."""
    if not line.startswith((b'{"batch"', b'{"content"', b'{"item"')):
        return
    value = _read(line)
    yield from _keys(value)
    content = value.get("content") if isinstance(value, dict) else None
    if isinstance(content, str):
        yield from _keys(_read(content.encode()))


def named_by(evidence: UnverifiedEvidence) -> Iterator[str]:
    """Yield what a set names: whatever it brings, what is held stands beside it."""
    for item in evidence.items:
        yield item.entry.subject
        yield from _keys(item.entry.body)
    for batch in evidence.batches:
        yield b64.encode_url(batch.record)


def _read(data: bytes) -> JsonValue:
    try:
        return strict_json.loads(
            data,
            max_bytes=MAX_BUNDLE_LINE_BYTES,
            max_values=MAX_PRESENTED_VALUES,
            numbers=Numbers.FINITE,
        )
    except DidServiceError:
        return None


def _keys(value: JsonValue) -> Iterator[str]:
    """Yield each text in a value once, a DID also by what its subject is called in a log."""
    for text in {*_texts(value)}:
        yield text
        if text.startswith("did:"):
            yield _subject_of(text)


def _texts(value: JsonValue) -> Iterator[str]:
    """Yield the texts in a value, level by level: what stands deep costs no more."""
    level = [value]
    while level:
        below: list[JsonValue] = []
        for each in level:
            if isinstance(each, str):
                yield each
            elif isinstance(each, dict):
                yield from each
                below += each.values()
            elif isinstance(each, list):
                below += each
        level = below


def _subject_of(did: str) -> str:
    try:
        return did_id(did.partition("#")[0].partition("?")[0])
    except DidServiceError:
        return did


def _records(presented: bytes) -> Iterator[str]:
    """Yield the key of the issuance proofs of each credential that is shown.

    Where none can be read nothing is judged, so nothing is needed.
    """
    with suppress(DidServiceError):
        for shown in parse_presented(presented).shown:
            yield b64.encode_url(record_of(shown.credential.raw))
