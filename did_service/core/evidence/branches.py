"""Checkpoints of a log's own key that contradict the tree that witnesses have seen.

Whoever has the key of a log can sign a second version of it; without a quorum nothing of that
counts, and it is no fork on record (threat rule 5): whoever stole one key could silence a whole
region. But beside the true tree of the same size it shows what happened, and gets a name of its
own among what was dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from did_service.core.evidence.items import Sources
from did_service.core.evidence.proven_set import Dropped, Tree
from did_service.core.log.checkpoint import Checkpoint, parse_checkpoint
from did_service.core.log.note import parse_note
from did_service.core.log.policy import VerifiedCheckpoint

CONTRADICTED = "log_contradicted"


def name_branches(
    dropped: Iterable[Dropped],
    sources: Sources,
    verified: Iterable[VerifiedCheckpoint],
    remembered: Mapping[str, Tree],
) -> Iterator[Dropped]:
    """Yield what was dropped, and name each second version of a log.

    Args:
        dropped: What did not verify. `quorum_not_met` says that the log's signature holds.
        sources: The sets that it came from.
        verified: The checkpoints at hand that have a quorum.
        remembered: The largest tree of each log that was verified before.
    """
    roots = {(each.checkpoint.origin, each.checkpoint.size): each for each in verified}
    notes = _places(sources)
    for each in dropped:
        branch = _checkpoint(each, notes) if each.code == "quorum_not_met" else None
        if branch is None:
            yield each
            continue
        known = remembered.get(branch.origin)
        seen = {known.root} if known is not None and known.size == branch.size else set()
        if (true := roots.get((branch.origin, branch.size))) is not None:
            seen.add(true.checkpoint.root)
        yield each._replace(code=CONTRADICTED) if seen - {branch.root} else each


def _checkpoint(dropped: Dropped, notes: Mapping[tuple[str, str], bytes]) -> Checkpoint | None:
    note = notes.get((dropped.source, dropped.what))
    return None if note is None else parse_checkpoint(parse_note(note).text)


def _places(sources: Sources) -> dict[tuple[str, str], bytes]:
    """Index checkpoints by their place in their set, as dropped ones are named."""
    found: dict[tuple[str, str], bytes] = {}
    for name, evidence in sources:
        for position, note in enumerate(dict.fromkeys(evidence.checkpoints)):
            found.setdefault((name, f"checkpoint {position}"), note)
    return found
