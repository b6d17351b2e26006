"""Issuers that answer what they should not: the wallet keeps its head, and its keys."""

import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from did_service.core.did.key import did_key_of
from did_service.web.serve import Server, unix_socket
from tests.support.dids import key
from tests.support.purse import Purse
from wallet_cli.holdings import applications, identities

pytestmark = pytest.mark.clock

HOST = "strange.example"
ISSUER = f"https://{HOST}/a"
CHALLENGE = {"challenge": "c", "expires": "2030-01-01T00:00:00Z"}
EMPTY = {"credential": {}, "batch": None, "evidence": [], "authority": []}
TAKEN = {"id": "1", "pickup": f"{ISSUER}/pickup/x"}


@contextmanager
def answering(folder: Path, answers: dict[str, object]):
    """A wallet, and a server that gives these answers by the last word of the path.

    A body may be a function that returns it, for what happens meanwhile.
    """
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(path: str, request: Request) -> Response:
        word = path.split("/")[1] if "/" in path else path
        status, body = answers.get(word, (404, b""))
        body = await run_in_threadpool(body) if callable(body) else body
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Response(content, status, media_type="application/json")

    with tempfile.TemporaryDirectory(prefix="w-") as sockets:
        path = Path(sockets) / "s.sock"
        routes = folder / "routes.json"
        routes.write_text(json.dumps({HOST: f"unix:{path}"}))
        with Server(app, unix_socket(path)):
            yield Purse(folder, DIDSVC_ROUTES=str(routes))


def apply(purse: Purse):
    file = purse.save("claims.json", '{"familyName":"王"}')
    return purse.json("apply", ISSUER, "item", "--claims", file, "--yes", "--unlisted", HOST)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"challenge": (200, b"nonsense")}, "answer_invalid"),
        ({"challenge": (200, {"challenge": ""})}, "answer_invalid"),
        ({"challenge": (200, {"expires": "x"})}, "answer_invalid"),
        ({"challenge": (500, b"")}, "peer_unavailable"),
        ({"challenge": (200, CHALLENGE), "applications": (422, b"")}, "peer_refused"),
    ],
)
def test_what_was_never_handed_in_or_was_refused_leaves_nothing_behind(tmp_path, answers, code):
    with answering(tmp_path, answers) as purse:
        run = apply(purse)
        assert run.code == code
        vault = purse.vault()
        assert (identities(vault), applications(vault)) == ((), ())


LOST = [
    (201, b"[]"),
    (201, {"id": "1", "pickup": "https://evil.example/pickup/x"}),
    (201, {"id": "1", "pickup": f"{ISSUER}.evil/pickup/x"}),
    (503, b""),
    (302, b""),
]


@pytest.mark.parametrize("answer", LOST, ids=str)
def test_an_answer_that_is_lost_loses_neither_key_nor_address(tmp_path, answer):
    """The agency may have the data: the same bytes go again until it says where to pick up."""
    answers = {"challenge": (200, CHALLENGE), "applications": answer}
    with answering(tmp_path, answers) as purse:
        run = apply(purse)
        assert (run.exit, run.code) == (8, "answer_lost")
        (identity,), (kept,) = identities(purse.vault()), applications(purse.vault())
        assert purse.json("pending", "list").data["pending"][0]["state"] == "unsent"
        assert purse.json("receive").code == "answer_lost"
        assert applications(purse.vault()) == (kept,)
        answers["applications"], answers["pickup"] = (201, TAKEN), (202, {"state": "received"})
        assert purse.json("receive").code == "not_yet"
        (sent,) = applications(purse.vault())
        assert (sent.pickup, sent.signed, sent.holder) == (TAKEN["pickup"], None, identity.did)


@pytest.mark.parametrize(
    ("pickup", "exit_code", "code"),
    [
        ((202, {"state": "lost"}), 8, "answer_invalid"),
        ((200, b"nonsense"), 8, "answer_invalid"),
        ((200, {}), 8, "answer_invalid"),
        ((200, {"credential": 1}), 8, "answer_invalid"),
        ((200, {**EMPTY, "x": 1}), 8, "answer_invalid"),
        ((200, EMPTY), 8, "answer_invalid"),
        ((302, b""), 8, "answer_refused"),
    ],
)
def test_a_delivery_that_is_none_is_not_taken_in(tmp_path, pickup, exit_code, code):
    answers = {"challenge": (200, CHALLENGE), "applications": (201, TAKEN), "pickup": pickup}
    with answering(tmp_path, answers) as purse:
        assert apply(purse).exit == 0
        run = purse.json("receive")
        assert (run.exit, run.code) == (exit_code, code)
        (kept,) = applications(purse.vault())
        assert kept.delivery is None
        answers["pickup"] = (202, {"state": "accepted"})
        assert purse.json("receive").code == "not_yet"  # it is asked again while it lives


def test_a_delivery_that_could_not_be_read_again_is_not_stored(tmp_path):
    """Nested as deeply as a record may be, it would lock the whole wallet."""
    deep = b'{"n":' * 31 + b"1" + b"}" * 31
    delivery = b'{"credential":' + deep + b',"batch":null,"evidence":[],"authority":[]}'
    answers = {
        "challenge": (200, CHALLENGE),
        "applications": (201, TAKEN),
        "pickup": (200, delivery),
    }
    with answering(tmp_path, answers) as purse:
        apply(purse)
        run = purse.json("receive")
        assert (run.exit, run.code) == (8, "answer_invalid")
        assert purse.json("status").exit == 0


def test_a_note_that_is_no_text_is_left_out(tmp_path):
    answers = {
        "challenge": (200, CHALLENGE),
        "applications": (201, TAKEN),
        "pickup": (202, {"state": "accepted", "note": 7}),
    }
    with answering(tmp_path, answers) as purse:
        apply(purse)
        assert purse.json("receive").data["waiting"][0]["note"] == ""


def test_pending_ones_are_listed_and_given_up_by_their_ids(tmp_path):
    answers = {"challenge": (200, CHALLENGE), "applications": (201, TAKEN)}
    with answering(tmp_path, answers) as purse:
        first = apply(purse).data["id"]
        purse.open().commit(
            lambda v: v.put(
                f"{first[0]}-twin", "application", dict(v.records[first].value), os.urandom
            )
        )
        assert purse.run("pending", "list").out.count("waiting") == 2
        assert purse.json("pending", "drop", "", "--yes").code == "application_unknown"
        assert purse.json("pending", "drop", first[0], "--yes").code == "application_ambiguous"
        assert purse.json("pending", "drop", first, "--yes").exit == 0
        assert len(applications(purse.vault())) == 1


def test_every_failure_of_several_is_told(tmp_path):
    answers = {"challenge": (200, CHALLENGE), "applications": (201, TAKEN)}
    with answering(tmp_path, answers) as purse:
        apply(purse)
        apply(purse)
        run = purse.json("receive")
        assert (run.exit, run.code) == (7, "peer_refused")
        assert run.warnings.count("peer_refused") == 2


def test_a_holder_key_is_a_did_key_of_its_seed(tmp_path):
    answers = {"challenge": (200, CHALLENGE), "applications": (201, TAKEN)}
    with answering(tmp_path, answers) as purse:
        apply(purse)
        (identity,) = identities(purse.vault())
        assert identity.did == did_key_of(identity.key.public)
        assert identity.did != did_key_of(key("other").public)
