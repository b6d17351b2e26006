"""A bound on connections; files that run out are told in one line a minute."""

import asyncio
import errno
import logging
import resource
import select
import socket
import threading
from types import SimpleNamespace

import pytest
import uvicorn
from starlette.responses import Response
from uvicorn.server import ServerState

from did_service.core.limits import (
    MAX_CONNECTIONS,
    MIN_CONNECTIONS,
    REQUEST_SECONDS,
    RESERVED_FILES,
)
from did_service.web import connections, protocol
from did_service.web.app import create_app
from did_service.web.connections import LoopFaults, most_connections, raise_file_limit
from did_service.web.protocol import Protocol
from did_service.web.serve import Server, unix_socket
from tests.support.raw_http import exchange, request

INFINITY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "expected"),
    [
        (INFINITY, MAX_CONNECTIONS),
        (65_536, MAX_CONNECTIONS),
        (RESERVED_FILES + 100, 100),
        (64, MIN_CONNECTIONS),
    ],
)
def test_the_files_of_the_process_decide_how_many_connections_there_are(
    monkeypatch, soft, expected
):
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (soft, INFINITY))
    assert most_connections() == expected


@pytest.mark.parametrize(
    ("soft", "hard", "becomes", "warned"),
    [
        (INFINITY, INFINITY, None, False),
        (9_999, 9_999, None, False),
        (256, INFINITY, MAX_CONNECTIONS + RESERVED_FILES, False),
        (256, 512, 512, True),
        (256, 256, None, True),
    ],
)
def test_a_server_takes_the_files_it_may_have(monkeypatch, caplog, soft, hard, becomes, warned):
    given = []
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(connections.resource, "setrlimit", lambda _, both: given.append(both))
    raise_file_limit()
    assert given == ([] if becomes is None else [(becomes, hard)])
    assert ("LimitNOFILE" in caplog.text) is warned


def allow(monkeypatch, number):
    monkeypatch.setattr(connections, "MIN_CONNECTIONS", number)
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", number)


def connected(path):
    wire = socket.socket(socket.AF_UNIX)
    wire.settimeout(20)
    wire.connect(str(path))
    return wire


def test_idle_connections_keep_nobody_out(tmp_path, monkeypatch):
    allow(monkeypatch, 3)
    path = tmp_path / "a.sock"
    with Server(create_app("test"), unix_socket(path)):
        idle = [connected(path) for _ in range(12)]
        assert exchange(path, request("GET", "/health")).status == 200
        assert idle[0].recv(1) == b""  # the one that has waited longest has ended
        for wire in idle:
            wire.close()


def test_where_each_connection_is_being_answered_one_more_is_refused(tmp_path, monkeypatch):
    allow(monkeypatch, 1)
    app, begun, over = create_app("test"), threading.Event(), threading.Event()

    @app.get("/long")
    def long() -> str:
        begun.set()
        over.wait(20)
        return "done"

    path = tmp_path / "a.sock"
    with Server(app, unix_socket(path)), connected(path) as first:
        first.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(20)
        with connected(path) as second:
            answer = b"".join(iter(lambda: second.recv(65_536), b""))
        over.set()
        assert first.recv(65_536).startswith(b"HTTP/1.1 200")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 2" in head.lower()
    assert b"server_busy" in body


@pytest.mark.parametrize("asked", [1, 2], ids=["closed", "one behind another"])
def test_who_never_reads_its_answers_keeps_nobody_out(tmp_path, monkeypatch, asked):
    """An answer that nobody takes has no end of its own, and holds its connection open."""
    allow(monkeypatch, 2)
    app, path = create_app("test"), tmp_path / "a.sock"

    @app.get("/large")
    def large() -> Response:
        return Response(bytes(4_000_000))

    with Server(app, unix_socket(path)):
        wires = [connected(path) for _ in range(2)]
        for wire in wires:
            close = b"Connection: close\r\n" if asked == 1 else b""
            wire.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n%b\r\n" % close * asked)
            assert wire.recv(1, socket.MSG_PEEK) == b"H"
        assert exchange(path, request("GET", "/health")).status == 200
        for wire in wires:
            wire.close()


def test_an_answer_that_nobody_reads_ends_its_connection(tmp_path, monkeypatch):
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.05)
    app, path = create_app("test"), tmp_path / "a.sock"

    @app.get("/large")
    def large() -> Response:
        return Response(bytes(4_000_000))

    with Server(app, unix_socket(path)), connected(path) as wire:
        wire.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        ended = select.poll()
        ended.register(wire, 0)  # for the hang-up alone
        assert ended.poll(20_000)


class Buffer(asyncio.Transport):
    """A transport that says how much the peer has not read, and notes how it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.unread, self.end = 0, ""

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return bool(self.end)

    def close(self) -> None:
        self.end = "closed"

    def abort(self) -> None:
        self.end = "aborted"


@pytest.mark.parametrize(
    ("unread", "end"),
    [
        ([0, 0], "closed"),
        ([900_000, 900_000], "aborted"),
        ([900_000, 890_000], "aborted"),
        ([900_000, 800_000, 700_000, 0], "closed"),
        ([900_000, 800_000, 790_000], "aborted"),
        ([0, 900_000, 800_000], ""),
        ([100, 0], "closed"),
    ],
    ids=str,
)
def test_a_slow_reader_is_waited_for_as_long_as_it_reads(unread, end):
    looks = []
    loop = SimpleNamespace(
        call_later=lambda _seconds, look: looks.append(look),
        time=lambda: float(REQUEST_SECONDS),
    )
    one = Protocol(uvicorn.Config(create_app("test")), ServerState(), {}, loop)
    one.transport = wire = Buffer()
    wire.unread = unread[0]
    one._look_again()
    for left in unread[1:]:
        wire.unread = left
        looks.pop()()
    assert wire.end == end
    assert bool(looks) is not bool(end)


def test_a_connection_that_was_answered_since_is_waited_for_anew():
    """A connection has one timer, which may be as old as its first request."""
    looks = []
    clock = SimpleNamespace(now=0.0)

    def call_later(seconds, look):
        looks.append((seconds, look))
        return look

    loop = SimpleNamespace(call_later=call_later, time=lambda: clock.now)
    one = Protocol(uvicorn.Config(create_app("test")), ServerState(), {}, loop)
    one.transport = wire = Buffer()
    one._await_request()
    clock.now = REQUEST_SECONDS - 1.0
    wire.unread = 900_000
    one._await_request()  # an answer was written, and is being read
    ((_, look),) = looks
    clock.now = float(REQUEST_SECONDS)
    look()
    assert (wire.end, looks[1][0]) == ("", REQUEST_SECONDS - 1.0)
    clock.now += looks[1][0]
    looks[1][1]()
    assert wire.end == "aborted"


def test_one_fault_of_the_loop_is_told_once_a_minute_with_a_count(caplog):
    now = [0.0]
    faults = LoopFaults(lambda: now[0])
    full = {"message": "socket.accept() out of system resource"}
    with caplog.at_level(logging.ERROR):
        for _ in range(500):
            faults(None, full | {"exception": OSError(errno.EMFILE, "wang wei")})
        faults(None, {"exception": ValueError("wang wei")})
        faults(None, {"message": "wang wei"})
        now[0] = 61.0
        faults(None, full | {"exception": OSError(errno.EMFILE, "wang wei")})
    assert [record.getMessage() for record in caplog.records] == [
        "no more files: connections are not taken; 0 more before",
        "fault: ValueError at ?; 0 more before",
        "fault: event loop; 0 more before",
        "no more files: connections are not taken; 499 more before",
    ]
    assert all(record.exc_info is None for record in caplog.records)
