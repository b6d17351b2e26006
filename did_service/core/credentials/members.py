"""Members that many VCDM objects share: identifiers, types, language texts, digests.

VCDM 2.0 §4.3 to §4.13 and §5.3. Every member may stand once or in a list; here it is always a
tuple. Identifiers must be absolute URLs, since a relative one means something else in every
place it is read.
"""

from __future__ import annotations

import re

from did_service.core.encoding.strict_json import JsonObject, JsonValue, as_object, as_text
from did_service.core.errors import MalformedError, quote

# A scheme of RFC 3986 §3.1, then no character that RFC 3987 §2.2 keeps out of an IRI.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f-\xa0\s<>\"{}|\\^`]+")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")  # BCP 47, well-formed
_LANGUAGE_KEYS = frozenset({"@value", "@language", "@direction"})
_DIGESTS = ("digestSRI", "digestMultibase")


def url(value: JsonValue, where: str) -> str:
    """Take a value as an absolute URL.

    Raises:
        MalformedError: `member_invalid`.
    """
    text = as_text(value, where)
    if not is_url(text):
        raise MalformedError("member_invalid", f"{where} is not an absolute URL: {quote(text)}")
    return text


def is_url(value: JsonValue) -> bool:
    """Say whether a value is an absolute URL (an absolute IRI of RFC 3987, not empty)."""
    return isinstance(value, str) and _URL.fullmatch(value) is not None


def objects(owner: JsonObject, name: str) -> tuple[JsonObject, ...]:
    """Return an optional member that holds one object or a list of objects."""
    if name not in owner:
        return ()
    value = owner[name]
    items = value if isinstance(value, list) else [value]
    return tuple([as_object(item, name) for item in items])


def identifier(owner: JsonObject, where: str) -> str | None:
    """Return the optional `id`, which must be an absolute URL when it is there."""
    return url(owner["id"], f"{where}.id") if "id" in owner else None


def party(owner: JsonObject, name: str) -> str:
    """Return the identifier of an issuer or holder, given as URL or as object with `id`."""
    if name not in owner:
        raise MalformedError("member_missing", f"{name} is missing")
    value = owner[name]
    if isinstance(value, dict):
        value = value.get("id")
    return url(value, name)


def type_names(owner: JsonObject, where: str) -> tuple[str, ...]:
    """Return `type`: one name or a list of at least one.

    Raises:
        MalformedError: `member_missing` or `member_invalid`.
    """
    value = owner.get("type")
    items = value if isinstance(value, list) else [value]
    if value is None or not items:
        raise MalformedError("member_missing", f"{where}.type is missing")
    names = tuple(as_text(item, f"{where}.type") for item in items)
    if not all(names) or len(set(names)) != len(names):
        raise MalformedError("member_invalid", f"{where}.type has an empty or repeated name")
    return names


def typed(owner: JsonObject, name: str) -> tuple[JsonObject, ...]:
    """Return an optional member whose objects all have a type, and a URL if they have an id."""
    found = objects(owner, name)
    for item in found:
        type_names(item, name)
        identifier(item, name)
    return found


def check_typed(owner: JsonObject, names: tuple[str, ...]) -> None:
    """Check members that are carried and never read."""
    for name in names:
        typed(owner, name)


def check_texts(owner: JsonObject) -> None:
    """Check `name` and `description`: text, or language objects (VCDM 2.0 §11.1)."""
    for name in ("name", "description"):
        if name in owner:
            value = owner[name]
            for item in value if isinstance(value, list) else [value]:
                _check_text(item, name)


def check_proof(owner: JsonObject) -> None:
    """Check that `proof`, where it stands, is one object or several; an id must be a URL."""
    proofs = objects(owner, "proof")
    if "proof" in owner and not proofs:
        raise MalformedError("member_invalid", "proof is an empty list")
    for proof in proofs:
        identifier(proof, "proof")


def check_related_resources(owner: JsonObject) -> None:
    """Check `relatedResource`: each with its own URL and a digest (VCDM 2.0 §5.3)."""
    seen: set[str] = set()
    for resource in objects(owner, "relatedResource"):
        name = url(resource.get("id"), "relatedResource.id")
        if name in seen:
            raise MalformedError(
                "member_invalid", f"relatedResource {quote(name)} stands twice"
            )
        seen.add(name)
        if not any(isinstance(resource.get(digest), str) for digest in _DIGESTS):
            raise MalformedError("member_missing", "relatedResource has no digest")


def _check_text(value: JsonValue, name: str) -> None:
    if isinstance(value, str):
        return
    text = as_object(value, name)
    if not text.keys() <= _LANGUAGE_KEYS or not isinstance(text.get("@value"), str):
        raise MalformedError("member_invalid", f"{name} is not a language object")
    language, direction = text.get("@language", "und"), text.get("@direction", "ltr")
    if _LANGUAGE_TAG.fullmatch(as_text(language, f"{name}.@language")) is None:
        raise MalformedError("member_invalid", f"{name}.@language is {quote(language)}")
    if direction not in ("ltr", "rtl"):
        raise MalformedError("member_invalid", f"{name}.@direction is {quote(direction)}")
