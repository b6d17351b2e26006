"""The body of a `schema` entry: a published text, its kind, its owner, and whether to use it.

b = {"kind", "media_type", "content", "sha256", "owner", "state", "proof"}
"""

from typing import NamedTuple

from did_service.core.anchor.bodies.members import pass_proof, read_kind
from did_service.core.anchor.bodies.void import check_states
from did_service.core.crypto.hashes import HASH_BYTES, sha256
from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.limits import MAX_SCHEMA_BYTES

SERVICE_ITEM = "service-item"
SCHEMA_KINDS = ("json-schema", "type-metadata", "context", SERVICE_ITEM, "code-list")
SCHEMA_STATES = ("active", "deprecated")


class SchemaBody(NamedTuple):
    """What a `schema` entry says; `content` is the exact text and `sha256` what it states."""

    kind: str
    media_type: str
    content: str
    sha256: bytes
    owner: str
    state: str = "active"

    @classmethod
    def of(cls, kind: str, media_type: str, content: bytes, owner: str) -> "SchemaBody":
        """Say that a UTF-8 text is in use."""
        return cls(kind, media_type, content.decode(), sha256(content), owner)

    @property
    def is_deprecated(self) -> bool:
        """Whether its publisher advises against it."""
        return self.state == "deprecated"

    def encode(self) -> JsonObject:
        """Return the entry body without its proof."""
        return {
            "kind": self.kind,
            "media_type": self.media_type,
            "content": self.content,
            "sha256": b64.encode_url(self.sha256),
            "owner": self.owner,
            "state": self.state,
        }


def parse_schema_body(body: JsonObject) -> SchemaBody:
    """Read the body of a `schema` entry; digest, content and proof are left to `rules`.

    Raises:
        RuleError: `entry_voided`.
        UnsupportedError: `kind_unknown`.
        MalformedError: another shape.
    """
    check_states(body)
    fields = Fields(body, "schema")
    schema = SchemaBody(
        kind=read_kind(fields, SCHEMA_KINDS),
        media_type=fields.text("media_type", max_chars=200),
        content=fields.text("content", max_chars=MAX_SCHEMA_BYTES),
        sha256=fields.data("sha256", size=HASH_BYTES),
        owner=fields.text("owner"),
        state=fields.choice("state", SCHEMA_STATES),
    )
    pass_proof(fields)
    fields.close()
    return schema


def may_be_service_item(body: JsonObject) -> bool:
    """Say whether a `schema` entry is a service item, or of a kind that may be one later."""
    kind = body.get("kind")
    return kind == SERVICE_ITEM or kind not in SCHEMA_KINDS
