"""The store's files: private, whole at any time, and never lost to another writer."""

import os
import subprocess
import sys
from functools import partial

import pytest

from did_service.core.errors import DidServiceError
from tests.support.purse import PASSPHRASE, cheap
from wallet_cli.store import StoreDirectory
from wallet_cli.vault import Vault, open_vault


def put(name, value=None):
    return lambda vault: vault.put(name, "card", value or {}, os.urandom)


@pytest.fixture
def store(tmp_path):
    vault = Vault.create(PASSPHRASE, os.urandom, cheap)
    return StoreDirectory(tmp_path / "deep" / "w").create(vault, os.urandom)


def records(store):
    return set(open_vault(store.directory.read(), PASSPHRASE).records)


def refusal(step):
    with pytest.raises(DidServiceError) as caught:
        step()
    return caught.value.code


def test_only_the_owner_may_look(store):
    store.commit(put("a"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in store.directory.path.iterdir()}
    assert modes == {"wallet.json": 0o600, "wallet.json.1": 0o600, "lock": 0o600}
    assert store.directory.path.stat().st_mode & 0o777 == 0o700


def test_the_version_before_is_kept(store):
    before = store.directory.read()
    store.commit(put("a"))
    assert store.directory.previous.read_bytes() == before
    assert records(store) == {"a"}


def test_a_second_wallet_is_not_made_over_the_first(store):
    vault = Vault.create(PASSPHRASE, os.urandom, cheap)
    assert refusal(lambda: store.directory.create(vault, os.urandom)) == "store_exists"


def test_a_wallet_is_not_made_over_what_is_left_of_one(store):
    store.commit(put("a"))
    store.directory.file.unlink()
    vault = Vault.create(PASSPHRASE, os.urandom, cheap)
    assert refusal(lambda: store.directory.create(vault, os.urandom)) == "store_exists"


def test_a_missing_store_is_named(tmp_path):
    assert refusal(StoreDirectory(tmp_path).read) == "store_missing"


def test_two_wallets_at_work_lose_nothing_of_each_other(store):
    other = store.directory.open(PASSPHRASE, os.urandom)
    store.commit(put("a"))
    other.commit(put("b"))
    store.commit(put("c"))
    assert records(store) == {"a", "b", "c"}


def test_a_change_that_fails_writes_nothing(store):
    before = store.directory.read()
    with pytest.raises(KeyError):
        store.commit(lambda vault: vault.records["nothing"])
    assert store.directory.read() == before
    assert not store.directory.previous.exists()


def test_what_a_killed_writer_left_is_swept(store):
    left = store.directory.path / ".wallet.json.didsvc-abc_1234.tmp"
    left.write_bytes(b"half")
    store.commit(put("a"))
    assert not left.exists()


@pytest.mark.clock
def test_a_full_disk_costs_nothing_that_was_there(store):
    store.commit(put("a"))
    program = f"""
import os, resource, signal, sys
from pathlib import Path
from wallet_cli.store import StoreDirectory
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = StoreDirectory(Path({str(store.directory.path)!r})).open({PASSPHRASE!r}, os.urandom)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, resource.RLIM_INFINITY))
for step in (
    lambda: store.commit(lambda vault: vault.put("b", "card", {{"x": "y" * 5000}}, os.urandom)),
    lambda: store.directory.check_room(5_000),
):
    try:
        step()
    except Exception as error:
        print(error.code)
"""
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert child.stdout.split() == ["file_not_written", "file_not_written"]
    assert records(store) == {"a"}
    assert not list(store.directory.path.glob(".*.tmp"))


def test_there_is_room_on_this_disk(store):
    before = sorted(store.directory.path.iterdir())
    store.directory.check_room(4_096)
    assert sorted(store.directory.path.iterdir()) == before


def test_a_damaged_store_is_not_written_over(store):
    store.directory.file.write_bytes(b"{}")
    assert refusal(lambda: store.commit(put("a"))) == "store_damaged"
    assert store.directory.file.read_bytes() == b"{}"


def test_a_previous_version_that_cannot_be_wiped_is_told(store):
    store.directory.previous.mkdir()
    change = lambda vault: vault.with_passphrase("another one", os.urandom, cheap)  # noqa: E731
    assert refusal(lambda: store.commit_passphrase(change)) == "file_not_written"


@pytest.mark.parametrize("change", [Vault.rekeyed, Vault.with_passphrase])
def test_a_passphrase_that_was_replaced_meanwhile_does_not_come_back(store, change):
    other = store.directory.open(PASSPHRASE, os.urandom)
    store.commit_passphrase(lambda vault: vault.with_passphrase("newer", os.urandom, cheap))
    late = partial(change, passphrase=PASSPHRASE, rng=os.urandom, costs=cheap)
    assert refusal(lambda: other.commit_passphrase(late)) == "store_rekeyed"
    assert open_vault(store.directory.read(), "newer").records == {}
