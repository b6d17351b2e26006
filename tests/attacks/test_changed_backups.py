"""Attacks by who holds somebody's backup for a while, and gives it back with true sums.

Some go further: whoever knows the passphrase as well (a former operator) gives it back with a
true proof. Where it writes, and what it must never bring, is checked all the same.
"""

import os
import re
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import click.testing
import pytest

from did_service.cli.__main__ import cli
from did_service.core.errors import (
    DecryptionError,
    MalformedError,
    ProofError,
    UnavailableError,
    UsageError,
)
from did_service.node.backup import back_up
from did_service.node.backup_files import ABOUT, DATA, KEPT_KEYRING, SUMS, files_below
from did_service.node.backup_proof import MAC, proving_key, write_mac
from did_service.node.configuration import FILE
from did_service.node.kept_backup import kept_keyring, sum_of
from did_service.node.restore import RestoreOrder, restore
from did_service.program.clock import SYSTEM
from did_service.signer.keyring import create_keyring
from tests.support.folders import configured
from tests.support.founded import PASSPHRASE
from tests.support.keyrings import CHEAP
from tests.support.refusals import refused

pytestmark = pytest.mark.clock


def quiet(_what, _done, _total):
    """Nobody wants to hear how far it is."""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with configured(tmp_path_factory.mktemp("town"), ["gd"]) as town:
        yield town


@pytest.fixture(scope="module")
def made(town, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "kept"
    back_up(town.configuration("gd"), out, PASSPHRASE, SYSTEM, quiet)
    return out


@pytest.fixture
def kept(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "kept"))


def summed(kept: Path) -> bytes:
    """Make the record and the sums of a changed backup true again; that takes no secret."""
    names = sorted(set(files_below(kept)) - {SUMS, ABOUT, MAC})
    about = re.sub(r'"files": ?\d+', f'"files":{len(names)}', (kept / ABOUT).read_text())
    (kept / ABOUT).write_text(about)
    lines = [f"{sum_of(kept / name)}  {name}\n" for name in sorted([*names, ABOUT])]
    (kept / SUMS).write_text("".join(lines))
    return (kept / SUMS).read_bytes()


def proven(kept: Path, passphrase: str = PASSPHRASE) -> None:
    """Make its proof true as well, which takes the passphrase of the keyring in it."""
    sealed = kept_keyring(kept)
    write_mac(kept, proving_key(sealed, sealed.derive(passphrase)), summed(kept))


def restored(kept: Path, folder: Path, passphrase: str = PASSPHRASE, **given: Path):
    order = RestoreOrder(kept, folder, passphrase, given)
    return restore(order, {}, SYSTEM, quiet)


def policy_at(kept: Path, place) -> None:
    text = (kept / FILE).read_text()
    (kept / FILE).write_text(
        re.sub(r"(?m)^#?\s*policy\s*=.*$", f'policy = "{place}"', text, count=1)
    )
    proven(kept)


# --- without the passphrase -------------------------------------------------------------------


def test_changed_row_with_true_sums_is_not_restored(kept, tmp_path):
    with closing(sqlite3.connect(kept / "data" / "registry.sqlite")) as rows, rows:
        assert rows.execute("UPDATE replica_entry SET data = x'00'").rowcount > 0
    summed(kept)
    with refused("backup_forged", ProofError):
        restored(kept, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_proof_of_another_service_proves_nothing(kept, tmp_path):
    """The same person keeps both, under one passphrase."""
    theirs = tmp_path / "theirs"
    create_keyring(theirs / KEPT_KEYRING, PASSPHRASE, os.urandom, CHEAP)
    sealed = kept_keyring(theirs)
    (kept / "settings" / "service.policy").write_bytes(b"{}")
    write_mac(kept, proving_key(sealed, sealed.derive(PASSPHRASE)), summed(kept))
    with refused("backup_forged", ProofError):
        restored(kept, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("proof", "code", "kind"),
    [
        (None, "backup_unproven", ProofError),
        (b"", "backup_damaged", MalformedError),
        (b"0" * 63 + b"\n", "backup_damaged", MalformedError),
        (b"0" * 64, "backup_damaged", MalformedError),
        (b"0" * 64 + b"\n", "backup_forged", ProofError),
        (b"0" * 65_536, "file_damaged", MalformedError),
    ],
)
def test_backup_without_a_true_proof_is_refused(kept, tmp_path, proof, code, kind):
    (kept / MAC).unlink()
    if proof is not None:
        (kept / MAC).write_bytes(proof)
    with refused(code, kind):
        restored(kept, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_any_changed_bit_of_the_proof_is_found_out(kept, tmp_path):
    true = (kept / MAC).read_bytes()
    for at in range(len(true) - 1):
        changed = bytearray(true)
        changed[at] = ord("0") if true[at] != ord("0") else ord("1")
        (kept / MAC).write_bytes(changed)
        with refused("backup_forged", ProofError):
            restored(kept, tmp_path / "new")


def test_backup_that_brings_keyring_passphrase_and_proof_of_its_own(
    kept, tmp_path, monkeypatch
):
    """All of it fits together; but the passphrase is asked of a person, not of the backup."""
    theirs = "stranger-9-passphrase"
    create_keyring(tmp_path / "theirs" / "k.json", theirs, os.urandom, CHEAP)
    shutil.copyfile(tmp_path / "theirs" / "k.json", kept / KEPT_KEYRING)
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(theirs)
    text = (kept / FILE).read_text()
    place = f'passphrase = "file:{secret}"'
    (kept / FILE).write_text(re.sub(r"(?m)^#?\s*passphrase\s*=.*$", place, text, count=1))
    proven(kept, theirs)
    with refused("keyring_not_opened", DecryptionError):
        restored(kept, tmp_path / "new")
    monkeypatch.delenv("DIDSVC_KEYS_PASSPHRASE", raising=False)
    words = ["restore", str(kept), str(tmp_path / "new")]
    told = click.testing.CliRunner().invoke(cli, words, standalone_mode=False)
    assert told.exception.code == "passphrase_not_given"
    assert not (tmp_path / "new").exists()


def test_file_changed_between_check_and_copy_is_not_restored(kept, tmp_path):
    """The disk of the backup is the attacker's, who waits until the sums were compared."""
    new, place = tmp_path / "new", kept / "data" / "registry.sqlite"

    def told(what, done, _total):
        if (what, done) == (DATA, 0):
            place.write_bytes(place.read_bytes()[:-1] + b"x")

    with refused("backup_damaged", MalformedError):
        restore(RestoreOrder(kept, new, PASSPHRASE), {}, SYSTEM, told)
    assert not (new / FILE).exists()  # so that nothing is served
    assert not [name for name in files_below(new / "data") if "registry.sqlite" in name]


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_backup_that_holds_no_file_is_not_waited_for(kept, tmp_path, kind):
    place = kept / "data" / "registry.sqlite"
    place.rename(tmp_path / "rows")
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(tmp_path / "rows")
    with refused("file_not_read", UnavailableError):
        restored(kept, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_was_restored_nobody_else_may_write(kept, tmp_path):
    """No sum says anything about modes."""
    for path in (kept, *kept.rglob("*")):
        path.chmod(0o777)
    restored(kept, tmp_path / "new")
    others = stat.S_IWGRP | stat.S_IWOTH
    assert not [p for p in (tmp_path / "new").rglob("*") if p.stat().st_mode & others]


# --- with the passphrase ----------------------------------------------------------------------


def test_changed_backup_writes_nothing_outside_of_its_folder(kept, tmp_path):
    victim = tmp_path / "home" / "autostart"
    policy_at(kept, victim)
    with refused("place_outside", UsageError):
        restored(kept, tmp_path / "new")
    assert not victim.parent.exists()
    assert not (tmp_path / "new").exists()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "link").symlink_to(tmp_path)
    policy_at(kept, "link/home/autostart")
    with refused("place_outside", UsageError):
        restored(kept, tmp_path / "new")
    assert not victim.parent.exists()


def test_place_that_a_person_names_is_written(kept, tmp_path, town):
    place = tmp_path / "elsewhere" / "policy.json"
    policy_at(kept, place)
    with refused("place_outside", UsageError):
        restored(kept, tmp_path / "new", **{"service.policy": tmp_path / "other"})
    made = restored(kept, tmp_path / "new", **{"service.policy": place})
    assert place.exists()
    assert made.fingerprint == town.founded.policy.fingerprint


@pytest.mark.parametrize(
    "name",
    [
        "data/last-signed",
        "data/last-cosigned",
        "data/restored",
        "federation/restored",
        "root/keys/evil.sh",
        "root/lock",
        "anything",
    ],
)
def test_changed_backup_brings_no_guard_and_no_mark(kept, tmp_path, name):
    (kept / name).parent.mkdir(parents=True, exist_ok=True)
    (kept / name).write_bytes(b"{}")
    proven(kept)
    with refused("backup_damaged", MalformedError):
        restored(kept, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (kept / name).unlink()
    if name.rpartition("/")[2] in ("last-signed", "last-cosigned", "restored"):
        policy_at(kept, name)
        with refused("backup_damaged", MalformedError):
            restored(kept, tmp_path / "new")


def test_policy_that_is_none_is_not_restored(kept, tmp_path):
    (kept / "settings" / "service.policy").write_bytes(b"[Desktop Entry]\n")
    proven(kept)
    with refused("backup_damaged", MalformedError):
        restored(kept, tmp_path / "new")
