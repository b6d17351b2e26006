"""An agency as two processes on PostgreSQL, behind the proxy as the page has it."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from did_service.client.issuer import IssuerClient
from did_service.client.office import OfficeClient
from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.core.errors import DidServiceError
from did_service.node.databases import copy_service
from did_service.node.storage_setup import StorageSetup
from did_service.program.clock import SYSTEM
from tests import issuers
from tests.support import storage
from tests.support.offices import TOKENS, URL, index_of
from tests.support.refusals import refused

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("issuers")]


def test_two_processes_are_killed_in_turn_and_nobody_notices(tmp_path):
    assert issuers.soak(tmp_path, 3) == []


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """An agency of two processes, which only start: they tick once in an hour."""
    with issuers.agency(tmp_path_factory.mktemp("agency"), tick_seconds=3_600) as made:
        made[1].start(*issuers.NAMES)
        yield made


@pytest.fixture
def desks(two):
    """What reaches each of the two, at its own address."""
    transports = [
        Transport(Routes({"gz.gd.example": UnixRoute(str(two[1].socket(name)))}))
        for name in issuers.NAMES
    ]
    yield transports
    for transport in transports:
        transport.close()


def at_once(steps):
    """Take all steps at the same moment; what each answers, or the code of its refusal."""

    def take(step):
        try:
            return step()
        except DidServiceError as error:
            return error.code

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(take, steps))


def applied(two, desks):
    citizen = IssuerClient(desks[0], URL)
    return citizen.apply(two[0].application(challenge=citizen.challenge()))


def officers(desks, name):
    return [OfficeClient(each, URL, TOKENS[name]) for each in desks]


def test_both_issue_at_once_and_no_index_is_given_twice(two, desks):
    names = [applied(two, desks).id for _ in range(8)]
    for name in names:
        officers(desks, "li")[0].handle(name, "accept")
    approving = officers(desks, "zhao")
    steps = [
        lambda n=n, i=i: approving[i % 2].handle(n, "approve")["credential"]
        for i, n in enumerate(names)
    ]
    assert len(set(at_once(steps))) == 8
    rows = approving[0].applications()
    issued = officers(desks, "qian")[1].credentials()
    assert len({row["index"] for row in issued}) == len(issued) >= 8
    assert {row["state"] for row in rows if row["id"] in names} == {"issued"}


def test_of_both_that_get_a_challenge_or_a_pick_up_one_redeems_it(two, desks):
    office, citizens = two[0], [IssuerClient(each, URL) for each in desks]
    challenge = citizens[0].challenge()  # the other process knows it
    bodies = [
        office.application(challenge=challenge, holder=office.fed.device(name))
        for name in ("wang", "zhao")
    ]
    answers = at_once(
        [lambda c=c, b=b: c.apply(b) for c, b in zip(citizens, bodies, strict=True)]
    )
    (taken,) = [each for each in answers if each != "challenge_unknown"]
    officers(desks, "li")[1].handle(taken.id, "accept")
    approving = officers(desks, "zhao")
    assert (
        len(set(at_once([lambda o=o: str(o.handle(taken.id, "approve")) for o in approving])))
        == 1
    )
    shown = at_once(
        [lambda c=c: str(c.pick_up(taken.pickup)["credential"]) for c in citizens * 2]
    )
    assert len(set(shown)) == 1  # the same one to whoever has lost an answer
    at_once([lambda c=c: c.acknowledge(taken.pickup) for c in citizens])
    for citizen in citizens:
        with refused("pickup_used"):
            citizen.pick_up(taken.pickup)


def test_both_revoke_at_once_and_one_list_says_all(two, desks):
    office = two[0]
    credentials = []
    for _ in range(4):
        one = applied(two, desks)
        officers(desks, "li")[0].handle(one.id, "accept")
        officers(desks, "zhao")[1].handle(one.id, "approve")
        credentials.append(IssuerClient(desks[0], URL).pick_up(one.pickup)["credential"])
    revoking = officers(desks, "qian")
    steps = [
        lambda c=c, i=i: revoking[i % 2].change(c["id"], "revoke", "lost")["state"]
        for i, c in enumerate(credentials * 2)
    ]
    assert set(at_once(steps)) == {"revoked"}
    people = issuers.People(office, desks[0])
    people.revoked = set(map(index_of, credentials))
    office.fed.publish("gd")
    assert issuers.wrong(office, people) == []


def test_guesses_at_both_count_together(two, desks):
    clients = [OfficeClient(each, URL, "wrong-" + "x" * 40) for each in desks]
    answers = [clients[n % 2] for n in range(12)]
    told = at_once([lambda c=c: c.credentials() for c in answers])
    assert told.count("officer_unknown") == 10
    assert told.count("too_many_requests") == 2


def test_nothing_copies_the_rows_while_one_of_the_two_runs(two, tmp_path):
    """Neither from the folder that they share, nor from another machine's."""
    office, processes = two
    place = storage.storage_in(office.folder)
    away = StorageSetup(tmp_path, place.database)
    for each, code in ((place, "folder_in_use"), (away, "database_in_use")):
        with refused(code):
            copy_service(each, StorageSetup(tmp_path / "to"), "issuer", lambda *_: None)
    processes.kill("one", signal.SIGTERM)
    with refused("database_in_use"):
        copy_service(away, StorageSetup(tmp_path / "to"), "issuer", lambda *_: None)
    processes.start("one")
    assert SYSTEM.posix()
