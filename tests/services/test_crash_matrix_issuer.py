"""An issuer killed between every two steps of its writing, beside a registry that lives on.

Received, accepted, approved, picked up, batched, listed: each row of the matrix is one real
child process, gone at one event. Afterwards whoever had no answer asks again, and there is one
credential, with one status index, one batch, and one list that says what was said of it.
Its rows are in each kind of database. An agency has no files of its own: beside a bucket it is
its region that keeps them there. A database syncs its own files, so there is no matrix of
failing syncs here.
"""

import os
import signal
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

import pytest

from did_service.client.registry import RegistryClient
from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.anchor.streams import stream_id
from did_service.core.credentials.bitstring_status_list import BitstringStatusList
from did_service.core.credentials.record import record_of
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import strict_json, timestamps
from did_service.core.errors import ConflictError
from did_service.issuer.alarm_store import AlarmWord
from did_service.issuer.app import Issuer
from did_service.issuer.credential_store import CredentialStore
from did_service.issuer.ledger import Ledger
from did_service.issuer.states import ApplicationState, Verb
from did_service.issuer.store import IssuerStore
from did_service.node.services import AgencySetup, open_issuer
from did_service.program.clock import ClockAndRandom
from tests.support.crashing import in_files_by_day, names_in, run, stride_in, told
from tests.support.live import running
from tests.support.offices import EV, Office, code_of, index_of
from tests.support.storage import disconnect, handed_on

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("crash-matrix-issuer")]

STEPS = [
    (IssuerStore, "receive"),
    (IssuerStore, "move"),
    (CredentialStore, "add"),
    (IssuerStore, "hand_out"),
    (Ledger, "add_batch"),
    (Ledger, "set_pending"),
    (RegistryClient, "submit"),
    (Ledger, "anchored"),
    (CredentialStore, "change"),
    (IssuerStore, "close_pickup"),
]


@dataclass
class Way:
    """The way of one credential through an agency; what is told on it goes to `say`."""

    issuer: Issuer
    wait: Callable[[int], None]  # lets seconds pass
    say: Callable[[tuple[str, object]], None]

    def lead(self, application):
        """Take every step; one that was taken before is refused, and that is well."""
        offices, statuses = self.issuer.applications, self.issuer.statuses
        applied = offices.submit(application)
        self.say(("applied", applied["id"]))
        with suppress(ConflictError):
            offices.accept(applied["id"], "li")
        with suppress(ConflictError):
            self.say(("issued", offices.approve(applied["id"], "zhao")))
        with suppress(ConflictError):  # acknowledged before
            self.say(("collected", offices.collect(code_of(applied))["credential"]))
        self.issuer.tick()
        self.wait(5)
        row = next(row for row in statuses.listed(0) if row["application"] == applied["id"])
        statuses.change(row["id"], Verb.REVOKE, "qian")
        self.say(("revoked", row["id"]))
        offices.acknowledge(code_of(applied))
        self.say(("closed", applied["id"]))


def issuer_at_work(say, agency, storage, places, second, application):
    """Issue one credential, anchor it, revoke it, and say what everybody was told."""
    waited = [second]
    edge = ClockAndRandom(lambda: timestamps.from_posix(sum(waited)), os.urandom)
    with (
        closing(Transport(Routes(places))) as transport,
        open_issuer(AgencySetup(agency, storage, transport, edge)) as issuer,
    ):
        Way(issuer, waited.append, say).lead(application)


@pytest.fixture(scope="module")
def office(tmp_path_factory, each_place):
    with running(tmp_path_factory.mktemp("crash")) as fed:
        fed.publish()
        office = Office(fed, tmp_path_factory.mktemp("office"), log_of=fed.client)
        office.issuer.tick()
        fed.publish("gd")
        yield office


class Case:
    """One application, led by a child that dies, and then by whoever starts after it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.fed.tick(120)
        self.application = office.application()

    def run(self, **fate):
        office, fed = self.office, self.office.fed
        given = (
            *(office.agency, handed_on(office.folder)),
            *(dict(fed.places), fed.now, self.application),
        )
        try:
            return run(issuer_at_work, given, STEPS, **fate)
        finally:
            fed.tick(30)
            fed.publish("gd")
            disconnect()
            office.restart()

    def check(self, said) -> None:
        """Nothing is lost, nothing doubled, and log, rows and what is served agree."""
        office = self.office
        Way(office.issuer, office.fed.tick, said.append).lead(self.application)
        told = {}
        for word, what in said:
            assert told.setdefault(word, what) == what  # to whoever asked again, the same
        told.setdefault("issued", told["revoked"])  # its officer may have had no answer
        row = office.store.application(told["applied"])
        assert (row.state, row.credential) == (ApplicationState.COLLECTED, None)
        issued = office.store.credentials.listed()
        assert [each.application for each in issued].count(told["applied"]) == 1
        assert len({each.index for each in issued}) == len(issued)
        credential = told["collected"]
        assert told["issued"] == told["revoked"] == credential["id"]
        assert office.issuer.evidence.proof(record_of(credential))["log"] == EV
        self.check_log(index_of(credential), len(issued))

    def check_log(self, index, issued) -> None:
        office = self.office
        log, owner = office.fed.logs[EV], stream_id(office.actor.did, "issuance")
        for chain in (office.chain(), log.chain("evidence", owner)):
            numbers = [placed.entry.number for placed in chain]
            assert numbers == list(range(1, len(numbers) + 1))
        served = office.issuer.statuses.served("1")
        assert sha256(served) == office.chain()[-1].entry.digest
        listed = strict_json.load_object(served)["credentialSubject"]["encodedList"]
        bits = BitstringStatusList.decode(listed)
        assert bits[index]
        assert sum(bits[each] for each in range(len(bits))) == issued
        assert office.store.ledger.pending_count() == 0
        assert not any(map(office.store.alarms.is_open, AlarmWord))


@in_files_by_day
def test_an_issuer_killed_between_any_two_steps_heals_at_its_next_start(office, each_place):
    whole = Case(office)
    said, events, _, code = whole.run()
    assert (code, said[-1][0]) == (0, "closed")
    whole.check(said)
    assert names_in(events) == {name for _, name in STEPS}
    stride = stride_in(each_place)
    for at in range(0, len(events), stride):
        case = Case(office)
        said, _, _, code = case.run(at=at)
        assert code == -signal.SIGKILL
        case.check(said)
    told(f"issuer, {each_place}: {len(events)} events, killed before one of {stride}")
