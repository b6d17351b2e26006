"""Keys of a service: a copy in the wrong place, a key that comes back, a mark taken off."""

import pytest

from did_service.core.crypto.keyring import KeyRole
from did_service.core.errors import DidServiceError
from did_service.core.log.checkpoint import Checkpoint
from did_service.signer.keyring import create_keyring, open_keyring
from did_service.signer.last_signed import LastSigned
from did_service.signer.restored import release
from tests.support.keyrings import CHEAP, counting_rng

LOG = "gd.example/reg"


@pytest.fixture
def keyring(tmp_path):
    made = create_keyring(tmp_path / "gd" / "keyring.json", "one", counting_rng(), CHEAP)
    made.make(KeyRole.LOG, LOG)
    return made


def refused(code, call, *arguments):
    with pytest.raises(DidServiceError) as caught:
        call(*arguments)
    assert caught.value.code == code


def test_backup_copied_over_the_keyring_opens_nothing(keyring, tmp_path):
    """Who copies instead of restoring would have keys without the mark."""
    path = tmp_path / "gd" / "keyring.json"
    path.write_bytes(keyring.backup("two", CHEAP))
    refused("keyring_is_backup", open_keyring, path, "two", counting_rng())


def test_restored_log_key_signs_nothing_before_what_it_signed_is_here(keyring, tmp_path):
    other = create_keyring(tmp_path / "new" / "keyring.json", "three", counting_rng(7), CHEAP)
    (record,) = other.restore(keyring.backup("two", CHEAP), "two")
    refused("key_restored", other.log, LOG)
    guard = LastSigned(tmp_path / "last-signed")
    shown = {LOG: Checkpoint(LOG, 9, b"9" * 32)}
    behind, whole = (lambda *_: False), (lambda *_: True)
    refused("restored_unmatched", release, other, record, [LOG], guard, {}, whole)
    refused("restored_unmatched", release, other, record, [LOG], guard, shown, behind)
    refused("key_restored", other.log, LOG)
    release(other, record, [LOG], guard, shown, whole)
    other.log(LOG)
    smaller = Checkpoint(LOG, 8, b"8" * 32)
    refused("signed_more_before", guard.advance, smaller, lambda _: ())


def test_mark_of_a_restored_key_cannot_be_taken_off_by_hand(keyring, tmp_path):
    path = tmp_path / "new" / "keyring.json"
    other = create_keyring(path, "three", counting_rng(7), CHEAP)
    other.restore(keyring.backup("two", CHEAP), "two")
    text = path.read_text()
    assert '"restored": true' in text
    path.write_text(text.replace('"restored": true', '"restored": false'))
    refused("keyring_not_opened", open_keyring, path, "three", counting_rng())
