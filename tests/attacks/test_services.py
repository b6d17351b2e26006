"""Attacks on running regions: forks, floods, partitions, restored backups. All over HTTP."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from did_service.core.anchor.entry import LoggedEntry
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.limits import MAX_ENTRY_WAITERS
from did_service.core.log import tiles
from did_service.core.log.checkpoint import (
    Checkpoint,
    checkpoint_in,
    sign_checkpoint,
)
from did_service.core.log.note import parse_note
from did_service.core.log.witnessing import UnverifiedAddCheckpoint, WitnessStatus
from did_service.registry.registry import Registry
from did_service.replica.tree import StaticTree
from tests.support.cosigners import signed_by
from tests.support.dids import hash_of
from tests.support.founding import TERRITORY, log_signer
from tests.support.live import LiveFederation, running
from tests.support.refusals import refused

REG, EV = "gd.example/reg", "gd.example/ev/2026"
OTHERS = [region for region in TERRITORY if region != "gd"]


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("attacks")) as federation:
        federation.publish("gd")
        yield federation


def held(fed: LiveFederation, region: str, origin: str = REG):
    return fed.witness(region).store.held(origin).head


def head(fed: LiveFederation, origin: str = REG) -> Checkpoint:
    return checkpoint_in(fed.reader(origin).checkpoint())


def copy_region(fed: LiveFederation, folder) -> None:
    """Take a copy of gd's registry while it is not being written."""
    shutil.copytree(fed.folder / "gd", folder, ignore=shutil.ignore_patterns("witness*"))


def second_registry(fed: LiveFederation, folder) -> Registry:
    """A registry with the true log keys, and a guard that fits its copy: a thief writes one."""
    return fed.make_registry("gd", folder)


def write_to(fed: LiveFederation, registry: Registry, location: str) -> None:
    """Put a DID into another registry of gd, past its sequencer."""
    store = registry.region.stores[REG]
    parameters = {"nextKeyHashes": [hash_of(f"{location} update 2")]}
    entry = fed.did_entry(*fed._create(location, parameters)).sequenced(fed.now)
    store.append([LoggedEntry(entry, store.size(), entry.leaf())], {})


def publishes_nothing(fork: Registry) -> None:
    """Our own program stops by itself, once the witnesses have shown what they hold."""
    with pytest.raises(DidServiceError) as caught:
        fork.publish_now()
    assert caught.value.code in {
        "quorum_not_met",
        "log_behind_its_signature",
        "log_differs_from_its_signature",
    }


def offer(fed: LiveFederation, fork: Registry, region: str) -> Checkpoint:
    """Ask a witness, with a program of the thief's own, to follow the other history."""
    store, old = fork.region.stores[REG], held(fed, region).size
    forked = Checkpoint(REG, store.size(), store.root(store.size()))
    note = parse_note(sign_checkpoint(forked, log_signer(REG)))
    proof = tuple(tiles.consistency_proof(store.hashes, old, new_size=forked.size))
    request = UnverifiedAddCheckpoint(old, proof, note)
    url = f"https://{region}.example/witness/add-checkpoint"
    answer = fed.transport.request("POST", url, body=request.encode())
    assert answer.status == WitnessStatus.INCONSISTENT
    return forked


def test_forked_log_with_the_true_key(fed, tmp_path):
    """The second of two histories gets no quorum, and every witness keeps both notes."""
    copy_region(fed, tmp_path / "gd")
    fed.agency("true.gd.example")
    fed.publish("gd")
    fork = second_registry(fed, tmp_path / "gd")
    for number in range(4):  # more than the true log has by now: it claims to go on from there
        write_to(fed, fork, f"false{number}.gd.example")
    before = head(fed)
    publishes_nothing(fork)
    for region in OTHERS:
        forked = offer(fed, fork, region)
        alarm = fed.ask(region).alarms()["alarms"][-1]
        offered, known = (checkpoint_in(alarm[name].encode()) for name in ("offered", "held"))
        assert (alarm["log"], offered) == (REG, forked)
        assert offered.root != fed.logs[REG].root(before.size)
        assert known == before
        assert held(fed, region).root == before.root
    fork.close()
    fed.publish("gd")


def test_alarms_flooded_by_a_bystander(fed):
    """Published checkpoints beside wrong proofs neither alarm anybody nor hide a real fork."""
    fed.publish("gd")
    published = parse_note(fed.reader(REG).checkpoint())
    before = {region: fed.ask(region).alarms() for region in OTHERS}
    for region in OTHERS:
        for number in range(3):
            proof = (bytes([number]) * 32,)
            request = UnverifiedAddCheckpoint(held(fed, region).size, proof, published)
            answer = fed.transport.request(
                "POST",
                f"https://{region}.example/witness/add-checkpoint",
                body=request.encode(),
            )
            assert answer.status == WitnessStatus.INCONSISTENT
        assert fed.ask(region).alarms() == before[region]


def test_stolen_log_key_after_max_size(fed):
    """The thief signs the largest head of all, so that the log could never go on."""
    before = {region: held(fed, region) for region in OTHERS}
    largest = Checkpoint(REG, 2**48 - 1, b"r" * 32)
    note = parse_note(sign_checkpoint(largest, log_signer(REG)))
    for region in OTHERS:
        request = UnverifiedAddCheckpoint(before[region].size, (b"h" * 32,) * 48, note)
        answer = fed.transport.request(
            "POST", f"https://{region}.example/witness/add-checkpoint", body=request.encode()
        )
        assert answer.status != WitnessStatus.COSIGNED
        assert held(fed, region) == before[region]
    fed.agency("afterwards.gd.example")
    fed.publish("gd")
    assert head(fed).size == fed.logs[REG].size()


def test_witness_restored_from_backup(fed, tmp_path):
    """Yesterday's database signs nothing that contradicts what today's has signed."""
    place = fed.folder / "zj"
    copy_region(fed, tmp_path / "gd")
    fed.stop("zj")
    for path in place.glob("witness.sqlite*"):
        shutil.copy(path, tmp_path / path.name)
    fed.start("zj")
    fed.agency("today.gd.example")
    fed.publish("gd")
    newest = held(fed, "zj")
    fed.stop("zj")
    for path in place.glob("witness.sqlite*"):
        path.unlink()
    for path in tmp_path.glob("witness.sqlite*"):
        shutil.copy(path, place / path.name)
    fed.start("zj")
    assert held(fed, "zj").size < newest.size
    fork = second_registry(fed, tmp_path / "gd")
    write_to(fed, fork, "yesterday.gd.example")
    publishes_nothing(fork)
    fork.close()
    fed.publish("gd")
    assert "zj" in signed_by(fed.policy.log_policy(REG), fed.reader(REG).checkpoint())
    assert fed.logs[REG].root(newest.size) == newest.root


def test_log_restored_from_backup(fed, tmp_path):
    """What was restored takes and signs nothing while it lacks what the key has signed."""
    copy_region(fed, tmp_path / "gd")
    fed.agency("once.gd.example")
    fed.agency("twice.gd.example")
    fed.publish("gd")
    shutil.copy(fed.folder / "gd" / "last-signed", tmp_path / "gd" / "last-signed")
    restored = fed.make_registry("gd", tmp_path / "gd")
    write_to(fed, restored, "again.gd.example")
    with refused("log_behind_its_signature", UnavailableError):
        restored.publish_now()
    restored.close()


def test_validator_returns_after_partition(fed):
    """It judges what happened meanwhile by what was so then, and cosigns again."""
    psb = fed.agency("far.gd.example")
    grant = fed.grant(fed.root("gd"), psb)
    fed.publish("gd")
    fed.stop("sc")
    fed.tick(60)
    fed.status_list(psb, revoked=[1])
    fed.publish("gd")
    fed.tick(60)
    fed.end(grant, fed.root("gd"))
    fed.rotate(psb)
    fed.publish("gd")
    fed.start("sc")
    alarms = len(fed.ask("sc").alarms()["alarms"])
    fed.tick(60)
    fed.publish("gd")
    for origin in (REG, EV):
        policy = fed.policy.log_policy(origin)
        assert "sc" in signed_by(policy, fed.reader(origin).checkpoint())
        copy = fed.witness("sc").mirror.replicas[origin].store
        assert copy.root(copy.size()) == fed.logs[origin].root(copy.size())
    assert len(fed.ask("sc").alarms()["alarms"]) == alarms


def test_issuer_server_down_log_goes_on(fed):
    """The list's bytes come with the submission; nobody asks the issuer's server for them."""
    psb = fed.agency("down.gd.example")
    fed.grant(fed.root("gd"), psb)
    assert "down.gd.example" not in fed.places  # there is no such server
    placed = fed.status_list(psb, revoked=[1])
    fed.publish("gd")
    policy = fed.policy.log_policy(EV)
    assert len(signed_by(policy, fed.reader(EV).checkpoint())) == 4
    assert fed.reader(EV).content(placed.entry.digest)


def test_validator_makes_no_request_to_issuer(fed, monkeypatch):
    asked = []
    real = type(fed.transport).request

    def spy(self, method, url, **arguments):
        asked.append(url)
        return real(self, method, url, **arguments)

    psb = fed.agency("quiet.gd.example")
    fed.grant(fed.root("gd"), psb)
    monkeypatch.setattr(type(fed.transport), "request", spy)
    fed.status_list(psb, revoked=[1])
    fed.publish("gd")
    hosts = {url.split("/")[2] for url in asked}
    assert hosts == {f"{region}.example" for region in TERRITORY}


def test_request_cannot_say_where_to_pull_from(fed):
    """A witness reads a log at the address of its own policy, whoever asks."""
    origin = "elsewhere.example/reg"
    note = parse_note(sign_checkpoint(Checkpoint(origin, 1, b"r" * 32), log_signer(origin)))
    request = UnverifiedAddCheckpoint(0, (), note)
    answer = fed.transport.request(
        "POST", "https://zj.example/witness/add-checkpoint", body=request.encode()
    )
    assert answer.status == WitnessStatus.ORIGIN_UNKNOWN


# --- strangers who wait -----------------------------------------------------------------------


def test_strangers_who_wait_for_the_quorum_cost_one_look_each(fed, monkeypatch):
    """A thousand begin to wait: how many heads and tiles are read for them, by each step."""
    log, waiting = fed.registry("gd").logs[REG], fed.registry("gd").rounds.waiting
    store, heads, tiles_read = fed.logs[REG], [], []
    head, tile = StaticTree.head, StaticTree.tile
    monkeypatch.setattr(StaticTree, "head", lambda tree: heads.append(1) or head(tree))
    monkeypatch.setattr(
        StaticTree, "tile", lambda tree, what: tiles_read.append(1) or tile(tree, what)
    )
    newest = store.placed(store.size() - 1)
    waiters = [
        waiting.for_entry(REG, replace(newest, index=newest.index - number % 3, leaf=b"o" * 32))
        for number in range(1_000)
    ]
    held = [waiter for waiter in waiters if waiter is not None]
    assert (len(held), len(heads)) == (3 * MAX_ENTRY_WAITERS, len(held))
    assert len(tiles_read) == len(held)
    heads.clear(), tiles_read.clear()
    waiting.published(log.origin)
    assert (len(heads), len(tiles_read)) == (1, 1)
    for waiter in held:
        waiter.cancel()


@pytest.mark.parametrize("host", ["gd.example", "made-up.example"])
def test_repeated_checkpoint_shuts_no_log_out_of_a_witness(fed, host):
    """Eight strangers repeat what a log has published; its own request waits behind them."""
    fed.publish("gd")
    note = parse_note(fed.reader(REG).checkpoint())
    old = UnverifiedAddCheckpoint(checkpoint_in(note.encode()).size, (), note).encode()
    body = old.replace(b"gd.example", host.encode())
    url, let = "https://hn.example/witness/add-checkpoint", threading.Event()
    real, begun = fed.witness("hn").cosigning.add_checkpoint, threading.Semaphore(0)

    def slow(asked):
        begun.release()
        let.wait(20)
        return real(asked)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(9) as strangers:
        patch.setattr(fed.witness("hn").cosigning, "add_checkpoint", slow)
        asked = [
            strangers.submit(fed.transport.request, "POST", url, body=body) for _ in range(8)
        ]
        for _ in range(4):
            begun.acquire(timeout=20)
        own = strangers.submit(fed.transport.request, "POST", url, body=old)
        let.set()
        assert own.result().status == WitnessStatus.COSIGNED
        assert {each.result().status for each in asked} <= {200, 400, 403, 404}
