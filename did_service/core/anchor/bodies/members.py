"""Members that several bodies share: `kind`, where a later one is unsupported, and `proof`."""

from __future__ import annotations

from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import UnsupportedError, quote


def read_kind(fields: Fields, known: tuple[str, ...]) -> str:
    """Return the kind, one of `known`.

    Raises:
        UnsupportedError: `kind_unknown` (docs/adr/0029).
        MalformedError: it is missing, or no text.
    """
    kind = fields.text("kind")
    if kind not in known:
        raise UnsupportedError("kind_unknown", f"{fields.path('kind')} {quote(kind)}")
    return kind


def pass_proof(fields: Fields) -> None:
    """Pass over the proofs in a body: they sign the whole entry (`entry.proofs`)."""
    if fields.has("proof"):
        fields.value("proof")
