"""Whatever arrives at a server: one shape of refusal, in the reader's language, and no trace.

A region and an agency on sockets; every path that they say they have, and the requests as
bytes. Whatever is wrong with one, the answer names it by a stable code, says what to do next,
and nothing on disk has changed.
"""

import json
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from did_service.core.errors import PROBLEM_TYPE
from did_service.issuer.app import create_app
from did_service.web.problems import TYPE_PREFIX
from did_service.web.serve import Server, unix_socket
from tests.support.bad_requests import (
    HEADERS,
    HOSTILE,
    NOT_HTTP,
    NOT_JSON,
    NOWHERE,
    ODD,
    OTHER_SHAPES,
    no_requests,
)
from tests.support.dids import hash_of
from tests.support.every_call import METHODS, PARAMETER, Call, World
from tests.support.json_values import spellings
from tests.support.live import running
from tests.support.offices import TOKENS, Office
from tests.support.raw_http import Answer, exchange, request

REG = "gd.example/reg"
REGION, AGENCY = "gd.example", "gz.gd.example"
RESOLVER = "/1.0/identifiers/"
RESULT = "application/did-resolution"
CHINESE = re.compile("[\u4e00-\u9fff]")
CODE = re.compile("[a-z][a-z0-9_]+")
IGNORES_ITS_BODY = re.compile(r"/office/.*/(accept|approve)$")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    with running(folder / "fed") as fed, tempfile.TemporaryDirectory(prefix="bad") as sockets:
        office = Office(fed, folder, log_of=fed.client)
        office.issuer.tick()
        office.apply()
        for _ in range(2):  # by the hour after, heads of the first hour are there to be served
            fed.publish("gd", "zj")
            fed.witness("gd").refresh_now()
            fed.tick(3_600)
        fed.publish("gd", "zj")
        fed.witness("gd").refresh_now()
        app = create_app(office.issuer)
        with Server(app, unix_socket(Path(sockets) / "gz.sock")):
            places = {REGION: fed.sockets / "gd.sock", AGENCY: Path(sockets) / "gz.sock"}
            yield World(fed, folder, places)


@pytest.fixture
def there(world):
    """The world, which after the test is what it was, and alive."""
    before = world.state()
    yield world
    assert world.state() == before
    for host in world.sockets:
        assert world.ask(Call(host, "GET", "/health")).status == 200


def code_of(answer: Answer, language: str = "en") -> str:
    """The code of a refusal, once it is seen to be one."""
    assert 400 <= answer.status < 500, (answer.status, answer.body[:300])
    assert answer.kind == PROBLEM_TYPE, (answer.kind, answer.body[:300])
    problem = answer.document
    assert problem["status"] == answer.status
    return _told(problem, language)


def _told(problem: dict, language: str) -> str:
    assert problem["type"] == TYPE_PREFIX + problem["code"]
    assert CODE.fullmatch(problem["code"])
    assert problem["detail"]
    assert "Traceback" not in json.dumps(problem)
    for sentence in (problem["title"], problem["next"]):
        assert bool(CHINESE.search(sentence)) is (language == "zh"), sentence
    return problem["code"]


# --- methods and paths ------------------------------------------------------------------------


def test_other_methods_are_refused_on_every_path(there):
    taken = {(call.host, call.path): set() for call in there.calls()}
    for call in there.calls():
        taken[call.host, call.path].add(call.method)
    for (host, path), methods in taken.items():
        taken_as = {*methods, "HEAD"} if "GET" in methods else methods
        for method in set(METHODS) - taken_as:
            call = Call(host, method, path)
            answer = there.ask(call, accept_language="zh")
            assert answer.status == 405, call
            assert set(answer.headers["allow"].split(", ")) <= {*methods, "HEAD"}
            if method != "HEAD":  # whose answers have no content
                assert code_of(answer, "zh") == "method_not_allowed", call


def test_head_tells_of_every_path_what_get_would(there):
    for call in there.calls("GET"):
        asked = there.ask(call)
        told = there.ask(Call(call.host, "HEAD", call.path))
        assert (told.status, told.body) == (asked.status, b""), call
        assert told.kind == asked.kind, call
        if not call.path.endswith(("/challenge", "/metrics")):
            assert told.headers["content-length"] == str(len(asked.body)), call


@pytest.mark.parametrize("host", [REGION, AGENCY])
def test_a_path_that_nobody_has_is_unknown(there, host):
    for target in NOWHERE:
        for method, language in (("GET", "en"), ("POST", "zh")):
            answer = there.ask(Call(host, method, target), accept_language=language)
            assert code_of(answer, language) in {"path_unknown", "did_unknown"}, target


def named_calls(there):
    """Each operation and each place in its path where a name is taken."""
    for call in there.calls():
        for at in range(len(PARAMETER.findall(call.path))):
            yield call, at


def test_hostile_names_are_refused_in_every_path(there):
    for call, at in named_calls(there):
        if call.path.startswith(RESOLVER):
            continue
        for name in HOSTILE:
            answer = there.ask(call, call.target(name, at), b"{}", accept_language="zh")
            assert code_of(answer, "zh"), (call, name)
            assert "set-cookie" not in answer.headers


def test_names_that_no_request_line_can_have_are_refused_in_every_path(there):
    for call, at in named_calls(there):
        for name in NOT_HTTP:
            answer = there.ask(call, call.target(name, at), accept_language="zh")
            assert code_of(answer) == "request_malformed", (call, name)


def test_files_beside_the_served_ones_cannot_be_reached(there):
    for folder in ("heads", "content", "tile", "evidence"):
        for escape in ("../../registry.sqlite", "..%2f..%2fregistry.sqlite", "%2fetc%2fpasswd"):
            answer = there.ask(Call(REGION, "GET", f"/reg/{folder}/{escape}"))
            assert code_of(answer) in {
                "file_unknown",
                "tile_path_invalid",
                "path_unknown",
                "subject_unknown",
            }


QUERIES = [
    *((REGION, "/reg/evidence/did/x", f"n={n}") for n in ("0", "-1", "x", "", "1.5", "9" * 30)),
    *((AGENCY, "/agencies/a/office/applications", f"state={s}") for s in ("lost", "%00")),
    *((AGENCY, "/agencies/a/office/applications", f"start={n}") for n in ("-1", "x", "9" * 30)),
    *((AGENCY, "/agencies/a/office/credentials", f"start={n}") for n in ("-1", "x", "9" * 30)),
]


@pytest.mark.parametrize(("host", "path", "query"), QUERIES)
def test_a_query_says_what_is_known(there, host, path, query):
    answer = there.ask(Call(host, "GET", f"{path}?{query}"), accept_language="zh")
    assert code_of(answer, "zh") == "request_malformed"


# --- bodies -----------------------------------------------------------------------------------


def takers(there) -> list[Call]:
    """The operations that read JSON."""
    found = [
        call
        for call in there.calls("POST")
        if not call.path.startswith("/witness/") and not IGNORES_ITS_BODY.search(call.path)
    ]
    assert len(found) == 6  # two logs, an application, a return, two changes of a state
    return found


def test_what_is_no_json_object_is_refused(there):
    for name, body in NOT_JSON.items():
        for call in takers(there):
            for language in ("zh", "en"):
                answer = there.ask(call, body=body, accept_language=language)
                status = 413 if name.startswith("deep") else 400
                refused = answer.status, bool(code_of(answer, language))
                assert refused == (status, True), (name, call)


def test_an_object_of_another_shape_is_refused(there):
    for name, body in OTHER_SHAPES.items():
        for call in takers(there):
            answer = there.ask(call, body=body, accept_language="zh")
            assert code_of(answer, "zh"), (name, call)


def test_what_is_no_note_and_no_did_log_is_refused(there):
    for name, body in {**NOT_JSON, **OTHER_SHAPES}.items():
        for path in ("/witness/add-checkpoint", "/witness/did-proof"):
            answer = there.ask(Call(REGION, "POST", path), body=body, accept_language="zh")
            assert code_of(answer, "zh"), (name, path)


def test_a_row_that_is_none_is_answered_in_its_line(there):
    call = Call(REGION, "POST", "/reg/entries")
    for row in NOT_JSON.values():
        body = row.replace(b"\n", b" ") + b"\n{}\n"
        for language in ("zh", "en"):
            headers = {"content_type": "application/jsonl", "accept_language": language}
            answer = there.ask(call, body=body, **headers)
            assert (answer.status, answer.kind) == (202, "application/jsonl")
            rows = [json.loads(line) for line in answer.body.splitlines()]
            assert len(rows) == 2
            for told in rows:
                assert _told(told, language)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=spellings() | st.binary(max_size=64), at=st.integers(0, 5))
def test_any_body_is_refused(there, body, at):
    answer = there.ask(takers(there)[at], body=body)
    assert code_of(answer)


# --- sizes and framing ------------------------------------------------------------------------

TEN_MEGABYTES = 10_485_760


def test_ten_megabytes_are_refused_before_they_come(there):
    for call in there.calls("POST"):
        answer = there.ask(call, content_length=str(TEN_MEGABYTES * 2), accept_language="zh")
        assert (answer.status, code_of(answer, "zh")) == (413, "too_large"), call


def test_twenty_megabytes_are_refused_while_they_come(there):
    piece = b"100000\r\n" + b"[" * 0x100000 + b"\r\n"
    headers = {"content_length": None, "transfer_encoding": "chunked", "accept_language": "zh"}
    for call in there.calls("POST"):
        answer = there.ask(call, body=piece * 20 + b"0\r\n\r\n", **headers)
        expected = {"application_unknown", "credential_unknown", "request_malformed"}
        if not IGNORES_ITS_BODY.search(call.path):
            expected = {"too_large"}
        assert code_of(answer, "zh") in expected, call


def test_one_entry_is_smaller_than_a_batch(there):
    call = Call(REGION, "POST", "/reg/entries")
    body = b'{"entry":"%s"}' % (b"x" * 5_000_000)
    assert code_of(there.ask(call, body=body)) == "too_large"
    row = there.ask(call, body=body, content_type="application/jsonl")
    assert json.loads(row.body)["code"] == "too_large"


POST = request("POST", "/agencies/a/applications", b"{}", host=AGENCY)


def test_what_is_no_request_is_refused_and_the_connection_ends(there):
    for name, sent in no_requests("/agencies/a/applications", AGENCY).items():
        answer = exchange(there.sockets[AGENCY], sent)
        assert code_of(answer) in {"request_malformed", "too_large"}, name


def test_a_request_that_is_smuggled_behind_another_is_refused(there):
    sent = POST.replace(b"content-length: 2", b"content-length: 0").replace(
        b"close", b"keep-alive"
    )
    answer = exchange(there.sockets[AGENCY], sent)
    assert code_of(answer) == "json_invalid"  # the body announced: none


@pytest.mark.parametrize("cut", [5, 40, len(POST) - 1])
def test_a_caller_who_hangs_up_half_way_changes_nothing(there, cut):
    for path in there.sockets.values():
        answer = exchange(path, POST[:cut], hang_up=True)
        assert answer.status == 0 or code_of(answer)


# --- headers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_brings_a_server_down(there, header):
    """Whether it is understood or not: no fault of ours, and no answer but in one shape."""
    places = [Call(REGION, "POST", "/reg/entries"), Call(REGION, "GET", "/reg/heads/x")]
    places += [Call(REGION, "GET", "/a/did.jsonl"), Call(AGENCY, "GET", "/agencies/a/status/9")]
    places += [Call(AGENCY, "POST", "/agencies/a/applications")]
    places += [Call(AGENCY, "GET", "/agencies/a/office/applications")]
    for call in places:
        for value in ODD:
            answer = there.ask(call, body=b"{}", **{"authorization": None, header: value})
            if answer.kind == "application/jsonl":
                continue
            assert 400 <= answer.status < 500, (call, value, answer)
            assert answer.kind == PROBLEM_TYPE, (call, value, answer)
            assert CODE.fullmatch(answer.document["code"])


def test_a_login_is_one_bearer_token(there):
    call = Call(AGENCY, "GET", "/agencies/a/office/applications")
    for value in (None, *ODD, TOKENS["li"], f"Bearer {TOKENS['li']}x", f"Basic {TOKENS['li']}"):
        answer = there.ask(call, authorization=value, accept_language="zh")
        assert (answer.status, code_of(answer, "zh")) == (401, "officer_unknown")
        assert answer.headers["www-authenticate"] == "Bearer"


# --- DID resolution, which has a shape of its own ---------------------------------------------

DIDS = ["did", "did:", "did:x", "did:web", "did:key:", "did:key:z", "did:webvh:x:gd.example"]
DIDS += [
    "did:web:gd.example%3Ax",
    "did:web:..%2f..",
    "did:jwk:!",
    "urn:x",
    "did%3Aweb%3A%2e%2e",
]
DIDS += [
    "did:webvh:Qm" + "1" * 44 + ":gd.example?versionNumber=" + n for n in ("x", "-1", "9" * 99)
]
DIDS += [
    "did:webvh:Qm" + "1" * 44 + ":gd.example?versionTime=" + t for t in ("x", "9999", "%00")
]


def test_a_did_that_is_none_is_told_in_the_shape_of_did_resolution(there):
    for name in [*(did.encode() for did in DIDS), *HOSTILE]:
        for language in ("zh", "en"):
            call = Call(REGION, "GET", RESOLVER)
            target = RESOLVER.encode() + name
            answer = there.ask(call, target, accept_language=language)
            assert answer.status in (400, 404, 501), (name, answer)
            if answer.kind == PROBLEM_TYPE:
                assert code_of(answer, language) == "path_unknown"
                continue
            assert answer.kind == RESULT
            assert answer.document["didDocument"] is None
            error = answer.document["didResolutionMetadata"]["error"]
            assert error["type"].startswith("https://www.w3.org/ns/did#")
            assert CODE.fullmatch(error["code"])
            assert error["detail"]
            for sentence in (error["title"], error["next"]):
                assert bool(CHINESE.search(sentence)) is (language == "zh"), sentence


# --- a full disk, and afterwards --------------------------------------------------------------


@contextmanager
def full_disk(engine):
    """Let a database grow no further."""

    def stop(connection, *_):
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # as large as it is

    event.listen(engine, "begin", stop)
    try:
        yield
    finally:
        event.remove(engine, "begin", stop)
        engine.dispose()  # connections keep the limit


def new_entry(world: World, location: str):
    """A `did` entry that nobody has handed in yet."""
    parameters = {"nextKeyHashes": [hash_of(f"{location} update 2")]}
    return world.fed.did_entry(*world.fed._create(location, parameters))


def test_a_full_disk_is_told_and_takes_nothing(there):
    log, disk = Call(REGION, "POST", "/reg/entries"), there.fed.registry("gd").region.engine
    rows = [new_entry(there, f"full{n}.gd.example").encode() for n in range(40)]
    body = b"\n".join(b'{"entry":%s}' % row for row in rows)
    with full_disk(disk):
        headers = {"content_type": "application/jsonl", "accept_language": "zh"}
        answer = there.ask(log, body=body, **headers)
        assert (answer.status, answer.kind) == (503, PROBLEM_TYPE)
        assert _told(answer.document, "zh") == "database_refused"
        assert int(answer.headers["retry-after"]) > 0


def test_after_all_that_the_log_takes_the_next_entry(world):
    before = world.fed.logs[REG].size()
    assert world.fed.client(REG).submit(new_entry(world, "after.gd.example")).index == before
    world.fed.publish("gd")
    assert world.fed.policy.log_policy(REG).verify(world.fed.reader(REG).checkpoint())
