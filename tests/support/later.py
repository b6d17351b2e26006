"""What a later release writes into a log: entries that this one can prove and cannot read."""

from collections.abc import Mapping

from did_service.core.anchor.bodies.authority import subject_of
from did_service.core.anchor.entry import LoggedEntry, parse_carried
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, jcs
from did_service.core.encoding.strict_json import JsonObject
from tests.support.counter import SCHEMA, Scene, whole_log
from tests.support.federation import Federation

GD, CN = "gd.example/reg", "cn.example/reg"

# What is unknown in the newest entry of each chain that decides: members of its body, and the
# code that names it.
UNREADABLE: Mapping[str, tuple[str, JsonObject, str]] = {
    "did, another op": ("did", {"op": "end"}, "op_not_supported"),
    "did, a member": ("did", {"more": 1}, "member_unknown"),
    "authority, a member": ("authority", {"more": 1}, "member_unknown"),
    "authority, a state": ("authority", {"state": "delegated"}, "member_invalid"),
    "authority, a role": ("authority", {"roles": ["issuer", "notary"]}, "member_invalid"),
    "schema, a kind": ("schema", {"kind": "json-schema-2"}, "kind_unknown"),
    "schema, a member": ("schema", {"more": 1}, "member_unknown"),
    "schema, a state": ("schema", {"state": "draft"}, "member_invalid"),
    "status, a kind": ("status", {"kind": "token"}, "kind_unknown"),
    "status, a member": ("status", {"more": 1}, "member_unknown"),
}


def chain_of(scene: Scene, kind: str) -> tuple[str, str]:
    """Return log and subject of the chain of a type on which the scene's permit rests."""
    agency = scene.agency
    return {
        "did": (GD, agency.id),
        "authority": (GD, scene.grant.entry.subject),
        "schema": (CN, SCHEMA),
        "status": (scene.fed.data_of(agency.did), agency.list_url()),
    }[kind]


def state_later(scene: Scene, kind: str, members: JsonObject) -> tuple[str, str]:
    """Let a later release write the next entry of a chain, and return type and subject."""
    origin, subject = chain_of(scene, kind)
    newest = scene.fed.logs[origin].newest(kind, subject)
    body = {**newest.entry.body, **members}
    entry = scene.fed.compose(origin, kind, subject, body, newest.entry.digest)
    scene.fed.logs[origin].force(entry.sequenced(scene.fed.now))
    return kind, subject


def grant_later(scene: Scene, body: JsonObject, subject: str | None = None) -> LoggedEntry:
    """Let a later release grant something, as the first of its chain."""
    named = subject or subject_of(body["granter"], body["grantee"], body["scope"])
    entry = scene.fed.compose(GD, "authority", named, body)
    return scene.fed.logs[GD].force(entry.sequenced(scene.fed.now))


def future_entry(
    fed: Federation, kind: str, subject: str, *, origin: str = GD, digest: bytes | None = None
) -> LoggedEntry:
    """Let a later release write an entry of a type that this one does not know."""
    members: JsonObject = {"v": 1, "t": kind, "s": subject, "n": 1, "a": fed.now}
    members["b"] = {"owner": "did:example:1", "proof": [], "other": {"deep": 1}}
    if digest is not None:
        members["d"] = b64.encode_url(digest)
    return fed.logs[origin].force(parse_carried(jcs.encode(members)))


def complete(scene: Scene) -> JsonObject:
    """All of gd's reg, the rest of what the permit needs beside it."""
    known = whole_log(scene)
    others = [
        i for i in scene.staple()["items"] if i["log"] != GD or i["entry"]["t"] == "heads"
    ]
    notes = [*known["checkpoints"], *scene.staple()["checkpoints"]]
    return {
        **known,
        "checkpoints": list(dict.fromkeys(notes)),
        "items": [*known["items"], *others],
        "contents": scene.staple()["contents"],
    }


def some_digest() -> bytes:
    """A digest of nothing that anybody keeps."""
    return sha256(b"of a later release")
