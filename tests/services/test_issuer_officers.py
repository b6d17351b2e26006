"""Officers in the database: added, given another token, revoked; each token ends by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from did_service.core.encoding import b64
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    NotFoundError,
    RuleError,
    UsageError,
)
from did_service.issuer.agency import Officer
from did_service.issuer.logins import LoginLimit
from did_service.issuer.officers import Officers, hash_token
from tests.support.federation import founded
from tests.support.offices import TOKENS, Office
from tests.support.refusals import refused

pytestmark = pytest.mark.usefixtures("each_engine")

DAY = timedelta(days=1)
ACCEPT, REVOKE = frozenset({"accept"}), frozenset({"revoke"})


@pytest.fixture
def office(tmp_path):
    return Office(founded(), tmp_path)


@pytest.fixture
def desk(office):
    return office.issuer.officers


@pytest.mark.sqlite_only
def test_an_officer_who_was_added_logs_in_with_the_token_that_was_shown(office, desk):
    token = desk.add("吴敏", ["accept", "revoke"], DAY)
    assert len(b64.decode_url(token)) == 32
    officer = desk.log_in(token, ACCEPT, "")
    assert (officer.name, officer.roles) == ("吴敏", ACCEPT | REVOKE)
    with refused("officer_role_missing", RuleError):
        desk.log_in(token, frozenset({"approve"}), "")
    assert token.encode() not in (office.folder / "issuer.sqlite").read_bytes()
    (record,) = desk.listed()
    assert record == office.store.officers.listed()[0]
    assert (record.token_sha256, record.expires - record.added) == (hash_token(token), 86_400)


def test_officers_of_the_set_up_and_of_the_database_work_together(desk):
    token = desk.add("wu", ACCEPT, DAY)
    assert desk.log_in(TOKENS["li"], ACCEPT, "").name == "li"
    assert desk.log_in(token, ACCEPT, "").name == "wu"


def test_officers_outlive_a_restart(office, desk):
    token = desk.add("wu", ACCEPT, DAY)
    office.restart()
    assert office.issuer.officers.log_in(token, ACCEPT, "").name == "wu"


def test_another_token_ends_the_one_before(desk):
    first = desk.add("wu", ACCEPT, DAY)
    second = desk.renew("wu", DAY)
    assert desk.log_in(second, ACCEPT, "").name == "wu"
    with refused("officer_unknown", RuleError):
        desk.log_in(first, ACCEPT, "")


def test_a_revoked_officer_may_do_nothing_until_a_token_is_given_anew(desk):
    token = desk.add("wu", ACCEPT, DAY)
    desk.revoke("wu")
    with refused("officer_unknown", RuleError):
        desk.log_in(token, ACCEPT, "")
    assert [each.revoked is None for each in desk.listed()] == [False]
    assert desk.log_in(desk.renew("wu", DAY), ACCEPT, "").name == "wu"


def test_a_token_that_is_renewed_in_time_goes_on(office, desk):
    desk.add("wu", ACCEPT, DAY)
    office.fed.tick(86_399)
    token = desk.renew("wu", DAY)
    office.fed.tick(86_399)
    assert desk.log_in(token, ACCEPT, "").name == "wu"
    office.fed.tick()
    with refused("officer_expired", RuleError):
        desk.log_in(token, ACCEPT, "")


@pytest.mark.parametrize("name", ["wu", "li"])
def test_a_name_belongs_to_one_person(desk, name):
    """Of the set-up or of the database: it stands beside what that person decided."""
    if name == "wu":
        desk.add("wu", ACCEPT, DAY)
        desk.revoke("wu")
    with refused("officer_exists", ConflictError):
        desk.add(name, ACCEPT, DAY)


@pytest.mark.parametrize(
    ("code", "name", "roles", "valid_for"),
    [
        ("officer_name_invalid", "", ACCEPT, DAY),
        ("officer_name_invalid", " wu", ACCEPT, DAY),
        ("officer_name_invalid", "w" * 65, ACCEPT, DAY),
        ("officer_name_invalid", "wu\n", ACCEPT, DAY),
        ("officer_name_invalid", "wu\u202e", ACCEPT, DAY),
        ("role_unknown", "wu", frozenset(), DAY),
        ("role_unknown", "wu", frozenset({"accept", "anchor"}), DAY),
        ("token_time_invalid", "wu", ACCEPT, timedelta(0)),
        ("token_time_invalid", "wu", ACCEPT, timedelta(days=401)),
    ],
)
def test_officers_who_cannot_be_are_not_added(desk, code, name, roles, valid_for):
    with refused(code, UsageError):
        desk.add(name, roles, valid_for)
    assert desk.listed() == []


def test_officers_that_are_not_there_are_not_found(desk):
    for step in (lambda: desk.renew("wu", DAY), lambda: desk.revoke("wu")):
        with refused("officer_not_found", NotFoundError):
            step()


def test_without_a_token_nothing_is_counted(desk):
    for _ in range(30):
        with refused("officer_unknown", RuleError):
            desk.log_in("", ACCEPT, "")
    assert desk.limit.wrong == 0


def test_a_right_token_without_the_role_is_no_guess(desk):
    for _ in range(30):
        with refused("officer_role_missing", RuleError):
            desk.log_in(TOKENS["qian"], ACCEPT, "")
    assert desk.limit.wrong == 0


def test_whoever_knows_how_a_token_begins_does_not_slow_its_owner(office):
    """An attacker with the first characters of a token is slowed, and nobody else."""
    limit = LoginLimit(office.store.officers.logins, lambda: 0.0)
    desk = Officers(office.agency, office.store.officers, office.edge, limit)
    token = desk.add("wu", ACCEPT, DAY)
    for number in range(100):
        with pytest.raises(DidServiceError, match=r"token|log-ins"):
            desk.log_in(token[:6] + f"{number:037}", ACCEPT, f"203.0.113.{number}")
    with refused("too_many_requests"):
        desk.log_in(token[:6] + "x" * 37, ACCEPT, "10.0.0.1")
    assert desk.log_in(token, ACCEPT, "203.0.113.5").name == "wu"
    assert desk.log_in(TOKENS["li"], ACCEPT, "203.0.113.5").name == "li"
    assert desk.limit.wrong == 101


def test_an_officer_of_the_set_up_may_expire_too(office):
    early = Officer("wu", hash_token("t" * 43), ACCEPT, office.fed.now)
    office.agency = replace(office.agency, officers=(early,))
    office.restart()
    with refused("officer_expired", RuleError):
        office.issuer.officers.log_in("t" * 43, ACCEPT, "")
