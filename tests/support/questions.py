"""What a counter is asked, made by the present code for releases of any age to answer.

question = revoked(scene)               # a scene that was published
question.words(folder)                  # the files, and the words for `did-verify`
"""

import base64
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.credentials import eddsa_rdfc_2022
from did_service.core.encoding import b64, jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.bundle import encode_bundle
from did_service.core.evidence.sets import parse_evidence
from tests.support.counter import (
    AUDIENCE,
    INDEX,
    NONCE,
    SCHEMA,
    Scene,
    headless,
    joined,
    status_entry,
)
from tests.support.federation import Actor

ASKED = ("--nonce", NONCE, "--audience", AUDIENCE)


@dataclass(frozen=True)
class Question:
    """What a counter is handed, and what it has of its own."""

    shown: bytes
    policy: Policy
    bundle: bytes | None = None
    asked: tuple[str, ...] = ASKED

    def words(self, folder: Path) -> list[str]:
        """Write the files into a new folder and return the command line."""
        folder.mkdir()
        members = json.dumps(self.policy.members).encode()
        files = {"shown.json": self.shown, "policy.json": members, "bundle": self.bundle or b""}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        words = ["check", folder / "shown.json", "--json", "--policy", folder / "policy.json"]
        held = [] if self.bundle is None else ["--bundle", folder / "bundle"]
        return [str(word) for word in (*words, *held, *self.asked)]


# --- what a release knows ---------------------------------------------------------------------


def answered(scene: Scene, staple: JsonObject | None = None, **parts: object) -> Question:
    """The scene's permit, presented with a staple as last published, or with another."""
    shown = scene.file(staple=scene.staple() if staple is None else staple)
    return Question(**{"shown": shown, "policy": scene.fed.policy, **parts})


def with_rdfc(scene: Scene) -> Question:
    scene.credential = scene.issue(suite=eddsa_rdfc_2022)
    return answered(scene)


def presented_with_rdfc(scene: Scene) -> Question:
    return answered(scene, shown=scene.file(scene.present(suite=eddsa_rdfc_2022)))


def from_bundle(scene: Scene, *lines: bytes) -> Question:
    """The permit alone; the counter has the evidence, and a bundle with more lines."""
    made = gzip.decompress(encode_bundle(parse_evidence(scene.staple())))
    bundle = gzip.compress(b"".join(line + b"\n" for line in (made.rstrip(), *lines)), mtime=0)
    return answered(scene, shown=jcs.encode(scene.credential), bundle=bundle, asked=())


def issued_while_authorised(scene: Scene) -> Question:
    scene.log_issuance()
    scene.publish()
    scene.fed.tick(60)
    scene.fed.end(scene.grant, scene.fed.root("gd"))
    scene.fed.tick()
    scene.publish()
    return answered(scene)


def revoked(scene: Scene) -> Question:
    scene.fed.tick()
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.fed.tick()
    scene.publish()
    return answered(scene)


def expired(scene: Scene) -> Question:
    end = timestamps.encode(timestamps.from_posix(scene.fed.now + 60))
    scene.credential = scene.issue(validUntil=end)
    return answered(scene, asked=(*ASKED, "--now", "+2m"))


def stale(scene: Scene) -> Question:
    return answered(scene, asked=(*ASKED, "--now", "+3d"))


def by_next_policy(scene: Scene, **changes: object) -> Question:
    return answered(scene, policy=scene.fed.next_policy(**changes))


def reissued(scene: Scene, **changes: object) -> Question:
    scene.credential = scene.issue(**changes)
    return answered(scene)


def with_proof(scene: Scene, **changes: str) -> Question:
    scene.credential["proof"] |= changes
    return answered(scene)


# --- what is yet to come ----------------------------------------------------------------------


def of_another_type(scene: Scene) -> Question:
    """An entry of a type that a later release may have, with its place in the newest heads."""
    subject, fed = "urn:didsvc:later:1", scene.fed
    members: JsonObject = {"v": 1, "t": "later", "s": subject, "n": 1, "a": fed.now, "b": {}}
    data = jcs.encode(members)
    fed.logs["gd.example/reg"].force(
        Entry("later", subject, 1, None, None, data, members, at=fed.now)
    )
    fed.tick()
    scene.publish()
    return answered(scene, joined(scene.staple(), fed.evidence(("later", subject))))


def next_entry(scene: Scene, placed: LoggedEntry, signer: Actor, **changes: object) -> Question:
    """The chain of an entry goes on in a way that a later release knows.

    The presenter has what was in use before it, too: that must not step into its place.
    """
    before, fed, entry = scene.staple(), scene.fed, placed.entry
    (log,) = [each for each in fed.logs.values() if placed in each.entries]
    body = {name: value for name, value in entry.body.items() if name != "proof"}
    fed.tick(60)
    later = fed.compose(
        log.origin, entry.type, entry.subject, {**body, **changes}, entry.digest
    )
    signed = later if entry.type in ("did", "status") else fed.sign(later, signer)
    log.force(signed.sequenced(fed.now))
    fed.tick()
    scene.publish()
    return answered(scene, joined(scene.staple(), headless(before)))


def next_statement(scene: Scene) -> Question:
    return next_entry(scene, scene.grant, scene.fed.root("gd"), conditions=["later"])


def next_schema(scene: Scene) -> Question:
    placed = scene.fed.logs["cn.example/reg"].newest("schema", SCHEMA)
    return next_entry(scene, placed, scene.fed.root("cn"), kind="json-schema-later")


def next_did(scene: Scene) -> Question:
    placed = scene.fed.logs["gd.example/reg"].newest("did", scene.agency.id)
    return next_entry(scene, placed, scene.agency, op="later")


def next_list(scene: Scene) -> Question:
    log = scene.fed.logs[scene.fed.data_of(scene.agency.did)]
    placed = log.newest("status", scene.agency.list_url())
    return next_entry(scene, placed, scene.agency, kind="later")


def heads_say_more(scene: Scene) -> Question:
    """The newest heads entries have a member that a later release may write."""
    fed = scene.fed
    fed.tick(60)
    for origin in ("gd.example/reg", "cn.example/reg"):
        log = fed.logs[origin]
        former = log.newest("heads", origin).entry.body
        snapshot = log.snapshot(log.size())
        body = {
            **former,
            "size": log.size(),
            "count": len(snapshot.records),
            "root": b64.encode_url(snapshot.root),
            "at": fed.now,
            "later": 1,
        }
        log.force(fed.compose(origin, "heads", origin, body).sequenced(fed.now))
        fed.cosign(origin)
    return answered(scene)


def staple_says_more(scene: Scene) -> Question:
    return answered(scene, {**scene.staple(), "later": [1]})


def items_say_more(scene: Scene) -> Question:
    """Each statement at hand twice: as it is, and with a member that is not known."""
    staple = scene.staple()
    changed = [{**item, "later": 1} for item in staple["items"]]
    return answered(scene, {**staple, "items": [*changed, *staple["items"]]})


def file_says_more(scene: Scene) -> Question:
    return answered(scene, shown=json.dumps({**json.loads(scene.file()), "later": 1}).encode())


def cosigned_by_more(scene: Scene) -> Question:
    """Each checkpoint has a line more, by a key and an algorithm that nobody knows here."""
    line = "\u2014 later.example/witness " + base64.b64encode(b"\6" * 2_432).decode() + "\n"
    staple = scene.staple()
    notes = [note + line for note in staple["checkpoints"]]
    return answered(scene, {**staple, "checkpoints": notes})


def held_by(scene: Scene, holder: str) -> Question:
    scene.credential = scene.issue(
        credentialSubject={**scene.unsigned()["credentialSubject"], "id": holder}
    )
    presentation = {**scene.present(), "holder": holder}
    presentation["proof"]["verificationMethod"] = f"{holder}#key-1"
    return answered(scene, shown=scene.file(presentation))


def another_context(scene: Scene) -> Question:
    contexts = [*scene.unsigned()["@context"], "https://example.org/ns/later/v3"]
    return reissued(scene, **{"@context": contexts})


def another_status(scene: Scene) -> Question:
    entry = {**status_entry(scene.agency), "type": "LaterStatusListEntry"}
    return reissued(scene, credentialStatus=entry)
