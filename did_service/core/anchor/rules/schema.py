"""Rules of `schema` entries: who may publish a JSON Schema, type, context, item or code list.

The exact text stands in the entry. An id has one home, the region with the longest fitting
prefix, and one owner, who holds the role `publisher` for a prefix of it (docs/formats.md §2).
"""

from __future__ import annotations

from did_service.core.anchor.entry import Entry
from did_service.core.anchor.grants import ForeignGranter, Grants
from did_service.core.anchor.view import LogPrefix, LogView, RuleContext, at_home_in, signers_of
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import json_schema, strict_json
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import RuleError, quote
from did_service.core.limits import MAX_SCHEMA_BYTES

KINDS = ("json-schema", "type-metadata", "context", "service-item", "code-list")
STATES = ("active", "deprecated")


def check(entry: Entry, log: LogView, world: RuleContext) -> None:
    """Check a `schema` entry.

    Raises:
        RuleError: `not_at_home`, `digest_wrong`, `signer_wrong`, `role_missing`,
            `kind_changed`.
        ProofError, MalformedError, PolicyError: a signature or a shape; `schema_unsupported`,
            `schema_invalid`, `too_large` for a JSON Schema without bounds.
    """
    if world.policy.home_of_schema(entry.subject) is not world.policy.region_of_log(log.origin):
        raise RuleError("not_at_home", f"{quote(entry.subject)} is not at home in {log.origin}")
    fields = Fields(entry.body, "schema")
    kind, owner = fields.choice("kind", KINDS), fields.text("owner")
    fields.text("media_type", max_chars=200)
    fields.choice("state", STATES)
    _check_content(fields, kind)
    fields.value("proof")
    fields.close()
    homes = at_home_in(LogPrefix.now(log), world)
    if owner not in signers_of(entry, homes):
        raise RuleError("signer_wrong", "the owner has not signed")
    grants = Grants(world.policy, homes, ForeignGranter.ENOUGH, entry.at or 0)
    if not publishes(owner, entry.subject, grants):
        raise RuleError(
            "role_missing", f"{quote(owner)} may not publish {quote(entry.subject)}"
        )
    _check_follows(entry, kind, owner, log, grants)


def publishes(did: str, identifier: str, grants: Grants) -> bool:
    """Say whether a DID may publish under an identifier."""
    region = grants.policy.region_of_root(did)
    if region is not None:
        return grants.policy.home_of_schema(identifier) is region
    return any(
        "publisher" in held.roles and identifier.startswith(held.prefixes)
        for held in grants.standing(did)
    )


def _check_content(fields: Fields, kind: str) -> None:
    """Check digest and form; a JSON Schema that no counter would run is not logged for ever.

    Another dialect is left to those who will know it: no counter of ours compiles it.
    """
    content = fields.text("content", max_chars=MAX_SCHEMA_BYTES).encode()
    if sha256(content) != fields.data("sha256", size=32):
        raise RuleError("digest_wrong", "sha256 is not that of the content")
    value = strict_json.load_object(content, max_bytes=MAX_SCHEMA_BYTES)
    if kind == "json-schema" and value.get("$schema") == json_schema.DIALECT:
        json_schema.bounded(value)


def _check_follows(entry: Entry, kind: str, owner: str, log: LogView, grants: Grants) -> None:
    """An id keeps its kind, and its owner for as long as that one may publish."""
    former = log.newest("schema", entry.subject)
    if former is None:
        return
    before = Fields(former.entry.body, "schema")
    if before.text("kind") != kind:
        raise RuleError("kind_changed", f"{quote(entry.subject)} was of another kind")
    published = before.text("owner")
    if published != owner and publishes(published, entry.subject, grants):
        raise RuleError("signer_wrong", "another owner published this id")
