"""Killed between every two steps of a write path, or failed by the disk at each sync.

Each row of the matrix is one real child process, gone at one event, over each kind of database
and over a bucket. Whoever reads its files finds all of the checkpoint that is there, while
nobody runs as well. Afterwards what it had answered is there, no index was given twice, what it
signed is one history, and the next start heals it by itself.
"""

import os
import signal
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.log.checkpoint import checkpoint_in
from did_service.node.region import lone_registry
from did_service.node.region_app import registry_app
from did_service.node.stores import led_registry_stores
from did_service.program.clock import ClockAndRandom
from did_service.registry.publisher import LogPublisher
from did_service.registry.sequencer import QueuedEntry
from did_service.registry.store import CheckpointStore
from did_service.registry.witness_pool import WitnessPool
from did_service.replica.fsck import examine
from did_service.replica.store import ReplicaStore
from did_service.replica.tree import StaticTree
from did_service.signer.last_signed import LastSigned
from did_service.signer.log_key import KeyHolder
from did_service.storage.folder import FolderBlobs
from did_service.storage.object_store import ObjectBlobs
from did_service.web.serve import Server, unix_socket
from tests.support.crashing import in_files_by_day, names_in, run, started, stride_in, told
from tests.support.dids import hash_of
from tests.support.elsewhere import is_whole
from tests.support.live import LiveFederation, regional_setup, running
from tests.support.storage import S3, handed_on

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("crash-matrix")]

TRIES = 5
ORIGINS = REG, EV = ("gd.example/reg", "gd.example/ev/2026")
_STEPS = [
    (ReplicaStore, "append"),
    (LogPublisher, "publish"),
    (KeyHolder, "sign"),
    (LastSigned, "advance"),
    (CheckpointStore, "swap"),
    (WitnessPool, "gather"),
    (StaticTree, "publish"),
]
_IN_FOLDER = [(FolderBlobs, "add"), (FolderBlobs, "replace")]
_IN_BUCKET = [(ObjectBlobs, "add"), (ObjectBlobs, "swap")]


def steps_in(place):
    """What is wrapped in the child, by where its files are."""
    return [*_STEPS, *(_IN_BUCKET if place == S3 else _IN_FOLDER)]


def registry_at_work(say, storage, places, policy, now, submissions):
    """Take entries, publish after each, and say what a client was told."""
    edge = ClockAndRandom(lambda: timestamps.from_posix(now), os.urandom)
    with closing(Transport(Routes(places))) as transport:
        setup = regional_setup("gd", storage.folder, parse_policy(policy), transport, edge)
        setup = replace(setup, storage=storage)
        socket = unix_socket(Path(places["gd.example"].path))
        opened = lone_registry(setup, {}, led_registry_stores)
        with opened as registry, Server(registry_app(registry), socket):
            registry.leadership.start(registry._lead)  # and publish by our own hand
            for submission in submissions:
                with suppress(DidServiceError):
                    placed = registry.sequencer.append(REG, [QueuedEntry(submission, {})])[0]
                    say(("taken", placed.index, placed.leaf))
                with suppress(DidServiceError):
                    registry.publish_now()
                note = registry.logs[REG].tree.checkpoint()
                if note is not None:
                    say(("published", note))


@pytest.fixture(scope="module")
def fed(tmp_path_factory, each_place):
    with running(tmp_path_factory.mktemp("crash")) as federation:
        agency = federation.agency("gz.gd.example")
        federation.grant(federation.root("gd"), agency)
        federation.status_list(agency, revoked=[7])  # so that both logs have a checkpoint
        federation.publish()
        yield federation


def submission(fed: LiveFederation, location: str):
    following = hash_of(f"{location} update 2")
    actor, entry = fed._create(location, {"nextKeyHashes": [following]})
    return fed.did_entry(actor, entry)


class Case:
    """One run of the registry's child beside four regions that live on."""

    def __init__(self, fed: LiveFederation, place: str, name: str) -> None:
        self.fed, self.place = fed, place
        self.entries = [submission(fed, f"{name}{n}.gd.example") for n in (1, 2)]
        self.before = fed.reader(REG).checkpoint()

    def run(self, **fate):
        fed = self.fed
        storage = handed_on(fed.folder / "gd")
        fed.stop("gd")
        given = (storage, dict(fed.places), fed.policy.members, fed.now, self.entries)
        try:
            ended = run(registry_at_work, given, steps_in(self.place), **fate)
            check_files(storage)
            return ended
        finally:
            fed.tick(5)
            started(lambda: fed.start("gd"))

    def answered(self, entry):
        """What a client is told, that asks again where a busy machine is late."""
        for _ in range(TRIES - 1):
            with suppress(UnavailableError):
                return self.fed.client(REG).submit(entry)
        return self.fed.client(REG).submit(entry)

    def check(self, said) -> None:
        """Nothing that was taken is lost, nothing that was published is taken back."""
        fed = self.fed
        log = fed.logs[REG]
        for kind, *what in said:
            if kind == "taken":
                index, leaf = what
                assert log.placed(index).leaf == leaf
            else:
                head = checkpoint_in(what[0])
                assert log.root(head.size) == head.root
        for entry in self.entries:  # a client that had no answer asks again
            receipt = self.answered(entry)
            assert log.placed(receipt.index).leaf == receipt.leaf
        taken = [what[0] for kind, *what in said if kind == "taken"]
        assert len(set(taken)) == len(taken)
        fed.publish("gd")
        now = checkpoint_in(fed.reader(REG).checkpoint())
        former = checkpoint_in(self.before)
        assert now.size == log.size() > former.size
        assert log.root(former.size) == former.root
        registry = fed.registry("gd")
        for origin, replica in registry.region.replicas.items():
            assert not examine(replica, registry.logs[origin].signed())
        assert not any(code for _, code in registry.words())
        assert not any(fed.witness(region).store.alarms() for region in fed.running)


def check_files(storage) -> None:
    """Whoever reads the files finds all of what the checkpoint says, while nobody runs."""
    for origin in ORIGINS:
        assert is_whole(storage.blob_store(origin.partition("/")[2]))


def test_a_registry_killed_between_any_two_steps_heals_at_its_next_start(fed, each_place):
    whole = Case(fed, each_place, "whole")
    said, events, _, code = whole.run()
    assert code == 0
    whole.check(said)
    assert names_in(events) == {name for _, name in steps_in(each_place)}
    stride = stride_in(each_place)
    for at in range(0, len(events), stride):
        case = Case(fed, each_place, f"kill{at}-")
        said, _, _, code = case.run(at=at)
        assert code in (0, -signal.SIGKILL)
        case.check(said)
    told(f"registry, {each_place}: {len(events)} events, killed before one of {stride}")


@in_files_by_day
def test_a_registry_whose_disk_fails_at_any_sync_heals_at_its_next_start(fed, each_place):
    _, _, syncs, _ = Case(fed, each_place, "count").run()
    assert syncs > (1 if each_place == S3 else 5)  # beside a bucket the guard's alone
    stride = stride_in(each_place)
    for at in range(1, syncs + 1, stride):
        case = Case(fed, each_place, f"sync{at}-")
        said, *_ = case.run(sync=at)
        case.check(said)
    told(f"registry, {each_place}: {syncs} syncs, one of {stride} failed")
