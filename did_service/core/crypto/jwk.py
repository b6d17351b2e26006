"""Ed25519 public keys as JSON Web Keys (RFC 8037 §2): `kty` OKP, `crv` Ed25519, `x`."""

from __future__ import annotations

from did_service.core.crypto.ed25519 import PUBLIC_BYTES
from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import JsonObject, as_text
from did_service.core.errors import MalformedError, UnsupportedError, quote

_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def encode_ed25519(public: bytes) -> JsonObject:
    """Write a 32-byte Ed25519 public key as a JWK."""
    return {"kty": "OKP", "crv": "Ed25519", "x": b64.encode_url(public)}


def decode_ed25519(jwk: JsonObject) -> bytes:
    """Read an Ed25519 public key; members such as `kid`, `use` and `alg` are not judged.

    Raises:
        MalformedError: `secret_key_published` for a private key, or `x` is not 32 bytes.
        UnsupportedError: `key_type_unknown` for another kind of key.
    """
    check_public(jwk)
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        kind = f"{jwk.get('kty')} {jwk.get('crv')}"
        raise UnsupportedError("key_type_unknown", f"not an Ed25519 JWK: {quote(kind)}")
    return b64.decode_url(as_text(jwk.get("x"), "jwk.x"), size=PUBLIC_BYTES)


def check_public(jwk: JsonObject) -> None:
    """Refuse a JWK with private or symmetric members (RFC 7518 §6).

    Raises:
        MalformedError: `secret_key_published`.
    """
    if _SECRET_MEMBERS & jwk.keys():
        raise MalformedError("secret_key_published", "a JWK shows its private members")
