"""From accepted to witnessed: quorum, killed processes, restored databases, two writers."""

import copy
import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from did_service.client.witness import WitnessClient
from did_service.core.anchor.entry import parse_entry
from did_service.core.errors import ConflictError, ProofError, UnavailableError
from did_service.core.log import tiles
from did_service.core.log.checkpoint import checkpoint_in
from did_service.core.log.merkle import EMPTY_ROOT, check_consistency
from did_service.core.log.note import NoteSigner, parse_note
from did_service.core.log.policy import PolicyLog
from did_service.registry import publisher
from did_service.replica.fsck import examine
from did_service.signer.last_signed import LastSigned
from did_service.storage.leading import ALONE
from tests.support import health, live
from tests.support.cosigners import signed_by
from tests.support.dids import key
from tests.support.founding import TERRITORY, log_signer
from tests.support.live import running
from tests.support.refusals import refused

pytestmark = pytest.mark.usefixtures("each_engine")

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def fed(each_engine, tmp_path_factory):
    with running(tmp_path_factory.mktemp("publishing")) as federation:
        federation.publish("gd")
        yield federation


def head_of(note: bytes):
    return checkpoint_in(note)


def published(fed, origin: str = REG):
    return head_of(fed.reader(origin).checkpoint())


def newest_heads(fed, about: str = REG):
    return fed.logs[REG].newest("heads", about)


# --- the quorum -------------------------------------------------------------------------------


def test_one_witness_that_is_down_does_not_stop_a_log(fed):
    fed.agency("p1.gd.example")
    fed.stop("zj")
    fed.publish("gd")
    assert published(fed).size == fed.logs[REG].size()
    fed.start("zj")
    fed.agency("p2.gd.example")
    fed.publish("gd")
    signed = signed_by(fed.policy.log_policy(REG), fed.reader(REG).checkpoint())
    assert set(signed) == {"hn", "zj", "sc", "cn"}


def test_one_witness_whose_answer_nobody_foresaw_does_not_stop_a_log(fed, monkeypatch):
    ask = WitnessClient.add_checkpoint

    def odd(self, request, witness):
        if witness.key.name.startswith("zj."):
            raise ValueError("a fault of ours")
        return ask(self, request, witness)

    monkeypatch.setattr(WitnessClient, "add_checkpoint", odd)
    fed.agency("odd.gd.example")
    fed.publish("gd")
    signed = signed_by(fed.policy.log_policy(REG), fed.reader(REG).checkpoint())
    assert set(signed) == {"hn", "sc", "cn"}


def test_without_the_quorum_nothing_is_published_and_nothing_is_lost(fed):
    before = published(fed)
    fed.stop("zj")
    fed.stop("sc")
    receipt = fed.agency("p3.gd.example")
    with refused("quorum_not_met", ProofError):
        fed.publish("gd")
    assert published(fed) == before
    size = fed.logs[REG].size()
    fed.stop("gd")
    fed.start("gd")
    assert fed.logs[REG].size() == size
    with refused("quorum_not_met", ProofError):
        fed.publish("gd")
    fed.start("zj")
    fed.start("sc")
    fed.publish("gd")
    assert published(fed).size == size
    assert fed.logs[REG].newest("did", receipt.id).index < size


def test_an_ev_log_without_a_quorum_does_not_hold_up_reg(fed, monkeypatch):
    psb = fed.agency("p4.gd.example")
    fed.grant(fed.root("gd"), psb)
    fed.publish("gd")
    fed.batch(psb, [b"record"])
    cosigners = fed.registry("gd").logs[EV]._cosigners
    monkeypatch.setattr(cosigners, "gather", failing("quorum_not_met"))
    with refused("quorum_not_met", ProofError):
        fed.publish("gd")
    monkeypatch.undo()
    assert published(fed).size == fed.logs[REG].size()
    fed.publish("gd")
    assert published(fed, EV).size == fed.logs[EV].size()


def test_an_unchanged_log_is_witnessed_again_to_show_freshness(fed):
    fed.publish("gd")
    size = published(fed).size
    policy = fed.policy.log_policy(REG)
    fed.tick(59)
    fed.publish("gd")
    assert policy.verify(fed.reader(REG).checkpoint()).fresh_at == fed.now - 59
    fed.tick(1)
    fed.publish("gd")
    assert policy.verify(fed.reader(REG).checkpoint()).fresh_at == fed.now
    assert published(fed).size == size
    fed.tick(62)
    fed.publish("gd")
    assert newest_heads(fed).entry.at >= fed.now
    assert published(fed).size > size


def naming(fed, *keys):
    """The next policy: so the year's data log of gd may be signed."""
    regions = copy.deepcopy(fed.policy.members["regions"])
    (own,) = [each for each in regions if each["id"] == "gd"]
    text = fed.policy.log_policy(EV)
    listed = tuple(PolicyLog(each.verifier_key, f"https://{EV}") for each in keys)
    own["logs"][EV] = replace(text, logs=listed).encode().decode()
    return fed.next_policy(regions=regions)


def in_force(fed, policy):
    """Let every region take a policy, as at a reload."""
    fed.policy = policy
    for region in TERRITORY:
        fed.stop(region)
        fed.start(region)


def test_a_log_without_news_is_signed_by_its_new_key_before_the_former_one_ends(
    tmp_path, monkeypatch
):
    with running(tmp_path) as fed:
        psb = fed.agency("k1.gd.example")
        fed.grant(fed.root("gd"), psb)
        fed.publish("gd")
        fed.batch(psb, [b"record"])
        fed.publish("gd")
        before = published(fed, EV)
        former, new = log_signer(EV), NoteSigner(EV, key("another key of a log"))
        monkeypatch.setattr(
            live, "log_signer", lambda origin: new if origin == EV else log_signer(origin)
        )
        in_force(fed, naming(fed, new, former))
        fed.publish("gd")
        note = parse_note(fed.reader(EV).checkpoint())
        assert published(fed, EV) == before
        assert note.lines_of(new.verifier_key)
        assert not note.lines_of(former.verifier_key)

        in_force(fed, naming(fed, new))
        fed.tick(61)
        fed.publish("gd")
        verified = fed.policy.log_policy(EV).verify(fed.reader(EV).checkpoint())
        assert (verified.checkpoint, verified.fresh_at) == (before, fed.now)


def test_a_clock_that_is_set_back_does_not_keep_a_log_from_being_witnessed_again(fed):
    fed.publish("gd")
    fed.tick(-600)
    fed.publish("gd")
    verified = fed.policy.log_policy(REG).verify(fed.reader(REG).checkpoint())
    assert verified.fresh_at == fed.now
    fed.tick(600)


def test_heads_name_the_newest_entries_of_both_logs(fed):
    psb = fed.agency("p5.gd.example")
    fed.grant(fed.root("gd"), psb)
    fed.batch(psb, [b"record"])
    fed.publish("gd")
    data_log, control = (newest_heads(fed, about) for about in (EV, REG))
    assert data_log.entry.body["size"] == published(fed, EV).size == fed.logs[EV].size()
    assert (control.index, control.entry.body["size"]) == (
        published(fed).size - 1,
        control.index,
    )
    assert data_log.index == control.index - 1
    again = fed.logs[REG].size()
    fed.publish("gd")
    assert fed.logs[REG].size() == again


# --- killed between any two steps -------------------------------------------------------------


class KilledError(Exception):
    """The process ends here."""


def failing(code: str):
    def fail(*_arguments, **_named):
        raise ProofError(code, "as the test wants it")

    return fail


def killed_before(target, name: str, monkeypatch):
    def end(*_arguments, **_named):
        raise KilledError

    monkeypatch.setattr(target, name, end)


def killed_after(target, name: str, monkeypatch):
    real = getattr(target, name)

    def end(*arguments, **named):
        real(*arguments, **named)
        raise KilledError

    monkeypatch.setattr(target, name, end)


def tree_of(log):
    """A stand-in for the frozen replica's tree is not needed: its methods are the class's."""
    return type(log.tree)


STEPS = {
    "sign": lambda log: (log._key_holder, "sign"),
    "swap": lambda log: (log._checkpoints, "swap"),
    "files": lambda log: (publisher, "grow_files"),
    "put": lambda log: (tree_of(log), "add"),
    "drop": lambda log: (tree_of(log), "drop_narrower"),
    "ask": lambda log: (log._cosigners, "gather"),
    "publish": lambda log: (tree_of(log), "publish"),
}


@pytest.mark.parametrize("kill", [killed_before, killed_after])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_no_index_is_lost_and_no_history_forks(fed, step, kill, monkeypatch):
    before = published(fed)
    actor = fed.agency(f"{step}{kill.__name__[7]}.gd.example")
    index = fed.logs[REG].newest("did", actor.id).index
    registry = fed.registry("gd")
    target, name = STEPS[step](registry.logs[REG])
    kill(target, name, monkeypatch)
    with pytest.raises(KilledError):
        registry.publish_now()
    monkeypatch.undo()
    fed.stop("gd")
    fed.start("gd")
    other = fed.agency(f"{step}{kill.__name__[7]}2.gd.example")
    fed.publish("gd")
    after = published(fed)
    assert fed.logs[REG].newest("did", actor.id).index == index
    assert fed.logs[REG].newest("did", other.id).index > index
    assert after.size == fed.logs[REG].size() > before.size
    proof = tiles.consistency_proof(fed.reader(REG).tile, before.size, after.size)
    check_consistency(before.size, after.size, before.root, after.root, proof)
    served = fed.reader(REG).entries(0, after.size, after.size)
    assert [parse_entry(data).leaf() for data in served] == fed.logs[REG].leaves(0, after.size)
    assert not examine(
        fed.registry("gd").region.replicas[REG], fed.registry("gd").logs[REG].signed()
    )
    assert all(not fed.witness(region).store.alarms() for region in fed.running)


def test_a_head_that_only_the_guard_has_can_be_read_at_the_next_start(fed, monkeypatch):
    fed.agency("guarded.gd.example")
    killed_after(LastSigned, "advance", monkeypatch)
    with pytest.raises(KilledError):
        fed.registry("gd").logs[REG].publish(fed.policy.log_policy(REG))
    monkeypatch.undo()
    fed.stop("gd")
    fed.start("gd")
    fed.registry("gd").check_time()  # before anything was published again
    log = fed.registry("gd").logs[REG]
    assert log.signed().size == fed.logs[REG].size() > log.published_size()
    assert tiles.root(log.tree.tile, log.signed().size) == log.signed().root


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_failed_is_made_up_for_by_the_next_round(fed, step, monkeypatch):
    actor = fed.agency(f"{step}-again.gd.example")
    registry = fed.registry("gd")
    target, name = STEPS[step](registry.logs[REG])
    monkeypatch.setattr(target, name, failing("disk_full"))
    with refused("disk_full", ProofError):
        registry.publish_now()
    monkeypatch.undo()
    registry.publish_now()
    assert published(fed).size > fed.logs[REG].newest("did", actor.id).index
    assert not examine(registry.region.replicas[REG], registry.logs[REG].signed())


def test_after_a_failed_sync_nothing_is_tried_again(fed, monkeypatch):
    """A second sync that succeeds says nothing about what the first one has lost."""
    fed.publish("gd")
    before, registry = published(fed), fed.registry("gd")
    fed.agency("synced.gd.example")

    real = os.fsync

    def fail(descriptor):
        if "/staged/" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr("did_service.storage.folder.os.fsync", fail)
    given_up = []
    monkeypatch.setattr(type(ALONE), "close", lambda _: given_up.append(True))
    registry.rounds._run()  # and returns
    monkeypatch.undo()
    assert given_up == [True]  # the lead, to a process with a disk that is well
    assert health.words(registry) == ["tree_not_synced"]
    assert published(fed) == before
    fed.stop("gd")
    fed.start("gd")
    fed.publish("gd")
    assert published(fed).size > before.size
    assert health.words(fed.registry("gd")) == []


# --- who must not sign ------------------------------------------------------------------------


@pytest.mark.sqlite_only
def test_a_restored_database_makes_the_log_stop_instead_of_sign(fed, tmp_path):
    place = fed.folder / "cn"
    fed.publish("cn")
    fed.stop("cn")
    kept = tmp_path / "backup"
    shutil.copytree(place, kept)
    fed.start("cn")
    for name in ("one", "two"):
        fed.agency(f"{name}.cn.example")
    fed.publish("cn")
    newest = published(fed, "cn.example/reg")
    fed.stop("cn")
    for name in ("registry.sqlite", "registry.sqlite-wal", "registry.sqlite-shm"):
        (place / name).unlink(missing_ok=True)
        if (kept / name).exists():
            shutil.copy(kept / name, place / name)
    fed.start("cn")
    size = fed.logs["cn.example/reg"].size()
    for _ in range(2):
        with refused("log_behind_its_signature", UnavailableError):
            fed.agency("other.cn.example")
        with refused("log_behind_its_signature", UnavailableError):
            fed.publish("cn")
    assert fed.logs["cn.example/reg"].size() == size < newest.size
    assert "log_behind_its_signature" in health.words(fed.registry("cn"))
    assert published(fed, "cn.example/reg") == newest


def test_two_processes_that_write_one_log_do_not_both_sign(fed, monkeypatch):
    first = fed.registry("gd")
    second = fed.second_writer("gd")
    fed.agency("two.gd.example")
    log = first.logs[REG]
    real = log._key_holder.sign

    def meanwhile(*arguments):
        note = real(*arguments)
        second.publish_now()
        return note

    monkeypatch.setattr(log._key_holder, "sign", meanwhile)
    with refused("checkpoint_moved", ConflictError):
        first.publish_now()
    monkeypatch.undo()
    second.close()
    fed.publish("gd")
    assert published(fed).size == fed.logs[REG].size()


def test_a_log_that_nobody_wrote_to_publishes_nothing(fed):
    assert fed.registry("hn").logs["hn.example/ev/2026"].published() is None
    fed.registry("hn").logs["hn.example/ev/2026"].publish(
        fed.policy.log_policy("hn.example/ev/2026")
    )
    assert fed.transport.request("GET", "https://hn.example/ev/2026/checkpoint").status == 404
    assert tiles.root(fed.logs["hn.example/ev/2026"].hashes, 0) == EMPTY_ROOT


def test_metrics_count_entries_and_alarms(fed):
    text = fed.transport.get("https://gd.example/health").body
    assert b"ok" in text
    registry = fed.registry("gd")
    for origin in (REG, EV):
        assert health.number(registry, "log_entries", log=origin) == fed.logs[origin].size()
    assert health.number(registry, "fork_alarms") == 0
    assert health.words(registry) == []


def test_a_log_that_is_published_no_more_says_so_by_its_age(fed):
    fed.publish("gd")
    registry = fed.registry("gd")
    assert health.words(registry) == []
    for region in ("hn", "zj"):
        fed.stop(region)
    fed.now += 181
    with refused("quorum_not_met"):
        registry.publish_now()
    late = {part.log: part for part in registry.ready() if part.word == "publication_late"}
    assert REG in late  # the data log too, once it has an entry
    assert late[REG].since == fed.now - late[REG].age + 180
    for region in ("hn", "zj"):
        fed.start(region)
    fed.publish("gd")
    assert health.words(registry) == []
