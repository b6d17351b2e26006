"""Answering a counter's request file: who asks, for what, what is shown; then a signature."""

import json
from datetime import timedelta

import pytest

from did_service.core.openid.request_object import RequestObject
from did_service.node.local.members import POLICE

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("town")]
NONCE = "n4Wk2Qe8Zt7Lr5Yb1Mx3Va"


@pytest.fixture(scope="module")
def wang(town):
    return town.holder("wang-asked", POLICE)


def request(town, **changes) -> RequestObject:
    now = town.world.edge.clock().replace(microsecond=0)
    members = {
        "client_id": "hn-window-3",
        "nonce": NONCE,
        "issued": now,
        "expires": now + timedelta(minutes=5),
        "state": "8sKq",
        "scope": "gov.residence.renew",
        **changes,
    }
    return RequestObject(**members)


def asked(purse, question: RequestObject, name="ask.json"):
    path = purse.folder / name
    path.write_bytes(question.encode())
    return path


def test_a_person_reads_who_asks_for_what_and_what_is_shown_before_it_is_signed(town, wang):
    out = wang.folder / "answer.vp.json"
    words = ("present", "res", "--request", asked(wang, request(town)), "--out", out)
    assert wang.json(*words).code == "input_needed"
    declined = wang.run(*words, "--lang", "zh", stdin="n\n")
    assert (declined.exit, out.exists()) == (3, False)
    for told in (
        '"hn-window-3"（窗口身份未经证明）',
        '"gov.residence.renew"',
        '"公民身份号码"',
    ):
        assert told in declined.err
    english = wang.run(*words, "--lang", "en", stdin="y\n")
    assert english.exit == 0
    assert '"hn-window-3" (the counter\'s identity is not proven)' in english.err
    answer = json.loads(out.read_bytes())
    (shown,) = answer["vp_token"]["q"]
    assert (shown["proof"]["challenge"], shown["proof"]["domain"]) == (NONCE, "hn-window-3")
    assert answer["state"] == "8sKq"


@pytest.mark.parametrize("silence", ["--quiet", "--json"])
def test_whoever_is_asked_has_read_what_for(town, wang, silence):
    out = wang.folder / f"{silence}.vp.json"
    words = ("present", "res", "--request", asked(wang, request(town)), "--out", out, silence)
    run = wang.run(*words, stdin="n\n")
    assert run.exit == 3
    assert "hn-window-3" in run.err


def test_a_request_that_names_no_item_says_so(town, wang):
    out = wang.folder / "any.vp.json"
    file = asked(wang, request(town, scope=None))
    run = wang.run("present", "res", "--request", file, "--out", out, stdin="n\n")
    assert "no service item is named" in run.err


@pytest.mark.parametrize(
    ("minutes", "exit_code", "code"), [(-10, 1, "request_expired"), (30, 1, "request_ahead")]
)
def test_a_request_of_another_time_is_not_answered(town, wang, minutes, exit_code, code):
    now = town.world.edge.clock().replace(microsecond=0) + timedelta(minutes=minutes)
    file = asked(wang, request(town, issued=now, expires=now + timedelta(minutes=5)))
    out = wang.folder / "never.vp.json"
    run = wang.json("present", "res", "--request", file, "--out", out, "--yes")
    assert (run.exit, run.code, out.exists()) == (exit_code, code, False)


@pytest.mark.parametrize(
    "words",
    [(), ("--nonce", NONCE), ("--request", "ask.json", "--nonce", NONCE)],
    ids=["nothing", "half", "both"],
)
def test_a_question_comes_from_one_place(wang, words):
    run = wang.json("present", "res", "--out", wang.folder / "x.vp.json", "--yes", *words)
    assert (run.exit, run.code) == (2, "request_missing")


def test_a_signed_request_is_left_to_a_later_wallet(wang):
    file = wang.save("signed.jwt", "eyJhbGciOiJFZERTQSJ9.e30.AAAA")
    out = wang.folder / "x.vp.json"
    run = wang.json("present", "res", "--request", file, "--out", out, "--yes")
    assert (run.exit, run.code) == (2, "request_unsupported")
