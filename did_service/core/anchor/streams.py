"""Evidence streams: whose they are by their names, and which role their owners hold.

A stream's name holds its owner's id, so nobody can take another's stream.
"""

from __future__ import annotations

from did_service.core.did.syntax import did_id

STREAM_ROLES = {"issuance": "issuer", "audit": "", "receipt": "counter"}
"""Kinds of evidence streams, and the role that the owner must hold; none: any."""


def stream_id(owner: str, kind: str) -> str:
    """Return the only name that a stream of this owner and kind may have."""
    return f"urn:didsvc:stream:{kind}:{did_id(owner)}"
