"""From rules 2 on a list for revocation keeps every bit that its last one had."""

from dataclasses import replace

import pytest

from did_service.core.anchor import entry as entries
from did_service.core.anchor import rules_number
from did_service.core.credentials import bitstring_status_list as lists
from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import strict_json, timestamps
from did_service.core.errors import MalformedError, RuleError, UnavailableError
from tests.support.federation import founded
from tests.support.refusals import refused

NEW_YEAR = timestamps.to_posix(timestamps.parse_utc("2027-01-01T00:00:00Z"))


@pytest.fixture
def fed(monkeypatch):
    monkeypatch.setattr(rules_number, "RULES", 2)
    federation = founded(2026, 2027)
    federation.policy = federation.next_policy(rules=2)
    return federation


@pytest.fixture
def issuer(fed):
    agency = fed.agency("gz.gd.example")
    fed.grant(fed.root("gd"), agency, status_custodian=fed.root("gd").did)
    fed.tick(60)
    return agency


def of_purpose(fed, issuer, purpose, *indices: int) -> bytes:
    bits = lists.BitstringStatusList.empty()
    for index in indices:
        bits.set(index)
    begins, ends = (timestamps.from_posix(fed.now + age) for age in (0, 604_800))
    url = issuer.list_url()
    described = lists.ListDescription(url, issuer.did, purpose, begins, ends, 3_600)
    return fed.secure(lists.status_list_credential(described, bits), issuer)


def anchor(fed, issuer, content: bytes):
    return fed.anchor_list(issuer, issuer.list_url(), content)


@pytest.mark.parametrize(
    ("before", "after", "is_taken"),
    [
        ([], [], True),
        ([], [7], True),
        ([7], [7], True),
        ([7], [7, 131_071], True),
        ([0, 131_071], [0, 131_071], True),
        ([7], [], False),
        ([7, 8], [8], False),
        ([7], [8], False),
        ([131_071], [0], False),
    ],
)
def test_a_revocation_is_never_taken_back(fed, issuer, before, after, is_taken):
    fed.status_list(issuer, revoked=before)
    fed.tick()
    if is_taken:
        assert fed.status_list(issuer, revoked=after).entry.number == 2
        return
    with refused("revocation_cleared", RuleError):
        fed.status_list(issuer, revoked=after)


def test_under_rules_1_bits_stay_unopened(fed, issuer):
    fed.status_list(issuer, revoked=[7])
    fed.policy = replace(fed.policy, rules=1)
    fed.tick()
    assert fed.status_list(issuer).entry.number == 2


def test_a_suspension_may_be_lifted(fed, issuer):
    anchor(fed, issuer, of_purpose(fed, issuer, Purpose.SUSPENSION, 7))
    fed.tick()
    lifted = of_purpose(fed, issuer, Purpose.SUSPENSION)
    assert anchor(fed, issuer, lifted).entry.number == 2


def test_a_list_for_revocation_cannot_become_one_for_suspension(fed, issuer):
    fed.status_list(issuer, revoked=[7])
    fed.tick()
    other = of_purpose(fed, issuer, Purpose.SUSPENSION, 7)
    with refused("revocation_cleared", RuleError):
        anchor(fed, issuer, other)


def test_a_longer_list_keeps_what_it_had_and_a_shorter_one_too(fed, issuer):
    long = lists.BitstringStatusList.empty(262_144)
    long.set(200_000)
    short = lists.BitstringStatusList.empty()
    assert short.lacks(long) == [200_000]
    assert long.lacks(short) == []
    assert long.indices() == [200_000]


def test_the_last_list_of_a_year_binds_the_first_of_the_next(fed, issuer):
    fed.now = NEW_YEAR - 60
    last = fed.status_list(issuer, revoked=[7])
    fed.now = NEW_YEAR + 60
    former = {"log": "gd.example/ev/2026", "index": last.index}
    with refused("revocation_cleared", RuleError):
        first_of_the_year(fed, issuer, last, former, [])
    assert first_of_the_year(fed, issuer, last, former, [7, 8]).entry.number == 2


def first_of_the_year(fed, issuer, last, former, revoked):
    content = fed.list_content(issuer, issuer.list_url(), revoked)
    times = {"iat": fed.now, "exp": fed.now + 604_800, "ttl": 3_600, "bits": 131_072}
    body = {"issuer": issuer.did, "kind": "bitstring", **times, "x": former}
    entry = entries.compose(
        "status", issuer.list_url(), body, after=last, digest=sha256(content)
    )
    return fed.submit("gd.example/ev/2027", entry, content)


def test_a_judge_without_the_former_list_asks_again(fed, issuer):
    last = fed.status_list(issuer, revoked=[7])
    fed.tick()
    del fed.contents[last.entry.digest]
    with refused("content_missing", UnavailableError):
        fed.status_list(issuer, revoked=[7])


def test_bits_that_cannot_be_read_are_refused_and_bind_nobody(fed, issuer):
    fed.status_list(issuer)
    fed.tick()
    listed = strict_json.load_object(of_purpose(fed, issuer, Purpose.REVOCATION, 7))
    listed["credentialSubject"]["encodedList"] = "uAAAA"
    broken = fed.secure({n: v for n, v in listed.items() if n != "proof"}, issuer)
    with refused("status_list_encoding", MalformedError):
        fed.anchor_list(issuer, issuer.list_url(), broken)
    fed.policy = replace(fed.policy, rules=1)
    fed.anchor_list(issuer, issuer.list_url(), broken)  # as before rules 2
    fed.policy = replace(fed.policy, rules=2)
    fed.tick()
    assert fed.status_list(issuer, revoked=[9]).entry.number == 3
