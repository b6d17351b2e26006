"""A counter's request, read strictly: what it asks, of whom, and what it must never do."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding import strict_json
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    MalformedError,
    PolicyError,
    UnsupportedError,
)
from did_service.core.limits import MAX_REQUEST_BYTES
from did_service.core.openid.request_object import (
    ANY_CREDENTIAL,
    RequestObject,
    check_client_id,
    parse_request_object,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONCE = "n4Wq0JcV9mTzE2bX7yLkR5sUaHdGfPoIiYtCwQeZxBM"
ASKED = RequestObject("window-3", ONCE, NOON, NOON + timedelta(hours=1), "r8sKd2pQvXo")
EXAMPLES = Path("schemas/examples/valid")


def with_members(**changed):
    members = {**ASKED.payload(), **changed}
    return json.dumps({name: value for name, value in members.items() if value != "gone"})


def read(**changed):
    return parse_request_object(with_members(**changed).encode())


@pytest.mark.parametrize("asked", [ASKED, replace(ASKED, state=None, scope="item-1")])
def test_a_request_is_read_as_it_was_written(asked):
    assert parse_request_object(asked.encode()) == asked
    assert parse_request_object(b"\xef\xbb\xbf" + asked.encode()) == asked


def test_what_is_written_now_is_what_will_be_signed():
    written = strict_json.load_object(ASKED.encode())
    assert written == ASKED.payload()
    assert list(written) == [
        *("response_type", "response_mode", "client_id", "aud", "nonce", "state", "iat"),
        *("exp", "dcql_query"),
    ]


@pytest.mark.parametrize("name", ["request-object", "request-object.item"])
def test_the_published_examples_are_written_by_us(name):
    data = (EXAMPLES / f"{name}.json").read_bytes()
    assert parse_request_object(data).encode() == data


@pytest.mark.parametrize(
    ("scope", "item"),
    [
        ("11440100007482532F4440100000000", "11440100007482532F4440100000000"),
        ("item-1#0123456789abcdef0123", "item-1"),
        (None, None),
    ],
)
def test_the_item_is_the_scope_without_the_digest_of_its_content(scope, item):
    assert replace(ASKED, scope=scope).item == item


def test_without_an_item_any_document_answers():
    assert read().scope is None
    assert ASKED.payload()["dcql_query"] == ANY_CREDENTIAL


@given(name=st.text(st.characters(categories=None), max_size=20))
def test_a_name_is_either_refused_or_comes_back_letter_for_letter(name):
    try:
        check_client_id(name)
    except DidServiceError:
        return
    assert parse_request_object(replace(ASKED, client_id=name).encode()).client_id == name


@pytest.mark.parametrize(
    "name",
    [
        "decentralized_identifier:did:key:z6Mk",
        "redirect_uri:https://counter.example/vp",
        "verifier_attestation:window-3",
        "x509_hash:abc",
        "x509_san_dns:counter.example",
        "openid_federation:https://counter.example",
        "origin:https://counter.example",
    ],
)
def test_a_name_that_promises_a_proof_is_refused_where_none_is_given(name):
    with pytest.raises(MalformedError, match="only a signed request"):
        read(client_id=name)


def test_another_word_before_a_colon_promises_nothing():
    assert read(client_id="hall:window-3").client_id == "hall:window-3"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"response_type": "code"}, "member_invalid"),
        ({"response_mode": "direct_post"}, "request_unsupported"),
        ({"response_mode": "gone"}, "member_missing"),
        ({"response_uri": "https://thief.example"}, "request_unsupported"),
        ({"redirect_uri": "https://thief.example"}, "request_unsupported"),
        ({"request_uri": "https://thief.example"}, "request_unsupported"),
        ({"request": "e30.e30.AA"}, "request_unsupported"),
        ({"transaction_data": ["e30"]}, "request_unsupported"),
        ({"aud": "https://wallet.example"}, "member_invalid"),
        ({"client_id": ""}, "member_invalid"),
        ({"client_id": "window\u202e3"}, "member_invalid"),
        ({"client_id": "gone"}, "member_missing"),
        ({"nonce": "gone"}, "member_missing"),
        ({"nonce": "n-0S6_WzA2Mj"}, "member_invalid"),
        ({"nonce": f"{ONCE} "}, "member_invalid"),
        ({"nonce": f"{ONCE}\n"}, "member_invalid"),
        ({"state": ""}, "member_invalid"),
        ({"iat": 1.5}, "number_refused"),
        ({"iat": True}, "member_invalid"),
        ({"exp": ASKED.payload()["iat"]}, "member_invalid"),
        ({"exp": ASKED.payload()["iat"] + 86_401}, "member_invalid"),
        ({"scope": "item-1"}, "member_invalid"),
        ({"dcql_query": "gone"}, "member_invalid"),
        ({"dcql_query": "gone", "scope": "two items"}, "member_invalid"),
        ({"dcql_query": {"credentials": []}}, "request_unsupported"),
        ({"padding": "x" * MAX_REQUEST_BYTES}, "too_large"),
    ],
)
def test_what_is_no_request_that_we_can_answer_is_refused(changed, code):
    with pytest.raises(MalformedError) as refused:
        read(**changed)
    assert refused.value.code == code


def test_a_signed_request_is_known_for_one():
    with pytest.raises(UnsupportedError, match="signed"):
        parse_request_object(b"eyJhbGciOiJFZERTQSJ9.e30.AAAA")


def test_unknown_parameters_are_passed_over():
    assert read(client_metadata={"vp_formats_supported": {}}) == ASKED


def test_size_is_looked_at_before_anything_is_parsed():
    with pytest.raises(LimitError):
        parse_request_object(b"[" * (MAX_REQUEST_BYTES + 1))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (-301, "request_ahead"),
        (-300, None),
        (0, None),
        (3_599, None),
        (3_600, "request_expired"),
    ],
)
def test_it_is_answered_while_it_is_open(seconds, code):
    now = NOON + timedelta(seconds=seconds)
    if code is None:
        ASKED.check_current(now)
        return
    with pytest.raises(PolicyError) as refused:
        ASKED.check_current(now)
    assert refused.value.code == code
