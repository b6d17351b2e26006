"""Hosts that strangers name: few threads, no line, and no second wait in a row."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from did_service.client.answers import HttpAnswer
from did_service.core.errors import NotFoundError, UnavailableError
from did_service.core.limits import FAILED_HOST_SECONDS, MAX_FAILED_HOSTS
from did_service.resolver.app import create_app
from did_service.resolver.foreign_hosts import ForeignHosts
from tests.support.refusals import refused

URL = "https://slow.example.org/.well-known/did.json"


class Peers:
    """A transport whose peers fail, or answer; it counts how often it is asked."""

    def __init__(self, error=None):
        self.error, self.asked = error, 0

    def get(self, url, *, max_bytes):
        self.asked += 1
        if self.error is not None:
            raise self.error
        return HttpAnswer(200, {}, b"{}")


class Clock:
    def __init__(self):
        self.now = datetime(2026, 11, 29, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.mark.parametrize("code", ["peer_timeout", "peer_unreachable"])
def test_a_host_that_kept_us_waiting_is_not_asked_again_for_a_while(code):
    peers, clock = Peers(UnavailableError(code, "x")), Clock()
    hosts = ForeignHosts(peers, clock)
    for _ in range(50):
        with refused(code, UnavailableError):
            hosts.get(URL, 10)
    assert peers.asked == 1
    clock.now += timedelta(seconds=FAILED_HOST_SECONDS)
    peers.error = None
    assert hosts.get(URL, 10) == b"{}"


def test_a_clock_that_is_set_back_closes_no_host():
    peers, clock = Peers(UnavailableError("peer_timeout", "x")), Clock()
    hosts = ForeignHosts(peers, clock)
    with refused("peer_timeout"):
        hosts.get(URL, 10)
    clock.now -= timedelta(days=1)
    peers.error = None
    assert hosts.get(URL, 10) == b"{}"


def test_an_answer_is_no_failure_and_other_hosts_are_asked():
    peers = Peers(NotFoundError("peer_refused", "x"))
    hosts = ForeignHosts(peers, Clock())
    for _ in range(2):
        with refused("peer_refused"):
            hosts.get(URL, 10)
    peers.error = UnavailableError("peer_timeout", "x")
    for host in ("a.example.org", "b.example.org"):
        with refused("peer_timeout"):
            hosts.get(f"https://{host}/did.json", 10)
    assert peers.asked == 4


def test_hosts_that_strangers_name_fill_no_memory():
    hosts = ForeignHosts(Peers(UnavailableError("peer_timeout", "x")), Clock())
    for number in range(MAX_FAILED_HOSTS + 50):
        with refused("peer_timeout"):
            hosts.get(f"https://h{number}.example.org/did.json", 10)
    assert len(hosts._failed) == MAX_FAILED_HOSTS


class Hanging:
    """A resolver whose foreign hosts hang until they are let go."""

    def __init__(self):
        self.begun, self.over = threading.Semaphore(0), threading.Event()

    def is_foreign(self, url):
        return url.did.method == "web"

    def resolve(self, url):
        if self.is_foreign(url):
            self.begun.release()
            self.over.wait(20)
        raise NotFoundError("did_unknown", "x")


def test_hanging_hosts_take_four_threads_and_nobody_waits_for_one():
    resolver = Hanging()
    with TestClient(create_app(resolver)) as client:
        path = "/1.0/identifiers/"
        threads = [
            threading.Thread(target=client.get, args=(f"{path}did:web:slow.example.org:a{n}",))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
            assert resolver.begun.acquire(timeout=20)
        for _ in range(10):
            answer = client.get(f"{path}did:web:slow.example.org:again")
            assert (answer.status_code, answer.json()["code"]) == (503, "server_busy")
            assert answer.headers["retry-after"] == "2"
        assert client.get(f"{path}did:key:z6Mk").status_code == 404
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 200
        resolver.over.set()
        for thread in threads:
            thread.join(20)
        assert client.get(f"{path}did:web:slow.example.org:again").status_code == 404
