"""Kill the issuer, cut the log off, let it refuse: nothing is lost, nothing is told twice."""

import logging
import sqlite3
import threading
from contextlib import contextmanager, suppress

import pytest

from did_service.core.anchor.streams import stream_id
from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.credentials.record import record_of
from did_service.core.errors import (
    ConflictError,
    LimitError,
    MalformedError,
    NotFoundError,
    RuleError,
    UnavailableError,
)
from did_service.core.limits import PICKUP_SECONDS
from did_service.issuer import alarm_store as alarm_rows
from did_service.issuer import credential_store as credential_rows
from did_service.issuer import ledger as ledger_rows
from did_service.issuer import store as store_rows
from did_service.issuer.states import Verb
from did_service.storage.database import writing
from tests.support import health
from tests.support.federation import founded
from tests.support.offices import EV, Killed, Office, code_of, index_of
from tests.support.refusals import refused

pytestmark = pytest.mark.usefixtures("each_engine")


@pytest.fixture
def office(tmp_path):
    office = Office(founded(), tmp_path)
    office.issuer.tick()
    return office


def batches(office):
    return office.fed.logs[EV].chain("evidence", stream_id(office.actor.did, "issuance"))


def revoke(office, credential):
    office.fed.tick()
    return office.issuer.statuses.change(credential["id"], Verb.REVOKE, "qian")


# --- killed -----------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["sending", "answered"])
def test_a_revocation_outlives_a_kill(office, moment):
    credential = office.issue()["credential"]
    office.log.dies = moment
    with pytest.raises(Killed):
        revoke(office, credential)
    office.log.dies = ""
    office.restart()
    office.fed.tick(30)
    office.issuer.tick()
    assert office.bits() == {index_of(credential)}
    assert len(office.chain()) == 2  # the first list, and the one with the revocation
    assert office.store.ledger.pending_count() == 0


@pytest.mark.parametrize("moment", ["sending", "answered"])
def test_what_was_on_its_way_is_sent_again_byte_for_byte(office, moment):
    credential = office.issue()["credential"]
    office.log.dies = moment
    with pytest.raises(Killed):
        revoke(office, credential)
    office.log.dies = ""
    office.restart()
    office.fed.tick(30)
    sent = office.log.asked[-1]
    office.issuer.tick()
    assert office.log.asked.count(sent) == 2


@pytest.mark.parametrize("moment", ["sending", "answered"])
def test_a_batch_outlives_a_kill(office, moment):
    credential = office.issue()["credential"]
    before = len(batches(office))
    office.log.dies = moment
    with pytest.raises(Killed):
        office.issuer.tick()
    office.log.dies = ""
    office.restart()
    office.issuer.tick()
    proof = office.issuer.evidence.proof(record_of(credential))
    assert proof["index"] == batches(office)[before].index


def test_a_kill_between_state_and_list_is_made_good_by_the_next_tick(office, monkeypatch):
    credential = office.issue()["credential"]

    def die(*_):
        raise Killed

    monkeypatch.setattr(office.store.ledger, "set_pending", die)
    with pytest.raises(Killed):
        revoke(office, credential)
    assert office.bits() == set()
    office.restart()
    office.issuer.tick()
    assert office.bits() == {index_of(credential)}


def test_a_kill_between_batch_and_entry_keeps_the_batch(office, monkeypatch):
    credential = office.issue()["credential"]

    def die(*_):
        raise Killed

    monkeypatch.setattr(office.store.ledger, "set_pending", die)
    with pytest.raises(Killed):
        office.issuer.tick()
    root = office.store.ledger.unsent_batch()
    office.restart()
    office.issuer.tick()
    assert batches(office)[-1].entry.digest == root
    assert office.issuer.evidence.proof(record_of(credential))["index"] > 0


def test_an_answer_that_was_lost_is_given_again_until_the_wallet_has_it(office):
    code, _ = office.approve()
    first = office.issuer.applications.collect(code)
    office.restart()  # killed while it was sent
    office.fed.tick(PICKUP_SECONDS - 1)
    office.issuer.tick()
    again = office.issuer.applications.collect(code)
    assert again["credential"] == first["credential"]
    assert again["batch"] is not None  # meanwhile it was anchored
    for _ in range(2):  # this answer may be lost as well
        office.issuer.applications.acknowledge(code)
    office.restart()
    with refused("pickup_used", ConflictError):
        office.issuer.applications.collect(code)


def test_a_credential_that_was_handed_out_is_kept_for_a_day(office):
    code, _ = office.approve()
    office.fed.tick(days=30)  # nobody has come so far
    office.issuer.tick()
    office.issuer.applications.collect(code)
    office.fed.tick(PICKUP_SECONDS - 1)
    assert office.issuer.applications.collect(code)["credential"]
    office.fed.tick()
    with refused("pickup_used", ConflictError):
        office.issuer.applications.collect(code)  # whether or not a tick has come
    assert kept(office) == []
    office.issuer.tick()
    assert kept(office) == [None]


def test_nothing_is_acknowledged_that_was_not_handed_out(office):
    code, _ = office.approve()
    with refused("state_wrong", ConflictError):
        office.issuer.applications.acknowledge(code)
    with refused("pickup_unknown", NotFoundError):
        office.issuer.applications.acknowledge("nobody")
    assert office.issuer.applications.collect(code)["credential"]


def test_a_credential_that_has_arrived_is_not_kept(office):
    office.issue()
    assert kept(office) == [None]


def kept(office):
    """What is held of credentials that are out of the house."""
    return [row.credential for row in office.store.applications("collected")]


def test_applications_outlive_a_restart(office):
    applied = office.apply()
    office.restart()
    office.issuer.applications.accept(applied["id"], "li")
    office.restart()
    office.issuer.applications.approve(applied["id"], "zhao")
    assert "credential" in office.issuer.applications.collect(code_of(applied))


@pytest.mark.sqlite_only
def test_used_indices_outlive_a_restart(office):
    indices = set()
    for _ in range(3):
        indices.add(index_of(office.issue()["credential"]))
        office.restart()
    assert office.store.credentials.used_indices() == indices
    with sqlite3.connect(office.folder / "issuer.sqlite") as connection:
        unique = [row[1] for row in connection.execute("PRAGMA index_list(issuer_credential)")]
    assert len(unique) == 3  # id, record and status index


# --- killed at every transaction --------------------------------------------------------------


class Guillotine:
    """Ends the process at one transaction: before it begins, or when it is committed."""

    def __init__(self, monkeypatch):
        self.left, self.committed = 0, False
        for module in (store_rows, credential_rows, alarm_rows, ledger_rows):
            monkeypatch.setattr(module, "writing", self._writing)

    def set(self, transaction, moment):
        self.left, self.committed = transaction, moment == "committed"

    @contextmanager
    def _writing(self, engine):
        self.left -= 1
        if self.left == 0 and not self.committed:
            raise Killed
        with writing(engine) as connection:
            yield connection
        if self.left == 0 and self.committed:
            raise Killed


def lead(office, steps) -> bool:
    """Take the steps; one that was killed is taken again. Whether all went well at once."""
    well = True
    for step in steps:
        try:
            step()
        except Killed:
            well = False
            office.restart()
            with suppress(ConflictError):  # it had been done already
                step()
    return well


@pytest.mark.parametrize("moment", ["begun", "committed"])
def test_killed_at_any_transaction_nothing_is_lost_and_nothing_doubled(
    office, monkeypatch, moment
):
    guillotine = Guillotine(monkeypatch)
    revoked = set()
    for transaction in range(1, 40):
        applied, issued = office.apply(), len(office.issuer.statuses.listed(0))
        name, code, held = applied["id"], code_of(applied), []

        def tick_it():
            office.issuer.tick()  # of the office as it is now, perhaps restarted

        def revoke_it(held=held):
            office.fed.tick()
            office.issuer.statuses.change(held[-1]["id"], Verb.REVOKE, "qian")

        steps = [
            lambda name=name: office.issuer.applications.accept(name, "li"),
            lambda name=name: office.issuer.applications.approve(name, "zhao"),
            lambda code=code, held=held: held.append(
                office.issuer.applications.collect(code)["credential"]
            ),
            tick_it,
            revoke_it,
            lambda code=code: office.issuer.applications.acknowledge(code),
        ]
        guillotine.set(transaction, moment)
        went_well = lead(office, steps)
        guillotine.set(0, moment)
        office.fed.tick(3_600)
        office.issuer.tick()
        revoked.add(index_of(held[0]))
        assert len(office.issuer.statuses.listed(0)) == issued + 1
        assert office.bits() == revoked
        assert office.issuer.evidence.proof(record_of(held[0]))["log"] == EV
        assert office.store.application(name).credential is None
        assert office.store.ledger.pending_count() == 0
        if went_well:
            break
    assert transaction > 8  # each of them was an end once
    numbers = [placed.entry.number for placed in office.chain()]
    assert numbers == list(range(1, len(numbers) + 1))
    newest = office.fed.contents[office.chain()[-1].entry.digest]
    assert office.issuer.statuses.served("1") == newest


# --- the log does not answer ------------------------------------------------------------------


def test_a_revocation_while_the_log_is_away_is_recorded_and_published_later(office):
    credential = office.issue()["credential"]
    office.log.down = True
    with refused("status_pending", UnavailableError):
        revoke(office, credential)
    with refused("log_unreachable", UnavailableError):
        office.issuer.tick()
    assert office.bits() == set()
    assert health.number(office.issuer, "issuer_pending_entries") == 2  # the list and a batch
    office.log.down = False
    office.fed.tick(600)
    office.issuer.tick()
    assert office.bits() == {index_of(credential)}


def test_changes_pile_up_while_the_log_is_away(office):
    credentials = [office.issue()["credential"] for _ in range(3)]
    office.log.down = True
    for credential in credentials:
        with refused("status_pending"):
            revoke(office, credential)
    office.log.down = False
    office.fed.tick()
    office.issuer.tick()
    assert office.bits() == set(map(index_of, credentials))


def test_what_is_served_stays_what_the_log_has(office):
    credential, served = office.issue()["credential"], office.issuer.statuses.served("1")
    office.log.down = True
    with refused("status_pending"):
        revoke(office, credential)
    assert office.issuer.statuses.served("1") == served


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("path_unknown", "no such log"),
        MalformedError("answer_invalid", "not a receipt"),
        LimitError("answer_too_large", "x"),
        ConflictError("peer_refused", "a proxy"),
        RuleError("peer_refused", "a proxy says 403 without a problem document"),
    ],
)
def test_what_is_no_word_of_the_log_ends_no_entry(office, error):
    credential = office.issue()["credential"]
    office.log.refuses = error
    with refused("status_pending", UnavailableError):
        revoke(office, credential)
    assert office.store.ledger.pending_count() == 1
    office.log.refuses = None
    office.fed.tick()
    office.issuer.tick()
    assert office.bits() == {index_of(credential)}


def test_a_receipt_for_another_entry_is_not_believed(office, monkeypatch):
    credential = office.issue()["credential"]
    submit = office.log.submit

    def lie(entry, content):
        receipt = submit(entry, content)
        return type(receipt)(receipt.log, receipt.index, bytes(32), receipt.at, False)

    monkeypatch.setattr(office.log, "submit", lie)
    with refused("status_pending", UnavailableError):
        revoke(office, credential)
    assert office.store.ledger.pending_count() == 1


# --- the log refuses for good -----------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        RuleError("list_not_registered", "in no statement of its issuer"),
        RuleError("quota_used_up", "of this day"),
    ],
)
def test_an_entry_that_the_log_refuses_is_forgotten_and_said(office, error):
    credential = office.issue()["credential"]
    office.log.refuses = error
    with pytest.raises(RuleError) as caught:
        revoke(office, credential)
    assert (caught.value.code, caught.value.details) == ("log_refused", {"reason": error.code})
    assert office.store.ledger.pending_count() == 0
    office.log.refuses = None
    office.fed.tick()
    office.issuer.tick()
    assert office.bits() == {index_of(credential)}


def test_a_stopped_log_does_not_keep_a_tick_waiting_for_every_chain(office):
    office.fed.tick(7_200)
    office.log.down = True
    asked = len(office.log.asked)
    with refused("log_unreachable"):
        office.issuer.tick()
    assert len(office.log.asked) == asked + 1


# --- the clock --------------------------------------------------------------------------------


def test_ticks_go_on_after_every_failure(office, monkeypatch, caplog):
    faults = [ValueError("王小明"), UnavailableError("log_unreachable", "王小明"), Exception()]
    done = threading.Event()

    def tick():
        if not faults:
            done.set()
            return
        raise faults.pop()

    monkeypatch.setattr(office.issuer, "tick", tick)
    with caplog.at_level(logging.WARNING), office.issuer.ticking(0.001):
        assert done.wait(20)
    codes = [getattr(each, "about", {}).get("code") for each in caplog.records]
    assert "log_unreachable" in codes
    assert "ValueError" in caplog.text
    assert "王" not in caplog.text


def test_the_first_tick_does_not_wait(office):
    office.fed.tick(7_200)
    before = len(office.chain(Purpose.SUSPENSION))
    with office.issuer.ticking(3_600):
        for _ in range(2_000):
            if len(batches(office)) > 1:
                break
            threading.Event().wait(0.01)
    assert len(office.chain(Purpose.SUSPENSION)) == before + 1


# --- a log that is silent -----------------------------------------------------------------


@pytest.fixture
def paced(tmp_path, monkeypatch):
    """An office that ticks every ten minutes, by the test's own hand."""
    office = Office(founded(), tmp_path)
    office.issuer.tick()
    monkeypatch.setattr(office.issuer, "_try_tick", lambda: None)
    with office.issuer.ticking(600):
        yield office


def test_a_log_that_is_silent_for_a_tick_and_a_half_is_told_until_it_answers(paced):
    """It said `ready` for a day, by what it had heard before."""
    paced.log.down = True
    for minutes, silent in ((10, False), (5, False), (1, True), (4, True)):
        paced.fed.tick(60 * minutes)
        with refused("log_unreachable"):
            paced.issuer.tick()
        assert ("log_silent" in health.words(paced.issuer)) is silent
    paced.log.down = False
    assert "log_silent" in health.words(paced.issuer)  # it has not asked again yet
    paced.issuer.tick()
    assert "log_silent" not in health.words(paced.issuer)


def test_a_log_that_refuses_has_answered(paced):
    paced.fed.tick(3_600)
    paced.log.refuses = RuleError("role_missing", "as the test wants it")
    assert "log_silent" in health.words(paced.issuer)
    with suppress(UnavailableError):
        paced.issuer.tick()
    assert "log_silent" not in health.words(paced.issuer)


def test_what_a_proxy_refuses_is_no_answer_of_the_log(paced):
    paced.fed.tick(3_600)
    paced.log.refuses = RuleError("peer_refused", "as the test wants it")
    with refused("log_unreachable"):
        paced.issuer.tick()
    assert "log_silent" in health.words(paced.issuer)


def test_a_log_that_never_answered_since_the_start_is_silent_after_that_time(tmp_path):
    office = Office(founded(), tmp_path)
    office.log.down = True
    with office.issuer.ticking(600):
        assert "log_silent" not in health.words(office.issuer)
        office.fed.tick(902)
        assert "log_silent" in health.words(office.issuer)
