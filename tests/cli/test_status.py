"""What `agency status` says of an agency whose region is away, whatever /ready remembers."""

import json
from contextlib import contextmanager

import pytest
from fastapi import FastAPI, Response

from did_service.cli.service_lines import state_lines
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.encoding import timestamps
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.note import NoteSigner
from did_service.node.configuration import FILE, read_configuration
from did_service.node.initial import initialise
from did_service.node.reaching import socket_of
from did_service.node.setting_table import ServiceKind
from did_service.node.status import status_of
from did_service.program.clock import ClockAndRandom
from did_service.web.serve import Server, unix_socket
from tests.support.keyrings import CHEAP, counting_rng

LOG = "gd.example/ev/2026"
NOW = timestamps.parse_utc("2026-11-30T10:00:00Z")
EDGE = ClockAndRandom(lambda: NOW, counting_rng())
SILENT = {"word": "log_silent", "since": "2026-11-30T09:55:00Z"}
CHOSEN = {
    "service.hosts": ["gz.gd.example"],
    "agency.url": "https://gz.gd.example/agencies/a",
    "agency.jurisdiction": "440100",
    "agency.log_host": "gd.example",
}


def note_of(origin):
    """A checkpoint of a log that has one entry."""
    signer = NoteSigner(origin, SigningKey(bytes(32)))
    return sign_checkpoint(Checkpoint(origin, 1, bytes(32)), signer).decode()


@pytest.fixture(scope="module")
def configuration(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gz")
    initialise(folder, ServiceKind.AGENCY, CHOSEN, "one two three", EDGE, CHEAP)
    return read_configuration(folder / FILE, {})


@contextmanager
def answering(place, path, status, body):
    app = FastAPI()

    @app.get(path)
    def answer() -> Response:
        kind = "application/problem+json" if status == 404 else "application/json"
        return Response(body, status, media_type=kind)

    with Server(app, unix_socket(place)):
        yield


def asked(configuration, region, *parts):
    """What status says while the agency answers /ready with these parts."""
    socket = socket_of(configuration)
    socket.parent.mkdir(exist_ok=True)
    document = json.dumps({"parts": parts})
    routes = configuration.file.parent / "routes.json"
    routes.write_text(json.dumps({"gd.example": f"unix:{region}"}))
    with answering(socket, "/ready", 503 if parts else 200, document):
        found = status_of(configuration, {"DIDSVC_ROUTES": str(routes)}, NOW)
    return found, [line.en for line in state_lines(found)]


def test_an_agency_whose_region_does_not_answer_is_not_ready(configuration, tmp_path):
    """`/ready` still said what it had heard before; status gave that out as the state."""
    found, lines = asked(configuration, tmp_path / "nobody")
    assert found.encode()["region_log"] == {"log": LOG, "fault": "peer_unreachable"}
    assert (found.encode()["running"], found.encode()["ready"]) == (True, False)
    assert not [line for line in lines if line.endswith(": ready")]
    (line,) = [line for line in lines if "does not answer now" in line]
    assert line.endswith(" [peer_unreachable]")


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, note_of(LOG)), (404, json.dumps({"code": "checkpoint_missing"}))],
)
def test_a_log_that_answers_is_told_and_may_have_nothing_yet(
    configuration, tmp_path, status, body
):
    with answering(tmp_path / "s", "/ev/2026/checkpoint", status, body):
        found, lines = asked(configuration, tmp_path / "s")
    assert found.encode()["ready"]
    assert f"{LOG}: the region's log answers" in lines


@pytest.mark.parametrize(
    "body",
    ["<html>log in first</html>", note_of("hn.example/reg")],
    ids=["a portal", "another log"],
)
def test_who_answers_in_the_place_of_the_log_is_not_the_log(configuration, tmp_path, body):
    with answering(tmp_path / "s", "/ev/2026/checkpoint", 200, body):
        found, lines = asked(configuration, tmp_path / "s")
    assert (found.region_log.fault, found.is_ready) == ("answer_invalid", False)
    assert any("does not answer now" in line and "[answer_invalid]" in line for line in lines)


def test_a_region_that_is_back_does_not_make_up_for_the_ticks_that_failed(
    configuration, tmp_path
):
    with answering(tmp_path / "s", "/ev/2026/checkpoint", 200, note_of(LOG)):
        found, lines = asked(configuration, tmp_path / "s", SILENT)
    assert found.encode()["since"] == {"log_silent": SILENT["since"]}
    assert (found.waiting_for, found.is_ready) == (("log_silent",), False)
    assert any(f"waits for log_silent ({SILENT['since']}): " in line for line in lines)
