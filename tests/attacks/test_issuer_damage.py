"""Attacks on an agency through its database, its backup, its clock and its open door."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.did.syntax import did_id
from did_service.core.encoding import jcs
from did_service.core.errors import (
    ConflictError,
    RuleError,
    UnavailableError,
    UsageError,
)
from did_service.core.limits import CHALLENGE_SECONDS, MAX_CLOCK_AHEAD_SECONDS
from did_service.issuer import login_store
from did_service.issuer.alarm_store import AlarmWord
from did_service.issuer.logins import LoginLimit
from did_service.issuer.officers import Officers
from did_service.issuer.states import ApplicationState, Verb
from tests.support import health
from tests.support.federation import founded
from tests.support.offices import TOKENS, Backup, Office, code_of, index_of
from tests.support.refusals import refused

HOUR, DAY = 3_600, 86_400


@pytest.fixture
def office(tmp_path):
    office = Office(founded(2026, 2027), tmp_path)
    office.issuer.tick()
    return office


def waiting(office) -> set[str]:
    return {*health.words(office.issuer)}


def sql(office, statement: str, *values: object) -> None:
    """What a page that was damaged, or somebody with the file, does to the database."""
    with closing(sqlite3.connect(office.folder / "issuer.sqlite")) as connection:
        connection.execute(statement, values)
        connection.commit()


def change(office, credential, verb: Verb):
    office.fed.tick()
    return office.issuer.statuses.change(credential["id"], verb, "qian", "card lost")


# --- rows that are lost or changed ------------------------------------------------------------

DAMAGES = {
    "row changed": "UPDATE issuer_credential SET state = 'valid'",
    "row deleted": "DELETE FROM issuer_credential",
    "suspended instead": "UPDATE issuer_credential SET state = 'suspended'",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_changed_row_un_revokes(office, damage, caplog):
    credential = office.issue()["credential"]
    change(office, credential, Verb.REVOKE)
    sql(office, DAMAGES[damage])
    for _ in range(3):
        office.fed.tick(HOUR)
        office.issuer.tick()
        assert index_of(credential) in office.bits()
        assert "revocation_lost" in waiting(office)
    told = [each for each in caplog.messages if each.startswith("revocation_lost")]
    assert len(told) == 1
    assert str(index_of(credential)) in told[0]
    office.restart()
    assert "revocation_lost" in waiting(office)  # it outlives the process
    index = index_of(credential)
    assert office.issuer.statuses.change_index(index, Verb.REVOKE, "qian", "as before")
    assert "revocation_lost" not in waiting(office)
    with closing(sqlite3.connect(office.folder / "issuer.sqlite")) as connection:
        kept = connection.execute("SELECT word, until FROM issuer_alarm").fetchall()
    assert kept == [("revocation_lost", office.fed.now)]  # for ever


@pytest.mark.parametrize("restarted", [True, False])
def test_anchored_list_replaced_in_the_database(office, restarted):
    """Whoever changes the list that is served, and the row, changes nothing for long."""
    credential = office.issue()["credential"]
    empty = office.issuer.statuses.served("1")
    change(office, credential, Verb.REVOKE)
    sql(office, "UPDATE issuer_credential SET state = 'valid'")
    sql(office, "UPDATE issuer_list SET content = ? WHERE url LIKE '%/status/1'", empty)
    if restarted:
        office.restart()
    office.fed.tick(HOUR)
    office.issuer.tick()
    assert index_of(credential) in office.bits()
    assert office.store.credentials.get(credential["id"]).state == "revoked"  # learnt again


def test_holder_replaced_in_the_database(office):
    """The credential is for who has signed the application, and officers see who that is."""
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    (row,) = office.issuer.applications.listed(None, 0)
    assert row["holder"] == office.fed.device("wang").did
    thief = office.fed.device("thief").did
    for statement in (
        "UPDATE issuer_application SET holder = ?",
        "UPDATE issuer_application SET claims = '{}', holder = ?",
        "UPDATE issuer_application SET item = 'residence-permit-rdfc' WHERE holder != ?",
    ):
        sql(office, statement, thief)
        with refused("application_changed", ConflictError):
            office.issuer.applications.approve(applied["id"], "zhao")
    assert office.issuer.statuses.listed(0) == []


def test_signed_application_replaced_in_the_database(office):
    applied, other = office.apply(), office.application(holder=office.fed.device("thief"))
    office.issuer.applications.accept(applied["id"], "li")
    changed = {**other, "claims": {**other["claims"], "familyName": "李"}}
    for signed, code in (
        (jcs.encode(other), "application_changed"),  # another person's, truly signed
        (jcs.encode(changed), "application_changed"),  # not as it was signed
        (b"{", "application_changed"),
        (None, "application_unsigned"),  # taken in before signed applications were kept
    ):
        sql(office, "UPDATE issuer_application SET signed = ?", signed)
        with refused(code, ConflictError):
            office.issuer.applications.approve(applied["id"], "zhao")


def test_damaged_claims_hide_the_other_applications(office):
    damaged, sound = office.apply(), office.apply(holder=office.fed.device("zhao"))
    office.issuer.applications.accept(damaged["id"], "li")
    sql(office, "UPDATE issuer_application SET claims = '{\"' WHERE id = ?", damaged["id"])
    rows = {row["id"]: row["claims"] for row in office.issuer.applications.listed(None, 0)}
    assert rows[damaged["id"]] == {}
    assert rows[sound["id"]]["familyName"] == "王"
    with refused("application_changed", ConflictError):
        office.issuer.applications.approve(damaged["id"], "zhao")


@pytest.mark.parametrize("table", ["application", "credential"])
def test_state_that_there_is_not(office, table):
    office.issue()
    sql(office, f"UPDATE issuer_{table} SET state = 'approved'")
    with refused("database_damaged", UnavailableError):
        office.issuer.applications.listed(None, 0)
        office.issuer.statuses.listed(0)


DAMAGED_CHAINS = {
    "time of the list ahead": ("UPDATE issuer_list SET issued = 99999999999",),
    "newest entry unreadable": ("UPDATE issuer_chain SET newest = x'7b'",),
    "newest entry lost": ("UPDATE issuer_chain SET newest = NULL",),
    "entry on its way unreadable": (
        "UPDATE issuer_chain SET pending = newest, pending_log = log, content = x'00'",
    ),
    "list and chain lost": ("DELETE FROM issuer_chain", "DELETE FROM issuer_list"),
}


@pytest.mark.parametrize("damage", DAMAGED_CHAINS)
@pytest.mark.parametrize("restarted", [True, False])
def test_damaged_chain_stops_revocations(office, damage, restarted):
    """Whatever a row says of a list, the log has it: it is learnt there, and all goes on."""
    revoked, other = (office.issue()["credential"] for _ in range(2))
    office.issuer.tick()
    change(office, revoked, Verb.REVOKE)
    for statement in DAMAGED_CHAINS[damage]:
        sql(office, statement)
    if restarted:
        office.restart()
    office.fed.tick(HOUR)
    office.issuer.tick()
    assert change(office, other, Verb.REVOKE) == "revoked"
    assert office.bits() == {index_of(revoked), index_of(other)}
    office.fed.tick(2 * HOUR)
    before = len(office.chain())
    office.issuer.tick()
    assert len(office.chain()) == before + 1  # it stays young


def test_index_that_is_revoked_while_it_is_drawn(office, monkeypatch):
    """It is not given away as well: its credential would be born revoked, and its row not."""
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    issuance = office.issuer.applications._issuance
    draw, drawn = issuance._free_index, []
    office.fed.tick()

    def revoked_meanwhile() -> int:
        drawn.append(draw())
        if len(drawn) == 1:
            office.issuer.statuses.change_index(drawn[0], Verb.REVOKE, "qian", "card lost")
        return drawn[-1]

    monkeypatch.setattr(issuance, "_free_index", revoked_meanwhile)
    assert office.issuer.applications.approve(applied["id"], "zhao")
    (row,) = office.issuer.statuses.listed(0)
    assert (row["state"], row["index"]) == ("valid", drawn[1])
    assert office.bits() == {drawn[0]}


def test_database_of_another_agency_that_says_nothing_of_itself(office):
    """As those of release 0.2.0: whose it is stands in the names of its chains."""
    own, elsewhere = office.agency, "https://sz.gd.example/agencies/b"
    stranger = office.fed.agency("sz.gd.example").did
    for another in (replace(own, did=stranger), replace(own, did=stranger, url=elsewhere)):
        sql(office, "DELETE FROM issuer_about")
        office.agency = another
        with refused("database_of_another", UsageError):
            office.restart()
    sql(office, "DELETE FROM issuer_chain WHERE type = 'evidence'")
    with refused("database_of_another", UsageError):
        office.restart()
    office.agency = own
    office.restart()


def test_database_of_another_agency(office, tmp_path):
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    other = office.fed.agency("sz.gd.example")
    office.agency = replace(office.agency, did=other.did)
    with refused("database_of_another", UsageError):
        office.restart()


def test_database_of_an_agency_that_moved(office):
    """A did:webvh that moves to another host stays the same agency."""
    moved = office.actor.did.replace("gz.gd.example", "new.gd.example")
    assert did_id(moved) == did_id(office.actor.did)
    office.agency = replace(office.agency, did=moved)
    office.restart()


# --- restored from backup ---------------------------------------------------------------------


def test_restored_issuer_suspends_again(office):
    """What was reinstated after the backup is not suspended by it, and the other way round."""
    reinstated, suspended = (office.issue()["credential"] for _ in range(2))
    change(office, reinstated, Verb.SUSPEND)
    office.issuer.tick()
    backup = Backup(office)
    change(office, reinstated, Verb.REINSTATE)
    change(office, suspended, Verb.SUSPEND)
    backup.restore()
    for _ in range(3):
        office.fed.tick(HOUR)
        office.issuer.tick()
        assert office.bits(Purpose.SUSPENSION) == {index_of(suspended)}
    assert change(office, suspended, Verb.REINSTATE) == "valid"
    assert office.bits(Purpose.SUSPENSION) == set()


def test_restored_issuer_issues_twice(office):
    """An application that may have been issued since the backup is not opened again."""
    issued, waited = office.apply(), office.apply(holder=office.fed.device("zhao"))
    for applied in (issued, waited):
        office.issuer.applications.accept(applied["id"], "li")
    backup = Backup(office)
    office.issuer.applications.approve(issued["id"], "zhao")
    office.issuer.tick()
    backup.restore()
    assert waiting(office) == {"issuer_behind_its_log"}
    with refused("state_wrong", ConflictError):
        office.issuer.applications.approve(issued["id"], "zhao")
    assert waiting(office) == set()  # asking it was enough to learn
    for applied in (issued, waited):
        answer = office.issuer.applications.collect(code_of(applied))
        assert answer["state"] == ApplicationState.RETURNED
        assert "apply again" in answer["note"]
    assert office.issuer.statuses.listed(0) == []
    assert "id" in office.apply()


def test_a_backup_that_misses_nothing_returns_nothing(office):
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    office.issuer.tick()
    backup = Backup(office)
    backup.restore()
    assert office.issuer.applications.approve(applied["id"], "zhao")


def test_restored_issuer_signs_before_it_has_asked_its_log(office):
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    backup = Backup(office)
    backup.restore()
    office.log.down = True
    drawn = office.draws()
    with refused("issuer_behind_its_log", UnavailableError):
        office.issuer.applications.approve(applied["id"], "zhao")
    office.fed.tick(HOUR)
    with refused("issuer_behind_its_log", UnavailableError):
        office.issuer.tick()
    assert drawn == []
    assert waiting(office) >= {"issuer_behind_its_log"}
    office.log.down = False
    office.issuer.tick()
    assert office.issuer.applications.approve(applied["id"], "zhao")


def test_forgotten_credential_goes_on(office):
    """What was issued since the backup is revoked, suspended and reinstated by its index."""
    backup = Backup(office)
    lost = [office.issue()["credential"] for _ in range(3)]
    office.fed.tick()
    office.issuer.statuses.change(lost[0]["id"], Verb.SUSPEND, "qian")
    backup.restore()
    office.fed.tick()
    by_index = office.issuer.statuses.change_index
    assert by_index(index_of(lost[0]), Verb.REINSTATE, "qian", "found") == "valid"
    assert by_index(index_of(lost[1]), Verb.REVOKE, "qian", "stolen") == "revoked"
    assert by_index(index_of(lost[2]), Verb.SUSPEND, "qian", "asked for") == "suspended"
    assert office.bits() == {index_of(lost[1])}
    assert office.bits(Purpose.SUSPENSION) == {index_of(lost[2])}
    with refused("state_wrong", ConflictError):
        by_index(index_of(lost[1]), Verb.REINSTATE, "qian", "no")
    with refused("index_unknown", UsageError):
        by_index(131_072, Verb.REVOKE, "qian", "no such place")
    told = {row["index"]: row for row in office.issuer.statuses.forgotten(0)}
    assert told[index_of(lost[1])] == {
        "index": index_of(lost[1]),
        "state": "revoked",
        "reason": "stolen",
        "published": True,
    }
    assert set(map(index_of, lost)) <= office.store.credentials.used_indices()


# --- without authority ------------------------------------------------------------------------


def test_agency_without_authority_issues(office):
    applied, body = office.apply(), office.application()
    office.issuer.applications.accept(applied["id"], "li")
    office.fed.end(office.grant, office.fed.root("gd"))
    office.fed.tick(60)
    office.issuer.tick()
    drawn = office.draws()
    for _ in range(2):
        with refused("authority_ended", UnavailableError):
            office.issuer.applications.approve(applied["id"], "zhao")
        with refused("authority_ended", UnavailableError):
            office.issuer.applications.submit(body)
        assert waiting(office) == {"authority_ended"}
        office.restart()
        office.issuer.standing.compare()
    assert drawn == []


def test_authority_that_comes_back_heals(office):
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    root = office.fed.root("gd")
    suspended = office.fed.restate(office.grant, root, state="suspended")
    office.fed.tick(60)
    office.issuer.tick()
    assert waiting(office) == {"authority_ended"}
    office.fed.restate(suspended, root, state="active")
    office.fed.tick(60)
    office.issuer.tick()
    assert waiting(office) == set()
    assert office.issuer.applications.approve(applied["id"], "zhao")
    assert not office.store.alarms.is_open(AlarmWord.AUTHORITY_ENDED)


def test_a_log_that_is_full_ends_nobodys_authority(office):
    office.log.refuses = RuleError("quota_used_up", "a day's entries")
    office.issuer.tick()
    assert "authority_ended" not in waiting(office)


# --- the clock --------------------------------------------------------------------------------


def wrong_clock(office, seconds: int):
    clock = office.edge.clock
    office.edge = replace(office.edge, clock=lambda: clock() + timedelta(seconds=seconds))
    office.restart()


@pytest.mark.parametrize("seconds", [25 * HOUR, 400 * DAY, -25 * HOUR])
def test_clock_far_from_the_logs(tmp_path, seconds):
    """Nothing is signed with its date, and nothing is forgotten by it."""
    office = Office(founded(2025, 2026, 2027), tmp_path)
    office.issuer.tick()
    code, _ = office.approve()
    office.issuer.applications.collect(code)
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    edge, lists = office.edge, len(office.chain())
    wrong_clock(office, seconds)
    word = "clock_ahead" if seconds > 0 else "clock_behind_log"
    office.fed.tick(60)
    for _ in range(2):
        with refused(word, UnavailableError):
            office.issuer.applications.approve(applied["id"], "zhao")
        with pytest.raises(UnavailableError):
            office.issuer.tick()
        assert word in waiting(office)
    assert len(office.chain()) == lists
    office.edge = edge
    office.restart()
    office.issuer.tick()
    assert waiting(office) == set()
    assert office.issuer.applications.collect(code)["credential"]
    assert office.issuer.applications.approve(applied["id"], "zhao")


def test_clock_that_jumps_between_two_ticks(office):
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    office.fed.now += 25 * HOUR
    with refused("clock_ahead", UnavailableError):
        office.issuer.applications.approve(applied["id"], "zhao")
    office.issuer.tick()  # the log's clock has moved as well: it was the log that was silent
    assert office.issuer.applications.approve(applied["id"], "zhao")


# --- the open door ----------------------------------------------------------------------------


def test_challenges_asked_for_without_end(office):
    """A hundred thousand of them leave no row, and shut out nobody."""
    for _ in range(2_000):
        office.issuer.applications.challenge()
    with closing(sqlite3.connect(office.folder / "issuer.sqlite")) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM issuer_challenge").fetchone()
    assert rows == 0
    assert "id" in office.apply()


def test_used_challenge_is_used_again(office):
    challenge = office.issuer.applications.challenge()["challenge"]
    office.apply(challenge=challenge)
    office.restart()
    with refused("challenge_unknown", ConflictError):
        office.apply(challenge=challenge, holder=office.fed.device("zhao"))
    office.fed.tick(CHALLENGE_SECONDS + MAX_CLOCK_AHEAD_SECONDS)
    office.apply()  # what has expired by any clock is forgotten: it cannot be answered any more
    with closing(sqlite3.connect(office.folder / "issuer.sqlite")) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM issuer_challenge").fetchone()
    assert rows == 1


def officers(office, clock=lambda: 0.0) -> Officers:
    limit = LoginLimit(office.store.officers.logins, clock)
    return Officers(office.agency, office.store.officers, office.edge, limit)


def remembered(office) -> int:
    with closing(sqlite3.connect(office.folder / "issuer.sqlite")) as connection:
        return connection.execute("SELECT count(*) FROM issuer_login").fetchone()[0]


def test_tokens_guessed_without_end(office, monkeypatch):
    monkeypatch.setattr(login_store, "MAX_REMEMBERED", 32)
    seconds = [0.0]
    desk, accept = officers(office, lambda: seconds[0]), frozenset({"accept"})

    def guess(token: str) -> str:
        try:
            desk.log_in(token, accept, "10.0.0.1")
        except (RuleError, UnavailableError) as error:
            return error.code
        return "in"

    answers = [guess(f"wrong-{number:040}") for number in range(30)]
    assert answers.count("officer_unknown") == 10
    assert answers[-1] == "too_many_requests"
    assert desk.limit.wrong == 30
    assert guess(TOKENS["li"]) == "in"  # an honest officer behind the same proxy
    assert guess(TOKENS["li"][:6] + "x" * 30) == "too_many_requests"  # says nothing of hers
    seconds[0] += 6
    assert guess("wrong-again-with-forty-characters") == "officer_unknown"
    with pytest.raises(UnavailableError) as caught:
        desk.log_in("x" * 40, accept, "10.0.0.1")
    assert 0 < caught.value.details["retry_after"] <= 60
    for number in range(32):
        desk.limit.count_wrong(f"10.0.{number}", f"{number:06}")
    assert remembered(office) == 32


@pytest.mark.parametrize("name", ["li", "wu"])
def test_guesses_of_strangers_shut_no_officer_out(office, monkeypatch, name):
    """An officer of the set-up and one of the database, behind the proxy that strangers use."""
    monkeypatch.setattr(login_store, "MAX_REMEMBERED", 32)
    desk, accept = officers(office), frozenset({"accept"})
    token = TOKENS["li"] if name == "li" else desk.add(name, accept, timedelta(days=1))
    for number in range(64):
        begun = token[:6] if number % 2 else f"{number:06}"
        with pytest.raises((RuleError, UnavailableError)):
            desk.log_in(begun + "x" * 37, accept, "10.0.0.1")
        if number % 20 == 10:
            assert desk.log_in(token, accept, "10.0.0.1").name == name
    assert desk.log_in(token, accept, "10.0.0.1").name == name


def test_expired_token(office):
    desk = officers(office)
    token = desk.add("wu", {"accept"}, timedelta(hours=1))
    assert desk.log_in(token, frozenset({"accept"}), "").name == "wu"
    office.fed.tick(HOUR)
    with refused("officer_expired", RuleError):
        desk.log_in(token, frozenset({"accept"}), "")


# --- what is kept -----------------------------------------------------------------------------


def test_claims_kept_for_ever(office):
    """What is personal goes a stated time after the end, and stays in no file."""
    secret = {**office.application()["claims"], "familyName": "独特姓氏"}
    collected, returned, unclaimed = (office.apply(claims=secret) for _ in range(3))
    for applied in (collected, unclaimed):
        office.issuer.applications.accept(applied["id"], "li")
        office.issuer.applications.approve(applied["id"], "zhao")
    office.issuer.applications.send_back(returned["id"], "独特姓氏", "sun")
    office.issuer.applications.collect(code_of(collected))
    office.issuer.applications.acknowledge(code_of(collected))

    def kept() -> set[str]:
        return {row.id for row in office.store.applications(None) if row.holder}

    def pass_by(days: int) -> None:
        for _ in range(days):
            office.fed.tick(DAY)
            office.issuer.tick()

    pass_by(29)
    assert len(kept()) == 3
    pass_by(2)
    assert kept() == {unclaimed["id"]}
    pass_by(149)
    assert kept() == set()
    with refused("pickup_used", ConflictError):
        office.issuer.applications.collect(code_of(unclaimed))
    rows = office.store.applications(None)
    assert {(row.claims, row.signed, row.credential, row.note) for row in rows} == {
        ("{}", None, None, "")
    }
    listed = office.issuer.applications.listed(None, 0)
    decided = {row["id"]: row["accepted_by"] for row in listed}
    assert decided[collected["id"]] == "li"
    held = b"".join(path.read_bytes() for path in office.folder.glob("issuer.sqlite*"))
    assert "独特姓氏".encode() not in held


def test_an_application_that_nobody_decides_is_kept(office):
    applied = office.apply()
    office.fed.tick(400 * DAY - DAY)
    assert office.store.application(applied["id"]).holder


def test_answer_of_an_acceptance_lost(office):
    """The same officer hears the same again; another does not take it over."""
    applied = office.apply()
    for _ in range(2):
        office.issuer.applications.accept(applied["id"], "li")
    with refused("state_wrong", ConflictError):
        office.issuer.applications.accept(applied["id"], "sun")
    office.issuer.applications.approve(applied["id"], "zhao")
    with refused("state_wrong", ConflictError):
        office.issuer.applications.accept(applied["id"], "li")
