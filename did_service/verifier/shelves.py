"""Evidence of a trust directory in rows: each chain proves itself, and is read by its key.

    chains ──uses──► pieces           heads entries, checkpoints and heads files are shared
    keys of what is presented ─► their chains ─► keys named in them ─► …

Up to 20,000 chains and 64 MiB are read whole. Of more only that is read whose subject is named
in what is presented, in the staple with it, or in what was read for it. So no chain is judged
by a visitor's copy alone while the directory holds a newer one: whatever a visitor brings names
its subject. What is read is verified as any evidence is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64
from did_service.core.errors import LimitError
from did_service.core.evidence.bundle import encode_pieces
from did_service.core.evidence.proven_set import RECORD, ChainKey
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import (
    MAX_CHAIN_STEPS,
    MAX_CHAINS_AT_ONCE,
    MAX_CHAINS_HELD,
)
from did_service.verifier import quorums
from did_service.verifier.cells import counted, number, octets
from did_service.verifier.chain_keys import named_in
from did_service.verifier.lines import is_shared, parsed, pieces_of, shared_lines

if TYPE_CHECKING:
    from did_service.verifier.database import Rows

# What was carried over as it was, before a policy could judge it; it goes at the next merge.
UNSORTED = ChainKey("", "unsorted", "")
POLICIES = ChainKey("", "policies", "")
_WANT = "CREATE TEMP TABLE wanted (key TEXT PRIMARY KEY) WITHOUT ROWID"
_FIND = """
SELECT chains.id FROM wanted JOIN chains ON chains.subject = wanted.key
UNION
SELECT chains.id FROM wanted JOIN chains ON chains.about = wanted.key AND chains.about <> ''
LIMIT ?
"""
_NEW_CHAIN = """
INSERT INTO chains (log, kind, subject, about, as_of, subjects) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (subject, kind, log) DO UPDATE
SET about = excluded.about, as_of = excluded.as_of, subjects = excluded.subjects
RETURNING id
"""
_FIND_PLACE = "SELECT id FROM chains WHERE log = ? AND kind = ? AND subject = ?"
_FIND_CHAIN = """
SELECT id FROM chains WHERE log = ? AND kind = ? AND subject = ?
AND about = ? AND as_of IS ? AND subjects = ?
"""
_FIND_PIECE = "SELECT id FROM pieces WHERE digest = ?"
_NEW_PIECE = "INSERT INTO pieces (digest, line, shared) VALUES (?, ?, ?) RETURNING id"
_ALL = "SELECT line FROM pieces ORDER BY id"


def read_all(rows: Rows) -> UnverifiedEvidence:
    """Read everything.

    Raises:
        LimitError: `too_much_to_check`: it is more than is ever held at once.
    """
    return parsed(octets(line) for (line,) in rows.all(_ALL))


def read_for(rows: Rows, keys: set[str]) -> UnverifiedEvidence:
    """Read the chains of these keys, and those that they name in turn.

    Raises:
        LimitError: `too_much_to_check`: more chains or bytes than are read for one check.
            Nothing is judged then: what is left out could be what speaks against.
    """
    seen: set[str] = set()
    chains: set[int] = set()
    pieces: dict[int, bytes] = {}
    wanted = {*keys, UNSORTED.subject}
    for _ in range(MAX_CHAIN_STEPS):
        seen |= wanted
        new = _chains(rows, wanted) - chains
        chains |= new
        if len(chains) > MAX_CHAINS_AT_ONCE:
            raise LimitError("too_much_to_check", f"more than {MAX_CHAINS_AT_ONCE} chains")
        lines = pieces_of(rows, new, pieces)
        wanted = {key for line in lines.values() for key in named_in(line)} - seen
        pieces |= lines
        if not wanted:
            break
    return parsed(pieces[each] for each in sorted(pieces))


def read_beside(
    rows: Rows, offered: UnverifiedEvidence, *, with_shared: bool = False
) -> UnverifiedEvidence:
    """Read the chains that a set has as well: those may change with it.

    Args:
        rows: The state.
        offered: The set.
        with_shared: Also the checkpoints and heads entries of all other chains, the newest
            first come: a fork comes to light where two of them differ.

    Raises:
        LimitError: `too_much_to_check`: more than is held at once.
    """
    places = {*_places(offered), _place(UNSORTED), _place(POLICIES)}
    found = (rows.one(_FIND_PLACE, *place) for place in places)
    pieces = pieces_of(rows, {number(row[0]) for row in found if row is not None}, {})
    if with_shared:
        pieces |= shared_lines(rows, pieces)
    return parsed(pieces[each] for each in sorted(pieces))


def keep(
    rows: Rows,
    before: UnverifiedEvidence,
    chains: Iterable[tuple[ChainKey, UnverifiedEvidence]],
    basis: str,
) -> None:
    """Put chains in the place of the former ones of their keys.

    Args:
        rows: The state, open for changes.
        before: What was read for this: of that, what is in `chains` no longer is removed.
        chains: As `Evidence.kept_chains` gives them.
        basis: `quorums.basis_of` the policy by which they were verified.

    Raises:
        LimitError: `too_large`: the directory is full; nothing has changed.
    """
    new, known = dict(chains), _Known(before)
    if counted(rows, "chains") + len(new) > MAX_CHAINS_HELD + len(before.items):
        raise LimitError("too_large", f"more than {MAX_CHAINS_HELD} subjects in one directory")
    if _remove(rows, _place(UNSORTED)):  # its pieces go with it, and come back in their chains
        known = _Known(UnverifiedEvidence())
    if not quorums.is_judged_by(rows, basis):
        quorums.judge_anew(rows, basis)
        known = _Known(UnverifiedEvidence())
    files: dict[bytes, int] = {}
    changed = [_put(rows, key, own, files) for key, own in new.items() if not known.covers(own)]
    stay = {(key.log, key.kind, key.subject) for key in new}
    gone = {*_places(before)} - stay
    changed += [_remove(rows, place) for place in gone]
    if any(changed):
        rows.change("UPDATE facts SET value = value + 1 WHERE name = 'evidence'")


def add_unsorted(rows: Rows, evidence: UnverifiedEvidence) -> None:
    """Add evidence that no policy has judged yet; it is read with everything until one has."""
    _put(rows, UNSORTED, evidence, {})
    rows.change("UPDATE facts SET value = value + 1 WHERE name = 'evidence'")


def _chains(rows: Rows, wanted: set[str]) -> set[int]:
    rows.change("DROP TABLE IF EXISTS wanted")
    rows.change(_WANT)
    rows.change_each("INSERT OR IGNORE INTO wanted VALUES (?)", ((key,) for key in wanted))
    return {number(found) for (found,) in rows.all(_FIND, MAX_CHAINS_AT_ONCE + 1)}


# --- writing ----------------------------------------------------------------------------------


def _place(key: ChainKey) -> tuple[str, str, str]:
    return key.log, key.kind, key.subject


def _places(evidence: UnverifiedEvidence) -> Iterator[tuple[str, str, str]]:
    for item in evidence.items:
        if item.entry.type not in ("heads", "evidence"):  # of other chains, or of records
            yield item.log, item.entry.type, item.entry.subject
    for batch in evidence.batches:
        yield batch.log, RECORD, b64.encode_url(batch.record)


class _Known:
    """What was read: a chain that is made of nothing else lies there already."""

    def __init__(self, before: UnverifiedEvidence) -> None:
        self._before = before
        self._items = {id(item) for item in before.items}
        self._notes = {*before.checkpoints}
        self._batches = {*before.batches}

    def covers(self, own: UnverifiedEvidence) -> bool:
        """Say whether each piece of a chain was read; what was read is handed on as it is."""
        return (
            all(id(item) in self._items for item in own.items)
            and self._notes.issuperset(own.checkpoints)
            and self._batches.issuperset(own.batches)
            and own.contents.keys() <= self._before.contents.keys()
            and own.heads_files.items() <= self._before.heads_files.items()
            and all(policy in self._before.policies for policy in own.policies)
        )


def _put(rows: Rows, key: ChainKey, own: UnverifiedEvidence, files: dict[bytes, int]) -> bool:
    """Put one chain; return whether anything of it is different now.

    Args:
        rows: The state, open for changes.
        key: Of the chain.
        own: What proves it.
        files: Heads files that were put already, by root: megabytes that many chains share.
    """
    chain = _chain(rows, key)
    held = {number for (number,) in rows.all("SELECT piece FROM uses WHERE chain = ?", chain)}
    wanted = {_piece(rows, line) for line in encode_pieces(replace(own, heads_files={}))}
    for root, file in own.heads_files.items():
        if root not in files:
            (line,) = encode_pieces(UnverifiedEvidence(heads_files={root: file}))
            files[root] = _piece(rows, line)
        wanted.add(files[root])
    rows.change_each(
        "INSERT INTO uses VALUES (?, ?)", ((chain, number) for number in wanted - held)
    )
    rows.change_each(
        "DELETE FROM uses WHERE chain = ? AND piece = ?",
        ((chain, number) for number in held - wanted),
    )
    return held != wanted


def _chain(rows: Rows, key: ChainKey) -> int:
    values = (*_place(key), key.about, key.as_of, key.subjects)
    (chain,) = rows.one(_FIND_CHAIN, *values) or rows.one(_NEW_CHAIN, *values) or (None,)
    return number(chain)


def _piece(rows: Rows, line: bytes) -> int:
    digest = sha256(line)
    found = rows.one(_FIND_PIECE, digest)
    (piece,) = found or rows.one(_NEW_PIECE, digest, line, is_shared(line)) or (None,)
    return number(piece)


def _remove(rows: Rows, place: tuple[str, str, str]) -> bool:
    found = rows.one(_FIND_PLACE, *place)
    if found is not None:
        rows.change("DELETE FROM chains WHERE id = ?", found[0])
    return found is not None
