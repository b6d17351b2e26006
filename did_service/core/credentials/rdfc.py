"""RDF Dataset Canonicalization (W3C RDFC-1.0, §4), with bounded work.

Blank nodes get the names c14n0, c14n1, … in an order that depends on the statements alone. A
node is told from the others by the hash of its own statements (first degree) or, where several
look alike, by the hashes of its surroundings (N-degree), for which all orders of its like
neighbours are tried: factorial for a hostile graph, and so counted and cut off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TypeAlias

from did_service.core.credentials import nquads
from did_service.core.credentials.nquads import Quad
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import LimitError
from did_service.core.limits import MAX_BLANK_NODES, MAX_RDF_WORK

Digest: TypeAlias = Callable[[bytes], bytes]


def canonicalize(quads: Iterable[Quad], digest: Digest = sha256) -> str:
    """Return the canonical N-Quads document of a dataset.

    Args:
        quads: The statements, in any order.
        digest: Hash function of the algorithm; every cryptosuite here uses SHA-256.

    Raises:
        LimitError: `too_large` for too many statements or blank nodes, `graph_too_complex`
            when the blank nodes are too much alike.
    """
    dataset = tuple(quads)
    lines = nquads.lines(dataset, label(dataset, digest))
    once = sorted(set(lines))
    if len(once) < len(lines):  # a statement stood twice, which is rarer than it is dear to ask
        return canonicalize(dict.fromkeys(dataset), digest)
    return "".join(once)


def label(quads: Sequence[Quad], digest: Digest = sha256) -> dict[str, str]:
    """Return the canonical name of every blank node, `_:…` to `_:c14n…`; errors as above."""
    nquads.check_count(len(quads))
    return _Canonicalization(quads, digest).names()


class _Names:
    """Names given in order of asking: prefix and a count (§4.5)."""

    __slots__ = ("given", "prefix")

    def __init__(self, prefix: str, given: dict[str, str] | None = None) -> None:
        self.prefix = prefix
        self.given = dict(given or {})

    def name(self, node: str) -> str:
        if node not in self.given:
            self.given[node] = f"_:{self.prefix}{len(self.given)}"
        return self.given[node]

    def copy(self) -> _Names:
        return _Names(self.prefix, self.given)


@dataclass(frozen=True, slots=True)
class _Path:
    """A way through the neighbours of a node: its text and the names given on it."""

    text: str
    names: _Names


class _Canonicalization:
    """The state of one run (§4.2)."""

    def __init__(self, quads: Sequence[Quad], digest: Digest) -> None:
        self._digest = digest
        self._mentions: dict[str, list[Quad]] = defaultdict(list)
        for quad in quads:
            subject, _, value, graph = quad  # a predicate is never blank
            if subject[0] == "_":
                self._mentions[subject].append(quad)
            if value[0] == "_" and value != subject:
                self._mentions[value].append(quad)
            if graph and graph[0] == "_" and graph not in (subject, value):
                self._mentions[graph].append(quad)
        if len(self._mentions) > MAX_BLANK_NODES:
            raise LimitError("too_large", f"more than {MAX_BLANK_NODES} blank nodes")
        self._unnamed = dict.fromkeys(self._mentions, "_:z")
        self._first = {node: self._hash_first_degree(node) for node in self._mentions}
        self._canonical = _Names("c14n")
        self._work = MAX_RDF_WORK

    def names(self) -> dict[str, str]:
        """Run the algorithm (§4.4.3, steps 3 to 5)."""
        alike: dict[str, list[str]] = defaultdict(list)
        for node, hashed in self._first.items():
            alike[hashed].append(node)
        shared = []
        for _, nodes in sorted(alike.items()):
            if len(nodes) == 1:
                self._canonical.name(nodes[0])
            else:
                shared.append(nodes)
        for nodes in shared:
            self._name_alike(nodes)
        return self._canonical.given

    def _name_alike(self, nodes: list[str]) -> None:
        found: list[tuple[str, _Names]] = []
        for node in nodes:
            if node not in self._canonical.given:
                names = _Names("b")
                names.name(node)
                found.append(self._hash_n_degree(node, names))
        for _, names in sorted(found, key=lambda result: result[0]):
            for node in names.given:
                self._canonical.name(node)

    def _hash_first_degree(self, node: str) -> str:
        """Hash the statements about a node, others unnamed (§4.6)."""
        self._unnamed[node] = "_:a"
        lines = nquads.lines(self._mentions[node], self._unnamed)  # two neighbours may be alike
        self._unnamed[node] = "_:z"
        return self._hash("".join(sorted(lines)))

    def _hash_related(self, related: str, quad: Quad, names: _Names, position: str) -> str:
        """Hash a neighbour by its place in a statement (§4.7)."""
        known = self._canonical.given.get(related) or names.given.get(related)
        predicate = "" if position == "g" else quad[1]
        return self._hash(position + predicate + (known or self._first[related]))

    def _hash_n_degree(self, node: str, names: _Names) -> tuple[str, _Names]:
        """Hash the surroundings of a node, by the least of all paths through them (§4.8)."""
        text = ""
        for hashed, related in sorted(self._neighbours(node, names).items()):
            best: _Path | None = None
            for order in permutations(related):
                path = self._walk(order, names.copy(), best)
                if path is not None and (best is None or path.text < best.text):
                    best = path
            if best is not None:
                text += hashed + best.text
                names = best.names
        return self._hash(text), names

    def _neighbours(self, node: str, names: _Names) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for quad in self._mentions[node]:
            for position, related in (("s", quad[0]), ("o", quad[2]), ("g", quad[3])):
                if related.startswith("_:") and related != node:
                    self._spend()
                    found[self._hash_related(related, quad, names, position)].append(related)
        return found

    def _walk(self, order: tuple[str, ...], names: _Names, best: _Path | None) -> _Path | None:
        """Follow the neighbours in one order; `None` as soon as another path is better."""
        text, unnamed = "", []
        for related in order:
            self._spend()
            if related in self._canonical.given:
                text += self._canonical.given[related]
                continue
            if related not in names.given:
                unnamed.append(related)
            text += names.name(related)
            if _is_worse(text, best):
                return None
        for related in unnamed:
            hashed, deeper = self._hash_n_degree(related, names)
            text += f"{names.name(related)}<{hashed}>"
            names = deeper
            if _is_worse(text, best):
                return None
        return _Path(text, names)

    def _spend(self) -> None:
        self._work -= 1
        if self._work < 0:
            raise LimitError("graph_too_complex", "the blank nodes are too much alike")

    def _hash(self, text: str) -> str:
        return self._digest(text.encode()).hex()


def _is_worse(text: str, best: _Path | None) -> bool:
    return best is not None and len(text) >= len(best.text) and text > best.text
