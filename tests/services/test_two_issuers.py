"""Two processes of an agency on one database: what both do at the same moment is right.

Each test lets the other process act between two transactions of the first one, where a check
that is no part of the writing transaction has passed already.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from did_service.core.anchor.streams import stream_id
from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.credentials.record import record_of
from did_service.core.encoding import timestamps
from did_service.core.errors import (
    ConflictError,
    RuleError,
    UnavailableError,
    UsageError,
)
from did_service.core.limits import CHALLENGE_SECONDS, MAX_CLOCK_AHEAD_SECONDS
from did_service.issuer import applications, credential_store
from did_service.issuer.app import Issuer
from did_service.issuer.states import ApplicationState, Verb
from did_service.issuer.store import IssuerStore
from did_service.storage.database import open_database
from tests.support.federation import founded
from tests.support.offices import EV, TOKENS, Office, index_of
from tests.support.refusals import refused
from tests.support.storage import url_in

pytestmark = pytest.mark.usefixtures("each_engine")

ACCEPT = frozenset({"accept"})


@pytest.fixture
def office(tmp_path):
    office = Office(founded(), tmp_path)
    office.issuer.tick()
    return office


@pytest.fixture
def other(office):
    return second(office)


def second(office, edge=None) -> Issuer:
    """Another process of the agency, as far as the database can tell."""
    store = IssuerStore(open_database(url_in(office.folder, "issuer")))
    return Issuer(office.agency, store, office.log_of, edge or office.edge)


def meanwhile(monkeypatch, owner, name, step) -> None:
    """Once `name` has answered for the first time, the other process takes a step."""
    real, steps = getattr(owner, name), [step]

    def answer(*given):
        said = real(*given)
        if steps:
            steps.pop()()
        return said

    monkeypatch.setattr(owner, name, answer)


def at_once(*steps):
    """Take steps at the same moment; what each answers, or the code of its refusal."""
    ready = Barrier(len(steps))

    def take(step):
        ready.wait()
        try:
            return step()
        except (ConflictError, RuleError, UnavailableError) as error:
            return error.code

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(take, steps))


def batches(office):
    return office.fed.logs[EV].chain("evidence", stream_id(office.actor.did, "issuance"))


def accepted(office, officer="li") -> str:
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], officer)
    return applied["id"]


# --- starting ---------------------------------------------------------------------------------


def test_of_two_that_start_at_once_both_know_the_same_challenges(office):
    store = IssuerStore(open_database(url_in(office.folder / "new", "issuer")))
    rival = IssuerStore(open_database(url_in(office.folder / "new", "issuer")))
    made = []

    def make():
        made.append(rival.challenge_key(lambda: b"r" * 32))
        return b"s" * 32

    assert store.challenge_key(make) == rival.challenge_key(make) == b"r" * 32
    assert made == [b"r" * 32]


def test_of_two_agencies_that_start_at_once_on_a_database_one_gets_it(office, monkeypatch):
    store = IssuerStore(open_database(url_in(office.folder / "new", "issuer")))
    rival = IssuerStore(open_database(url_in(office.folder / "new", "issuer")))
    stranger = replace(office.agency, did=office.fed.agency("cs.gd.example").did)
    meanwhile(monkeypatch, store, "_has_about", lambda: None)
    meanwhile(
        monkeypatch, store.ledger, "chains", lambda: rival.belong_to(stranger)
    )  # it is nobody's yet
    with refused("database_of_another", UsageError):
        store.belong_to(office.agency)


def test_tables_are_made_once_by_two_that_start_at_once(office):
    url = url_in(office.folder / "new", "issuer")
    engines = [open_database(url) for _ in range(4)]
    assert at_once(*(lambda e=e: IssuerStore(e) and "made" for e in engines)) == ["made"] * 4


# --- applying ---------------------------------------------------------------------------------


def test_a_challenge_is_answered_once_by_two_who_come_at_once(office, other):
    challenge = office.issuer.applications.challenge()["challenge"]
    holders = [office.fed.device(name) for name in ("wang", "zhao")]
    bodies = [office.application(challenge=challenge, holder=each) for each in holders]
    desks = (office.issuer.applications, other.applications)
    answers = at_once(
        *(lambda d=d, b=b: d.submit(b)["id"] for d, b in zip(desks, bodies, strict=True))
    )
    assert answers.count("challenge_unknown") == 1
    assert len(office.store.applications(None)) == 1


def test_an_application_that_reaches_both_is_one(office, other):
    body = office.application()
    desks = (office.issuer.applications, other.applications) * 2
    answers = at_once(*(lambda d=d: d.submit(body)["pickup"] for d in desks))
    assert len(set(answers)) == 1
    assert len(office.store.applications(None)) == 1


def test_no_more_applications_wait_than_may(office, other, monkeypatch):
    monkeypatch.setattr(applications, "MAX_OPEN_APPLICATIONS", 2)
    bodies = [office.application() for _ in range(3)]
    other.applications.submit(bodies[0])
    took = []

    def take():
        took.append(other.applications.submit(bodies[1]))

    meanwhile(monkeypatch, office.store, "open_applications", take)
    with refused("applications_full", UnavailableError):
        office.issuer.applications.submit(bodies[2])
    assert took
    assert office.store.open_applications() == 2


@pytest.mark.parametrize("ahead", [-60, 60])
def test_machines_whose_clocks_differ_by_a_minute_know_each_others_challenges(office, ahead):
    away = second(office, clock_of(office, ahead))
    body = office.application(challenge=away.applications.challenge()["challenge"])
    assert office.issuer.applications.submit(body)["id"]


def test_a_clock_that_is_ahead_forgets_no_challenge_that_was_used(office):
    away = second(office, clock_of(office, 60))
    challenge = office.issuer.applications.challenge()["challenge"]
    office.apply(challenge=challenge)
    office.fed.tick(CHALLENGE_SECONDS - 1)
    away.applications.submit(office.application())  # it forgets what has expired
    with refused("challenge_unknown", ConflictError):
        office.apply(challenge=challenge, holder=office.fed.device("zhao"))


def test_a_challenge_that_ends_too_late_for_any_clock_is_unknown(office):
    away = second(office, clock_of(office, MAX_CLOCK_AHEAD_SECONDS + 1))
    body = office.application(challenge=away.applications.challenge()["challenge"])
    with refused("challenge_unknown", ConflictError):
        office.issuer.applications.submit(body)


def clock_of(office, ahead):
    """The clock of another machine."""
    return replace(office.edge, clock=lambda: timestamps.from_posix(office.fed.now + ahead))


# --- deciding ---------------------------------------------------------------------------------


def test_an_officer_whose_answer_was_lost_asks_another_process(office, other):
    """The proxy sends it again: it is done, and the answer is the one that was lost."""
    name = accepted(office)
    other.applications.accept(name, "li")
    issued = office.issuer.applications.approve(name, "zhao")
    assert other.applications.approve(name, "zhao") == issued
    with refused("state_wrong", ConflictError):
        other.applications.approve(name, "sun")
    applied = office.apply()
    for desk in (office.issuer.applications, other.applications):
        desk.send_back(applied["id"], "再来", "li")
    with refused("state_wrong", ConflictError):
        other.applications.send_back(applied["id"], "no", "li")
    with refused("state_wrong", ConflictError):
        other.applications.accept(applied["id"], "li")


def test_of_two_officers_who_approve_at_once_one_issues(office, other):
    name = accepted(office, "sun")
    desks = ((office.issuer.applications, "zhao"), (other.applications, "li"))
    answers = at_once(*(lambda d=d, o=o: d.approve(name, o) for d, o in desks))
    (issued,) = office.store.credentials.listed()
    assert sorted(answers) == sorted([issued.id, "state_wrong"])


def test_one_officer_who_approves_at_both_at_once_is_answered_the_same(office, other):
    name = accepted(office)
    desks = (office.issuer.applications, other.applications)
    answers = at_once(*(lambda d=d: d.approve(name, "zhao") for d in desks))
    (issued,) = office.store.credentials.listed()
    assert answers == [issued.id] * 2


def test_who_accepts_at_one_process_does_not_approve_at_the_other(office, other):
    name = accepted(office)
    with refused("same_officer", RuleError):
        other.applications.approve(name, "li")


def test_an_index_that_both_draw_is_given_to_one(office, monkeypatch):
    drawn = iter([5, 5, 6, 7])
    office.edge = replace(
        office.edge, rng=lambda n: next(drawn).to_bytes(4) if n == 4 else os.urandom(n)
    )
    office.restart()
    other = second(office)
    names = [accepted(office) for _ in range(2)]
    meanwhile(
        monkeypatch,
        office.store.credentials,
        "used_indices",
        lambda: other.applications.approve(names[1], "zhao"),
    )
    office.issuer.applications.approve(names[0], "zhao")
    assert sorted(each.index for each in office.store.credentials.listed()) == [5, 6]


def test_an_index_that_is_revoked_while_it_is_drawn_is_given_to_nobody(office, monkeypatch):
    """What a lost database had issued is revoked by its index, in the other process."""
    drawn = iter([5, 6])
    office.edge = replace(
        office.edge, rng=lambda n: next(drawn).to_bytes(4) if n == 4 else os.urandom(n)
    )
    office.restart()
    other, name = second(office), accepted(office)
    meanwhile(
        monkeypatch,
        office.store.credentials,
        "used_indices",
        lambda: other.statuses.change_index(5, Verb.REVOKE, "qian"),
    )
    office.issuer.applications.approve(name, "zhao")
    assert [each.index for each in office.store.credentials.listed()] == [6]
    assert office.bits() == {5}


def test_an_index_that_is_given_away_while_it_is_revoked_is_that_credentials(
    office, other, monkeypatch
):
    drawn = iter([5])
    office.edge = replace(
        office.edge, rng=lambda n: next(drawn).to_bytes(4) if n == 4 else os.urandom(n)
    )
    office.restart()
    name = accepted(office)
    meanwhile(
        monkeypatch,
        other._store.credentials,
        "orphan",
        lambda: office.issuer.applications.approve(name, "zhao"),
    )
    other.statuses.change_index(5, Verb.REVOKE, "qian")
    (issued,) = office.store.credentials.listed()
    assert (issued.index, issued.state) == (5, "revoked")
    assert office.store.credentials.orphans() == []


def test_the_last_index_is_given_away_once(office, other, monkeypatch):
    monkeypatch.setattr(credential_store, "MOST_INDICES", 1)
    names = [accepted(office) for _ in range(2)]
    meanwhile(
        monkeypatch,
        office.store.credentials,
        "used_indices",
        lambda: other.applications.approve(names[1], "zhao"),
    )
    with refused("status_list_full", UnavailableError):
        office.issuer.applications.approve(names[0], "zhao")
    assert len(office.store.credentials.listed()) == 1


# --- picking up -------------------------------------------------------------------------------


def test_a_credential_that_both_hand_out_is_one_and_handed_out_once(office, other):
    code, _ = office.approve()
    desks = (office.issuer.applications, other.applications) * 2
    answers = at_once(*(lambda d=d: str(d.collect(code)["credential"]) for d in desks))
    assert len(set(answers)) == 1


def test_what_has_arrived_is_not_handed_out_by_the_other_process(office, other, monkeypatch):
    code, _ = office.approve()
    office.issuer.applications.collect(code)
    meanwhile(
        monkeypatch, office.store, "by_pickup", lambda: other.applications.acknowledge(code)
    )
    with refused("pickup_used", ConflictError):
        office.issuer.applications.collect(code)


# --- statuses ---------------------------------------------------------------------------------


def test_two_officers_who_revoke_at_once_both_have_revoked_it(office, other, monkeypatch):
    credential = office.issue()["credential"]["id"]
    office.fed.tick(5)
    meanwhile(
        monkeypatch,
        office.store.credentials,
        "get",
        lambda: other.statuses.change(credential, Verb.REVOKE, "sun", "lost"),
    )
    assert office.issuer.statuses.change(credential, Verb.REVOKE, "qian") == "revoked"
    assert office.store.credentials.get(credential).changed_by == "sun"


def test_what_is_suspended_meanwhile_is_revoked_all_the_same(office, other, monkeypatch):
    credential = office.issue()["credential"]["id"]
    office.fed.tick(5)
    meanwhile(
        monkeypatch,
        office.store.credentials,
        "get",
        lambda: other.statuses.change(credential, Verb.SUSPEND, "sun"),
    )
    assert office.issuer.statuses.change(credential, Verb.REVOKE, "qian") == "revoked"
    assert office.store.credentials.get(credential).state == "revoked"


def test_both_tick_at_once_and_every_record_is_in_one_batch(office, other):
    records = [record_of(office.issue()["credential"]) for _ in range(3)]
    office.fed.tick(3_600)
    assert at_once(office.issuer.tick, other.tick) == [None, None]
    for record in records:
        assert other.evidence.proof(record) == office.issuer.evidence.proof(record)
    roots = [each.entry.digest for each in batches(office)]
    assert len(set(roots)) == len(roots)
    for purpose in Purpose:
        numbers = [each.entry.number for each in office.chain(purpose)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) == 2  # it was due once, whoever has signed it
    assert office.store.ledger.pending_count() == 0


def test_a_batch_that_both_make_at_once_is_made_once(office, other, monkeypatch):
    record = record_of(office.issue()["credential"])
    meanwhile(monkeypatch, office.store.ledger, "unbatched", other.tick)
    before = len(batches(office))
    office.issuer.tick()
    assert office.issuer.evidence.proof(record)
    assert len(batches(office)) == before + 2  # its own, which has no record, came after it


def test_what_a_process_that_has_gone_had_on_its_way_the_other_sends(office, other):
    credential = office.issue()["credential"]
    office.fed.tick(5)
    office.log.down = True
    with refused("status_pending", UnavailableError):
        office.issuer.statuses.change(credential["id"], Verb.REVOKE, "qian")
    office.log.down = False
    other.tick()
    assert office.bits() == {index_of(credential)}
    assert office.store.ledger.pending_count() == 0


def test_an_answer_that_comes_late_leaves_the_newer_list_in_place(office, other):
    """What was sent by both is confirmed to one of them after the chain has gone on."""
    kept = office.store.ledger
    credentials = [office.issue()["credential"] for _ in range(2)]
    url, anchored, late = office.agency.list_url(Purpose.REVOCATION), kept.anchored, []
    for each in credentials:
        office.fed.tick(5)
        office.issuer.statuses.change(each["id"], Verb.REVOKE, "qian")
        late.append((kept.chain("status", url), kept.status_list(url)))
    (first, listed), (newest, served) = late
    sent = replace(first, pending=first.newest, pending_log=first.log, content=listed.content)
    anchored(sent, office.chain()[1])
    assert (kept.chain("status", url), kept.status_list(url)) == (newest, served)
    assert not kept.take_over(first, office.chain()[1], EV, listed.content)
    assert (kept.chain("status", url), kept.status_list(url)) == (newest, served)


def test_what_the_log_took_from_one_and_refused_to_the_other_is_ours(
    office, other, monkeypatch
):
    """A quota ends in the second between the two: the refusal is heard before the receipt."""
    credential = office.issue()["credential"]
    office.fed.tick(5)

    def refused_there():
        office.log.refuses = RuleError("quota_exceeded", "x")
        with refused("log_refused", RuleError):
            other.statuses.publish(Purpose.REVOCATION)
        office.log.refuses = None

    meanwhile(monkeypatch, office.log, "submit", refused_there)
    office.issuer.statuses.change(credential["id"], Verb.REVOKE, "qian")
    assert office.issuer.statuses.served("1") == other.statuses.served("1")
    assert office.bits() == {index_of(credential)}
    assert office.issuer.statuses.listed(0)[0]["published"]


# --- logging in -------------------------------------------------------------------------------


def test_wrong_log_ins_count_together_and_over_a_restart(office, other):
    def guess(issuer, token="wrong" * 8):
        try:
            issuer.officers.log_in(token, ACCEPT, "10.0.0.1")
        except (RuleError, UnavailableError) as error:
            return error.code
        return "in"

    guesses = [guess(office.issuer if n % 2 else other) for n in range(12)]
    assert guesses == ["officer_unknown"] * 10 + ["too_many_requests"] * 2
    office.restart()
    assert guess(office.issuer) == guess(other) == "too_many_requests"
    assert guess(office.issuer, TOKENS["li"]) == "in"
    office.fed.tick(6)
    assert [guess(other), guess(office.issuer)] == ["officer_unknown", "too_many_requests"]


def test_many_wrong_log_ins_at_once_are_counted_each(office, other):
    def guess(issuer):
        return issuer.officers.log_in("wrong" * 8, ACCEPT, "10.0.0.1")

    answers = at_once(*(lambda i=i: guess(i) for i in [office.issuer, other] * 8))
    assert answers.count("officer_unknown") == 10


def test_a_clock_that_is_ahead_gives_nobody_more_guesses(office):
    """It takes what was counted for over, and does not have the others forget it."""
    away = second(office, clock_of(office, 90))

    def guess(issuer, token):
        with pytest.raises((RuleError, UnavailableError)) as caught:
            issuer.officers.log_in(token * 40, ACCEPT, "10.0.0.1")
        return caught.value.code

    for _ in range(10):
        guess(office.issuer, "x")
    assert guess(away, "y") == "officer_unknown"
    assert guess(office.issuer, "x") == "too_many_requests"


def test_an_officer_who_is_revoked_at_one_process_is_out_at_the_other(office, other):
    token = office.issuer.officers.add("wu", ACCEPT, timedelta(days=1))
    assert other.officers.log_in(token, ACCEPT, "").name == "wu"
    office.issuer.officers.revoke("wu")
    with refused("officer_unknown", RuleError):
        other.officers.log_in(token, ACCEPT, "")


def test_an_application_returned_by_one_is_not_approved_by_the_other(
    office, other, monkeypatch
):
    name = accepted(office)
    meanwhile(
        monkeypatch,
        office.store,
        "application",
        lambda: other.applications.send_back(name, "再来", "sun"),
    )
    with refused("state_wrong", ConflictError):
        office.issuer.applications.approve(name, "zhao")
    assert office.store.application(name).state is ApplicationState.RETURNED
    assert office.store.credentials.listed() == []
