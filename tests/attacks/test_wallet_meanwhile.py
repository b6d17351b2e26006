"""A wallet in two windows: what the one deletes, the other neither uses nor brings back."""

import pytest

from tests.attacks.test_wallet_deliveries import Citizen
from wallet_cli.holdings import answers, credentials
from wallet_cli.terminal import Terminal

pytestmark = pytest.mark.clock


@pytest.fixture
def citizen(tmp_path, scene):
    """A wallet with the policy, and one good credential."""
    scene.publish()
    found = Citizen(tmp_path, scene)
    assert found.take(scene.staple()).exit == 0
    assert found.receive(scene.issue(credentialSubject=found.subject())).exit == 0
    return found


@pytest.mark.parametrize("answered_before", [False, True])
def test_credential_deleted_while_its_holder_is_asked_signs_nothing(
    citizen, monkeypatch, answered_before
):
    """It was signed all the same, and to whom it was shown stayed in the wallet for ever."""
    (held,) = credentials(citizen.vault())
    out, words = citizen.folder / "o.json", ("--nonce", "n" * 43, "--audience", "window-3")
    present = ("present", held.alias, *words, "--out", out, "--yes")
    if answered_before:
        assert citizen.json(*present).exit == 0
        out.unlink()
    confirm, deleted = Terminal.confirm, []

    def asked(terminal, question, about=()):
        if not deleted:
            deleted.append(True)
            assert citizen.json("cred", "delete", held.alias, "--yes").exit == 0
        confirm(terminal, question, about)

    monkeypatch.setattr(Terminal, "confirm", asked)
    run = citizen.json(*present)
    assert (run.exit, run.code, out.exists()) == (7, "credential_unknown", False)
    assert (answers(citizen.vault()), credentials(citizen.vault())) == ((), ())
    assert {path.name for path in citizen.path.iterdir()} <= {"wallet.json", "lock", "trust"}
