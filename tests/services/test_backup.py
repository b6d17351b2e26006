"""A service is backed up while it runs, and what is restored signs no second history."""

import json
import shutil
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    MalformedError,
    NotFoundError,
    ProofError,
    UnavailableError,
)
from did_service.core.log.checkpoint import checkpoint_in
from did_service.node.backup import back_up
from did_service.node.backup_files import GUARDS, files_below
from did_service.node.configuration import FILE
from did_service.node.fsck import check_folder
from did_service.node.kept_backup import open_backup
from did_service.node.pulling import pull_region
from did_service.node.region import lone_witness
from did_service.node.restore import RestoreOrder, restore
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import SYSTEM
from did_service.registry.publisher import HeadsEntry
from did_service.replica.store import ReplicaStore
from did_service.storage.database import file_url, open_database
from tests.support.folders import configured
from tests.support.founded import PASSPHRASE
from tests.support.refusals import refused
from tests.support.storage import storage_in

# What they share is changed on the way: one worker runs them all, in their order.
pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("backup")]

REG = "gd.example/reg"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with configured(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A region whose peers are away: it signs and is not published."""
    with configured(tmp_path_factory.mktemp("one"), ["gd"]) as town:
        yield town


@pytest.fixture
def kept(one, tmp_path):
    """A backup of it."""
    backed_up(one, tmp_path / "kept")
    return tmp_path / "kept"


def quiet(_what, _done, _total):
    """Nobody wants to hear how far it is."""


def backed_up(town, out, region="gd"):
    return back_up(town.configuration(region), out, PASSPHRASE, SYSTEM, quiet)


@pytest.fixture
def yesterday(town, tmp_path):
    """A backup of gd, which went on since: published, and one entry more that is not."""
    town.publish("gd")
    backed_up(town, tmp_path / "yesterday")
    town.add("gd", f"today{town.sizes('gd')[REG]}.gd.example")
    town.publish("gd")
    return tmp_path / "yesterday"


def lost(town, *, guards):
    """Take the machine of gd away; guards may have lain on another disk."""
    town.stop("gd")
    data = town.folder / "gd" / "data"
    kept = {name: (data / name).read_bytes() for name in GUARDS if guards}
    shutil.rmtree(town.folder / "gd")
    if guards:
        data.mkdir(parents=True)
    for name, content in kept.items():
        (data / name).write_bytes(content)


def restored(town, backup):
    return made_of(backup, town.folder / "gd")


def made_of(backup, folder, told=quiet):
    return restore(RestoreOrder(backup, folder, PASSPHRASE), {}, SYSTEM, told)


def pulled(town, **told):
    setup = town.setup("gd", unreleased=True)
    with closing(setup.transport):
        return pull_region(setup, town.keyring("gd"), guard_lost=False, **told)


def goes_on(town, size):
    """It takes entries behind all that it had, signs them, and everybody witnesses them."""
    town.start("gd")
    index = town.add("gd", f"on{size}.gd.example")
    assert index >= size
    town.publish("gd")
    assert checkpoint_in(town.reader(REG).checkpoint()).size > index
    assert all(not town.both(region).witness.store.alarms() for region in town.running)
    town.publish("hn")  # for which gd is a witness again


def test_a_backup_holds_all_but_the_guards_and_the_passphrase(one, tmp_path):
    record = backed_up(one, tmp_path / "out")
    names = {name.split("/mirror/")[0] for name in files_below(tmp_path / "out")}
    assert record.examined
    assert record.logs[REG] == one.sizes("gd")[REG]
    assert {
        "backup.json",
        "SHA256SUMS",
        FILE,
        "settings/keys.keyring",
        "settings/service.policy",
        "data/registry.sqlite",
        "data/witness.sqlite",
    } <= names
    assert any(name.startswith("data/reg/tile/entries/") for name in names)
    assert not {name for name in names for guard in GUARDS if guard in name}
    assert not {name for name in names if name.endswith(("-wal", "-shm"))}


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(one, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    with refused("file_exists", ConflictError):
        backed_up(one, tmp_path / "there")
    with refused("directory_missing", NotFoundError):
        backed_up(one, tmp_path / "nowhere" / "out")
    monkeypatch.setattr("did_service.node.backup.write_sums", stopped)
    with pytest.raises(KeyboardInterrupt):
        backed_up(one, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def stopped(*_given):
    raise KeyboardInterrupt


def test_a_damaged_service_gives_no_backup(one, tmp_path):
    place = one.folder / "gd" / "data" / "reg" / "checkpoint"
    place.write_bytes(b"garbage\n")
    try:
        with refused("backup_not_sound", ConflictError):
            backed_up(one, tmp_path / "bad")
    finally:
        place.unlink()
    assert not (tmp_path / "bad").exists()


def test_a_backup_while_entries_come_is_sound_and_a_beginning_of_the_log(town, tmp_path):
    """Each backup, whenever it was begun, passes fsck and holds what the log held then."""
    over = threading.Event()

    def busy():
        number = 0
        while not over.is_set():
            number += 1
            town.add("gd", f"busy{number}.gd.example")
            if number % 2:
                town.publish("gd")

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        least = [town.sizes("gd")[REG]]
        for number in range(4):
            backed_up(town, tmp_path / f"b{number}")
            least.append(town.sizes("gd")[REG])
    finally:
        over.set()
        thread.join()
    live = town.both("gd").registry.region.stores[REG]
    for number in range(4):
        data = tmp_path / f"b{number}" / "data"
        assert not any(check_folder(storage_in(data), town.founded.policy).values())
        engine = open_database(file_url(data / "registry.sqlite"), make=False)
        kept = ReplicaStore(engine, REG)
        size = kept.size()
        assert least[number] <= size <= least[number + 1]
        assert kept.root(size) == live.root(size)
        engine.dispose()
    assert least[-1] > least[0]


@pytest.mark.parametrize("guards", [True, False], ids=["guards kept", "guards lost"])
def test_a_region_restored_from_yesterday_fetches_today_and_signs_again(
    town, yesterday, guards
):
    size = town.sizes("gd")[REG]
    lost(town, guards=guards)
    made = restored(town, yesterday)
    assert set(made.guards) == (set(GUARDS) if guards else set())
    assert set(made.missing_guards) == (set() if guards else set(GUARDS))
    with refused("folder_restored", ConflictError):
        town.start("gd")
    done = {each.origin: each for each in pulled(town).logs}
    assert done[REG].before < done[REG].after == size
    goes_on(town, size)


def test_a_lost_guard_begins_though_nobody_serves_the_own_log(town, yesterday):
    """Others copy each other all the time: what they show of it is newer than the backup."""
    for region in town.running:
        town.both(region).witness.refresh_now()
    size = town.sizes("gd")[REG]
    lost(town, guards=False)
    restored(town, yesterday)
    pulled(town)
    goes_on(town, size)


def test_without_enough_witnesses_a_restored_region_stays_closed(town, yesterday):
    size = town.sizes("gd")[REG]
    lost(town, guards=False)
    restored(town, yesterday)
    others = ["hn", "zj", "sc"]
    for region in others:
        town.stop(region)
    with pytest.raises(UnavailableError):
        pulled(town)
    with refused("folder_restored", ConflictError):
        town.start("gd")
    for region in others:
        town.start(region)
    pulled(town)
    goes_on(town, size)


def test_keys_out_of_a_key_backup_are_released_by_the_same_command(town):
    size = town.sizes("gd")[REG]
    keyring = town.keyring("gd")
    kept = keyring.backup("another-passphrase-77")
    town.stop("gd")
    for record in keyring.records:
        keyring.drop(record.role, record.name, record.public)
    keyring.restore(kept, "another-passphrase-77")
    with pytest.raises(DidServiceError, match="key"):
        town.start("gd")
    assert f"log {REG}" in pulled(town).released
    goes_on(town, size)


@pytest.mark.parametrize(
    ("what", "code", "kind"),
    [
        ("changed", "backup_damaged", MalformedError),
        ("missing", "backup_damaged", MalformedError),
        ("added", "backup_damaged", MalformedError),
        ("unlisted", "backup_forged", ProofError),
    ],
)
def test_a_backup_that_is_not_whole_restores_nothing(one, kept, tmp_path, what, code, kind):
    path = kept / "data" / "registry.sqlite"
    if what == "changed":
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    elif what == "missing":
        path.unlink()
    elif what == "added":
        (kept / "data" / "last-signed").write_bytes(b"{}")
    else:
        sums = (kept / "SHA256SUMS").read_text().splitlines(keepends=True)
        (kept / "SHA256SUMS").write_text("".join(sums[1:]))
    with refused(code, kind):
        made_of(kept, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_is_left_alone(one, kept, tmp_path):
    before = sorted(files_below(one.folder / "gd"))
    with refused("backup_place_taken", ConflictError):
        restored(one, kept)
    assert sorted(files_below(one.folder / "gd")) == before
    with refused("backup_missing", NotFoundError):
        made_of(tmp_path, tmp_path / "new")


def test_a_restore_that_was_interrupted_goes_on(one, kept, tmp_path, monkeypatch):
    new = tmp_path / "new"
    calls = []

    def third(*_given):
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_of(kept, new, lambda what, *_: what != "SHA256SUMS" and third())
    assert not (new / FILE).exists()
    made = made_of(kept, new)
    whole = open_backup(kept, PASSPHRASE, lambda *_: None)
    assert made.record == whole.record
    there = {name for name in files_below(new) if not name.endswith(".lock")}
    assert {"data/restored", "data/registry.sqlite", FILE, "policy.json"} <= there
    kept_names = [name for name in whole.sums if not name.endswith(".lock")]
    assert len(there) == len(kept_names) + 2  # the marks


def test_a_log_that_lost_its_rows_takes_nothing_before_it_is_pulled(town, yesterday):
    """The mark is gone by hand: the registry itself still refuses."""
    lost(town, guards=True)
    restored(town, yesterday)
    (town.folder / "gd" / "data" / "restored").unlink()
    town.start("gd")
    with refused("log_behind_its_signature", UnavailableError):
        town.both("gd").registry.sequencer.append(REG, [HeadsEntry(REG, REG)])
    town.stop("gd")
    pulled(town)
    town.start("gd")


def test_the_record_says_what_it_is(kept):
    said = json.loads((kept / "backup.json").read_bytes())
    assert (said["format"], said["kind"]) == ("didsvc-backup/1", "region")


# --- a witness that lost its guard, and those who tell it what it had signed ------------------

HN = "hn.example/reg"


class Liar:
    """A transport on which the log answers as it likes, and witnesses may be away."""

    def __init__(self, inner, log, *, away=()):
        self._inner, self._log, self._away = inner, log, away

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def get(self, url, *given, **named):
        if any(url.startswith(f"https://{r}.example/witness/") for r in self._away):
            raise UnavailableError("peer_unreachable", "away")
        if url == f"https://{HN}/checkpoint":
            return self._log()
        return self._inner.get(url, *given, **named)


def never():
    raise NotFoundError("not_found", "never published")


def test_the_log_that_is_guarded_against_tells_a_restored_witness_nothing(town, tmp_path):
    """With the mirrors away, neither its 404 nor its old checkpoint begins a guard."""
    town.publish("hn")
    old = town.transport.get(f"https://{HN}/checkpoint")
    backed_up(town, tmp_path / "gd")
    for number in range(3):
        town.add("hn", f"told{number}.hn.example")
        town.publish("hn")
    for region in town.running:
        town.both(region).witness.refresh_now()
    had = town.both("gd").witness.guard.held(HN).size
    made_of(tmp_path / "gd", town.folder / "gd2")
    setup = town.setup("gd2", unreleased=True)
    alone = replace(setup, kind=ServiceKind.WITNESS)
    with closing(setup.transport):
        for log in (never, lambda: old):
            for away in (["gd", "hn", "zj", "sc", "cn"], ["gd", "zj", "sc", "cn"]):
                lying = replace(alone, transport=Liar(setup.transport, log, away=away))
                with refused("witnesses_missing", UnavailableError):
                    pull_region(lying, town.keyring("gd2"), guard_lost=False)
        lying = replace(alone, transport=Liar(setup.transport, lambda: old, away=["gd"]))
        pull_region(lying, town.keyring("gd2"), guard_lost=False)
        with lone_witness(alone) as witness:
            assert witness.guard.held(HN).size == had


class Swapped(Liar):
    """A transport on which the log serves other entries than it has signed."""

    def get(self, url, *given, **named):
        answer = super().get(url, *given, **named)
        if not url.startswith(f"https://{HN}/tile/entries/"):
            return answer
        return replace(answer, body=answer.body.replace(b'"t":"did"', b'"t":"dit"'))


def test_a_log_that_serves_another_tree_stops_no_restored_witness(town, tmp_path):
    """The mirrors of the others are asked, and the log is told of by nobody."""
    backed_up(town, tmp_path / "gd")
    town.add("hn", "swapped.hn.example")
    town.publish("hn")
    for region in town.running:
        town.both(region).witness.refresh_now()
    had = town.both("gd").witness.guard.held(HN).size
    made_of(tmp_path / "gd", town.folder / "gd3")
    setup = town.setup("gd3", unreleased=True)
    alone = replace(setup, kind=ServiceKind.WITNESS)
    old = town.transport.get(f"https://{HN}/checkpoint")
    with closing(setup.transport):
        lying = replace(alone, transport=Swapped(setup.transport, lambda: old, away=["gd"]))
        pull_region(lying, town.keyring("gd3"), guard_lost=False)
        with lone_witness(alone) as witness:
            assert witness.guard.held(HN).size == had
            assert witness.mirror.replicas[HN].store.size() == had
