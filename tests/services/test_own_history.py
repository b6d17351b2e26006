"""A log takes nothing while it lacks what it has said, and fetches that from the mirrors."""

import shutil

import pytest

from did_service.core.errors import ProofError, UnavailableError
from did_service.core.log.checkpoint import checkpoint_in
from did_service.registry.publisher import HeadsEntry
from did_service.registry.pull import pull
from did_service.registry.shown import accept_lost_guard
from did_service.replica.fsck import examine
from did_service.replica.mirror import Mirror
from tests.support import health
from tests.support.cosigners import signed_by
from tests.support.live import running
from tests.support.refusals import refused

REG, EV = "gd.example/reg", "gd.example/ev/2026"
OTHERS = ("hn", "zj", "sc", "cn")


@pytest.fixture(autouse=True)
def everybody_is_waited_for(monkeypatch):
    """Witnesses beyond the quorum as well, however busy the machine is."""
    monkeypatch.setattr("did_service.registry.witness_pool._GRACE_SECONDS", 30)


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("history")) as federation:
        psb = federation.agency("gz.gd.example")
        federation.grant(federation.root("gd"), psb)
        federation.publish("gd")
        federation.batch(psb, [b"first"])
        federation.publish("gd")
        federation.psb = psb
        yield federation


def rows(place):
    return [place / f"registry.sqlite{end}" for end in ("", "-wal", "-shm")]


def lose(fed, *names: str) -> None:
    for name in names:
        for path in fed.folder.joinpath("gd").glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture
def yesterday(fed, tmp_path):
    """Yesterday's database and files, while the log went on."""
    fed.publish("gd")
    fed.stop("gd")
    for name in ("registry.sqlite", "reg", "ev"):
        path = fed.folder / "gd" / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / name)
    fed.start("gd")
    fed.tick(60)
    fed.agency(f"today{fed.now}.gd.example")
    fed.batch(fed.psb, [b"record"])
    fed.publish("gd")
    return tmp_path


def restore(fed, kept, *, files: bool = True) -> None:
    fed.stop("gd")
    lose(fed, "registry.sqlite*", *(["reg", "ev"] if files else []))
    for path in kept.iterdir():
        if files or path.is_file():
            place = fed.folder / "gd" / path.name
            (shutil.copytree if path.is_dir() else shutil.copy)(path, place)
    fed.start("gd")


def sizes(fed):
    return {origin: fed.logs[origin].size() for origin in (REG, EV)}


def closed(fed, code: str) -> None:
    """Neither a stranger's entry nor one of its own is taken, and nothing is signed."""
    before = sizes(fed)
    registry = fed.registry("gd")
    for attempt in (
        lambda: fed.agency(f"never{fed.now}.gd.example"),
        lambda: registry.sequencer.append(REG, [HeadsEntry(REG, REG)]),
        registry.publish_now,
    ):
        with refused(code, UnavailableError):
            attempt()
    assert sizes(fed) == before
    assert code in health.words(registry)
    answer = fed.transport.request("GET", "https://gd.example/ready")
    assert (answer.status, code.encode() in answer.body) == (503, True)


def goes_on(fed) -> None:
    """It takes entries behind all that it had said, and everybody witnesses them."""
    actor = fed.agency(f"goes-on{sizes(fed)[REG]}.gd.example")
    fed.publish("gd")
    note = fed.reader(REG).checkpoint()
    assert checkpoint_in(note).size > fed.logs[REG].newest("did", actor.id).index
    assert set(signed_by(fed.policy.log_policy(REG), note)) == set(OTHERS)
    registry = fed.registry("gd")
    for origin in (REG, EV):
        assert not examine(registry.region.replicas[origin], registry.logs[origin].signed())
    assert all(not fed.witness(region).store.alarms() for region in fed.running)
    assert not any(code for _, code in registry.words())


@pytest.mark.parametrize("files", [True, False])
def test_a_restored_log_takes_nothing_until_the_mirrors_have_given_it_back(
    fed, yesterday, files
):
    now = sizes(fed)
    restore(fed, yesterday, files=files)
    assert sizes(fed) != now
    closed(fed, "log_behind_its_signature")
    pulled = {each.origin: each for each in pull(fed.registry("gd"))}
    assert {origin: each.after for origin, each in pulled.items()} == now == sizes(fed)
    assert all(each.after > each.before for each in pulled.values())
    assert set(pulled[REG].mirrors) == set(OTHERS)
    goes_on(fed)
    assert all(each.before == each.after for each in pull(fed.registry("gd")))


def test_a_lost_database_is_fetched_whole_though_its_files_are_there(fed):
    fed.publish("gd")
    now = sizes(fed)
    fed.stop("gd")
    lose(fed, "registry.sqlite*")
    fed.start("gd")
    assert sizes(fed) == {REG: 0, EV: 0}
    closed(fed, "log_behind_its_signature")
    pull(fed.registry("gd"))
    assert sizes(fed) == now
    goes_on(fed)


def test_what_was_signed_and_never_published_is_fetched_as_well(fed, yesterday):
    """Two witnesses are away, so there is no quorum; the two others have copied it."""
    fed.stop("zj")
    fed.stop("sc")
    fed.agency("unpublished.gd.example")
    with refused("quorum_not_met", ProofError):
        fed.publish("gd")
    now = sizes(fed)
    fed.start("zj")
    fed.start("sc")
    restore(fed, yesterday)
    closed(fed, "log_behind_its_signature")
    pull(fed.registry("gd"))
    assert sizes(fed) == now
    goes_on(fed)


def test_a_pull_that_was_interrupted_goes_on_where_it_was(fed, yesterday, monkeypatch):
    now = sizes(fed)
    restore(fed, yesterday)
    real, calls = Mirror._take_piece, []

    def one_piece(self, head, size):
        calls.append(head)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, head, size)

    with monkeypatch.context() as patch:
        patch.setattr("did_service.replica.mirror.MAX_CATCH_UP_ENTRIES", 1)
        patch.setattr(Mirror, "_take_piece", one_piece)
        with pytest.raises(KeyboardInterrupt):
            pull(fed.registry("gd"))
    assert sizes(fed) != now
    closed(fed, "log_behind_its_signature")
    fed.stop("gd")
    fed.start("gd")
    pull(fed.registry("gd"))
    assert sizes(fed) == now
    goes_on(fed)


def test_rows_that_were_never_signed_are_not_taken_over(fed, yesterday):
    """A restored database that an older release let go on: it is another history."""
    restore(fed, yesterday)
    registry = fed.registry("gd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(registry), "check_history", lambda *_given: None)
        patch.setattr(type(registry), "check_time", lambda held: held.region.edge.posix())
        while sizes(fed)[REG] <= registry.guard.held(REG).size:
            fed.agency(f"diverged{sizes(fed)[REG]}.gd.example")
    closed(fed, "log_differs_from_its_signature")
    with refused("tree_differs", ProofError):
        pull(registry)
    fed.stop("gd")
    lose(fed, "registry.sqlite*")
    fed.start("gd")
    pull(fed.registry("gd"))
    goes_on(fed)


def test_another_history_is_told_before_one_that_is_missing(fed, yesterday):
    """A new key for each of them would be the answer to the second, and not to the first."""
    restore(fed, yesterday)
    registry = fed.registry("gd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(registry), "check_history", lambda *_given: None)
        patch.setattr(type(registry), "check_time", lambda held: held.region.edge.posix())
        while sizes(fed)[EV] <= registry.guard.held(EV).size:
            fed.batch(fed.psb, [b"diverged%d" % sizes(fed)[EV]])
    assert sizes(fed)[REG] < registry.guard.held(REG).size
    for region in OTHERS:
        fed.stop(region)
    with refused("tree_differs", ProofError):
        pull(registry)
    for region in OTHERS:
        fed.start(region)
    fed.stop("gd")
    lose(fed, "registry.sqlite*")
    fed.start("gd")
    pull(fed.registry("gd"))
    goes_on(fed)


def test_without_a_mirror_nothing_is_made_up(fed, yesterday):
    restore(fed, yesterday)
    before = sizes(fed)
    for region in OTHERS:
        fed.stop(region)
    held = {origin: fed.registry("gd").guard.held(origin).size for origin in before}
    behind = [origin for origin in before if before[origin] < held[origin]]
    with pytest.raises(UnavailableError) as caught:
        pull(fed.registry("gd"))
    said = caught.value.message
    assert caught.value.code == "history_missing"
    assert [origin for origin in before if f"no mirror has {origin} " in said] == behind
    assert len(behind) > 1  # whoever has to ask for new keys learns of all logs at once
    assert sizes(fed) == before
    for region in OTHERS:
        fed.start(region)
    pull(fed.registry("gd"))
    goes_on(fed)


# --- the guard --------------------------------------------------------------------------------


def test_a_lost_guard_is_an_alarm_and_no_fresh_start(fed):
    fed.publish("gd")
    head = fed.registry("gd").logs[REG].signed()
    fed.stop("gd")
    lose(fed, "last-signed")
    fed.start("gd")
    closed(fed, "guard_missing")
    begun = accept_lost_guard(fed.registry("gd"))
    assert begun[REG] == head
    assert accept_lost_guard(fed.registry("gd")) == {}
    goes_on(fed)


def test_a_lost_guard_beside_a_restored_database_signs_no_second_history(fed, yesterday):
    newest = fed.registry("gd").logs[REG].signed()
    restore(fed, yesterday)
    fed.stop("gd")
    lose(fed, "last-signed")
    fed.start("gd")
    closed(fed, "guard_missing")
    with refused("log_behind_its_signature", UnavailableError):
        accept_lost_guard(fed.registry("gd"))
    closed(fed, "guard_missing")
    pull(fed.registry("gd"))
    assert accept_lost_guard(fed.registry("gd"))[REG] == newest
    goes_on(fed)


def test_too_few_witnesses_are_no_word_about_a_lost_guard(fed):
    fed.publish("gd")
    fed.stop("gd")
    lose(fed, "last-signed")
    fed.start("gd")
    fed.stop("zj")
    fed.stop("sc")
    with refused("witnesses_missing", UnavailableError):
        accept_lost_guard(fed.registry("gd"))
    fed.start("zj")
    fed.start("sc")
    accept_lost_guard(fed.registry("gd"))
    goes_on(fed)


# --- receipts ---------------------------------------------------------------------------------


def test_witnessed_is_said_of_the_entry_and_not_of_its_place(fed):
    """A published tree that is larger than the index, and has another entry there."""
    fed.publish("gd")
    log, store = fed.registry("gd").logs[REG], fed.logs[REG]
    placed = [store.placed(index) for index in range(store.size())]
    places = [(each.index, each.leaf) for each in placed]
    assert [*log.shown(places)] == places
    other = placed[-1].__class__(placed[-1].entry, placed[-1].index, b"o" * 32)
    assert [*log.shown([*places[:-1], (other.index, other.leaf)])] == places[:-1]
    waiter = fed.registry("gd").rounds.waiting.for_entry(REG, other)
    assert not waiter.done()
    waiter.cancel()
    assert [*log.shown([places[0], (store.size(), placed[-1].leaf)])] == places[:1]
    lose(fed, "reg/tile/0")
    assert not [*log.shown(places[:1])]
    fed.stop("gd")
    fed.start("gd")


def test_a_published_checkpoint_that_is_damaged_is_replaced_by_the_next(fed):
    fed.publish("gd")
    path = fed.folder / "gd" / "reg" / "checkpoint"
    path.write_bytes(b"garbage\n")
    assert fed.transport.request("GET", "https://gd.example/ready").status in (200, 503)
    assert fed.transport.request("GET", "https://gd.example/metrics").status == 200
    evidence = f"https://gd.example/reg/evidence/did/{fed.root('gd').id}?fresh"
    assert fed.transport.request("GET", evidence).status == 503
    fed.agency("after-garbage.gd.example")
    fed.publish("gd")
    assert checkpoint_in(path.read_bytes()).size == fed.logs[REG].size()
