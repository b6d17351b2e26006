"""`did-service did` as a person types it: one folder, one policy, one passphrase file."""

import json
import sys
import time

import pytest

from did_service.cli import __main__ as program
from did_service.program.exits import Exit
from tests.support.live import publishing, running

pytestmark = pytest.mark.clock


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("did")
    with running(folder, rules=2, now=int(time.time())) as federation:
        federation.publish("gd", "hn")
        (folder / "policy.json").write_text(json.dumps(federation.policy.members))
        routes = {host: f"unix:{place.path}" for host, place in federation.places.items()}
        (folder / "routes.json").write_text(json.dumps(routes))
        (folder / "secret").write_text("long words in a row\n")
        yield federation


@pytest.fixture
def type_words(fed, monkeypatch, capsys, tmp_path):
    """Type a command on the DID of one folder; its exit code and its JSON object."""
    monkeypatch.setenv("DIDSVC_ROUTES", str(fed.folder / "routes.json"))
    given = ["--dir", str(tmp_path / "office")]
    online = ["--policy", str(fed.folder / "policy.json")]
    online += ["--passphrase-file", str(fed.folder / "secret"), "--wait", "10"]

    def typed(command, *words, as_json=True):
        rest = given if command == "show" else [*given, *online]
        argv = ["did-service", "did", command, *rest, *words, *["--json"] * as_json]
        monkeypatch.setattr(sys, "argv", argv)
        code = program.run()
        out, err = capsys.readouterr()
        return code, json.loads(out) if as_json else (out, err)

    return typed


def test_a_did_is_made_changed_and_moved_by_command(fed, type_words, tmp_path):
    with publishing(fed, "gd", "hn"):
        code, made = type_words("create", "--at", "typed.gd.example", "--movable")
        assert (code, made["command"], made["ok"]) == (0, "did create", True)
        assert (made["data"]["log"], made["data"]["number"]) == ("gd.example/reg", 1)
        time.sleep(1)  # versions have whole seconds
        code, rotated = type_words("rotate", "--drop-old")
        assert rotated["data"]["keys"] == [f"{made['data']['did']}#key-2"]
        (tmp_path / "did.json").write_text(
            json.dumps({"id": "did:example:1"}), encoding="utf-8"
        )
        code, refused = type_words("update", "--document", str(tmp_path / "did.json"))
        assert (code, refused["ok"]) == (Exit.USAGE, False)
        code, moved = type_words("move", "--to", "typed.hn.example")
        assert (code, moved["data"]["log"]) == (0, "hn.example/reg")
        code, shown = type_words("show")
        assert shown["data"]["did"].endswith(":typed.hn.example")
        assert (shown["data"]["number"], shown["data"]["pending"]) == (4, None)
        code, (out, err) = type_words("deactivate", "--yes", "--lang", "zh", as_json=False)
        assert code == 0
        assert out.startswith("did:webvh:")
        assert "已注销" in err


def test_what_is_missing_is_said_with_a_next_step(fed, type_words):
    code, answer = type_words("show")
    assert (code, answer["error"]["code"]) == (Exit.NOT_FOUND, "did_missing")
    code, answer = type_words("create", "--at", "typed.example.org")
    assert answer["error"]["code"] == "home_unknown"
    code, (_, err) = type_words("rotate", "--lang", "zh", as_json=False)
    assert "[did_missing]" in err
    assert "did create" in err


def test_an_empty_passphrase_file_opens_nothing(fed, type_words, tmp_path):
    for content in (b"\n", b"\xff\n"):
        (tmp_path / "empty").write_bytes(content)
        code, answer = type_words("rotate", "--passphrase-file", str(tmp_path / "empty"))
        assert (code, answer["error"]["code"]) == (Exit.USAGE, "passphrase_unreadable")
    code, answer = type_words("rotate", "--passphrase-file", str(tmp_path / "none"))
    assert answer["error"]["code"] == "file_missing"


def test_ending_a_did_has_to_be_said(fed, type_words):
    code, answer = type_words("deactivate")
    assert (code, answer["error"]["code"]) == (Exit.USAGE, "usage")
