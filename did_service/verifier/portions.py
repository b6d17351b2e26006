"""A bundle in portions: whatever its size, no more of it is in memory than one portion.

    bundle ─► line by line ─► shared: checkpoints, heads entries, heads files, policies
                          └─► a file without a name: items ··· their lists and batches
    each portion = shared + the next items with the lists and batches that they anchor

Each portion proves itself. Heads files and checkpoints stand before or behind the items, so
the lines are set down on the disk once; the file is gone with the process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from did_service.core.errors import LimitError, UnavailableError
from did_service.core.evidence.bundle import (
    bundle_lines,
    is_of_heads,
    parse_bundle,
    parse_pieces,
)
from did_service.core.evidence.pieces import UnverifiedItem
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import (
    MAX_EVIDENCE_ITEMS,
    MAX_PORTION_BYTES,
    MAX_PORTION_PIECES,
    MAX_SHARED_BYTES,
)

_ITEM, _CONTENT, _BATCH = b'{"item":', b'{"content":', b'{"batch":'
_KINDS = {_ITEM, _CONTENT, _BATCH, b'{"checkpoint":', b'{"policy":', b'{"heads_file":'}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that is read a portion at a time.

    Attributes:
        shared: What every portion needs, and the policies.
        portions: The portions, `shared` in each of them; once.
        is_whole: Whether there is but one.
    """

    shared: UnverifiedEvidence
    portions: Iterator[UnverifiedEvidence]
    is_whole: bool = False

    @classmethod
    def whole(cls, evidence: UnverifiedEvidence) -> Bundle:
        """Take a set that is in memory as a bundle of one portion."""
        return cls(evidence, iter((evidence,)), is_whole=True)


def halves(
    portion: UnverifiedEvidence, shared: UnverifiedEvidence
) -> tuple[UnverifiedEvidence, ...]:
    """Split a portion in two, what all share in both; none where it has but one piece."""
    own = [*filter(_makes_chain, portion.items), *portion.batches]
    middle = len(own) // 2
    parts = (own[:middle], own[middle:]) if middle else ()
    return tuple(
        replace(_part(portion, {*map(id, part)}), left_out=left_out)
        for part, left_out in zip(parts, (portion.left_out, shared.left_out), strict=False)
    )


def _part(portion: UnverifiedEvidence, chosen: set[int]) -> UnverifiedEvidence:
    """Take some items and batches of a portion, and whatever makes no chain but serves them."""
    batches = tuple(each for each in portion.batches if id(each) in chosen)
    anchored = {(each.log, each.index) for each in batches}
    items = tuple(
        each
        for each in portion.items
        if id(each) in chosen
        or each.entry.type == "heads"
        or (each.entry.type == "evidence" and (each.log, each.index) in anchored)
    )
    digests = {each.entry.digest for each in items}
    contents = {d: content for d, content in portion.contents.items() if d in digests}
    return replace(portion, items=items, contents=contents, batches=batches)


def _makes_chain(item: UnverifiedItem) -> bool:
    return item.entry.type not in ("heads", "evidence")


@contextmanager
def open_bundle(data: bytes, folder: Path) -> Iterator[Bundle]:
    """Open a bundle file, or an evidence set such as a staple.

    Args:
        data: The file.
        folder: Where its lines may be set down, if there are many.

    Raises:
        LimitError, MalformedError: as `parse_bundle`.
        UnavailableError: `file_not_written`.
    """
    lines = bundle_lines(data)
    first = [] if lines is None else [*_first(lines)]
    if lines is None:
        yield Bundle.whole(parse_bundle(data))
    elif (after := next(lines, None)) is None:
        yield Bundle.whole(parse_pieces(first))
    else:
        with _file(folder) as items, _file(folder) as others:
            sorted_out = _SetDown(items, others)
            sorted_out.take_all(chain(first, (after,), lines))
            first.clear()
            shared = parse_pieces(sorted_out.shared)
            sorted_out.shared.clear()
            yield Bundle(shared, sorted_out.portions(shared))


def _first(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield as many lines as one portion may have."""
    size = 0
    for number, line in enumerate(lines, 1):
        yield line
        size += len(line)
        if number >= MAX_PORTION_PIECES or size >= MAX_PORTION_BYTES:
            return


def _file(folder: Path) -> IO[bytes]:
    try:
        return TemporaryFile(dir=folder)
    except OSError as error:
        raise UnavailableError("file_not_written", f"{error.strerror}") from error


@dataclass(slots=True)
class _SetDown:
    """The lines of a bundle, sorted: in memory what is shared, the others on the disk.

    Attributes:
        items, others: The files of items, and of lists and batches.
        shared: Lines.
        lists, batches: Where a line begins in `others`, by digest or by the entry's place.
        counts: Of lines, by kind.
        shared_size: Of `shared`, in bytes.
    """

    items: IO[bytes]
    others: IO[bytes]
    shared: list[bytes] = field(default_factory=list)
    lists: dict[bytes, int] = field(default_factory=dict)
    batches: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    counts: Counter[bytes] = field(default_factory=Counter)
    shared_size: int = 0

    def take_all(self, lines: Iterable[bytes]) -> None:
        """Set down every line.

        Raises:
            UnavailableError: `file_not_written`: the disk is full, for example.
        """
        try:
            for line in lines:
                self.take(line)
            self.items.flush()
            self.others.flush()
        except OSError as error:
            raise UnavailableError("file_not_written", f"{error.strerror}") from error

    def take(self, line: bytes) -> None:
        """Put one line where it belongs; one that is spelled otherwise counts as shared."""
        kind = line[: line.find(b":") + 1]
        kind = kind if kind in _KINDS else b""  # of what is unknown each may be of its own
        self.counts[kind] += 1
        if self.counts[kind] > MAX_EVIDENCE_ITEMS:
            raise LimitError("too_large", f"more than {MAX_EVIDENCE_ITEMS} pieces of evidence")
        if kind == _ITEM and not is_of_heads(line):
            self.items.write(line)
        elif kind in (_CONTENT, _BATCH):
            self._take_other(line)
        else:
            self._share(line)

    def _share(self, line: bytes) -> None:
        self.shared_size += len(line)
        if self.shared_size > MAX_SHARED_BYTES:
            raise LimitError(
                "too_large", f"more than {MAX_SHARED_BYTES} bytes for all portions"
            )
        self.shared.append(line)

    def _take_other(self, line: bytes) -> None:
        read = parse_pieces((line,))
        if read.left_out:
            self._share(line)  # it is named among what was left out
            return
        at = self.others.tell()
        self.others.write(line)
        self.lists.update(dict.fromkeys(read.contents, at))
        for batch in read.batches:
            self.batches.setdefault((batch.log, batch.index), []).append(at)

    def portions(self, shared: UnverifiedEvidence) -> Iterator[UnverifiedEvidence]:
        """Yield the portions; batches whose entry is not at hand come last."""
        most = max(MAX_PORTION_PIECES, len(shared.items))  # so that shared work stays linear
        portion: list[UnverifiedEvidence] = []
        size = 0
        for group, length in self._groups():
            portion.append(group)
            size += length
            if len(portion) >= most or size >= MAX_PORTION_BYTES:
                yield _joined(shared, portion)
                portion, size = [], 0
        yield _joined(shared, portion)

    def _groups(self) -> Iterator[tuple[UnverifiedEvidence, int]]:
        """Yield each item with its list and its batches, and how long their lines are."""
        self.items.seek(0)
        alone = {*self.batches}
        for line in self.items:
            read = parse_pieces((line,))
            lines = [self._other(at) for item in read.items for at in self._others_of(item)]
            alone -= {(item.log, item.index) for item in read.items}
            yield _joined(read, [parse_pieces(lines)]), len(line) + sum(map(len, lines))
        for place in sorted(alone):
            lines = [self._other(at) for at in self.batches[place]]
            yield parse_pieces(lines), sum(map(len, lines))

    def _others_of(self, item: UnverifiedItem) -> Iterator[int]:
        if item.entry.type == "status" and item.entry.digest in self.lists:
            yield self.lists[item.entry.digest]
        if item.entry.type == "evidence":
            yield from self.batches.get((item.log, item.index), ())

    def _other(self, at: int) -> bytes:
        self.others.seek(at)
        return self.others.readline()


def _joined(
    shared: UnverifiedEvidence, others: Sequence[UnverifiedEvidence]
) -> UnverifiedEvidence:
    every = (shared, *others)
    return replace(
        shared,
        items=tuple(item for each in every for item in each.items),
        contents={d: content for each in every for d, content in each.contents.items()},
        batches=tuple(batch for each in every for batch in each.batches),
        left_out=tuple(piece for each in every for piece in each.left_out),
    )
