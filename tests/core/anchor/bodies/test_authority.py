"""Authority statements by themselves: shape, territory, and one within another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.anchor.bodies.authority import (
    check_no_wider,
    check_within,
    parse_authority,
    subject_of,
)
from did_service.core.anchor.territory import covers, first_outside
from did_service.core.errors import MalformedError, RuleError
from tests.support.federation import founded

FED = founded()
GD, HN = FED.root("gd"), FED.root("hn")
BODY = FED.statement(GD, HN)
UPPER = parse_authority(
    {
        **BODY,
        "roles": ["granter", "issuer", "publisher"],
        "items": ["permit"],
        "prefixes": ["https://gd.example/"],
        "territory": ["440000"],
    }
)


def test_parse_and_encode_are_inverse():
    for body in (BODY, {**BODY, "x": FED_X}):
        assert parse_authority(body).encode() == body


FED_X = {"origin": "hn.example/reg", "size": 2, "root": "A" * 43, "proof": "a note"}


def test_subject_is_one_for_granter_grantee_and_scope():
    assert parse_authority(BODY).subject == subject_of(GD.did, HN.did, "residence")
    others = {subject_of(HN.did, GD.did, "residence"), subject_of(GD.did, HN.did, "school")}
    assert parse_authority(BODY).subject not in others


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "Residence"},
        {"scope": "two words"},
        {"roles": []},
        {"roles": ["issuer", "issuer"]},
        {"roles": ["king"]},
        {"territory": ["44000"]},
        {"territory": ["4400００"]},
        {"territory": ["440000\n"]},
        {"prefixes": ["https://gd.example/gz"]},
        {"prefixes": [""]},
        {"until": BODY["from"]},
        {"state": "gone"},
        {"since": 5},
        {"name": {"zh": "只有中文"}},
        {"name": {"zh": "x" * 401, "en": "x"}},
        {"status_custodian": 7},
        {"x": {**FED_X, "size": 0}},
        {"x": {**FED_X, "more": 1}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_another_shape_is_refused(changes):
    with pytest.raises(MalformedError):
        parse_authority({**BODY, **changes})


@pytest.mark.parametrize(
    ("territory", "region", "covered"),
    [
        ("440000", "440000", True),
        ("440000", "440100", True),
        ("440100", "440106", True),
        ("440100", "440000", False),
        ("440100", "440200", False),
        ("440000", "450000", False),
        ("000000", "659001", True),
        ("440106", "440106", True),
        ("440106", "440107", False),
        ("400000", "410000", False),
        ("400000", "400100", True),
        ("440000", "44010", False),
        ("440000", "4401000", False),
        ("440000", "44010x", False),
        ("440000", "44０100", False),
    ],
)
def test_territory_covers_by_whole_pairs(territory, region, covered):
    assert covers(territory, region) is covered


@given(code=st.from_regex("[0-9]{6}", fullmatch=True))
def test_every_code_covers_itself_and_the_nation_covers_all(code):
    assert covers(code, code)
    assert covers("000000", code)


def test_a_statement_reaches_the_regions_of_any_of_its_codes():
    both = ("440100", "430000")
    assert first_outside(("430100", "440106"), both) is None
    assert first_outside(("430100", "440200", "110000"), both) == "440200"
    assert first_outside((), ()) is None
    assert first_outside(("440100",), ()) == "440100"


def test_a_smaller_statement_lies_within():
    lower = UPPER._replace(
        roles=("issuer",),
        types=(),
        territory=("440106",),
        prefixes=("https://gd.example/gz/",),
        valid_from=UPPER.valid_from + 1,
        until=UPPER.until - 1,
    )
    check_within(lower, UPPER)
    check_within(UPPER, UPPER)
    check_no_wider(lower, UPPER)


@pytest.mark.parametrize(
    "wider",
    [
        {"roles": ("issuer", "counter")},
        {"types": ("urn:didsvc:education:1",)},
        {"items": ("other",)},
        {"prefixes": ("https://hn.example/",)},
        {"prefixes": ("https://gd.example:8443/",)},
        {"territory": ("430000",)},
        {"territory": ("440100", "000000")},
    ],
    ids=str,
)
def test_what_sticks_out_is_refused(wider):
    lower = UPPER._replace(**wider)
    with pytest.raises(RuleError) as refused:
        check_within(lower, UPPER)
    assert refused.value.code == "grant_too_wide"
    with pytest.raises(RuleError) as retroactive:
        check_no_wider(lower, UPPER)
    assert retroactive.value.code == "grant_retroactive"


@pytest.mark.parametrize("step", [{"valid_from": -1}, {"until": 1}])
def test_a_longer_period_is_refused(step):
    (member, shift), *_ = step.items()
    lower = UPPER._replace(**{member: getattr(UPPER, member) + shift})
    with pytest.raises(RuleError) as refused:
        check_within(lower, UPPER)
    assert refused.value.code == "grant_too_wide"


def test_only_a_granter_hands_on():
    with pytest.raises(RuleError) as refused:
        check_within(UPPER, UPPER._replace(roles=("issuer",)))
    assert refused.value.code == "grant_too_wide"
