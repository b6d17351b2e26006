"""`did-service health`: an exit code that says whether a service works, and nothing else.

Both questions are put to a region that really serves. What makes a service wait is set in the
web frame that all services have; the other answers are those of programs in its place.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from fastapi import FastAPI, Response

from did_service.cli.__main__ import cli
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.node.configuration import FILE, read_configuration
from did_service.node.reaching import socket_of
from did_service.program.clock import SYSTEM
from did_service.web.app import create_app
from did_service.web.health import checked_part
from did_service.web.ready_words import ReadyWord
from did_service.web.serve import Server, unix_socket
from tests.support.ceremony_town import town_of
from tests.support.founded import HOST, PASSPHRASE, found, region_folder
from tests.support.howtos import Offices

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("health")]

PATIENCE = 60
WELL = {
    "schema": "did-service/1",
    "ok": True,
    "command": "health",
    "warnings": [],
    "error": None,
}


def asked(folder, *words, **variables):
    """Ask in a process of its own, as an engine does; exit code and answer."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "DIDSVC"))}
    done = subprocess.run(
        [sys.executable, "-m", "did_service.cli", "health", folder, *words, "--json"],
        env={**kept, "DIDSVC_LANG": "en", **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert PASSPHRASE not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def refused(folder, *words):
    """Ask in this process, and return code and message of the refusal."""
    with pytest.raises(DidServiceError) as caught:
        CliRunner().invoke(
            cli, ["health", str(folder), *words], standalone_mode=False, catch_exceptions=False
        )
    assert isinstance(caught.value, UnavailableError)
    return caught.value.code, caught.value.message


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A region of five; the other four are not there."""
    place = tmp_path_factory.mktemp("health")
    passphrase = place / "pass"
    passphrase.touch(0o600)
    passphrase.write_text(f"{PASSPHRASE}\n")
    return region_folder(place / "gd", found(SYSTEM), passphrase, SYSTEM)


@contextmanager
def serving(folder):
    words = [sys.executable, "-m", "did_service.cli", "region", "serve", folder]
    child = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while asked(folder, "--live")[0]:
            assert child.poll() is None
            assert time.monotonic() < deadline
        yield child
    finally:
        child.kill()
        child.wait()


@contextmanager
def served(folder, app):
    socket = socket_of(read_configuration(folder / FILE, {}))
    socket.parent.mkdir(exist_ok=True)
    with Server(app, unix_socket(socket)):
        yield


def in_its_place(folder, path, status, body):
    """Another program where the service listens."""
    app = FastAPI()

    @app.get(path)
    def answer() -> Response:
        return Response(body, status, media_type="application/json")

    return served(folder, app)


# --- services that serve ----------------------------------------------------------------------


def test_a_region_is_well_while_it_serves_and_not_when_it_has_ended(folder):
    with serving(folder) as child:
        whole = {"service": "region", "host": HOST, "asked": "/ready"}
        assert asked(folder) == (0, {**WELL, "data": whole})
        assert asked(folder, "--live") == (0, {**WELL, "data": {**whole, "asked": "/health"}})
        # In a container both have one environment: the file alone would lead elsewhere.
        elsewhere = asked(folder, DIDSVC_LISTEN_ADDRESS="unix:run/elsewhere.sock")
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE) == 0
    for code, told in (elsewhere, asked(folder), asked(folder, "--live")):
        assert (code, told["error"]["code"], told["data"]) == (8, "service_silent", None)
    assert "run/elsewhere.sock" in elsewhere[1]["error"]["detail"]


def test_a_service_that_waits_lives_and_is_not_ready(folder):
    parts = [checked_part("publication", ReadyWord.NOT_PUBLISHED, well=False)]
    with served(folder, create_app("test", ready=lambda: parts, edge=SYSTEM)):
        assert refused(folder) == ("service_not_ready", f'{HOST} waits for "not_published"')
        assert asked(folder, "--live")[0] == 0
        parts.clear()
        assert asked(folder)[0] == 0


def test_a_region_of_a_federation_is_asked_as_any_other(tmp_path_factory):
    with town_of(Offices, tmp_path_factory) as town:
        town.follow("found-a-federation.md")
        town.wait_for("gd.example/reg")
        assert town.eventually(bool, "health", town.path / "gd")
        town.stop("gd")
        assert refused(town.path / "gd")[0] == "service_silent"


def test_a_folder_without_a_configuration_is_told_as_one(tmp_path):
    code, told = asked(tmp_path)
    assert (code, told["error"]["code"]) == (7, "configuration_missing")


def test_the_check_opens_no_key(folder):
    """It is started twice a minute: what it reads lies open that often."""
    keys = folder / "keys"
    keys.rename(folder / "keys.away")
    try:
        with served(folder, create_app("test", ready=list, edge=SYSTEM)):
            assert asked(folder)[0] == 0
    finally:
        (folder / "keys.away").rename(keys)


# --- others in its place ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>log in first</html>"),
        (200, "{}"),
        (200, '{"status":"ok"}'),
        (200, '{"status":"waiting","waiting_for":["not_published"]}'),
        (503, '{"status":"ready","waiting_for":[]}'),
        (503, '{"status":"waiting","waiting_for":7}'),
        (503, '{"status":"waiting","waiting_for":[7]}'),
        (302, '{"status":"ready","waiting_for":[]}'),
        (200, '{"status":"ready","status":"ready"}'),
    ],
    ids=["page", "nothing", "of /health", "two words", "other two", "type", "item", "moved",
         "twice"],
)  # fmt: skip
def test_who_answers_in_the_place_of_a_service_does_not_make_it_well(folder, status, body):
    with in_its_place(folder, "/ready", status, body):
        assert refused(folder)[0] == "service_silent"


def test_an_answer_to_one_question_is_none_to_the_other(folder):
    with in_its_place(folder, "/health", 200, '{"status":"ready"}'):
        assert refused(folder, "--live")[0] == "service_silent"
        assert refused(folder)[0] == "service_silent"


def test_what_is_said_in_its_place_reaches_no_terminal_as_it_is(folder):
    body = json.dumps({"status": "waiting", "waiting_for": ["\x1b[2Jall well"]})
    with in_its_place(folder, "/ready", 503, body):
        code, detail = refused(folder)
    assert code == "service_not_ready"
    assert "\x1b" not in detail
