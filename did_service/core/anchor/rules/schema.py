"""Rules of `schema` entries: who may publish a JSON Schema, type, context, item or code list.

The exact text stands in the entry. An id has one home, the region with the longest fitting
prefix, and one owner, who holds the role `publisher` for a prefix of it (docs/formats.md §2).
"""

from __future__ import annotations

from did_service.core.anchor.bodies.schema import SchemaBody, parse_schema_body
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.grants import ForeignGranter, Grants
from did_service.core.anchor.view import LogPrefix, LogView, RuleContext, at_home_in, signers_of
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import json_schema, strict_json
from did_service.core.errors import RuleError, quote
from did_service.core.limits import MAX_SCHEMA_BYTES


def check(entry: Entry, former: LoggedEntry | None, log: LogView, world: RuleContext) -> None:
    """Check a `schema` entry.

    Raises:
        RuleError: `not_at_home`, `digest_wrong`, `signer_wrong`, `role_missing`,
            `kind_changed`.
        UnsupportedError: `kind_unknown`.
        ProofError, MalformedError, PolicyError: a signature or a shape; `schema_unsupported`,
            `schema_invalid`, `too_large` for a JSON Schema without bounds.
    """
    if world.policy.home_of_schema(entry.subject) is not world.policy.region_of_log(log.origin):
        raise RuleError("not_at_home", f"{quote(entry.subject)} is not at home in {log.origin}")
    body = parse_schema_body(entry.body)
    _check_content(body)
    homes = at_home_in(LogPrefix.now(log), world)
    if body.owner not in signers_of(entry, homes):
        raise RuleError("signer_wrong", "the owner has not signed")
    grants = Grants(world.policy, homes, ForeignGranter.ENOUGH, entry.at)
    if not publishes(body.owner, entry.subject, grants):
        raise RuleError(
            "role_missing", f"{quote(body.owner)} may not publish {quote(entry.subject)}"
        )
    if former is not None:
        _check_follows(body, former.entry, grants)


def publishes(did: str, identifier: str, grants: Grants) -> bool:
    """Say whether a DID may publish under an identifier."""
    region = grants.policy.region_of_root(did)
    if region is not None:
        return grants.policy.home_of_schema(identifier) is region
    return any(
        "publisher" in held.roles and identifier.startswith(held.prefixes)
        for held in grants.standing(did)
    )


def _check_content(body: SchemaBody) -> None:
    """Check digest and form; a JSON Schema that no counter would run is not logged for ever.

    Another dialect is left to those who will know it: no counter of ours compiles it.
    """
    content = body.content.encode()
    if sha256(content) != body.sha256:
        raise RuleError("digest_wrong", "sha256 is not that of the content")
    value = strict_json.load_object(content, max_bytes=MAX_SCHEMA_BYTES)
    if body.kind == "json-schema" and value.get("$schema") == json_schema.DIALECT:
        json_schema.bounded(value)


def _check_follows(body: SchemaBody, former: Entry, grants: Grants) -> None:
    """An id keeps its kind, and its owner for as long as that one may publish."""
    before = parse_schema_body(former.body)
    if before.kind != body.kind:
        raise RuleError("kind_changed", f"{quote(former.subject)} was of another kind")
    if before.owner != body.owner and publishes(before.owner, former.subject, grants):
        raise RuleError("signer_wrong", "another owner published this id")
