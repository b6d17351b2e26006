"""The items of evidence sets, each once, with its leaf hash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from did_service.core.errors import quote
from did_service.core.evidence.pieces import UnverifiedItem
from did_service.core.evidence.sets import UnverifiedEvidence

Sources: TypeAlias = Sequence[tuple[str, UnverifiedEvidence]]
"""Sets by name."""

Items: TypeAlias = Sequence[tuple[str, UnverifiedItem, bytes]]
"""Items with the name of their set and their leaf hash."""


def items_of(sources: Sources) -> Iterator[tuple[str, UnverifiedItem, bytes]]:
    """Yield every item with its leaf hash, each once: the same one again proves nothing."""
    seen = set()
    for name, item in ((name, item) for name, evidence in sources for item in evidence.items):
        leaf = item.entry.leaf()
        same = item.log, item.size, item.index, item.path, item.head, leaf
        if same not in seen:
            seen.add(same)
            yield name, item, leaf


def what_is(item: UnverifiedItem) -> str:
    """Name an item among the pieces that did not verify."""
    return f"{item.entry.type} entry {item.index} of {quote(item.log)}"
