"""N-Quads (RDF 1.1 N-Quads), read in full and written canonically (RDFC-1.0 §A).

A term is its canonical text: `<iri>`, `_:label`, `"literal"`, `"literal"@en`,
`"literal"^^<iri>`. A quad is four terms; the default graph is the empty text.
"""

from __future__ import annotations

from typing import TypeAlias

Quad: TypeAlias = tuple[str, str, str, str]
