"""Hot routes answer as the framework does: one region, served in both ways, byte by byte.

Whatever is sent, status, headers and body are the same, whether the endpoint is called at once
or FastAPI finds it; and what is no request for a hot route never gets to one.
"""

from contextlib import contextmanager
from itertools import product

import pytest
from fastapi import APIRouter, Request, Response

from did_service.core.encoding import jcs
from did_service.core.errors import RuleError
from did_service.node.region_app import region_app
from did_service.registry.sequencer import Sequencer
from did_service.web.app import create_app
from did_service.web.hot import HotRoute, HotRoutes
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
from tests.support.every_call import METHODS
from tests.support.live import running
from tests.support.raw_http import exchange, request

HOST, ENTRIES, RESOLVER = "gd.example", "/reg/entries", "/1.0/identifiers/"
LINES = "application/jsonl"


class BothWays:
    """One region on two sockets: `hot` as it is served, `whole` with all of it in FastAPI."""

    def __init__(self, fed, hot, whole):
        self.fed, self.hot, self.whole = fed, hot, whole

    def same(self, sent: bytes):
        """The answer to bytes, once it is the same in both ways."""
        answers = [exchange(path, sent) for path in (self.hot, self.whole)]
        for answer in answers:
            answer.headers.pop("date", None)
        assert answers[0] == answers[1], sent[:300]
        return answers[0]

    def ask(self, method, target, body=b"", **headers):
        return self.same(
            request(method, target, body, host=headers.pop("host", HOST), **headers)
        )


@contextmanager
def without_hot_routes(fed):
    app = region_app(HOST, fed.registry("gd"), fed.witness("gd"))
    (layer,) = [each for each in app.user_middleware if each.cls is HotRoutes]
    app.user_middleware.remove(layer)
    path = fed.sockets / "whole.sock"
    with Server(app, unix_socket(path)):
        yield path


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with running(tmp_path_factory.mktemp("hot")) as fed:
        fed.psb = fed.agency("gz.gd.example:dids:psb")
        fed.tick(60)
        fed.publish("gd")
        with without_hot_routes(fed) as whole:
            yield BothWays(fed, fed.sockets / "gd.sock", whole)


# --- what is wrong ----------------------------------------------------------------------------


def test_any_method_on_a_hot_path(both):
    for method, path in product(METHODS, (ENTRIES, RESOLVER + "did:key:x", RESOLVER, "/reg/")):
        for language in ("zh", "en"):
            both.ask(method, path, b"{}", accept_language=language)


def test_any_name_in_and_beside_a_hot_path(both):
    names = [*HOSTILE, *NOT_HTTP]
    for name in names:
        for target in (b"/1.0/identifiers/%s", b"/reg/entries%s", b"/reg/%s", b"/%s/entries"):
            both.ask("GET", target % name, accept_language="zh")
            both.ask("POST", target % name, b"{}")


@pytest.mark.parametrize(
    "target",
    [
        *NOWHERE,
        *("/reg/%65ntries", "/%72eg/entries", "/reg/entries?", "/reg/entries?x=1"),
        *("/reg/entries%0a", "/reg/entries%00", "/reg/entries/", "/reg/entries#x"),
        *("/reg/entries;", "/reg//entries"),
        *("/1.0/identifiers", "/1%2e0/identifiers/did:key:x", "/1.0/identifiers//did:key:x"),
        *(
            "/1.0/identifiers/x/did.jsonl",
            "/1.0/identifiers/%0a",
            "/1.0/identifiers/did%253Akey",
        ),
        *("http://hn.example/reg/entries", "http://gd.example/1.0/identifiers/did:key:x"),
    ],
)
def test_any_target(both, target):
    for method in ("GET", "HEAD", "POST"):
        both.ask(method, target, b"{}")


def test_any_body(both):
    for body in (*NOT_JSON.values(), *OTHER_SHAPES.values()):
        for language, kind in product(("zh", "en"), ("application/json", LINES)):
            both.ask("POST", ENTRIES, body, accept_language=language, content_type=kind)
        both.ask("GET", RESOLVER + both.fed.psb.did, body)


def test_any_framing(both):
    for sent in no_requests(ENTRIES, HOST).values():
        both.same(sent)
    chunked = {"content_length": None, "transfer_encoding": "chunked"}
    for body in (b"2\r\n{}\r\n0\r\n\r\n", b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"0\r\n\r\n"):
        both.ask("POST", ENTRIES, body, **chunked)
        both.ask("POST", ENTRIES, body, transfer_encoding="chunked", content_length="2")
    piece = b"100000\r\n" + b"[" * 0x100000 + b"\r\n"
    assert both.ask("POST", ENTRIES, piece * 20 + b"0\r\n\r\n", **chunked).status == 413
    assert both.ask("POST", ENTRIES, content_length="20971520").status == 413
    assert both.ask("POST", ENTRIES, b'{"entry":"%s"}' % (b"x" * 5_000_000)).status == 413


@pytest.mark.parametrize("header", HEADERS)
def test_any_header(both, header):
    for value in ODD:
        both.ask("POST", ENTRIES, b"{}", **{header: value})
        both.ask("GET", RESOLVER + both.fed.psb.did, **{header: value})


@pytest.mark.parametrize("cut", [5, 40, -1])
def test_a_caller_who_hangs_up(both, cut):
    sent = request("POST", ENTRIES, b"{}")[:cut]
    for path in (both.hot, both.whole):
        answer = exchange(path, sent, hang_up=True)
        assert answer.status in (0, 400)
    assert both.ask("GET", "/health").status == 200


def test_a_fault_says_nothing_about_itself(both, monkeypatch):
    def fault(*_):
        raise ValueError("wang wei 440100")

    monkeypatch.setattr(Sequencer, "submit", fault)
    answer = both.ask("POST", ENTRIES, jcs.encode({"entry": entry_of(both)}))
    assert answer.status == 500
    assert b"wang wei" not in answer.body


# --- what is right ----------------------------------------------------------------------------


def entry_of(both) -> dict:
    """The submission of an entry that stands: handed in again it gets the same answer."""
    (placed, *_) = (
        both.fed.registry("gd")
        .region.stores["gd.example/reg"]
        .chain("did", both.fed.psb.did.split(":")[2])
    )
    return placed.entry.submission().members


def test_an_entry_and_a_batch_are_taken_alike(both):
    row = jcs.encode({"entry": entry_of(both)})
    single = both.ask("POST", ENTRIES, row, content_type="application/json")
    assert (single.status, single.document["log"]) == (202, "gd.example/reg")
    batch = both.ask("POST", ENTRIES, row + b"\n{}\n" + row, content_type=LINES)
    assert (batch.status, batch.kind) == (202, LINES)
    assert len(batch.body.splitlines()) == 3
    waited = both.ask("POST", ENTRIES, row, prefer="wait=5")
    assert waited.document["witnessed"] is True
    assert waited.headers["preference-applied"] == "wait=5"


def test_a_did_is_resolved_alike_in_every_form(both):
    did = both.fed.psb.did
    forms = ("application/did-resolution", "application/did", "application/json", "*/*")
    for form in (*forms, "application/did-url-dereferencing", "text/html"):
        for url in (did, did.replace(":", "%3A"), f"{did}?versionNumber=1", f"{did}?x=1"):
            for method in ("GET", "HEAD"):
                both.ask(method, RESOLVER + url, accept=form)
    assert both.ask("GET", RESOLVER + did).status == 200


def counted(path, status: str) -> int:
    """How many answers of a class a server has counted."""
    text = exchange(path, request("GET", "/metrics")).body.decode()
    name = f'didsvc_requests_total{{status="{status}"}} '
    return next(int(line.removeprefix(name)) for line in text.splitlines() if name in line)


def test_answers_of_hot_routes_are_counted(both):
    refused, answered = counted(both.hot, "4xx"), counted(both.hot, "2xx")
    exchange(both.hot, request("POST", ENTRIES, b"{}"))
    exchange(both.hot, request("GET", RESOLVER + both.fed.psb.did))
    assert counted(both.hot, "4xx") == refused + 1
    assert counted(both.hot, "2xx") == answered + 3  # two of /metrics among them


# --- the table --------------------------------------------------------------------------------


def test_only_exact_methods_and_paths_are_hot(both):
    app = region_app(HOST, both.fed.registry("gd"), both.fed.witness("gd"))
    hot = [("POST", ENTRIES), ("POST", "/ev/2026/entries"), ("GET", RESOLVER + "did:key:x")]
    hot += [("GET", RESOLVER)]
    assert all(app.hot.endpoint(*each) for each in hot)
    cold = ("/reg/entries/", "/reg/checkpoint", "/health", RESOLVER[:-1], "/x" + RESOLVER + "x")
    for method, path in product(METHODS, (ENTRIES, RESOLVER + "x", *cold)):
        found = app.hot.endpoint(method, path) is not None
        assert found is ((method, path) in {("POST", ENTRIES), ("GET", RESOLVER + "x")})


async def answer(request: Request) -> Response:
    if request.url.path == "/refused":
        raise RuleError("digest_wrong", "as ever")
    return Response(b"done")


async def named(request: Request, name: str) -> Response:
    return Response(name + request.url.path)


def plain(request: Request) -> Response:
    return Response(request.url.path)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [("/a", plain), ("/a/{name}", named), ("/a/{name}", answer), ("/a/{x:path}/b", answer)],
    ids=["a thread's", "with a parameter", "one segment", "in the middle"],
)
def test_what_needs_the_framework_is_not_hot(path, endpoint):
    with pytest.raises(AssertionError):
        APIRouter().add_api_route(path, endpoint, route_class_override=HotRoute)


def test_a_router_under_a_prefix_has_no_hot_routes():
    app, router = create_app("test"), APIRouter()
    router.add_api_route("/a", answer, route_class_override=HotRoute, response_model=None)
    app.include_router(router, prefix="/under")
    assert app.hot.endpoint("GET", "/a") is None
    app.include_router(router)
    assert app.hot.endpoint("GET", "/a") is not None
