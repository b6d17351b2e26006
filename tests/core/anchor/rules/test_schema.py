"""Rules of `schema` entries: home, owner, role, exact text."""

import pytest

from did_service.core.errors import MalformedError, PolicyError, RuleError
from tests.support.refusals import refused

COMMON = "urn:didsvc:schema:residence-permit:1"
OWN = "https://gd.example/schemas/card/1"
CONTENT = {"type": "object"}


@pytest.fixture
def publisher(fed):
    agency = fed.agency("gz.gd.example")
    prefixes = ["https://gd.example/schemas/"]
    fed.grant(fed.root("gd"), agency, roles=["publisher"], prefixes=prefixes)
    return agency


def test_the_nation_wide_region_owns_the_common_names(fed):
    fed.schema(fed.root("cn"), COMMON, CONTENT)
    with refused("not_at_home", RuleError):
        fed.schema(fed.root("gd"), COMMON, CONTENT)


def test_a_publisher_publishes_under_its_prefixes(fed, publisher):
    fed.schema(publisher, OWN, CONTENT)
    fed.schema(publisher, OWN, {**CONTENT, "title": "a later text"})
    fed.schema(fed.root("gd"), "https://gd.example/other/1", CONTENT)
    with refused("role_missing", RuleError):
        fed.schema(publisher, "https://gd.example/other/2", CONTENT)


def test_an_id_without_home_is_refused(fed, publisher):
    with refused("home_unknown", PolicyError):
        fed.schema(publisher, "https://bj.example/schemas/1", CONTENT)


def test_an_issuer_is_no_publisher(fed):
    agency = fed.agency("sz.gd.example")
    fed.grant(fed.root("gd"), agency, prefixes=["https://gd.example/schemas/"])
    with refused("role_missing", RuleError):
        fed.schema(agency, OWN, CONTENT)


@pytest.mark.parametrize("state", ["suspended", "ended"])
def test_a_publisher_that_has_lost_the_role_publishes_no_more(fed, publisher, state):
    (placed,) = fed.logs["gd.example/reg"].statements_about(publisher.did)
    fed.restate(placed, fed.root("gd"), state=state)
    with refused("role_missing", RuleError):
        fed.schema(publisher, OWN, CONTENT)


def test_another_publisher_takes_over_only_what_is_abandoned(fed, publisher):
    fed.schema(publisher, OWN, CONTENT)
    other = fed.agency("sz.gd.example")
    prefixes = ["https://gd.example/schemas/"]
    fed.grant(fed.root("gd"), other, roles=["publisher"], prefixes=prefixes)
    with refused("signer_wrong", RuleError):
        fed.schema(other, OWN, CONTENT)
    (placed,) = fed.logs["gd.example/reg"].statements_about(publisher.did)
    fed.end(placed, fed.root("gd"))
    fed.schema(other, OWN, CONTENT)


def test_an_id_keeps_its_kind(fed, publisher):
    fed.schema(publisher, OWN, CONTENT)
    with refused("kind_changed", RuleError):
        fed.schema(publisher, OWN, CONTENT, kind="context")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sha256": "A" * 43}, "digest_wrong"),
        ({"kind": "poem"}, "kind_unknown"),
        ({"state": "gone"}, "member_invalid"),
        ({"media_type": ""}, "member_invalid"),
        ({"more": 1}, "member_unknown"),
    ],
)
def test_another_shape_is_refused(fed, changes, code):
    with refused(code):
        fed.schema(fed.root("cn"), COMMON, CONTENT, **changes)


def test_content_is_an_object_of_48_kib_at_most(fed):
    with pytest.raises(MalformedError):
        fed.schema(fed.root("cn"), COMMON, ["not", "an", "object"])
    with pytest.raises(MalformedError):
        fed.schema(fed.root("cn"), COMMON, {"text": "x" * 49_152})


def test_the_owner_has_to_sign(fed):
    origin = "cn.example/reg"
    body = fed.schema(fed.root("cn"), COMMON, CONTENT).entry.body
    unsigned = {name: value for name, value in body.items() if name != "proof"}
    entry = fed.compose(origin, "schema", COMMON, unsigned)
    with refused("signer_unknown", RuleError):
        fed.submit(origin, fed.sign(entry, fed.root("hn")))
    with refused("signer_wrong", RuleError):
        fed.submit(origin, fed.sign(entry, fed.device("window")))
