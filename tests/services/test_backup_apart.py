"""An agency, and a witness alone, backed up while they run, lost, and made again."""

import shutil
from contextlib import closing, contextmanager

import pytest

from did_service.core.errors import ConflictError, NotFoundError, UnavailableError
from did_service.issuer.states import Verb
from did_service.node.backup import back_up
from did_service.node.backup_files import files_below
from did_service.node.configuration import FILE, read_configuration
from did_service.node.initial import initialise
from did_service.node.pulling import pull_region
from did_service.node.region import lone_witness
from did_service.node.restore import RestoreOrder, restore
from did_service.node.restored_mark import check_released
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import SYSTEM
from did_service.web.serve import Server, unix_socket
from did_service.witness.app import create_app as witness_app
from tests.support.federation import founded
from tests.support.folders import configured
from tests.support.founded import PASSPHRASE, region_folder
from tests.support.keyrings import CHEAP
from tests.support.offices import Office, code_of, index_of
from tests.support.refusals import refused

pytestmark = pytest.mark.clock


def quiet(_what, _done, _total):
    """Nobody wants to hear how far it is."""


def backed_up(folder, out):
    return back_up(read_configuration(folder / FILE, {}), out, PASSPHRASE, SYSTEM, quiet)


def lost_and_restored(folder, kept):
    shutil.rmtree(folder)
    return restore(RestoreOrder(kept, folder, PASSPHRASE), {}, SYSTEM, quiet)


# --- an agency --------------------------------------------------------------------------------


class Machine:
    """An agency's folder as `init` makes it, and the office that runs over its data."""

    def __init__(self, folder):
        self.folder = folder / "gz"
        chosen = {
            "service.hosts": ["gz.gd.example"],
            "agency.url": "https://gz.gd.example/agencies/a",
            "agency.jurisdiction": "440100",
            "agency.log_host": "gd.example",
        }
        initialise(self.folder, ServiceKind.AGENCY, chosen, PASSPHRASE, SYSTEM, CHEAP)
        self.office = Office(founded(), self.folder / "data")
        self.office.issuer.tick()

    def back_up(self, out):
        """Take a backup while the office works."""
        return backed_up(self.folder, out)

    def lose_and_restore(self, kept):
        """Lose the folder, make it again, and let the service start over it."""
        before = {name: (self.folder / name).read_bytes() for name in KEPT}
        made = lost_and_restored(self.folder, kept)
        assert {name: (self.folder / name).read_bytes() for name in KEPT} == before
        self.office.restart()
        return made


KEPT = (FILE, "keys/keyring.json", "did.jsonl")


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def change(office, credential, verb):
    office.fed.tick()
    return office.issuer.statuses.change(credential["id"], verb, "qian")


def test_an_agency_restored_keeps_revoked_what_was_revoked(machine, tmp_path):
    """Before the backup and after it, whether the backup knows the credential or not."""
    office = machine.office
    first, kept = (office.issue()["credential"] for _ in range(2))
    change(office, first, Verb.REVOKE)
    record = machine.back_up(tmp_path / "monday")
    assert (record.kind, record.examined, record.logs) == (ServiceKind.AGENCY, True, {})
    second = office.issue()["credential"]  # which no backup knows
    for credential in (kept, second):
        change(office, credential, Verb.REVOKE)
    revoked = {index_of(each) for each in (first, kept, second)}
    assert office.bits() == revoked

    made = machine.lose_and_restore(tmp_path / "monday")
    assert (made.guards, made.missing_guards, made.fingerprint) == ((), (), "")
    office.fed.tick(3_600)
    office.issuer.tick()
    assert office.bits() == revoked
    for credential in (first, kept):
        with refused("state_wrong", ConflictError):
            change(office, credential, Verb.REINSTATE)
    with refused("state_wrong", ConflictError):
        office.issuer.statuses.change_index(index_of(second), Verb.REINSTATE, "qian", "no")
    fresh = office.issue()["credential"]
    assert index_of(fresh) not in revoked | {index_of(second)}
    assert office.bits() == revoked


def test_an_agency_restored_issues_nothing_twice(machine, tmp_path):
    office = machine.office
    issued, waited = office.apply(), office.apply(holder=office.fed.device("zhao"))
    for applied in (issued, waited):
        office.issuer.applications.accept(applied["id"], "li")
    machine.back_up(tmp_path / "monday")
    office.issuer.applications.approve(issued["id"], "zhao")
    office.issuer.tick()

    machine.lose_and_restore(tmp_path / "monday")
    with refused("state_wrong", ConflictError):
        office.issuer.applications.approve(issued["id"], "zhao")
    for applied in (issued, waited):
        answer = office.issuer.applications.collect(code_of(applied))
        assert answer["state"] == "returned"
    assert office.issuer.statuses.listed(0) == []
    assert office.issue()["credential"]


def test_an_agency_restored_compares_with_its_log_before_it_signs(machine, tmp_path):
    office = machine.office
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    machine.back_up(tmp_path / "monday")

    machine.lose_and_restore(tmp_path / "monday")
    office.log.down = True
    drawn = office.draws()
    with refused("issuer_behind_its_log", UnavailableError):
        office.issuer.applications.approve(applied["id"], "zhao")
    office.fed.tick(3_600)
    with refused("issuer_behind_its_log", UnavailableError):
        office.issuer.tick()
    assert drawn == []  # nothing was signed
    office.log.down = False
    office.issuer.tick()
    assert office.issuer.applications.approve(applied["id"], "zhao")


def test_a_backup_of_an_agency_holds_its_own_and_nothing_of_a_region(machine, tmp_path):
    (machine.folder / "federation").mkdir()
    (machine.folder / "federation" / "member.json").write_text("{}")
    machine.back_up(tmp_path / "monday")
    names = set(files_below(tmp_path / "monday"))
    assert {"data/issuer.sqlite", "settings/keys.keyring", "settings/agency.did_log"} <= names
    assert not {name for name in names if name.startswith(("federation", "root"))}


def test_an_agency_that_has_never_run_gives_no_backup(tmp_path):
    machine = Machine(tmp_path)
    (machine.folder / "data" / "issuer.sqlite").unlink()
    with refused("database_missing", NotFoundError):
        machine.back_up(tmp_path / "monday")
    assert not (tmp_path / "monday").exists()


# --- a witness --------------------------------------------------------------------------------

HN = "hn.example/reg"
OTHERS = ["hn", "zj", "sc", "cn"]


@contextmanager
def witnessing(town):
    """The witness of gd, served alone; hn finds a quorum only with it."""
    setup = town.setup("gd")
    check_released(setup.storage.folder)
    listener = unix_socket(town.sockets / "gd.sock")
    with (
        closing(setup.transport),
        lone_witness(setup) as witness,
        Server(witness_app(witness), listener),
    ):
        yield witness


def test_a_witness_alone_restored_cosigns_behind_all_that_it_had_cosigned(tmp_path):
    secret = tmp_path / "pass"
    secret.touch(0o600)
    secret.write_text(PASSPHRASE)
    with configured(tmp_path / "town", OTHERS) as town:
        folder = town.folder / "gd"
        region_folder(folder, town.founded, secret, SYSTEM, ServiceKind.WITNESS)
        town.stop("cn")
        with witnessing(town) as witness:
            town.add("hn", "monday.hn.example")
            town.publish("hn")
            record = backed_up(folder, tmp_path / "monday")
            assert record.examined
            town.add("hn", "tuesday.hn.example")
            town.publish("hn")
            held = witness.guard.held(HN)
            assert held.size > record.logs[HN]
        town.start("cn")
        for region in town.running:
            town.both(region).witness.refresh_now()

        made = lost_and_restored(folder, tmp_path / "monday")
        assert made.missing_guards == ("last-cosigned",)
        with refused("folder_restored", ConflictError), witnessing(town):
            pass
        setup = town.setup("gd", unreleased=True)
        with closing(setup.transport):
            pull_region(setup, town.keyring("gd"), guard_lost=False)
        town.stop("cn")
        with witnessing(town) as witness:
            assert witness.guard.held(HN) == held
            index = town.add("hn", "wednesday.hn.example")
            town.publish("hn")
            assert witness.guard.held(HN).size > index
            assert not witness.store.alarms()
