"""The one way out, against real servers: sockets, loopback, TLS, and peers that misbehave."""

import json
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pytest
from fastapi import FastAPI, Request, Response

from did_service.client import routes as routes_module
from did_service.client.answers import HttpAnswer, error_of, raise_problem
from did_service.client.routes import (
    LoopbackRoute,
    Routes,
    TlsRoute,
    UnixRoute,
    is_public,
    parse_routes,
    public_address,
    routes_from_environment,
)
from did_service.client.transport import Transport
from did_service.client.web_address import host_of
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    LimitError,
    MalformedError,
    NotFoundError,
    OrderError,
    RuleError,
    UnavailableError,
    UsageError,
)
from did_service.core.text import width
from did_service.program.failure import failure_text
from did_service.program.language import Language
from did_service.web.app import create_app
from did_service.web.problems import status_of
from did_service.web.serve import Server, loopback, unix_socket
from tests.support.optional import program

REFUSALS = {
    "order": OrderError("out_of_order", "entry 2 does not follow", newest=4, leaf="00"),
    "rule": RuleError("grant_too_wide", "types stick out"),
    "absent": NotFoundError("subject_unknown", "no such subject", position=3),
    "moved": ConflictError("log_moved", "too late"),
    "large": LimitError("too_large", "too many bytes"),
    "shape": MalformedError("member_unknown", "body has x"),
    "full": UnavailableError("log_full", "come back", retry_after=9),
}


def peer():
    app = create_app("peer")

    @app.get("/refuse/{name}")
    def refuse(name: str) -> None:
        raise REFUSALS[name]

    @app.api_route("/echo/{path:path}", methods=["GET", "POST"])
    async def echo(request: Request) -> Response:
        body = await request.body()
        host = request.headers["host"]
        target = request.url.path + "?" + request.url.query
        text = f"{request.method} {host} {target} {body.decode()}"
        return Response(text, media_type=request.headers.get("content-type", "text/plain"))

    @app.get("/moved")
    def moved() -> Response:
        return Response(status_code=302, headers={"location": "https://hn.example/"})

    @app.get("/packed")
    def packed() -> Response:
        return Response(b"x", headers={"content-encoding": "gzip"})

    @app.get("/bytes/{count}")
    def many(count: int) -> Response:
        return Response(b"x" * count)

    @app.get("/status/{status}")
    def status(status: int) -> Response:
        return Response(b"{}", status)

    return app


@pytest.fixture(scope="module")
def transport(tmp_path_factory):
    path = tmp_path_factory.mktemp("s") / "gd.sock"
    listener = loopback(0)
    places = {
        "gd.example": UnixRoute(str(path)),
        "hn.example": LoopbackRoute(f"127.0.0.1:{listener.getsockname()[1]}"),
        "down.example": UnixRoute(str(path) + ".gone"),
    }
    with (
        Server(peer(), unix_socket(path)),
        Server(peer(), listener),
        Transport(Routes(places)) as transport,
    ):
        yield transport


def test_routed_hosts_are_reached_and_keep_their_identity(transport):
    for host in ("gd.example", "hn.example", "gd.example:8443"):
        answer = transport.get(f"https://{host}/echo/a%2Fb?x=1&y=%20")
        assert answer.body == f"GET {host} /echo/a/b?x=1&y=%20 ".encode()
    answer = transport.post("https://gd.example/echo/", b"{}", content_type="text/x.log")
    assert answer.body == b"POST gd.example /echo/? {}"
    assert answer.content_type == "text/x.log"


@pytest.mark.parametrize("name", REFUSALS)
def test_an_error_of_a_peer_comes_back_as_itself(transport, name):
    sent = REFUSALS[name]
    with pytest.raises(DidServiceError) as caught:
        transport.get(f"https://gd.example/refuse/{name}")
    assert type(caught.value) is type(sent)
    assert (caught.value.code, caught.value.peer_says) == (sent.code, sent.message)
    assert caught.value.details == sent.details


def test_any_status_may_be_looked_at(transport):
    answer = transport.request("GET", "https://gd.example/refuse/order")
    assert answer.status == status_of(REFUSALS["order"]) == 409
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, MalformedError, "peer_refused"),
        (403, RuleError, "peer_refused"),
        (404, NotFoundError, "peer_refused"),
        (410, NotFoundError, "peer_refused"),
        (429, UnavailableError, "peer_unavailable"),
        (500, UnavailableError, "peer_unavailable"),
        (503, UnavailableError, "peer_unavailable"),
    ],
)
def test_a_peer_without_problem_documents_is_understood_by_status(
    transport, status, kind, code
):
    with pytest.raises(kind) as caught:
        transport.get(f"https://gd.example/status/{status}")
    assert caught.value.code == code


@pytest.mark.parametrize(
    "body", [b"not json", b'{"code":5,"detail":[]}', b'{"code":"","x":1.5}', b"[]"]
)
def test_a_broken_problem_document_is_ignored(body):
    answer = HttpAnswer(422, {"content-type": "application/problem+json"}, body)
    with pytest.raises(RuleError) as caught:
        raise_problem(answer)
    assert (caught.value.code, caught.value.details) == ("peer_refused", {})


def test_a_peer_cannot_name_members_of_the_error_itself():
    body = b'{"code":"some_code","message":"lie","self":1,"newest":4}'
    with pytest.raises(RuleError) as caught:
        raise_problem(HttpAnswer(422, {"content-type": "application/problem+json"}, body))
    assert (caught.value.code, caught.value.details) == ("some_code", {"newest": 4})


FOREIGN_CODES = {
    "escapes": "\x1b]0;pwned\x07",
    "a line": "x\n2026 WARNING the log takes our list again",
    "upper case": "PEER",
    "words": "two words",
    "Chinese": "通过",
    "turned": "a\u202eb",
    "too long": "x" * 65,
    "an end of line": "code\n",
    "200 kB": "x" * 200_000,
}


@pytest.mark.parametrize("code", FOREIGN_CODES.values(), ids=FOREIGN_CODES)
def test_what_a_peer_calls_a_code_is_one_or_is_not_shown(code):
    body = json.dumps({"code": code, "reason": code, "x y": 1, "detail": code}).encode()
    with pytest.raises(RuleError) as caught:
        raise_problem(HttpAnswer(422, {"content-type": "application/problem+json"}, body))
    assert caught.value.code == "peer_refused"
    assert all(text.isascii() and text.isprintable() for text in caught.value.details.values())


@pytest.mark.parametrize("language", Language)
def test_words_of_a_peer_have_a_line_of_their_own(language):
    detail = "\u202eevil\nwallet: error: 通过" + "x" * 5_000
    body = json.dumps({"code": "claims_invalid", "detail": detail}).encode()
    error = error_of(HttpAnswer(422, {"content-type": "application/problem+json"}, body))
    first, words, last = failure_text("wallet", error, language).splitlines()
    assert first.endswith("[claims_invalid]")
    assert "evil" not in first + last
    assert words.startswith('  "\\u{202e}evil\\u{a}wallet: ')
    assert width(words) < 500


def test_redirects_and_compressed_answers_are_refused(transport):
    for path in ("moved", "packed"):
        with pytest.raises(UnavailableError) as caught:
            transport.get(f"https://gd.example/{path}")
        assert caught.value.code == "answer_refused"


def test_an_answer_larger_than_allowed_is_refused(transport):
    assert len(transport.get("https://gd.example/bytes/1000", max_bytes=1000).body) == 1000
    with pytest.raises(LimitError) as caught:
        transport.get("https://gd.example/bytes/1001", max_bytes=1000)
    assert caught.value.code == "answer_too_large"


def test_a_peer_that_is_down_is_unreachable(transport):
    for host in ("down.example", "unrouted.example", "x.test", "printer.local", "localhost"):
        with pytest.raises(UnavailableError) as caught:
            transport.get(f"https://{host}/")
        assert caught.value.code == "peer_unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "http://gd.example/",
        "ftp://gd.example/",
        "//gd.example/",
        "https:///path",
        "https://user:password@gd.example/",
        "https://gd.example:99999/",
        "https://gd.example/#fragment",
        "https://GD.example/",
        "https://gd.example/a b",
        "https://gd.example/\u4e2d",
        "https://gd.example/a/../b",
        "https://gd.example/./b",
        "https://[::1/",
        "https://[::1]/",
        "https://gd.example/" + "x" * 8_192,
    ],
)
def test_only_plain_https_urls_are_asked(transport, url):
    with pytest.raises(UsageError) as caught:
        transport.get(url)
    assert caught.value.code == "url_invalid"
    assert "password" not in caught.value.message or "user" in url


def test_host_of_an_address_is_told_without_its_port():
    assert host_of("https://gd.example:8443/witness?x") == "gd.example"


# --- peers that misbehave -------------------------------------------------------------------


@contextmanager
def raw_peer(tmp_path, *pieces, pause=0.0, hold=False):
    """A server that answers one connection with these bytes, and perhaps never ends."""
    path = tmp_path / "raw.sock"
    listener = unix_socket(path)
    released = threading.Event()

    def answer():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            with suppress(OSError):  # the client has gone
                for piece in pieces:
                    connection.sendall(piece)
                    released.wait(pause)
            if hold:
                released.wait(20)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield Routes({"gd.example": UnixRoute(str(path))})
    finally:
        released.set()
        thread.join(20)
        listener.close()


@pytest.mark.parametrize(
    ("pieces", "kind", "code"),
    [
        (
            [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"],
            UnavailableError,
            "peer_unreachable",
        ),
        ([b"SSH-2.0\r\n"], UnavailableError, "peer_unreachable"),
        ([], UnavailableError, "peer_unreachable"),
        ([b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200], LimitError, "answer_too_large"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"], LimitError, "answer_too_large"),
        (
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"64\r\n", b"x" * 100],
            LimitError,
            "answer_too_large",
        ),
    ],
)
def test_a_broken_answer_is_an_error_of_ours(tmp_path, pieces, kind, code):
    with raw_peer(tmp_path, *pieces) as routes, Transport(routes) as transport:
        with pytest.raises(kind) as caught:
            transport.get("https://gd.example/", max_bytes=50)
        assert caught.value.code == code


def test_a_peer_that_never_ends_is_given_up(tmp_path):
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"
    with (
        raw_peer(tmp_path, start, hold=True) as routes,
        Transport(routes, timeout_seconds=0.2) as transport,
    ):
        with pytest.raises(UnavailableError) as caught:
            transport.get("https://gd.example/")
        assert caught.value.code == "peer_timeout"


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["body", "header", "interim answers"],
)
def test_a_slow_drip_does_not_outlive_the_deadline(tmp_path, start, drop):
    with (
        raw_peer(tmp_path, start, *[drop] * 99, pause=0.05) as routes,
        Transport(routes, timeout_seconds=0.3) as transport,
    ):
        with pytest.raises(UnavailableError) as caught:
            transport.get("https://gd.example/")
        assert caught.value.code == "peer_timeout"


def test_a_peer_that_reads_slowly_does_not_outlive_the_deadline(tmp_path):
    with (
        raw_peer(tmp_path, b"", *[b""] * 99, pause=0.05) as routes,
        Transport(routes, timeout_seconds=0.3) as transport,
    ):
        with pytest.raises(UnavailableError) as caught:
            transport.post("https://gd.example/", b"x" * 16_000_000)
        assert caught.value.code == "peer_timeout"


def test_a_kept_connection_has_time_anew_for_each_request(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
    path = tmp_path / "slow.sock"

    def serve(listener, times):
        connection, _ = listener.accept()
        with connection:
            for _ in range(times):
                connection.recv(65_536)
                threading.Event().wait(0.2)
                connection.sendall(answer)

    with unix_socket(path) as listener:
        thread = threading.Thread(target=serve, args=(listener, 3))
        thread.start()
        routes = Routes({"gd.example": UnixRoute(str(path))})
        with Transport(routes, timeout_seconds=0.4) as transport:
            bodies = [transport.get("https://gd.example/").body for _ in range(3)]
        thread.join(20)
    assert bodies == [b"x"] * 3


def test_all_requests_of_one_piece_of_work_end_with_it(tmp_path):
    """However long each may take, and however often the work within asks for more time."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    with (
        raw_peer(tmp_path, answer) as routes,
        Transport(routes, timeout_seconds=30) as transport,
    ):
        for seconds in (0, 600):
            with (
                transport.within(0),
                transport.within(seconds),
                pytest.raises(UnavailableError) as caught,
            ):
                transport.get("https://gd.example/")
            assert caught.value.code == "peer_timeout"
        with suppress(DidServiceError), transport.within(0):  # left by an error as well
            transport.get("https://gd.example/")
        assert transport.get("https://gd.example/").body == b"x"


# --- addresses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d70e", True),
    ],
)
def test_only_public_addresses_are_dialled(address, public):
    assert is_public(address) is public


def answers(monkeypatch, *addresses):
    """Let every name have these addresses."""

    def look_up(_host, port, **_options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    resolver = SimpleNamespace(getaddrinfo=look_up, SOCK_STREAM=socket.SOCK_STREAM)
    monkeypatch.setattr(routes_module, "socket", resolver)


def test_a_name_that_leads_inside_is_refused(monkeypatch):
    answers(monkeypatch, "93.184.215.14", "169.254.169.254")
    with pytest.raises(UnavailableError) as caught:
        public_address("metadata.gov.cn", 443)
    assert caught.value.code == "address_refused"
    answers(monkeypatch, "93.184.215.14", "2606:4700::1111")
    assert public_address("gd.gov.cn", 443) == "93.184.215.14"


def test_an_address_in_place_of_a_name_is_refused(transport):
    for url in ("https://127.0.0.1/", "https://10.0.0.1:8443/", "https://2130706433/"):
        with pytest.raises(UnavailableError) as caught:
            transport.get(url)
        assert caught.value.code == "address_refused"


def test_a_name_without_address_is_unreachable(monkeypatch):
    def fail(*_arguments, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    resolver = SimpleNamespace(getaddrinfo=fail, SOCK_STREAM=socket.SOCK_STREAM)
    monkeypatch.setattr(routes_module, "socket", resolver)
    with pytest.raises(UnavailableError) as caught:
        public_address("gd.gov.cn", 443)
    assert caught.value.code == "peer_unreachable"


# --- TLS ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of gd.gov.cn that nobody but this test trusts."""
    folder = tmp_path_factory.mktemp("tls")
    command = [
        *(str(program("openssl")), "req", "-x509", "-newkey", "ed25519", "-nodes"),
        *("-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2"),
        *("-subj", "/CN=gd.gov.cn", "-addext", "subjectAltName=DNS:gd.gov.cn"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@contextmanager
def tls_peer(certificate):
    """A server that shakes hands, notes the name it was asked for, and answers once."""
    asked = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    listener = loopback(0)

    def answer():
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as shaken:
                asked.append(shaken.recv(65_536))
                shaken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        except OSError:  # the client does not trust us
            connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield listener.getsockname()[1], asked
    finally:
        thread.join(20)
        listener.close()


@pytest.mark.clock
def test_the_checked_address_is_dialled_and_the_name_is_certified(certificate, monkeypatch):
    answers(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(routes_module, "is_public", lambda _address: True)
    trusted = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    with tls_peer(certificate) as (port, asked), Transport(tls=trusted) as transport:
        assert transport.get(f"https://gd.gov.cn:{port}/reg").body == b"hi"
    name, request = asked
    assert name == "gd.gov.cn"
    assert f"Host: gd.gov.cn:{port}".encode().lower() in request.lower()


@pytest.mark.clock
def test_the_certificate_of_another_name_is_refused(certificate, monkeypatch):
    answers(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(routes_module, "is_public", lambda _address: True)
    trusted = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    for host, tls in (("hn.gov.cn", trusted), ("gd.gov.cn", None)):
        with tls_peer(certificate) as (port, asked), Transport(tls=tls) as transport:
            with pytest.raises(UnavailableError) as caught:
                transport.get(f"https://{host}:{port}/reg")
            assert caught.value.code == "peer_unreachable"
        assert asked in ([host], [])


@pytest.mark.clock
@pytest.mark.parametrize(
    ("host", "is_own", "is_taken"),
    [
        ("gd.gov.cn", True, True),
        ("gd.gov.cn", False, False),  # nobody's authority
        ("hn.gov.cn", True, False),  # another name
    ],
)
def test_a_configured_peer_is_reached_inside_our_network_over_tls(
    certificate, host, is_own, is_taken
):
    """No look-up is made for it, and its own authority counts for it."""
    own = ssl.create_default_context(cafile=str(certificate / "cert.pem")) if is_own else None
    with tls_peer(certificate) as (port, asked):
        routes = Routes({host: TlsRoute(f"127.0.0.1:{port}", own)})
        with Transport(routes) as transport:
            if is_taken:
                assert transport.get(f"https://{host}/").body == b"hi"
                assert f"host: {host}\r\n".encode() in asked[1].lower()
            else:
                with pytest.raises(UnavailableError):
                    transport.get(f"https://{host}/")
                assert asked in ([host], [])


@pytest.mark.clock
def test_no_variable_of_the_environment_says_whose_certificates_count(certificate, monkeypatch):
    answers(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(routes_module, "is_public", lambda _address: True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with tls_peer(certificate) as (port, _), Transport() as transport:
        with pytest.raises(UnavailableError) as caught:
            transport.get(f"https://gd.gov.cn:{port}/reg")
        assert caught.value.code == "peer_unreachable"


# --- the routes file ------------------------------------------------------------------------


def test_a_routes_file_names_sockets_and_loopback(tmp_path):
    text = (
        '{"gd.example":"unix:/run/gd.sock","a.example":"127.0.0.1:80","b.example":"[::1]:81"}'
    )
    expected = {
        "gd.example": UnixRoute("/run/gd.sock"),
        "a.example": LoopbackRoute("127.0.0.1:80"),
        "b.example": LoopbackRoute("[::1]:81"),
    }
    assert parse_routes(text.encode()).places == expected
    path = tmp_path / "routes.json"
    path.write_text(text)
    assert routes_from_environment({"DIDSVC_ROUTES": str(path)}).places == expected
    assert routes_from_environment({}).places == {}


@pytest.mark.parametrize(
    "place",
    ["10.0.0.1:80", "gd.example:80", "unix:relative", "127.0.0.1", "127.0.0.1:http", ""],
)
def test_a_route_leads_nowhere_else(place):
    with pytest.raises(MalformedError) as caught:
        parse_routes(b'{"gd.example":"%s"}' % place.encode())
    assert caught.value.code == "route_invalid"


def test_a_routes_file_that_is_gone_is_told(tmp_path):
    with pytest.raises(UnavailableError) as caught:
        routes_from_environment({"DIDSVC_ROUTES": str(tmp_path / "none.json")})
    assert caught.value.code == "routes_missing"


def test_a_plain_app_without_our_frame_is_understood(tmp_path):
    path = tmp_path / "f.sock"
    routes = Routes({"gd.example": UnixRoute(str(path))})
    with (
        Server(FastAPI(), unix_socket(path)),
        Transport(routes) as transport,
        pytest.raises(NotFoundError) as caught,
    ):
        transport.get("https://gd.example/none")
    assert caught.value.code == "peer_refused"


def test_a_server_that_has_stopped_takes_its_socket_away(tmp_path):
    path = tmp_path / "f.sock"
    with Transport(Routes({"gd.example": UnixRoute(str(path))})) as transport:
        with Server(FastAPI(), unix_socket(path)):
            assert transport.request("GET", "https://gd.example/none").status == 404
        with pytest.raises(UnavailableError) as caught:
            transport.get("https://gd.example/none")
        assert caught.value.code == "peer_unreachable"
        with Server(FastAPI(), unix_socket(path)):  # and is found again after a restart
            assert transport.request("GET", "https://gd.example/none").status == 404
