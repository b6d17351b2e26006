"""The keyring of a service on disk, its backup, and what a restored key may do."""

import resource

import pytest

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.keyring import KeyRole
from did_service.core.crypto.sealed import Argon2id
from did_service.core.errors import ConflictError, DidServiceError, RuleError
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.signer.keyring import create_keyring, open_keyring
from did_service.signer.keyring_file import read_backup
from did_service.signer.last_signed import LastSigned
from did_service.signer.restored import release, restored_in
from tests.support.keyrings import CHEAP, counting_rng

LOG, WITNESS = "gd.example/reg", "gd.example/witness"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "region" / "keyring.json"


@pytest.fixture
def keyring(path):
    return create_keyring(path, "one", counting_rng(), CHEAP)


def reopened(path):
    return open_keyring(path, "one", counting_rng())


def refused(code, call, *arguments):
    with pytest.raises(DidServiceError) as caught:
        call(*arguments)
    assert caught.value.code == code
    return caught.value


def test_keys_are_there_after_a_start(keyring, path):
    log = keyring.make(KeyRole.LOG, LOG)
    witness = keyring.make(KeyRole.COSIGNER, WITNESS)
    again = reopened(path)
    assert again.log(LOG).key.public == log.public
    assert again.cosigner(WITNESS).key.public == witness.public


def test_file_and_folder_are_private(keyring, path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_keyring_that_others_may_read_is_not_opened(keyring, path, mode):
    path.chmod(mode)
    assert str(path) in refused("keyring_open_to_others", reopened, path).message


def test_a_folder_that_others_may_enter_is_refused(keyring, path):
    path.parent.chmod(0o755)
    refused("keyring_open_to_others", reopened, path)


def test_nothing_is_overwritten(keyring, path):
    before = path.read_bytes()
    refused("file_exists", create_keyring, path, "two", counting_rng(), CHEAP)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "json_invalid"), (b"{}", "member_missing"), (b"\0" * 2_000_000, "file_damaged")],
)
def test_damage_is_told_with_the_file(keyring, path, data, code):
    path.write_bytes(data)
    assert path.name in refused(code, reopened, path).message


def test_a_wrong_passphrase_is_told_with_the_file(keyring, path):
    error = refused("keyring_not_opened", open_keyring, path, "wrong", counting_rng())
    assert str(path) in error.message
    assert "wrong passphrase" in error.message


def test_a_missing_keyring_is_told(tmp_path):
    refused("keyring_missing", reopened, tmp_path / "keyring.json")


def test_a_link_in_its_place_is_not_followed(keyring, path):
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)
    refused("file_not_read", reopened, path)


def test_one_key_a_role_and_name(keyring):
    keyring.make(KeyRole.LOG, LOG)
    refused("key_exists", keyring.make, KeyRole.LOG, LOG)
    refused("key_missing", keyring.key, KeyRole.COSIGNER, LOG)
    refused("key_missing", keyring.succeed, KeyRole.LOG, "other")
    refused("key_missing", keyring.drop, KeyRole.LOG, LOG, b"\0" * 32)


def test_missing_keys_alone_are_made(keyring, path):
    first = keyring.make(KeyRole.LOG, LOG)
    made = keyring.make_missing({KeyRole.LOG: [LOG, "gd.example/ev/2026"]})
    assert [record.name for record in made] == ["gd.example/ev/2026"]
    assert keyring.make_missing({KeyRole.LOG: [LOG]}) == ()
    assert reopened(path).key(KeyRole.LOG, LOG).public == first.public


def test_a_log_key_has_a_successor_and_the_former_one_stays_until_dropped(keyring):
    first = keyring.make(KeyRole.LOG, LOG)
    second = keyring.succeed(KeyRole.LOG, LOG)
    assert keyring.log(LOG).key.public == second.public
    assert keyring.log(LOG, first.public).key.public == first.public
    keyring.drop(KeyRole.LOG, LOG, first.public)
    refused("key_missing", keyring.key, KeyRole.LOG, LOG, first.public)


def test_a_turn_makes_the_next_key_the_update_key(keyring, path):
    keyring.make_missing({KeyRole.UPDATE: ["gd.example"], KeyRole.NEXT: ["gd.example"]})
    before = keyring.key(KeyRole.NEXT, "gd.example")
    update, following = keyring.turn("gd.example")
    assert update.public == before.public != following.public
    again = reopened(path)
    assert again.key(KeyRole.UPDATE, "gd.example").public == update.public
    assert again.key(KeyRole.NEXT, "gd.example").public == following.public
    assert len(again.all(KeyRole.UPDATE, "gd.example")) == 2


def test_what_a_command_made_meanwhile_is_kept(keyring, path):
    beside = reopened(path)
    beside.make(KeyRole.LOG, "gd.example/ev/2027")
    keyring.make(KeyRole.LOG, LOG)
    assert {each.name for each in reopened(path).records} == {LOG, "gd.example/ev/2027"}


def test_a_full_disk_leaves_the_former_keyring(keyring, path, monkeypatch):
    keyring.make(KeyRole.LOG, LOG)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    refused("file_not_written", keyring.make, KeyRole.COSIGNER, WITNESS)
    monkeypatch.undo()
    assert [each.name for each in reopened(path).records] == [LOG]
    assert [each.name for each in keyring.records] == [LOG]


def test_no_core_is_dumped_while_keys_are_open(keyring):
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)


def test_one_derivation_a_start(keyring, path, monkeypatch):
    keyring.make_missing({KeyRole.LOG: [f"gd.example/ev/{year}" for year in range(2026, 2036)]})
    calls = []
    derive = Argon2id.derive
    monkeypatch.setattr(Argon2id, "derive", lambda *a: calls.append(a) or derive(*a))
    again = reopened(path)
    again.make(KeyRole.LOG, LOG)
    assert len(again.records) == 11
    assert len(calls) == 1


# --- backup and restore -----------------------------------------------------------------------


def restored(keyring, tmp_path):
    """The keys on another machine, out of a backup."""
    other = create_keyring(tmp_path / "new" / "keyring.json", "three", counting_rng(9), CHEAP)
    other.restore(keyring.backup("two", CHEAP), "two")
    return other


def test_a_backup_needs_a_passphrase_of_its_own(keyring):
    refused("passphrase_same", keyring.backup, "one", CHEAP)


def test_a_backup_in_the_place_of_a_keyring_opens_nothing(keyring, path):
    path.write_bytes(keyring.backup("two", CHEAP))
    refused("keyring_is_backup", open_keyring, path, "two", counting_rng())


def test_a_backup_is_read_from_its_file(keyring, tmp_path):
    refused("file_missing", read_backup, tmp_path / "backup")
    (tmp_path / "backup").write_bytes(b"kept")
    assert read_backup(tmp_path / "backup") == b"kept"


def test_a_wrong_passphrase_restores_nothing(keyring, path):
    refused("keyring_not_opened", keyring.restore, keyring.backup("two", CHEAP), "wrong")


@pytest.mark.parametrize("role", KeyRole)
def test_restored_keys_of_logs_and_witnesses_do_not_sign(keyring, tmp_path, role):
    made = keyring.make(role, LOG)
    other = restored(keyring, tmp_path)
    guarded = role in (KeyRole.LOG, KeyRole.COSIGNER)
    assert [each.restored for each in other.records] == [guarded]
    if guarded:
        refused("key_restored", other.key, role, LOG)
        refused("key_restored", reopened_with(tmp_path, "three").key, role, LOG)
    else:
        assert other.key(role, LOG).public == made.public


def reopened_with(tmp_path, passphrase):
    return open_keyring(tmp_path / "new" / "keyring.json", passphrase, counting_rng())


def test_a_key_that_is_here_stays_as_it_is(keyring):
    keyring.make(KeyRole.LOG, LOG)
    assert keyring.restore(keyring.backup("two", CHEAP), "two") == ()
    keyring.log(LOG)


HEAD = Checkpoint(LOG, 5, b"5" * 32)


@pytest.mark.parametrize(
    ("signed", "shown", "held", "may"),
    [
        (None, None, 9, False),  # nobody tells what was signed
        (None, HEAD, 5, True),
        (None, HEAD, 4, False),
        (HEAD, None, 5, True),
        (HEAD, None, 4, False),
        (HEAD, Checkpoint(LOG, 7, b"7" * 32), 6, False),  # the guard itself is an old copy
        (HEAD, Checkpoint(LOG, 7, b"7" * 32), 7, True),
        (HEAD, Checkpoint(LOG, 3, b"3" * 32), 4, False),  # peers know less than the guard
    ],
)
def test_a_restored_key_signs_once_all_that_it_signed_is_here(
    keyring, tmp_path, signed, shown, held, may
):
    keyring.make(KeyRole.LOG, LOG)
    other = restored(keyring, tmp_path)
    guard = LastSigned(tmp_path / "last-signed")
    if signed is not None:
        guard.advance(signed, lambda _: ())
    heads = {} if shown is None else {LOG: shown}

    def holds(origin: str, head: HeldCheckpoint) -> bool:
        return origin == LOG and head.size <= held

    (record,) = restored_in(other.records)
    arguments = (other, record, [LOG], guard, heads, holds)
    if may:
        release(*arguments)
        assert restored_in(reopened_with(tmp_path, "three").records) == ()
        other.log(LOG)
        assert guard.held(LOG) is not None  # from here on it counts
    else:
        with pytest.raises(ConflictError) as caught:
            release(*arguments)
        assert caught.value.code == "restored_unmatched"
        with pytest.raises(RuleError):
            other.log(LOG)


def test_a_key_made_elsewhere_is_taken_over(keyring, path):
    key = SigningKey(b"k" * 32)
    keyring.adopt(KeyRole.LOG, LOG, key)
    assert reopened(path).log(LOG).key.public == key.public
