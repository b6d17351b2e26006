"""The frame of every server: problems, body limits, health, serving, settings, database."""

import asyncio
import json
import logging
import os
import re
import shutil
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection

import pytest
from fastapi import FastAPI, HTTPException, Request
from sqlalchemy.exc import OperationalError
from starlette.responses import Response

from did_service.core import errors
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    NotFoundError,
    OrderError,
    RuleError,
    UnavailableError,
    UsageError,
)
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.program.words import read_topic, words_of_kind
from did_service.storage import database
from did_service.web import problems, protocol
from did_service.web.app import create_app
from did_service.web.health import checked_part
from did_service.web.metrics import gauge_by
from did_service.web.ready_words import ReadyWord
from did_service.web.serve import Server, loopback, run, unix_socket
from tests.support import optional
from tests.support.raw_http import exchange, request


class UnixConnection(HTTPConnection):
    def __init__(self, path):
        super().__init__("gd.example")
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self._path)


def ask(path, method, target, body=None, **headers):
    """One request over the socket; returns status, headers and body."""
    connection = UnixConnection(path)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, target, body, sent)
    answer = connection.getresponse()
    result = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return result


REFUSALS = {
    "order": OrderError("out_of_order", "entry 2 does not follow", newest=4, leaf=None),
    "unavailable": UnavailableError("log_full", "4,096 entries wait", retry_after=7),
    "late": UnavailableError("quorum_missing", "no quorum"),
}


QUORUM = ReadyWord.NOT_PUBLISHED


def parts_of(app):
    yield checked_part("database", ReadyWord.TREE_NOT_SYNCED, well=True)
    yield checked_part("quorum", QUORUM, well=bool(app.state.quorum), log="gd.example/reg")


@pytest.fixture(scope="module")
def app():
    app = create_app(
        "test",
        ready=lambda: parts_of(app),
        metrics=lambda: [gauge_by("log_entries", "Entries.", "log", {"gd.example/reg": 12})],
        body_limits={"/large": 3_000_000},
    )
    app.state.quorum = False
    app.state.read = []

    @app.get("/refuse/{name}")
    def refuse(name: str) -> None:
        raise REFUSALS[name]

    @app.get("/fault")
    def fault() -> None:
        raise ValueError("wang wei 440100")

    @app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(418)

    @app.get("/typed/{number}")
    def typed(number: int) -> dict[str, int]:
        return {"number": number}

    @app.get("/host")
    def host(request: Request) -> dict[str, str]:
        return {"host": request.headers["host"]}

    @app.post("/small")
    @app.post("/large")
    async def take(request: Request) -> dict[str, int]:
        body = await request.body()
        app.state.read.append(len(body))
        return {"read": len(body)}

    return app


@pytest.fixture(scope="module")
def server(app, tmp_path_factory):
    path = tmp_path_factory.mktemp("s") / "a.sock"
    with Server(app, unix_socket(path)):
        yield path


# --- problems -------------------------------------------------------------------------------


SPOKEN = [*read_topic("en", "service")]


def subclasses(kind):
    return [kind, *(deeper for each in kind.__subclasses__() for deeper in subclasses(each))]


def test_every_error_class_has_its_status():
    expected = {
        "DidServiceError": 400,
        "MalformedError": 400,
        "LimitError": 413,
        "UnsupportedError": 400,
        "ProofError": 422,
        "DecryptionError": 422,
        "RuleError": 422,
        "OrderError": 409,
        "PolicyError": 422,
        "NotFoundError": 404,
        "ConflictError": 409,
        "UnavailableError": 503,
        "UsageError": 400,
    }
    ours = [each for each in subclasses(DidServiceError) if each.__module__ == errors.__name__]
    found = {each.__name__: problems.status_of(each("some_code", "some text")) for each in ours}
    assert found == expected


def test_a_code_may_narrow_the_status_of_its_class():
    assert problems.status_of(RuleError("same_officer", "x")) == 403
    assert problems.status_of(NotFoundError("pickup_used", "x")) == 410


def test_a_problem_document_speaks_the_callers_language(server):
    for language, meaning in (
        ("zh-CN,en;q=0.5", "zh"),
        ("en-GB", "en"),
        ("fr, en;q=0.2", "en"),
    ):
        status, headers, body = ask(server, "GET", "/refuse/order", Accept_Language=language)
        document = json.loads(body)
        assert (status, headers["content-type"]) == (409, "application/problem+json")
        assert headers["content-language"] == meaning
        assert headers["vary"] == "Accept-Language"
        assert document == {
            "type": "urn:didsvc:problem:out_of_order",
            "title": getattr(words_of_kind(OrderError).meaning, meaning),
            "status": 409,
            "detail": "entry 2 does not follow",
            "next": getattr(words_of_kind(OrderError).following, meaning),
            "code": "out_of_order",
            "newest": 4,
            "leaf": None,
        }


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN", "zh"),
        ("en, zh;q=0.9", "en"),
        ("en;q=0.3, zh;q=0.9", "zh"),
        ("fr", "en"),
        ("zh;q=0", "en"),
        ("zh;q=much", "en"),
        ("zh;q=nan", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_one_ranked_higher(header, language):
    assert problems.preferred(header) == language


def test_unavailable_says_when_to_come_back(server):
    status, headers, _ = ask(server, "GET", "/refuse/unavailable")
    assert (status, headers["retry-after"]) == (503, "7")
    status, headers, _ = ask(server, "GET", "/refuse/late")
    assert (status, headers["retry-after"]) == (503, "2")


def test_details_cannot_overwrite_the_document():
    error = RuleError("some_code", "text", status=200, detail="lie", type="lie")
    document = problems.problem_of(error)
    found = (document["status"], document["type"], document["detail"])
    assert found == (422, "urn:didsvc:problem:some_code", "text")


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/nowhere", 404, "path_unknown"),
        ("DELETE", "/health", 405, "method_not_allowed"),
        ("GET", "/typed/x?password=secret", 400, "request_malformed"),
        ("GET", "/health/", 404, "path_unknown"),
        ("GET", "/redoc", 404, "path_unknown"),
        ("GET", "/metrics%0A", 404, "path_unknown"),
        ("GET", "/typed/1%0a", 404, "path_unknown"),
        ("GET", "/teapot", 400, "request_malformed"),
    ],
)
def test_what_the_framework_refuses_is_a_problem_document_too(
    server, method, target, status, code
):
    found, headers, body = ask(server, method, target)
    assert (found, headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(body)["code"] == code
    assert b"secret" not in body
    if status == 405:
        assert headers["allow"] == "GET"


def test_a_fault_says_nothing_about_itself(server, caplog):
    with caplog.at_level(logging.ERROR):
        status, _, body = ask(server, "GET", "/fault", Accept_Language="zh")
    document = json.loads(body)
    assert (status, document["code"], document["status"]) == (500, "internal_fault", 500)
    assert "出错" in document["title"]
    for text in (body.decode(), caplog.text):
        assert "wang wei" not in text
        assert "Traceback" not in text
    assert "ValueError" in caplog.text


# --- bodies ---------------------------------------------------------------------------------


def chunks(total):
    return (b"x" * 10_000 for _ in range(total // 10_000))


def test_a_body_within_its_limit_is_read(server):
    assert json.loads(ask(server, "POST", "/small", b"x" * 1_048_576)[2]) == {"read": 1_048_576}
    assert json.loads(ask(server, "POST", "/large", chunks(2_000_000))[2]) == {
        "read": 2_000_000
    }


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/small", b"x" * 1_048_577),
        ("/small", chunks(1_500_000)),
        ("/large", chunks(3_500_000)),
    ],
)
def test_an_oversized_body_is_refused_and_never_seen(server, app, target, body):
    app.state.read.clear()
    status, headers, answer = ask(server, "POST", target, body, Accept_Language="zh")
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert json.loads(answer)["code"] == "too_large"
    assert headers["content-language"] == "zh"
    assert app.state.read == []


def test_a_caller_who_hangs_up_is_no_fault(server, caplog):
    with caplog.at_level(logging.ERROR), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(server))
        connection.sendall(b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
    assert ask(server, "GET", "/health")[0] == 200
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /health HTTP/1.1\r\nHost: x",
        b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow",
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /he",
    ],
    ids=["nothing", "half a head", "half a body", "half a second request"],
)
def test_a_request_that_does_not_come_is_not_waited_for_for_ever(
    app, tmp_path, monkeypatch, sent
):
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.3)
    path = tmp_path / "slow.sock"
    with Server(app, unix_socket(path)), socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(20)
        wire.connect(str(path))
        wire.sendall(sent)
        while wire.recv(65_536):
            pass  # what was asked for whole is answered; then the server hangs up


def test_an_environment_that_asks_for_telemetry_gets_none(monkeypatch):
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    told = create_app("quiet")._telemetry
    asked = ("tracing", "metrics", "logs", "operation_spans", "auto_configure")
    assert not any(told[each] for each in asked)


def test_a_request_that_is_being_answered_has_its_time(app, tmp_path, monkeypatch):
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)
    path = tmp_path / "busy.sock"

    @app.get("/long")
    def long() -> str:
        threading.Event().wait(0.5)
        return "done"

    with Server(app, unix_socket(path)):
        assert exchange(path, request("GET", "/long")).document == "done"


def test_a_length_that_is_no_number_is_malformed(app):
    """Servers refuse it before us; whoever calls the application itself does not."""
    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"content-length", b"\xb2")]
    scope = {"type": "http", "method": "POST", "path": "/small", "headers": headers}
    asyncio.run(app(scope, None, send))
    assert sent[0]["status"] == 400


def test_an_announced_length_is_refused_before_a_byte_is_sent(server):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(server))
        head = "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("target", ["/small", "/nowhere"])
def test_who_is_still_sending_when_the_answer_comes_gets_it_whole(server, target):
    """As a proxy does, which reads nothing before all is sent, and where that fails never."""
    body = b"x" * 2_000_000
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(server))
        connection.sendall(request("POST", target, body))
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"too_large" in answer


# --- health ---------------------------------------------------------------------------------


def test_after_two_lengths_the_connection_ends(server):
    """RFC 9112 §6.1; the second request of the case may have been smuggled past a proxy."""
    sent = optional.case("36-http-cl-and-te").joinpath("request.bin").read_bytes()
    sent = sent.replace(b"POST /reg/entries", b"POST /small")
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(20)
        wire.connect(str(server))
        wire.sendall(sent)
        answers = b"".join(iter(lambda: wire.recv(65_536), b""))
    head, _, body = answers.partition(b"\r\n\r\n")
    assert answers.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in head.lower().split(b"\r\n")
    assert body == b'{"read":2}'


def test_a_target_in_absolute_form_names_the_host(server):
    """RFC 9112 §3.2.2: a server takes it from anybody, and `Host` does not count beside it."""
    for target, number in {
        "http://hn.example/typed/4": 4,
        "HTTP://hn.example:8080/typed/5?x=1": 5,
    }.items():
        assert exchange(server, request("GET", target)).document == {"number": number}
    assert exchange(server, request("GET", "http://hn.example")).status == 404
    told = exchange(server, request("GET", "http://hn.example/host")).document
    assert told == {"host": "hn.example"}


def test_health_readiness_and_metrics(server, app):
    assert json.loads(ask(server, "GET", "/health")[2]) == {"status": "ok"}
    status, _, body = ask(server, "GET", "/ready")
    assert (status, json.loads(body)["waiting_for"]) == (503, [QUORUM])
    app.state.quorum = True
    status, _, body = ask(server, "GET", "/ready")
    assert (status, json.loads(body)["status"]) == (200, "ready")
    app.state.quorum = False
    _, headers, body = ask(server, "GET", "/metrics")
    assert headers["content-type"].startswith("text/plain")
    lines = body.decode().splitlines()
    assert 'didsvc_log_entries{log="gd.example/reg"} 12' in lines
    assert any(line.startswith('didsvc_requests_total{status="5xx"} ') for line in lines)


# --- serving --------------------------------------------------------------------------------


def test_a_socket_that_is_served_is_not_taken_over(server):
    with pytest.raises(UnavailableError) as caught:
        unix_socket(server)
    assert caught.value.code == "address_in_use"
    assert ask(server, "GET", "/health")[0] == 200


def test_a_shared_socket_is_open_to_the_group_and_no_further(tmp_path):
    path = tmp_path / "shared.sock"
    with unix_socket(path, shared=True):
        assert path.stat().st_mode & 0o777 == 0o660


def test_a_stale_socket_is_replaced_and_private(tmp_path):
    path = tmp_path / "a.sock"
    unix_socket(path).close()
    assert path.is_socket()
    with Server(create_app("again"), unix_socket(path)):
        assert ask(path, "GET", "/health")[0] == 200
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_name_too_long_for_a_socket_is_told(tmp_path):
    with pytest.raises(UsageError) as caught:
        unix_socket(tmp_path / ("x" * 108))
    assert caught.value.code == "socket_name_long"


def test_a_loopback_port_is_served_and_taken_once():
    listener = loopback(0)
    port = listener.getsockname()[1]
    with pytest.raises(UnavailableError) as caught:
        loopback(port)
    assert caught.value.code == "address_in_use"
    with Server(create_app("port"), listener):
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/health")
        assert connection.getresponse().read() == b'{"status":"ok"}'
        connection.close()


def test_an_app_that_cannot_start_is_told(tmp_path):
    @asynccontextmanager
    async def broken(_app):
        raise ValueError("no database")
        yield

    app = FastAPI(lifespan=broken)
    server = Server(app, unix_socket(tmp_path / "a.sock"))
    with pytest.raises(UnavailableError) as caught:
        server.start()
    assert caught.value.code == "server_not_started"


def test_who_has_no_answer_when_a_server_ends_is_told_to_come_again(app, tmp_path, monkeypatch):
    monkeypatch.setattr("did_service.web.serve._GRACE_SECONDS", 0.2)
    path, begun = tmp_path / "end.sock", threading.Event()

    @app.get("/endless")
    async def endless() -> str:
        begun.set()
        await asyncio.Event().wait()

    server = Server(app, unix_socket(path)).start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(exchange, path, request("GET", "/endless"))
        begun.wait()
        server.stop()
        answer = asked.result()
    assert (answer.status, answer.document["code"]) == (503, "server_ending")
    assert answer.headers["retry-after"]


def test_a_request_under_way_to_a_server_that_ends_is_answered(tmp_path):
    """Its connection has been accepted, so no next server will hear of it."""
    path, ending = tmp_path / "end.sock", threading.Event()
    app = create_app("end")
    app.ends = (ending.set,)
    server = Server(app, unix_socket(path)).start()
    with socket.socket(socket.AF_UNIX) as wire, ThreadPoolExecutor(1) as pool:
        wire.settimeout(20)
        wire.connect(str(path))
        assert exchange(path, request("GET", "/health")).status == 200  # both are accepted
        stopped = pool.submit(server.stop)
        assert ending.wait(20)
        wire.sendall(request("GET", "/health"))
        answer = b"".join(iter(lambda: wire.recv(65_536), b""))
        stopped.result(20)
    assert answer.startswith(b"HTTP/1.1 200")


def test_who_takes_no_answer_is_hung_up_on_when_the_server_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("did_service.web.serve._GRACE_SECONDS", 0.2)
    app, path = create_app("end"), tmp_path / "end.sock"

    @app.get("/large")
    def large() -> Response:
        return Response(bytes(4_000_000))

    server = Server(app, unix_socket(path)).start()
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(20)
        wire.connect(str(path))
        wire.sendall(request("GET", "/large"))
        assert wire.recv(1, socket.MSG_PEEK)
        server.stop()
        taken = sum(len(piece) for piece in iter(lambda: wire.recv(65_536), b""))
    assert taken < 4_000_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_serves_until_it_is_told_to_stop_and_returns(tmp_path, number):
    """uvicorn alone would raise the signal again, and no `finally` would run."""
    path, answers = tmp_path / "a.sock", []

    def stranger():
        answers.append(ask(path, "GET", "/health")[0])
        os.kill(os.getpid(), signal.SIGHUP)  # is no end
        os.kill(os.getpid(), number)

    listener = unix_socket(path)
    thread = threading.Thread(target=stranger)
    thread.start()
    before = signal.getsignal(number)
    run(create_app("run"), listener)
    thread.join(20)
    assert answers == [200]
    assert not path.exists()
    assert signal.getsignal(number) is before


# --- the edge -------------------------------------------------------------------------------


@pytest.mark.clock
def test_the_edge_gives_time_and_randomness():
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert ClockAndRandom(lambda: noon, bytes).posix() == int(noon.timestamp())
    assert SYSTEM.clock().utcoffset().total_seconds() == 0
    assert len(SYSTEM.rng(32)) == 32
    assert SYSTEM.rng(32) != SYSTEM.rng(32)


# --- database -------------------------------------------------------------------------------


def test_the_database_is_opened_in_one_way(tmp_path):
    engine = database.open_database(database.file_url(tmp_path / "deep" / "a.sqlite"))
    with database.reading(engine) as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert values == ["wal", 2, 1]


def test_nobody_else_can_read_a_database(tmp_path):
    engine = database.open_database(database.file_url(tmp_path / "d.sqlite"))
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    files = list(tmp_path.glob("d.sqlite*"))
    assert len(files) == 3  # the journals as well
    assert {file.stat().st_mode & 0o077 for file in files} == {0}
    engine.dispose()


def test_a_second_writer_waits_and_then_gives_up(tmp_path, monkeypatch):
    engine = database.open_database(database.file_url(tmp_path / "a.sqlite"))
    other = database.open_database(database.file_url(tmp_path / "a.sqlite"))
    with other.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        connection.commit()
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        with pytest.raises(UnavailableError) as caught, database.writing(other):
            pass
        with database.reading(other) as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar() == 0
    assert caught.value.code == "database_busy"
    with database.writing(other) as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")


def test_a_full_disk_is_told_and_costs_nothing_that_was_there(tmp_path):
    engine = database.open_database(database.file_url(tmp_path / "a.sqlite"))
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("INSERT INTO t VALUES ('before')")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # it is as large as it may get
        connection.commit()
    with pytest.raises(UnavailableError) as caught, database.writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(1000000))")
    assert caught.value.code == "database_refused"
    assert problems.status_of(caught.value) == 503
    with database.reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT x FROM t").all() == [("before",)]


def test_a_folder_that_has_gone_is_told(tmp_path):
    engine = database.open_database(database.file_url(tmp_path / "gone" / "a.sqlite"))
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(UnavailableError) as caught, database.reading(engine):
        pass
    assert caught.value.code == "database_refused"


@pytest.mark.parametrize("spoilt", [slice(0, 100), slice(4_096, 8_192)])
def test_a_damaged_file_is_told(tmp_path, spoilt):
    path = tmp_path / "a.sqlite"
    engine = database.open_database(database.file_url(path))
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    engine.dispose()  # the journal is worked in with the last connection
    data = bytearray(path.read_bytes())
    data[spoilt] = b"\xff" * len(data[spoilt])
    path.write_bytes(data)
    with pytest.raises(UnavailableError) as caught, database.reading(engine) as connection:
        connection.exec_driver_sql("SELECT * FROM t").all()
    assert caught.value.code == "database_damaged"
    assert caught.value.message.startswith('"a.sqlite": ')
    assert str(tmp_path) not in caught.value.message  # answers over HTTP quote it


def test_a_statement_that_is_wrong_is_a_fault_of_ours(tmp_path):
    engine = database.open_database(database.file_url(tmp_path / "a.sqlite"))
    with pytest.raises(OperationalError), database.writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO nothing VALUES (1)")


def test_a_writing_transaction_is_undone_by_an_error(tmp_path):
    engine = database.open_database(database.file_url(tmp_path / "a.sqlite"))
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")

    def fail():
        with database.writing(engine) as connection:
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
            raise ConflictError("log_moved", "too late")

    with pytest.raises(ConflictError):
        fail()
    with database.reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar() == 0


def test_problem_documents_have_sentences_in_both_languages():
    for kind in subclasses(DidServiceError):
        for language in ("zh", "en"):
            told = problems.problem_of(kind("some_code", "x"), language)
            for name in ("title", "next"):
                assert bool(re.search("[\u4e00-\u9fff]", told[name])) is (language == "zh")


def test_no_problem_document_speaks_of_command_lines_or_files():
    for kind in subclasses(DidServiceError):
        for code in ("some_code", *SPOKEN):
            for language in ("zh", "en"):
                told = problems.problem_of(kind(code, "x"), language)
                assert bool(re.search("[\u4e00-\u9fff]", told["next"])) is (language == "zh")
                if kind is not UsageError or code != "some_code":
                    assert not re.search("--help|wallet|did-verify", told["next"])
