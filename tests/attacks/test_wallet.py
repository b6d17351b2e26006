"""Attacks on the wallet: its files in another's hands, and text that would fool its owner."""

import os
import re
from functools import partial

import pytest

from did_service.core.crypto.sealed import Argon2id
from did_service.core.encoding import jcs, strict_json
from did_service.core.errors import DidServiceError
from tests.support.purse import PASSPHRASE, Purse, cheap, seeded
from wallet_cli.holdings import HeldCredential, HolderIdentity, keep
from wallet_cli.store import StoreDirectory
from wallet_cli.vault import Vault, new_id, open_vault, reopen

pytestmark = pytest.mark.clock

# What a terminal would act on, or what would turn the reading order of a line.
ACTIVE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def refusal(data: bytes, passphrase: str = PASSPHRASE) -> str:
    with pytest.raises(DidServiceError) as caught:
        open_vault(data, passphrase)
    return caught.value.code


def members(data: bytes) -> dict:
    return strict_json.load_object(data)


def edited(data: bytes, **changes) -> bytes:
    return jcs.encode({**members(data), **changes}) + b"\n"


# --- thief of device or backup ---------------------------------------------------------------


def test_slot_parameters_changed():
    """Cheaper costs written into the slot do not make the passphrase cheaper to guess."""
    costs = partial(Argon2id, 2, 16_384)
    _, data = Vault.create(PASSPHRASE, seeded(), costs).encode(seeded(2))
    (slot,) = members(data)["slots"]
    for change in ({"passes": 1}, {"memory_bytes": 8_192}, {"salt": "A" * 22}):
        weakened = edited(data, slots=[{**slot, "kdf": {**slot["kdf"], **change}}])
        assert refusal(weakened) == "passphrase_wrong"


def test_record_rolled_back():
    """An older version of one record, put into the newest file, is not taken for the newest."""
    rng = seeded()
    old, before = (
        Vault.create(PASSPHRASE, rng, cheap).put("a", "card", {"n": 1}, rng).encode(rng)
    )
    _, after = old.put("a", "card", {"n": 2}, rng).encode(rng)
    assert open_vault(after, PASSPHRASE).records["a"].value == {"n": 2}
    for part in (["records"], ["manifest"]):
        mixed = edited(after, **{name: members(before)[name] for name in part})
        assert refusal(mixed) == "store_damaged"


def test_record_dropped():
    """A record that is taken out of the file is missed."""
    rng = seeded()
    _, data = Vault.create(PASSPHRASE, rng, cheap).put("a", "card", {}, rng).encode(rng)
    assert refusal(edited(data, records=[])) == "store_damaged"


def test_previous_file_after_passphrase_change(tmp_path):
    """What the old passphrase opens is wiped; it opens nothing any more."""
    store = StoreDirectory(tmp_path / "w").create(
        Vault.create(PASSPHRASE, os.urandom, cheap), os.urandom
    )
    store.commit(lambda vault: vault.put("a", "card", {}, os.urandom))
    assert store.directory.previous.exists()
    store.commit_passphrase(
        lambda vault: vault.with_passphrase("another sentence", os.urandom, cheap)
    )
    assert sorted(path.name for path in store.directory.path.iterdir()) == [
        "lock",
        "wallet.json",
    ]
    assert refusal(store.directory.read(), PASSPHRASE) == "passphrase_wrong"
    assert open_vault(store.directory.read(), "another sentence").records.keys() == {"a"}


def test_old_passphrase_after_rekey(tmp_path):
    """Who opened an old copy, and so has its data key, reads nothing that is written later."""
    rng = os.urandom
    store = StoreDirectory(tmp_path / "w").create(Vault.create(PASSPHRASE, rng, cheap), rng)
    store.commit(lambda vault: vault.put("a", "card", {"n": 1}, rng))
    stolen, copy = store.vault, store.directory.read()
    store.commit_passphrase(lambda vault: vault.rekeyed(PASSPHRASE, rng, cheap))
    now = store.directory.read()
    for slots in ([], members(copy)["slots"]):
        given = edited(now, **({"slots": slots} if slots else {}))
        with pytest.raises(DidServiceError) as caught:
            reopen(given, stolen)
        assert caught.value.code == ("store_damaged" if slots else "store_rekeyed")
    assert not store.directory.previous.exists()
    assert open_vault(now, PASSPHRASE).records["a"].value == {"n": 1}
    assert not {each["sealed"] for each in members(copy)["records"]} & {
        each["sealed"] for each in members(now)["records"]
    }


# --- text that would fool the person at the screen -------------------------------------------


def purse_with(folder, **claims) -> Purse:
    """A wallet with one credential whose issuer chose its words."""
    purse = Purse(folder)
    identity = HolderIdentity(
        new_id(os.urandom), "did:key:z6MkHolder", bytes(32), "", "2026-01-01"
    )
    credential = {
        "type": ["VerifiableCredential", claims.pop("kind", "ResidencePermit")],
        "issuer": claims.pop("issuer", "did:webvh:x:gd.example"),
        "validUntil": "2031-01-01T00:00:00Z",
        "credentialSubject": {"id": identity.did, **claims},
    }
    held = HeldCredential(
        id=new_id(os.urandom),
        alias="card-1",
        holder=identity.did,
        delivery={"credential": credential, "batch": None, "evidence": [], "authority": []},
        issuer_url="",
        received="2026-01-01T00:00:00Z",
    )
    purse.open().commit(lambda v: keep(keep(v, identity, os.urandom), held, os.urandom))
    return purse


def screens(purse: Purse) -> str:
    """Everything that the wallet says about its credentials, for people and for scripts."""
    commands = (
        ("cred", "list"),
        ("cred", "show", "card-1"),
        ("cred", "verify", "card-1"),
        ("cred", "show", "card-1", "--json"),
        ("cred", "show", "\x1b[2Jcard"),
        ("id", "list"),
        ("status",),
        (
            "present",
            "card-1",
            "--nonce",
            "n",
            "--audience",
            "a",
            "--out",
            purse.folder / "o",
            "--yes",
        ),
    )
    runs = [purse.run(*words) for words in commands]
    (purse.folder / "o").unlink(missing_ok=True)
    return "".join(run.out + run.err for run in runs)


def test_terminal_escape_in_claim(tmp_path):
    """No claim, name of a claim, type or issuer moves the cursor or clears the screen."""
    evil = "\x1b[2J\x1b]0;owned\x07\x9b31m\rwallet: accepted\b\b"
    purse = purse_with(tmp_path, familyName=evil, kind=evil, issuer=evil, **{evil: "x"})
    shown = screens(purse)
    assert ACTIVE.search(shown) is None
    assert "\\u{1b}[2J" in shown


def test_bidi_in_name(tmp_path):
    """A name cannot turn the reading order of the line that it stands in."""
    purse = purse_with(tmp_path, familyName="\u202egnaw\u2066\u200fx\u2028y")
    shown = screens(purse)
    assert ACTIVE.search(shown) is None
    assert "\\u{202e}gnaw" in shown


def test_html_in_display(tmp_path):
    """What looks like a tag, or like a terminal library's markup, is shown as it is written."""
    tag, markup = "<script>alert(1)</script>", "[bold red]ACCEPTED[/]"
    purse = purse_with(tmp_path, familyName=tag, givenName=markup)
    shown = purse.run("cred", "show", "card-1").out
    assert tag in shown
    assert markup in shown
