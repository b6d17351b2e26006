"""RDF Dataset Canonicalization (W3C RDFC-1.0), bounded."""
from __future__ import annotations

from collections.abc import Iterable
from did_service.core.credentials.nquads import Quad

def canonicalize(quads: Iterable[Quad]) -> str:
    """Return canonical N-Quads."""
    raise NotImplementedError
