"""Chains over New Year, after a restore, beside another process: they go on by themselves."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from did_service.client.registry import UnverifiedLogged
from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.anchor import entry as entries
from did_service.core.anchor import rules_number
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.streams import stream_id
from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.credentials.record import record_of
from did_service.core.encoding import b64, timestamps
from did_service.core.errors import OrderError, RuleError, UnavailableError
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.request import Remembered
from did_service.issuer.app import Issuer
from did_service.issuer.states import Verb
from did_service.issuer.status import StatusLists
from did_service.issuer.store import IssuerStore
from did_service.storage.database import open_database
from tests.support import health
from tests.support.federation import Federation, founded
from tests.support.live import running
from tests.support.offices import EV, Backup, Killed, Office, index_of
from tests.support.refusals import refused
from tests.support.storage import url_in
from wallet_cli.holdings import HeldCredential
from wallet_cli.staples import EvidenceSources, collect

pytestmark = pytest.mark.usefixtures("each_engine")

NEXT_EV = "gd.example/ev/2027"
NEW_YEAR = timestamps.to_posix(timestamps.parse_utc("2027-01-01T00:00:00Z"))


@pytest.fixture
def office(tmp_path):
    office = Office(founded(2026, 2027), tmp_path)
    office.issuer.tick()
    return office


def revoke(office, credential, issuer=None):
    office.fed.tick()
    return (issuer or office.issuer).statuses.change(credential["id"], Verb.REVOKE, "qian")


def chain(office, origin, purpose=Purpose.REVOCATION):
    return office.fed.logs[origin].chain("status", office.agency.list_url(purpose))


def stream(office, origin):
    return office.fed.logs[origin].chain("evidence", stream_id(office.actor.did, "issuance"))


# --- New Year ---------------------------------------------------------------------------------


def test_over_new_year_lists_go_on_and_streams_begin(office):
    old = office.issue()["credential"]
    office.fed.now = NEW_YEAR - 60
    office.issuer.tick()
    revoke(office, old)
    last = chain(office, EV)[-1]
    office.fed.now = NEW_YEAR
    new = office.issue()["credential"]
    revoke(office, new)
    office.issuer.tick()
    first = chain(office, NEXT_EV)[0]
    assert first.entry.number == last.entry.number + 1
    assert first.entry.previous == last.leaf
    assert first.entry.body["x"] == {"log": EV, "index": last.index}
    assert [each.entry.number for each in stream(office, NEXT_EV)] == [1]
    proofs = [office.issuer.evidence.proof(record_of(each)) for each in (old, new)]
    assert [proof["log"] for proof in proofs] == [EV, NEXT_EV]
    office.fed.tick(3_600)
    office.issuer.tick()
    second = chain(office, NEXT_EV)[1]
    assert (second.entry.number, "x" in second.entry.body) == (first.entry.number + 1, False)
    assert {index_of(old), index_of(new)} == set(office.store.credentials.indices_in("revoked"))
    for purpose in Purpose:
        assert chain(office, NEXT_EV, purpose)


@pytest.mark.parametrize(("moment", "anchored"), [("sending", NEXT_EV), ("answered", EV)])
def test_what_was_on_its_way_at_midnight_is_anchored_once(office, moment, anchored):
    credential = office.issue()["credential"]
    office.fed.now = NEW_YEAR - 2
    office.log.dies = moment
    with pytest.raises(Killed):
        revoke(office, credential)
    office.log.dies = ""
    office.restart()
    office.fed.now = NEW_YEAR + 5
    office.issuer.tick()  # what was written for a year that is over is written anew
    shown = [each.entry for log in (EV, NEXT_EV) for each in chain(office, log)]
    assert [entry.number for entry in shown] == [1, 2]
    assert len(chain(office, anchored)) == (2 if anchored == EV else 1)
    assert office.store.ledger.pending_count() == 0


@pytest.mark.parametrize("ahead", [-3, 3])
def test_two_clocks_at_midnight_need_not_agree(office, ahead):
    """The log's clock decides into which year's log an entry goes; nobody has to wait."""
    credential = office.issue()["credential"]
    clock = office.edge.clock
    drift = timestamps.from_posix(3) - timestamps.from_posix(0)
    office.edge = replace(
        office.edge, clock=lambda: clock() + drift if ahead > 0 else clock() - drift
    )
    office.restart()
    office.fed.now = NEW_YEAR - 2 if ahead > 0 else NEW_YEAR
    assert revoke(office, credential) == "revoked"
    entry = chain(office, EV if ahead > 0 else NEXT_EV)[-1]
    assert (entry.entry.number, office.store.ledger.pending_count()) == (2, 0)


@pytest.mark.parametrize("told", [None, NEW_YEAR + 86_400], ids=["nothing", "tomorrow"])
def test_a_log_whose_clock_is_of_another_day_is_waited_for(office, told):
    credential = office.issue()["credential"]
    office.fed.now = NEW_YEAR - 2
    office.log.refuses = RuleError("time_outside_period", "another year", at=told)
    with refused("status_pending", UnavailableError):
        revoke(office, credential)
    office.log.refuses = None
    office.issuer.tick()
    assert office.store.ledger.pending_count() == 0
    assert office.bits() == {index_of(credential)}


def test_a_log_that_is_not_open_yet_is_waited_for(tmp_path):
    office = Office(founded(2026), tmp_path)
    credential = office.issue()["credential"]
    office.issuer.tick()
    office.fed.now = NEW_YEAR
    with refused("status_pending", UnavailableError):
        revoke(office, credential)
    assert health.number(office.issuer, "issuer_pending_entries") == 1


@pytest.mark.parametrize(("rules", "number"), [(1, 1), (2, 2)])
def test_a_list_after_a_year_without_a_word(tmp_path, rules, number):
    """Under rules 1 a log takes it for a new one; from rules 2 on it goes on."""
    office = Office(Federation(years=(2026, 2027, 2028), rules=rules), tmp_path)
    office.issuer.tick()
    office.fed.now = timestamps.to_posix(timestamps.parse_utc("2028-02-01T00:00:00Z"))
    for _ in range(2):
        office.issuer.tick()
        office.fed.tick(3_600)
    first, *later = chain(office, "gd.example/ev/2028")
    assert (first.entry.number, "x" in first.entry.body) == (number, number > 1)
    assert [each.entry.number for each in later] == [number + 1]


def put_in_force(fed, rules: int) -> None:
    newest = fed.logs["gd.example/reg"].newest("policy", fed.policy.federation)
    members = fed.next_policy(rules=rules).members
    body = {"policy": members}
    fed.submit(
        "gd.example/reg", entries.compose("policy", fed.policy.federation, body, after=newest)
    )


@pytest.mark.parametrize("rules", [1, 2])
def test_a_running_federation_goes_into_the_new_year(tmp_path, monkeypatch, rules):
    monkeypatch.setattr(rules_number, "RULES", 2)
    with running(tmp_path / "fed", years=(2026, 2027), now=NEW_YEAR - 90) as fed:
        if rules > 1:
            put_in_force(fed, rules)
        office = Office(fed, tmp_path, log_of=fed.client)
        office.issuer.tick()
        delivery = office.issue()
        credential, held = delivery["credential"], held_credential(delivery)
        fed.publish("gd")
        assert "status" not in missing(held, fed)  # next year's log has no list yet
        fed.tick(120)
        revoke(office, credential)
        office.issuer.tick()
        fed.publish("gd")
        url = office.agency.list_url(Purpose.REVOCATION)
        found = parse_evidence(
            fed.reader(NEXT_EV).evidence("status", url, moment=EvidenceMoment.NEWEST)
        )
        newest = verify_evidence((("mirror", found),), fed.policy).latest(
            "status", url, fed.policy.region_of_log(EV)
        )
        assert (newest.origin, newest.number) == (NEXT_EV, 2)
        assert newest.read_into({})["x"]["log"] == EV
        assert "status" not in missing(held, fed)
        old = chain(office, EV)[0]
        receipt = fed.client(EV).submit(  # an answer of last year that was lost
            old.entry.submission(), fed.logs[EV].content(old.entry.digest)
        )
        assert (receipt.index, receipt.at) == (old.index, old.entry.at)


def held_credential(delivery) -> HeldCredential:
    return HeldCredential("id", "permit", "", delivery, "", "2026-12-31T00:00:00Z")


def missing(held, fed) -> list[str]:
    """The kinds of evidence that a wallet does not find."""
    places = EvidenceSources(fed.transport, held.delivery["evidence"], EvidenceMoment.NEWEST)
    return [each.kind for each in collect(held, fed.policy, places, Remembered()).missing]


# --- restored from backup ---------------------------------------------------------------------


@pytest.mark.sqlite_only
def test_a_restored_database_learns_from_the_log_who_is_revoked(office):
    kept = [office.issue()["credential"] for _ in range(3)]
    backup = Backup(office)
    lost = [office.issue()["credential"] for _ in range(2)]
    office.issuer.tick()
    for credential in (kept[0], lost[0]):
        revoke(office, credential)
    for credential in (kept[1], lost[1]):
        office.fed.tick()
        office.issuer.statuses.change(credential["id"], Verb.SUSPEND, "qian")
    backup.restore()
    office.fed.tick(3_600)
    office.issuer.tick()
    assert office.bits() == {index_of(kept[0]), index_of(lost[0])}
    assert office.bits(Purpose.SUSPENSION) == {index_of(kept[1]), index_of(lost[1])}
    states = {row["id"]: row["state"] for row in office.issuer.statuses.listed(0)}
    assert states == dict(
        zip((c["id"] for c in kept), ("revoked", "suspended", "valid"), strict=True)
    )
    assert set(map(index_of, kept + lost)) == office.store.credentials.used_indices()
    assert office.store.ledger.pending_count() == 0
    assert revoke(office, kept[1]) == "revoked"
    assert office.bits(Purpose.SUSPENSION) == {index_of(lost[1])}
    office.issuer.tick()
    assert office.issuer.evidence.proof(record_of(kept[2]))["log"] == EV


@pytest.mark.sqlite_only
def test_a_revocation_recorded_after_the_restore_is_not_forgotten(office):
    credentials = [office.issue()["credential"] for _ in range(2)]
    backup = Backup(office)
    revoke(office, credentials[0])
    backup.restore()
    assert revoke(office, credentials[1]) == "revoked"
    assert office.bits() == set(map(index_of, credentials))


@pytest.mark.sqlite_only
def test_restored_over_new_year(office):
    credential = office.issue()["credential"]
    backup = Backup(office)
    revoke(office, credential)
    backup.restore()
    office.fed.now = NEW_YEAR
    office.issuer.tick()
    first = chain(office, NEXT_EV)[0].entry
    assert (first.number, first.body["x"]["index"]) == (3, chain(office, EV)[-1].index)
    assert office.issuer.statuses.listed(0)[0]["state"] == "revoked"


@pytest.mark.sqlite_only
def test_killed_while_it_learns_it_learns_again(office, monkeypatch):
    credential = office.issue()["credential"]
    backup = Backup(office)
    revoke(office, credential)
    backup.restore()
    office.fed.tick(3_600)

    def die(*_):
        raise Killed

    monkeypatch.setattr(office.store.ledger, "take_over", die)
    with pytest.raises(Killed):
        office.issuer.tick()
    office.restart()
    office.issuer.tick()
    assert office.bits() == {index_of(credential)}


@pytest.mark.sqlite_only
def test_what_is_not_published_yet_is_learnt_later(office):
    credential = office.issue()["credential"]
    backup = Backup(office)
    revoke(office, credential)
    backup.restore()
    office.fed.tick(3_600)
    office.log.published = False
    with refused("log_elsewhere", UnavailableError):
        office.issuer.tick()
    office.log.published = True
    office.issuer.tick()
    assert office.bits() == {index_of(credential)}


# --- a log that lies --------------------------------------------------------------------------


def test_an_entry_that_is_not_the_one_it_told_is_not_taken_over(office):
    credential = office.issue()["credential"]
    office.log.refuses = OrderError("out_of_order", "x", newest=1, leaf="00" * 32)
    with refused("status_pending", UnavailableError):
        revoke(office, credential)
    office.log.refuses = None
    office.issuer.tick()
    assert office.bits() == {index_of(credential)}


def test_a_log_that_has_lost_what_it_confirmed_is_not_followed(office):
    credential = office.issue()["credential"]
    revoke(office, credential)
    office.fed.tick(3_600)
    first = chain(office, EV)[0]
    office.log.refuses = OrderError("out_of_order", "x", newest=1, leaf=first.leaf.hex())
    with refused("log_elsewhere", UnavailableError):
        office.issuer.tick()
    office.log.refuses = None
    office.issuer.tick()
    assert [each.entry.number for each in chain(office, EV)] == [1, 2, 3]


def told(office, monkeypatch, listed: LoggedEntry, url: str, number: int, **body):
    """Let the log show another list of this agency's in a chain that it was not signed for."""
    entry = listed.entry
    members = {**entry.members, "s": url, "n": number, "b": {**entry.body, **body}}
    if number > 1:
        members["p"] = b64.encode_url(bytes(32))
    forged = entries.parse_sequenced(members)
    content = office.fed.contents[entry.digest]
    logged = UnverifiedLogged(LoggedEntry(forged, 9, forged.leaf()), content)
    monkeypatch.setattr(office.log, "entry", lambda *_: logged)
    office.log.refuses = OrderError(
        "out_of_order", "x", newest=number, leaf=forged.leaf().hex()
    )


def test_a_suspension_shown_as_a_revocation_revokes_nobody(office, monkeypatch):
    credential = office.issue()["credential"]
    office.issuer.statuses.change(credential["id"], Verb.SUSPEND, "qian")
    suspended = chain(office, EV, Purpose.SUSPENSION)[-1]
    told(office, monkeypatch, suspended, office.agency.list_url(Purpose.REVOCATION), 7)
    office.fed.tick(3_600)
    with refused("log_refused", RuleError):
        office.issuer.statuses.publish(Purpose.REVOCATION)
    assert office.issuer.statuses.listed(0)[0]["state"] == "suspended"


@pytest.mark.parametrize("later", [0, 9_999_999])
def test_a_list_shown_again_suspends_nobody(office, monkeypatch, later):
    credential = office.issue()["credential"]
    url = office.agency.list_url(Purpose.SUSPENSION)
    for verb in (Verb.SUSPEND, Verb.REINSTATE):
        office.fed.tick()
        office.issuer.statuses.change(credential["id"], verb, "qian")
    old = chain(office, EV, Purpose.SUSPENSION)[-2]
    told(office, monkeypatch, old, url, 7, iat=old.entry.body["iat"] + later)
    office.fed.tick(3_600)
    with refused("log_refused", RuleError):
        office.issuer.statuses.publish(Purpose.SUSPENSION)
    assert office.issuer.statuses.listed(0)[0]["state"] == "valid"


# --- two processes over one database ----------------------------------------------------------


def second_process(office) -> Issuer:
    store = IssuerStore(open_database(url_in(office.folder, "issuer")))
    return Issuer(office.agency, store, office.log_of, office.edge)


def test_two_processes_over_one_database_lose_nothing(office):
    other = second_process(office)
    credentials = [office.issue()["credential"] for _ in range(6)]
    office.fed.tick()

    def change(numbered):
        number, credential = numbered
        issuer = other if number % 2 else office.issuer
        for _ in range(20):
            try:
                return revoke(office, credential, issuer)
            except UnavailableError:
                continue
        return "pending"

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, enumerate(credentials)))
    office.fed.tick(3_600)
    office.issuer.tick()
    other.tick()
    assert office.bits() == set(map(index_of, credentials))
    numbers = [each.entry.number for each in chain(office, EV)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_list_that_another_process_publishes_while_ours_is_written_is_followed(
    office, monkeypatch
):
    """Both say the same second; the later one goes on from the list that came between."""
    other = second_process(office)
    credentials = [office.issue()["credential"] for _ in range(2)]
    office.fed.tick()
    say, overtaken = StatusLists._statement, []

    def said(statuses, *given):
        statement = say(statuses, *given)
        if statuses is office.issuer.statuses and not overtaken:
            overtaken.append(revoke(office, credentials[1], other))
        return statement

    monkeypatch.setattr(StatusLists, "_statement", said)
    revoke(office, credentials[0])
    assert overtaken
    assert office.bits() == set(map(index_of, credentials))


def test_an_entry_on_its_way_is_not_overwritten_by_another_process(office, monkeypatch):
    other = second_process(office)
    credentials = [office.issue()["credential"] for _ in range(2)]
    submit = office.log.submit

    def overtaken(entry, content):
        monkeypatch.undo()
        revoke(office, credentials[1], other)  # sends ours, and then its own
        return submit(entry, content)

    monkeypatch.setattr(office.log, "submit", overtaken)
    revoke(office, credentials[0])
    assert office.bits() == set(map(index_of, credentials))
    served = office.store.ledger.status_list(office.agency.list_url(Purpose.REVOCATION))
    assert served.content == office.fed.contents[chain(office, EV)[-1].entry.digest]


def test_only_the_entry_that_was_refused_is_forgotten(office):
    credential, ledger = office.issue()["credential"], office.store.ledger
    office.log.down = True
    with refused("status_pending", UnavailableError):
        revoke(office, credential)
    row = ledger.chain("status", office.agency.list_url(Purpose.REVOCATION))
    ledger.forget_pending(replace(row, pending=b"what another process had sent before"))
    assert ledger.pending_count() == 1
    ledger.forget_pending(row)
    assert ledger.pending_count() == 0


def test_a_client_reads_an_entry_back(tmp_path):
    with running(tmp_path / "fed") as fed, Transport(Routes(fed.places)):
        office = Office(fed, tmp_path, log_of=fed.client)
        office.issuer.tick()
        url = office.agency.list_url(Purpose.REVOCATION)
        with refused("checkpoint_missing", UnavailableError):
            fed.client(EV).entry("status", url, 1)
        fed.publish("gd")
        logged = fed.client(EV).entry("status", url, 1)
        assert logged.placed.leaf == office.fed.logs[EV].placed(logged.placed.index).leaf
        assert logged.content == office.issuer.statuses.served("1")
