"""`did-service desk` as officers type it: two people, one agency, every act."""

import json
import sys

import pytest

from did_service.cli import __main__ as program
from did_service.node.local.agencies import ACCEPTING, APPROVING
from did_service.node.local.members import POLICE
from did_service.program.exits import Exit
from tests.support.town import town_at

pytestmark = pytest.mark.clock
CHANGES = {"suspend": "suspended", "reinstate": "valid", "revoke": "revoked"}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with town_at(tmp_path_factory.mktemp("town")) as started:
        for name, token in started.world.tokens[POLICE.id].items():
            file = started.folder / f"{name}.token"
            file.touch(0o600)
            file.write_text(f"{token}\n")
        yield started


@pytest.fixture
def typed(town, monkeypatch, capsys):
    """Type a command of the desk; its exit code, and its JSON object or what it printed."""
    monkeypatch.setenv("DIDSVC_ROUTES", str(town.folder / "routes.json"))

    def typed(officer, command, *words, as_json=True):
        given = [POLICE.url, *words, "--token-file", str(town.folder / f"{officer}.token")]
        argv = ["did-service", "desk", command, *given, *["--json"] * as_json]
        monkeypatch.setattr(sys, "argv", argv)
        code = program.run()
        out, err = capsys.readouterr()
        return code, json.loads(out) if as_json else out + err

    return typed


def test_two_officers_bring_an_application_to_a_credential_and_revoke_it(town, typed):
    wang = town.citizen("wang")
    assert town.apply(wang, POLICE).exit == 0
    code, told = typed(ACCEPTING, "applications", "--lang", "zh", as_json=False)
    assert code == 0
    assert "待受理" in told
    assert "familyName: 王" in told
    assert "持证人: did:key:" in told
    code, accepted = typed(ACCEPTING, "accept", "next")
    assert (code, accepted["data"]["state"]) == (0, "accepted")
    code, refused = typed(ACCEPTING, "approve", "next")
    assert (code, refused["error"]["code"]) == (Exit.USAGE, "officer_role_missing")
    code, told = typed(APPROVING, "approve", "next", "--lang", "en", as_json=False)
    assert code == 0
    assert "wallet receive" in told
    code, listed = typed(APPROVING, "credentials")
    credential = listed["data"]["credentials"][-1]["id"]
    for verb, state in CHANGES.items():
        code, changed = typed(APPROVING, verb, credential, "--reason", "遗失 lost")
        assert (code, changed["data"]["state"]) == (0, state)
    code, told = typed(APPROVING, "credentials", "--lang", "zh", as_json=False)
    assert "已作废  遗失 lost" in told


def test_an_application_goes_back_with_a_note(town, typed):
    assert town.apply(town.citizen("li"), POLICE).exit == 0
    code, told = typed(
        ACCEPTING, "return", "next", "--note", "请补充住址", "--lang", "zh", as_json=False
    )
    assert code == 0
    assert "已退回公民" in told
    code, listed = typed(ACCEPTING, "applications", "--state", "returned")
    assert listed["data"]["applications"][-1]["note"] == "请补充住址"
    words = ("--state", "returned", "--lang")
    for language, label in (("en", "note"), ("zh", "说明")):
        _, told = typed(ACCEPTING, "applications", *words, language, as_json=False)
        assert f"{label}: 请补充住址" in told


def test_what_is_missing_is_said_with_a_next_step(town, typed):
    code, answer = typed(APPROVING, "approve", "next")
    assert (code, answer["error"]["code"]) == (Exit.NOT_FOUND, "nothing_waiting")
    code, told = typed(ACCEPTING, "accept", "NOBODY", "--lang", "en", as_json=False)
    assert code == Exit.NOT_FOUND
    assert "hint" in told
    code, answer = typed("nobody", "accept", "next")
    assert (code, answer["error"]["code"]) == (Exit.NOT_FOUND, "file_missing")


@pytest.mark.parametrize(
    ("mode", "text", "code"),
    [(0o644, "x" * 43, "token_open_to_others"), (0o600, "", "token_file_empty")],
)
def test_a_token_file_is_its_owners_alone(town, typed, mode, text, code):
    file = town.folder / "loose.token"
    file.write_text(f"{text}\n")
    file.chmod(mode)
    _, answer = typed("loose", "applications")
    assert answer["error"]["code"] == code
    assert text not in answer["error"]["message"] or not text


def test_a_stranger_is_told_so(town, typed):
    file = town.folder / "stranger.token"
    file.touch(0o600)
    file.write_text("n" * 43)
    code, answer = typed("stranger", "applications")
    assert (code, answer["error"]["code"]) == (Exit.USAGE, "officer_unknown")
