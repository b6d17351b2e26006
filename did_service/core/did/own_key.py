"""DID methods whose identifier is the key itself: did:key and did:jwk.

Nothing has to be at hand to know such a key, and nobody can take it away or replace it.
"""

from __future__ import annotations

from did_service.core.did import jwk, key
from did_service.core.did.document import Relationship
from did_service.core.errors import UnsupportedError, quote


def is_own_key(did: str) -> bool:
    """Say whether a DID is of one of these methods."""
    return did.startswith((key.PREFIX, jwk.PREFIX))


def public_in_did(method_id: str, purpose: str) -> bytes:
    """Return the 32-byte Ed25519 key of a verification method of such a DID.

    Args:
        method_id: `did:key:z…#z…` or `did:jwk:…#0`.
        purpose: A verification relationship; a did:jwk with `use` has some of them only.

    Raises:
        UnsupportedError: `did_method_unknown`, or `key_type_unknown` for another kind of key.
        MalformedError: the identifier is no such key.
        ProofError: `key_not_listed`: not a method of the DID, or not for the purpose.
    """
    did = method_id.partition("#")[0]
    if did.startswith(key.PREFIX):
        return key.public_of_method_id(method_id)
    if did.startswith(jwk.PREFIX):
        return jwk.resolve_jwk(did).public_key(method_id, Relationship(purpose))
    raise UnsupportedError("did_method_unknown", f"a key of {quote(did)}")
