"""DIDs by command: made, changed, moved and ended, and taken up where they were cut off."""

import json

import pytest

from did_service.core.anchor.voids import standing
from did_service.core.crypto.sealed import Argon2id
from did_service.core.did.webvh.history import verify_history
from did_service.core.encoding import jcs, timestamps
from did_service.core.errors import (
    ConflictError,
    DecryptionError,
    NotFoundError,
    RuleError,
    UnavailableError,
)
from did_service.node import did_submission
from did_service.node.did_document import with_key
from did_service.node.did_folder import DidFolder
from did_service.node.did_keys import KeyFiles
from did_service.node.dids import Dids
from tests.support.dids import key
from tests.support.live import publishing, running
from tests.support.refusals import refused

GD, HN = "gd.example/reg", "hn.example/reg"


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("dids"), rules=2) as federation:
        federation.publish("gd", "hn")
        yield federation


def cheap(salt: bytes) -> Argon2id:
    return Argon2id(1, 8_192, salt)


def office(fed, tmp_path, passphrase="one two three", **changes):
    keys = KeyFiles(tmp_path / "keys", passphrase, fed.edge.rng, cheap)
    settings = {"folder": DidFolder(tmp_path), "keys": keys, "transport": fed.transport}
    return Dids(policy=fed.policy, edge=fed.edge, **settings | {"waits": 1} | changes)


def published(fed, tmp_path):
    """What the public files say, by did:webvh's own rules."""
    witness = tmp_path / "did-witness.json"
    return verify_history(
        (tmp_path / "did.jsonl").read_bytes(),
        witness_file=witness.read_bytes() if witness.exists() else None,
        did=None,
        now=timestamps.from_posix(fed.now),
    ).latest


def test_a_did_lives_from_its_first_version_to_its_last(fed, tmp_path):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd"):
        made = dids.create("life.gd.example:dids:a")
        fed.tick(60)
        rotated = dids.rotate()
        document = {**rotated.state.version.document.raw, "alsoKnownAs": ["https://a.example/"]}
        fed.tick(60)
        updated = dids.update(document)
        fed.tick(60)
        dropped = dids.rotate(drop_old=True)
        fed.tick(60)
        ended = dids.deactivate()
    assert [made.placed.entry.number, ended.placed.entry.number] == [1, 5]
    assert len(rotated.state.version.document.methods) == 2
    assert updated.state.version.document.also_known_as == ("https://a.example/",)
    assert [m.id for m in dropped.state.version.document.methods] == [f"{made.state.did}#key-4"]
    assert published(fed, tmp_path).deactivated
    assert len(fed.logs[GD].chain("did", made.state.scid)) == 5
    with refused("did_deactivated", RuleError):
        fed.tick(60)
        dids.rotate()


def test_a_did_moves_to_another_region_and_goes_on_there(fed, tmp_path):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd", "hn"):
        dids.create("moving.gd.example", movable=True)
        fed.tick(60)
        moved = dids.move("moving.hn.example")
        fed.tick(60)
        rotated = dids.rotate()
    assert (moved.log, moved.placed.entry.number) == (HN, 3)
    assert (rotated.log, rotated.placed.entry.number) == (HN, 4)
    assert published(fed, tmp_path).did.endswith(":moving.hn.example")
    assert len(standing(fed.logs[GD].chain("did", moved.state.scid))) == 2


def test_within_its_region_a_did_moves_in_one_entry(fed, tmp_path):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd"):
        dids.create("near.gd.example", movable=True)
        fed.tick(60)
        moved = dids.move("nearer.gd.example")
    assert (moved.log, moved.placed.entry.number) == (GD, 2)


def test_what_was_not_made_movable_stays(fed, tmp_path):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd"):
        dids.create("fixed.gd.example")
    fed.tick(60)
    with refused("not_portable", RuleError):
        dids.move("fixed.hn.example")
    assert DidFolder(tmp_path).pending() is None


def test_the_next_command_goes_on_where_the_witnesses_were_late(fed, tmp_path, monkeypatch):
    monkeypatch.setattr(did_submission, "MAX_WAIT_SECONDS", 0)
    dids = office(fed, tmp_path)
    with refused("not_witnessed_yet", UnavailableError):
        dids.create("late.gd.example")
    assert not (tmp_path / "did.jsonl").exists()
    monkeypatch.undo()
    fed.publish("gd")
    made = dids.create("late.gd.example")
    assert made.resumed
    assert len(fed.logs[GD].chain("did", made.state.scid)) == 1


class Lost:
    """A transport that loses the answer to one request of all."""

    def __init__(self, transport, number: int) -> None:
        self.transport, self.left = transport, number

    def __getattr__(self, name: str):
        method = getattr(self.transport, name)

        def call(*arguments, **options):
            answer = method(*arguments, **options)
            self.left -= 1
            if self.left == 0:
                raise UnavailableError("peer_unreachable", "the answer is lost")
            return answer

        return call


@pytest.mark.parametrize("number", range(1, 4))
def test_a_lost_answer_makes_no_second_version(fed, tmp_path, number):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd", "hn"):
        dids.create(f"lost{number}.gd.example", movable=True)
        fed.tick(60)
        loses = office(fed, tmp_path, transport=Lost(fed.transport, number))
        with refused("peer_unreachable", UnavailableError):
            loses.move(f"lost{number}.hn.example")
        # Its log has a newer checkpoint now: a join that named this one would be another entry.
        office(fed, tmp_path / "other").create(f"other{number}.gd.example")
        moved = dids.move(f"lost{number}.hn.example")
    assert moved.resumed
    assert moved.state.version.number == 2
    assert len(fed.logs[GD].chain("did", moved.state.scid)) == 2
    assert len(fed.logs[HN].chain("did", moved.state.scid)) == 1


@pytest.mark.parametrize("step", ["did.jsonl", "logged.json", "pending.json"])
def test_a_command_that_is_killed_while_it_publishes_is_finished(
    fed, tmp_path, monkeypatch, step
):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd"):
        dids.create(f"killed-{step.partition('.')[0]}.gd.example")
        fed.tick(60)
        saved = (tmp_path / "logged.json").read_bytes()
        first = dids.rotate()
        pending = DidFolder(tmp_path)
        files = {name: (tmp_path / name).read_bytes() for name in ("did.jsonl", "logged.json")}
        kept = pending_of(first, saved)
        (tmp_path / "pending.json").write_bytes(kept)
        if step == "did.jsonl":
            lines = files["did.jsonl"].splitlines(keepends=True)
            (tmp_path / "did.jsonl").write_bytes(lines[0])
            (tmp_path / "logged.json").write_bytes(saved)
        elif step == "logged.json":
            (tmp_path / "logged.json").write_bytes(saved)
        again = dids.rotate()
    assert again.resumed
    assert again.placed == first.placed
    assert pending.pending() is None
    assert {name: (tmp_path / name).read_bytes() for name in files} == files


def pending_of(change, logged: bytes) -> bytes:
    """The pending.json of a version that is logged already."""
    members = {
        "operation": change.operation,
        "did": change.state.did,
        "version": change.state.version.entry,
        "witness": None,
        "origin": change.log,
        "after": json.loads(logged)["placed"],
        "to": None,
        "left": None,
        "shown": None,
    }
    return jcs.encode(members)


def test_what_is_pending_comes_before_what_is_asked(fed, tmp_path, monkeypatch):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd"):
        dids.create("first.gd.example")
    fed.tick(60)
    monkeypatch.setattr(did_submission, "MAX_WAIT_SECONDS", 0)
    with refused("not_witnessed_yet", UnavailableError):
        dids.rotate()
    monkeypatch.undo()
    with publishing(fed, "gd"):
        fed.tick(60)
        ended = dids.deactivate()
    assert (ended.operation, ended.resumed) == ("deactivate", False)
    assert ended.placed.entry.number == 3


def test_what_the_log_refuses_is_forgotten(fed, tmp_path):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd"):
        made = dids.create("refused.gd.example")
        fed.tick(60)
        document = made.state.version.document.raw
        emptied = {**document, "verificationMethod": []}
        renamed = with_key(emptied, "key-1", key("b").public, alone=True)
        with refused("key_name_reused", RuleError):
            dids.update(renamed)
        assert DidFolder(tmp_path).pending() is None
        dids.rotate()


def test_a_copy_that_is_behind_says_so(fed, tmp_path):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd"):
        dids.create("copied.gd.example")
        files = {path: path.read_bytes() for path in tmp_path.glob("*.json*")}
        fed.tick(60)
        dids.rotate()
        for path, data in files.items():
            path.write_bytes(data)
        fed.tick(60)
        with refused("did_moved_on", ConflictError):
            dids.rotate()


def test_a_folder_holds_one_did(fed, tmp_path):
    dids = office(fed, tmp_path)
    with refused("did_missing", NotFoundError):
        dids.rotate()
    with publishing(fed, "gd"):
        dids.create("one.gd.example")
    with refused("did_exists", ConflictError):
        dids.create("two.gd.example")


def test_keys_are_sealed_and_the_committed_one_is_needed(fed, tmp_path):
    dids = office(fed, tmp_path)
    with publishing(fed, "gd"):
        dids.create("keys.gd.example")
    fed.tick(60)
    with refused("passphrase_wrong", DecryptionError):
        office(fed, tmp_path, "another").rotate()
    for path in (tmp_path / "keys").glob("*.json"):
        assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()
    with refused("next_key_missing", NotFoundError):
        dids.rotate()


class RootKeys:
    """The keys of a region's root, which the federation of the tests has made from names."""

    def __init__(self, region: str) -> None:
        self.region, self.kept = region, {}

    def make(self):
        return key(f"{self.region} made {len(self.kept)}")

    def keep(self, made, kid):
        self.kept[kid] = made

    def committed(self, hashes):
        return key(f"{self.region}.example update 2")


def test_a_root_asks_the_witnesses_that_it_names(fed, tmp_path):
    root = fed.root("cn")
    folder = DidFolder(tmp_path)
    placed = fed.logs["cn.example/reg"].newest("did", root.id)
    body = placed.entry.body
    (tmp_path / "did.jsonl").write_bytes(jcs.encode(body["entry"]) + b"\n")
    members = {"log": "cn.example/reg"}
    members["placed"] = {"index": placed.index, "entry": placed.entry.members}
    (tmp_path / "logged.json").write_bytes(jcs.encode(members))
    dids = office(fed, tmp_path, folder=folder, keys=RootKeys("cn"))
    fed.publish("cn")
    fed.tick(60)
    with publishing(fed, "cn"):
        changed = dids.rotate()
    proofs = changed.placed.entry.body["witness"]
    assert len(proofs) >= changed.state.witness_rule.threshold
    assert published(fed, tmp_path).version.number == 2


def test_too_few_approvals_keep_a_root_from_changing(fed, tmp_path):
    root = fed.root("sc")
    placed = fed.logs["sc.example/reg"].newest("did", root.id)
    (tmp_path / "did.jsonl").write_bytes(jcs.encode(placed.entry.body["entry"]) + b"\n")

    class Away:
        """Witnesses that do not answer."""

        def __getattr__(self, name):
            def call(*_arguments, **_options):
                raise UnavailableError("peer_unreachable", "away")

            return call

    dids = office(fed, tmp_path, keys=RootKeys("sc"), transport=Away())
    with refused("approvals_missing", UnavailableError):
        dids.rotate()
    assert DidFolder(tmp_path).pending() is None
