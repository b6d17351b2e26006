"""Entries of type didweb: what an office saw at the address of a did:web."""

import pytest

from did_service.core.errors import (
    DidServiceError,
    LimitError,
    MalformedError,
    RuleError,
    UnavailableError,
    UnsupportedError,
)
from did_service.core.limits import MAX_DID_WEB_BYTES
from tests.support.federation import founded
from tests.support.moving import observe, web_document
from tests.support.refusals import refused

EV = "gd.example/ev/2026"
SEEN = "did:web:ministry.example:offices:1"
DOCUMENT = web_document(SEEN)


@pytest.fixture
def fed():
    return founded(rules=2)


def test_the_digest_of_what_was_seen_is_kept_with_when_and_by_whom(fed):
    gd = fed.root("gd")
    first = observe(fed, gd, SEEN, DOCUMENT)
    fed.tick()
    later = observe(fed, gd, SEEN, web_document(SEEN, alsoKnownAs=["did:web:a.example"]))
    assert (first.entry.number, later.entry.number) == (1, 2)
    assert fed.logs[EV].contents[first.entry.digest] == DOCUMENT


def test_an_office_that_holds_authority_observes_and_no_other(fed):
    office = fed.agency("gz.gd.example")
    with refused("role_missing", RuleError):
        observe(fed, office, SEEN, DOCUMENT)
    fed.grant(fed.root("gd"), office)
    fed.tick(2)
    observe(fed, office, SEEN, DOCUMENT)


def test_the_observer_signs_itself(fed):
    with refused("signer_wrong", RuleError):
        observe(fed, fed.root("gd"), SEEN, DOCUMENT, by=fed.root("hn").did)


@pytest.mark.parametrize("shift", [-3_601, 1, 120, 121])
def test_it_was_seen_within_the_hour_and_not_ahead(fed, shift):
    with refused("observed_at_wrong", RuleError):
        observe(fed, fed.root("gd"), SEEN, DOCUMENT, at=fed.now + shift)


def test_an_observer_who_dates_ahead_keeps_nobody_from_observing(fed):
    with refused("observed_at_wrong", RuleError):
        observe(fed, fed.root("gd"), SEEN, DOCUMENT, at=fed.now + 120)
    observe(fed, fed.root("gd"), SEEN, DOCUMENT)


def test_no_observation_is_put_before_another(fed):
    observe(fed, fed.root("gd"), SEEN, DOCUMENT)
    with refused("observed_at_wrong", RuleError):
        observe(fed, fed.root("gd"), SEEN, DOCUMENT)


@pytest.mark.parametrize(
    ("did", "document", "code"),
    [
        (SEEN, web_document("did:web:other.example"), "document_id_wrong"),
        (SEEN, b"<html>", "json_invalid"),
        ("did:web:Ministry.example", web_document("did:web:Ministry.example"), ""),
        ("did:key:z6Mk", web_document("did:key:z6Mk"), "did_method_unknown"),
        (SEEN, b"{" + b" " * MAX_DID_WEB_BYTES + b"}", "too_large"),
    ],
)
def test_only_the_document_of_a_did_web_is_taken(fed, did, document, code):
    with pytest.raises((MalformedError, UnsupportedError, LimitError)) as refusal:
        observe(fed, fed.root("gd"), did, document)
    assert not code or refusal.value.code == code


def test_the_document_comes_along_and_is_the_one(fed):
    good = observe(fed, fed.root("gd"), SEEN, DOCUMENT)
    fed.tick()
    body = {"by": fed.root("gd").did, "at": fed.now}
    entry = fed.sign(fed.compose(EV, "didweb", SEEN, body, bytes(32)), fed.root("gd"))
    with refused("content_missing", UnavailableError):
        fed.submit(EV, entry)
    fed.contents[bytes(32)] = DOCUMENT
    with refused("digest_wrong", RuleError):
        fed.submit(EV, entry)
    assert fed.logs[EV].newest("didweb", SEEN) == good


def test_rules_1_know_no_such_type():
    old = founded()
    with refused("rules_not_in_force", RuleError):
        observe(old, old.root("gd"), SEEN, DOCUMENT)


def test_a_body_of_another_shape_is_refused(fed):
    with pytest.raises(DidServiceError):
        observe(fed, fed.root("gd"), SEEN, DOCUMENT, more=1)
