"""What a supplier can make of two versions of one statement."""

import itertools
from collections.abc import Iterator

from did_service.core.encoding.strict_json import JsonObject
from tests.support.counter import headless

SOURCES = ("trust", "bundle", "staple")


def mixtures(old: JsonObject, new: JsonObject) -> Iterator[dict[str, list[JsonObject]]]:
    """Every mixture by source: each absent, with heads or without, anywhere, in any order."""
    forms = [None, *itertools.product((True, False), SOURCES)]
    for pair in itertools.product(forms, forms):
        chosen = []
        for version, form in zip((old, new), pair, strict=True):
            if form is not None:
                has_head, source = form
                chosen.append((source, version if has_head else headless(version)))
        for order in [chosen, chosen[::-1]][: len(chosen) or 1]:
            parts: dict[str, list[JsonObject]] = {}
            for source, version in order:
                parts.setdefault(source, []).append(version)
            yield parts
