"""What rules 2 bring: DIDs that move from log to log, voids, and did:web documents seen.

fed = founded(rules=2)
office = movable(fed, "gz.gd.example")     # may move, says its first version
leave(fed, office, "gz.hn.example")        # the last entry in gd: its version goes to hn
join(fed, office)                          # the same version, the next of hn
void(fed, placed)                          # by three governors
observe(fed, fed.root("gd"), "did:web:ministry.example", b"{…}")
"""

from did_service.core.anchor.bodies.did import did_of
from did_service.core.anchor.entry import LoggedEntry, Submission, compose
from did_service.core.anchor.voids import standing
from did_service.core.crypto.hashes import sha256
from did_service.core.did.key import did_key_method
from did_service.core.did.webvh import write
from did_service.core.did.webvh.state import accept
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject
from tests.support.dids import hash_of, key
from tests.support.federation import Actor, Federation
from tests.support.founding import GOVERNORS, governor

REASON: JsonObject = {"zh": "登记有误", "en": "logged by mistake"}


def movable(fed: Federation, location: str) -> Actor:
    """Create a DID that may move, and register it."""
    hashes = [hash_of(f"{location} update 2")]
    actor, entry = fed._create(location, {"nextKeyHashes": hashes, "portable": True})
    fed._submit_did(actor, entry)
    return actor


def moved_version(fed: Federation, actor: Actor, location: str) -> JsonObject:
    """Write the version that takes a DID to another place."""
    former, number = str(actor.state.version.did.location), actor.version + 1
    return write.migrate(
        actor.state,
        key(f"{former} update {number}"),
        location,
        now=timestamps.from_posix(fed.now),
        parameters={"nextKeyHashes": [hash_of(f"{location} update {number + 1}")]},
    )


def leave(fed: Federation, actor: Actor, location: str) -> LoggedEntry:
    """Log the version that moves a DID as the last of its home; the actor is the new DID."""
    origin, version = fed.control_of(actor.did), moved_version(fed, actor, location)
    body: JsonObject = {"did": actor.did, "op": "leave", "entry": version}
    placed = fed.submit(origin, fed.compose(origin, "did", actor.id, body))
    actor.state = accept(actor.state, version, now=timestamps.from_posix(fed.now))
    actor.version += 1
    method = actor.method.rpartition("#")[2]
    actor.did = actor.state.did
    actor.method = f"{actor.did}#{method}"
    return placed


def join_entry(fed: Federation, left: LoggedEntry, **changes: object) -> Submission:
    """Write the join of a leave, resting on the newest checkpoint of the log that it left."""
    body = left.entry.body
    region = did_of(body).split(":")[3].removesuffix(".example").rpartition(".")[2]
    joined: JsonObject = {
        "did": body["entry"]["state"]["id"],
        "op": "join",
        "entry": body["entry"],
        "x": fed.x(region),
        **changes,
    }
    members: JsonObject = {"v": 1, "t": "did", "s": left.entry.subject, "b": joined}
    return as_next(members, left)


def as_next(members: JsonObject, former: LoggedEntry) -> Submission:
    """Give an entry the place after another one, whichever log that stands in."""
    return compose("did", str(members["s"]), members["b"], after=former)


def join(fed: Federation, actor: Actor, left: LoggedEntry) -> LoggedEntry:
    """Log the join; what it left has published the leave."""
    return fed.submit(fed.control_of(actor.did), join_entry(fed, left))


def move(fed: Federation, actor: Actor, location: str) -> tuple[LoggedEntry, LoggedEntry]:
    """Leave, publish, join."""
    region = fed.control_of(actor.did).partition(".")[0]
    left = leave(fed, actor, location)
    fed.publish(region)
    return left, join(fed, actor, left)


def void_entry(
    fed: Federation, origin: str, placed: LoggedEntry, signers=GOVERNORS, **changes: object
) -> Submission:
    """Write the void of an entry, signed by governors of these regions."""
    kind, body = placed.entry.type, placed.entry.body
    names = {"did": ("did",), "authority": ("granter", "grantee", "scope")}.get(kind, ())
    said: JsonObject = {
        **{name: body[name] for name in names},
        "op": "void",
        "of": placed.entry.number,
        "reason": REASON,
        **changes,
    }
    entry = fed.compose(origin, kind, placed.entry.subject, said)
    return fed.sign(entry, *map(governor_of, signers))


def void(fed: Federation, origin: str, placed: LoggedEntry, **changes: object) -> LoggedEntry:
    """Let governance void an entry."""
    return fed.submit(origin, void_entry(fed, origin, placed, **changes))


def governor_of(region: str) -> Actor:
    made = governor(region)
    method = did_key_method(made.public)
    return Actor(method.partition("#")[0], method, made)


def standing_of(fed: Federation, origin: str, kind: str, subject: str) -> list[int]:
    """The numbers of the entries of a chain that stand."""
    chain = fed.logs[origin].chain(kind, subject)
    return [placed.entry.number for placed in standing(chain)]


def web_document(did: str, **members: object) -> bytes:
    """A did.json."""
    return jcs.encode({"@context": "https://www.w3.org/ns/did/v1", "id": did, **members})


def observe(
    fed: Federation, observer: Actor, did: str, document: bytes, **changes: object
) -> LoggedEntry:
    """Log what was seen at the address of a did:web."""
    origin = fed.data_of(observer.did)
    body: JsonObject = {"by": observer.did, "at": fed.now, **changes}
    entry = fed.compose(origin, "didweb", did, body, sha256(document))
    return fed.submit(origin, fed.sign(entry, observer), document)
