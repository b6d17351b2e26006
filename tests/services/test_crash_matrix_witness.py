"""A witness killed between any two steps of copy, guard, hold, cosign, or failed by its disk.

Each row of the matrix is one real child process, gone at one event, over each kind of database
and over a bucket. Afterwards it holds what it had cosigned, and signs only what goes on from
it; the next start heals it by itself.
"""

import os
import signal
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.log import tiles
from did_service.core.log.checkpoint import checkpoint_in
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import parse_note
from did_service.core.log.witnessing import UnverifiedAddCheckpoint
from did_service.node.region import lone_witness
from did_service.program.clock import ClockAndRandom
from did_service.replica.fsck import examine
from did_service.replica.store import ReplicaStore
from did_service.replica.tree import StaticTree
from did_service.signer.last_signed import LastSigned
from did_service.storage.folder import FolderBlobs
from did_service.storage.object_store import ObjectBlobs
from did_service.witness import look_back
from did_service.witness.store import WitnessStore
from tests.support.crashing import in_files_by_day, names_in, run, started, stride_in, told
from tests.support.dids import hash_of
from tests.support.live import LiveFederation, regional_setup, running
from tests.support.storage import S3, handed_on

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("crash-matrix-witness")]

LOG = "hn.example/reg"
TRIES = 5
_STEPS = [
    (ReplicaStore, "append"),
    (LastSigned, "advance"),
    (WitnessStore, "hold"),
    (ReplicaStore, "remember_cosigned"),
    (Cosigner, "cosign"),
    (StaticTree, "publish"),
]
_IN_FOLDER = [(FolderBlobs, "add"), (FolderBlobs, "replace")]
_IN_BUCKET = [(ObjectBlobs, "add"), (ObjectBlobs, "swap")]


def steps_in(place):
    """What is wrapped in the child, by where its copies are."""
    return [*_STEPS, *(_IN_BUCKET if place == S3 else _IN_FOLDER)]


def witness_at_work(say, storage, places, policy, now):
    """Cosign what the log offers, follow what it has published, and say what was signed."""
    edge = ClockAndRandom(lambda: timestamps.from_posix(now), os.urandom)
    with closing(Transport(Routes(places))) as transport:
        setup = regional_setup("gd", storage.folder, parse_policy(policy), transport, edge)
        with lone_witness(replace(setup, storage=storage)) as witness:
            with suppress(DidServiceError):
                say(cosigned(witness))
            witness.refresh_now()


def cosigned(witness):
    """Ask for a cosignature of the log's newest head; size and root that were signed."""
    reader = witness.mirror.read(LOG)
    note = parse_note(reader.checkpoint())
    head = checkpoint_in(note.encode())
    held = witness.store.held(LOG)
    old = 0 if held is None else held.head.size
    proof = tiles.consistency_proof(reader.tile, old, head.size) if old else ()
    signed = note.with_lines([])._replace(signatures=note.signatures[:1])
    witness.cosigning.add_checkpoint(
        UnverifiedAddCheckpoint(old, tuple(proof), signed).encode()
    )
    return head.size, head.root


@pytest.fixture(scope="module")
def fed(tmp_path_factory, each_place):
    with (
        running(tmp_path_factory.mktemp("crash")) as federation,
        pytest.MonkeyPatch.context() as m,
    ):
        m.setattr(look_back, "LOOK_AGAIN_SECONDS", 0)  # a log that was late is asked again
        federation.publish()
        yield federation


class Case:
    """One run of a witness's child beside four regions that live on and sign without it."""

    def __init__(self, fed: LiveFederation, place: str, name: str) -> None:
        self.fed, self.place, self.name = fed, place, name

    def run(self, **fate):
        fed = self.fed
        self.witnessed("before")
        storage = handed_on(fed.folder / "gd")
        fed.stop("gd")
        fed.tick(5)
        self.submit("offered")
        fed.publish("hn")
        given = (storage, dict(fed.places), fed.policy.members, fed.now)
        try:
            return run(witness_at_work, given, steps_in(self.place), **fate)
        finally:
            started(lambda: fed.start("gd"))

    def check(self, said) -> None:
        """What was signed is held, one history goes on from it, and nothing is damaged."""
        fed, log = self.fed, self.fed.logs[LOG]
        witness = fed.witness("gd")
        for size, root in said:
            assert log.root(size) == root
            assert witness.guard.held(LOG).size >= size
        self.witnessed("after")
        witness.refresh_now()
        held = witness.store.held(LOG).head
        assert held == witness.guard.held(LOG)
        assert (held.size, held.root) == (log.size(), log.root(log.size()))
        for replica in witness.mirror.replicas.values():
            assert not examine(replica, None)
        assert not list(witness.cosigning.copies.words())
        assert not any(fed.witness(region).store.alarms() for region in fed.running)

    def submit(self, moment):
        fed = self.fed
        location = f"{self.name}-{moment}.hn.example"
        actor, entry = fed._create(location, {"nextKeyHashes": [hash_of(location)]})
        fed.client(LOG).submit(fed.did_entry(actor, entry))

    def witnessed(self, moment) -> None:
        """The log grows, and this witness cosigns it."""
        self.fed.tick(5)
        self.submit(moment)
        self.fed.publish("hn")
        for _ in range(TRIES - 1):
            with suppress(UnavailableError):  # a busy machine answers late
                cosigned(self.fed.witness("gd"))
                return
        cosigned(self.fed.witness("gd"))


@in_files_by_day
def test_a_witness_killed_between_any_two_steps_heals_at_its_next_start(fed, each_place):
    whole = Case(fed, each_place, "whole")
    said, events, _, code = whole.run()
    assert (code, len(said)) == (0, 1)
    whole.check(said)
    assert names_in(events) == {name for _, name in steps_in(each_place)}
    stride = stride_in(each_place)
    for at in range(0, len(events), stride):
        case = Case(fed, each_place, f"kill{at}")
        said, _, _, code = case.run(at=at)
        assert code in (0, -signal.SIGKILL)
        case.check(said)
    told(f"witness, {each_place}: {len(events)} events, killed before one of {stride}")


@in_files_by_day
def test_a_witness_whose_disk_fails_at_any_sync_heals_at_its_next_start(fed, each_place):
    _, _, syncs, _ = Case(fed, each_place, "count").run()
    assert syncs > (0 if each_place == S3 else 5)  # beside a bucket the guard's alone
    stride = stride_in(each_place)
    for at in range(1, syncs + 1, stride):
        case = Case(fed, each_place, f"sync{at}")
        said, *_ = case.run(sync=at)
        case.check(said)
    told(f"witness, {each_place}: {syncs} syncs, one of {stride} failed")
