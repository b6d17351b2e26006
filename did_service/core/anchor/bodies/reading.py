"""What entries say, as far as this release can read it (docs/adr/0029).

    known type, known members   ──► its values
    anything else in the body   ──► UnsupportedError or MalformedError, which names it

A later release may write an entry that this one cannot read. It stays the newest of its chain,
so nothing older speaks in its place, and whatever rests on it is undecided.
"""

from __future__ import annotations

from dataclasses import dataclass

from did_service.core.anchor.bodies.authority import parse_authority, subject_of
from did_service.core.did.syntax import did_id
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import DidServiceError, UnsupportedError, quote

SERVICE_ITEM = "service-item"
SCHEMA_KINDS = ("json-schema", "type-metadata", "context", SERVICE_ITEM, "code-list")


@dataclass(frozen=True, slots=True)
class SchemaBody:
    """What a `schema` entry says: its kind, its exact text, whether it is deprecated."""

    kind: str
    content: str
    deprecated: bool


@dataclass(frozen=True, slots=True)
class StatusBody:
    """What a `status` entry says of its list: whose it is, until which POSIX second."""

    issuer: str
    expires: int


def read_did(body: JsonObject) -> tuple[str, JsonObject]:
    """Return the DID of a `did` entry and its entry of did.jsonl.

    Raises:
        UnsupportedError: `op_not_supported`.
        MalformedError: `member_unknown` and the members' own codes.
    """
    if "op" in body:
        raise UnsupportedError("op_not_supported", f"the operation {quote(body['op'])}")
    fields = Fields(body, "did entry")
    did, logged = fields.text("did"), fields.object("entry")
    if fields.has("witness"):
        fields.value("witness")  # was for the log to check
    fields.close()
    return did, logged


def read_schema(body: JsonObject, *, max_chars: int) -> SchemaBody:
    """Read the body of a `schema` entry whose text has at most `max_chars` characters.

    Raises:
        UnsupportedError: `kind_unknown`.
        MalformedError: `member_unknown` and the members' own codes.
    """
    fields = Fields(body, "schema")
    kind = _kind(fields, SCHEMA_KINDS)
    content = fields.text("content", max_chars=max_chars)
    state = fields.choice("state", ("active", "deprecated"))
    _pass(fields, "media_type", "sha256", "owner", "proof")
    fields.close()
    return SchemaBody(kind, content, state == "deprecated")


def read_status(body: JsonObject) -> StatusBody:
    """Read the body of a `status` entry.

    Raises:
        UnsupportedError: `kind_unknown`.
        MalformedError: `member_unknown` and the members' own codes.
    """
    fields = Fields(body, "status")
    _kind(fields, ("bitstring",))
    found = StatusBody(fields.text("issuer"), fields.integer("exp"))
    _pass(fields, "iat", "ttl", "bits", "x")
    fields.close()
    return found


def read_stream(body: JsonObject) -> tuple[str, str]:
    """Return the owner of an evidence stream, a DID, and its kind.

    Raises:
        MalformedError: `member_unknown` and the members' own codes.
    """
    fields = Fields(body, "evidence")
    owner, kind = fields.text("owner"), fields.text("kind")
    _pass(fields, "proof")
    fields.close()
    return owner, kind


def parties_of(body: JsonObject, subject: str) -> tuple[str, str] | None:
    """Name granter and grantee's id of an authority statement, whatever else it says.

    Its subject is a hash over both, so they are what it says or the statement is about nobody
    knows whom: None.
    """
    fields = Fields(body, "authority")
    try:
        granter, grantee = fields.text("granter"), fields.text("grantee")
        named = subject_of(granter, grantee, fields.text("scope"))
        return (granter, did_id(grantee)) if named == subject else None
    except (DidServiceError, UnicodeEncodeError):
        return None


def custodian_of(body: JsonObject, now: int) -> str:
    """Name who keeps the lists of an authority statement that is over at a POSIX second.

    Empty where it still stands, names nobody, or says what this release cannot read.
    """
    try:
        statement = parse_authority(body)
    except DidServiceError:
        return ""
    is_over = statement.state == "ended" or statement.until <= now
    return statement.status_custodian or "" if is_over else ""


def may_name_list(body: JsonObject, url: str) -> bool:
    """Say whether a statement that cannot be read may be about a status list."""
    lists = body.get("status_lists", [])
    return not isinstance(lists, list) or url in lists


def _kind(fields: Fields, known: tuple[str, ...]) -> str:
    kind = fields.text("kind")
    if kind not in known:
        raise UnsupportedError("kind_unknown", f"{fields.path('kind')} {quote(kind)}")
    return kind


def _pass(fields: Fields, *names: str) -> None:
    """Pass over members that the log has judged and no verdict asks for."""
    for name in names:
        if fields.has(name):
            fields.value(name)
