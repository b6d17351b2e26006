"""A wallet in two windows: what the one deletes, the other neither uses nor brings back."""

import json

import pytest

from did_service.client.issuer import UnverifiedDelivery
from tests.support.citizen import Citizen
from tests.wallet.test_strange_issuers import CHALLENGE, TAKEN, answering, apply
from wallet_cli import receiving
from wallet_cli.holdings import answers, applications, credentials, identities
from wallet_cli.terminal import Terminal

pytestmark = pytest.mark.clock


@pytest.fixture
def citizen(citizen):
    """The same, with one good credential."""
    return citizen.hold_one()


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


def gives_up(purse, name, body):
    """Return what answers with a body, after its application was given up in another window."""
    dropped = []

    def answer():
        if not dropped:
            dropped.append(purse.start("pending", "drop", name, "--yes").exit)
            assert dropped == [0]
        return body

    return answer


def test_application_given_up_while_it_is_sent_does_not_come_back(tmp_path):
    """It came back without its key: what was issued to it could never be kept."""
    answers = {"challenge": (200, CHALLENGE), "applications": (503, b"")}
    with answering(tmp_path, answers) as purse:
        assert apply(purse).code == "answer_lost"
        (sent,) = applications(purse.vault())
        answers["applications"] = (201, gives_up(purse, sent.id, TAKEN))
        run = purse.json("receive")
        assert (run.exit, run.code) == (7, "application_unknown")
        vault = purse.vault()
        assert (applications(vault), identities(vault)) == ((), ())


def test_application_given_up_while_it_is_picked_up_does_not_come_back(tmp_path, scene):
    delivery = UnverifiedDelivery(scene.issue(), None, (), ()).encode()
    answers = {"challenge": (200, CHALLENGE), "applications": (201, TAKEN)}
    with answering(tmp_path, answers) as purse:
        name = apply(purse).data["id"]
        answers["pickup"] = (200, gives_up(purse, name, delivery))
        run = purse.json("receive")
        assert (run.exit, run.code) == (7, "credential_unknown")
        vault = purse.vault()
        assert (applications(vault), identities(vault)) == ((), ())


def receive_while(citizen, monkeypatch, *words):
    """Receive a second credential; while it is judged, another window runs a command."""
    collect, ended = receiving.collect, []

    def meanwhile(*given):
        if not ended:
            ended.append(citizen.json(*words).exit)
        return collect(*given)

    monkeypatch.setattr(receiving, "collect", meanwhile)
    second = citizen.scene.issue(credentialSubject=citizen.subject(givenName="二"))
    return citizen.json("receive", citizen.save("d.json", json.dumps(second))), ended


def test_credential_whose_key_is_deleted_while_it_is_checked_is_not_kept(citizen, monkeypatch):
    """Nobody could ever present it."""
    (held,) = credentials(citizen.vault())
    run, deleted = receive_while(citizen, monkeypatch, "cred", "delete", held.alias, "--yes")
    assert (deleted, run.exit, run.code) == ([0], 2, "subject_foreign")
    assert citizen.counts() == (0, 0)


def test_file_that_nothing_proves_is_not_set_aside_for_a_key_that_is_gone(
    tmp_path, scene, monkeypatch
):
    citizen = Citizen(tmp_path, scene)
    assert citizen.receive(scene.issue(credentialSubject=citizen.subject())).code == "set_aside"
    (apart,) = applications(citizen.vault())
    run, dropped = receive_while(citizen, monkeypatch, "pending", "drop", apart.id, "--yes")
    assert (dropped, run.code, citizen.counts()) == ([0], "subject_foreign", (0, 0))
