"""Attacks on running regions: forks, floods, partitions, restored backups. All over HTTP."""

import shutil

import pytest

from did_service.core.anchor.entry import LoggedEntry
from did_service.core.errors import ConflictError, ProofError
from did_service.core.log.checkpoint import (
    Checkpoint,
    checkpoint_in,
    sign_checkpoint,
)
from did_service.core.log.note import parse_note
from did_service.core.log.witnessing import UnverifiedAddCheckpoint, WitnessStatus
from did_service.registry.registry import Registry
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
    """A registry with the true log keys and no guard: whoever stole them has none."""
    (folder / "last-signed").unlink(missing_ok=True)
    return fed.make_registry("gd", folder)


def write_to(fed: LiveFederation, registry: Registry, location: str) -> None:
    """Put a DID into another registry of gd, past its sequencer."""
    store = registry.region.stores[REG]
    parameters = {"nextKeyHashes": [hash_of(f"{location} update 2")]}
    entry = fed.did_entry(*fed._create(location, parameters)).sequenced(fed.now)
    store.append([LoggedEntry(entry, store.size(), entry.leaf())], {})


def test_forked_log_with_the_true_key(fed, tmp_path):
    """The second of two histories gets no quorum, and every witness keeps both notes."""
    copy_region(fed, tmp_path / "gd")
    fed.agency("true.gd.example")
    fed.publish("gd")
    fork = second_registry(fed, tmp_path / "gd")
    write_to(fed, fork, "false.gd.example")
    before = head(fed)
    with refused("quorum_not_met", ProofError):
        fork.publish_now()
    forked = fork.logs[REG].signed()
    fork.close()
    for region in OTHERS:
        alarm = fed.ask(region).alarms()["alarms"][-1]
        offered, known = (checkpoint_in(alarm[name].encode()) for name in ("offered", "held"))
        assert (alarm["log"], offered) == (REG, forked)
        assert offered.root != fed.logs[REG].root(offered.size)
        assert known == before
        assert held(fed, region).root == before.root
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
    with refused("quorum_not_met", ProofError):
        fork.publish_now()
    fork.close()
    fed.publish("gd")
    assert "zj" in signed_by(fed.policy.log_policy(REG), fed.reader(REG).checkpoint())
    assert fed.logs[REG].root(newest.size) == newest.root


def test_log_restored_from_backup(fed, tmp_path):
    """The log's own key refuses a second history as well."""
    copy_region(fed, tmp_path / "gd")
    fed.agency("once.gd.example")
    fed.agency("twice.gd.example")
    fed.publish("gd")
    shutil.copy(fed.folder / "gd" / "last-signed", tmp_path / "gd" / "last-signed")
    restored = fed.make_registry("gd", tmp_path / "gd")
    write_to(fed, restored, "again.gd.example")
    with refused("signed_more_before", ConflictError):
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
