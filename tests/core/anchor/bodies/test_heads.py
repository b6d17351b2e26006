"""The body of a heads entry: closed where a log takes it, open to what later releases say."""

import pytest

from did_service.core.anchor.bodies.heads import HeadsBody, parse_heads_body, read_heads_body
from did_service.core.errors import MalformedError
from tests.support.refusals import refused

CONTROL, DATA = "gd.example/reg", "gd.example/ev/2026"
BODY = HeadsBody(9, 3, bytes(32), 1_700_000_000, bytes(32))


def test_a_later_member_is_refused_by_a_log_and_passed_over_by_readers():
    later = {**BODY.encode(), "later": 1}
    with refused("member_unknown", MalformedError):
        parse_heads_body(later)
    assert read_heads_body(later) == BODY == parse_heads_body(BODY.encode())


@pytest.mark.parametrize("read", [parse_heads_body, read_heads_body])
@pytest.mark.parametrize("name", ["size", "count", "root", "at"])
def test_what_is_known_must_be_there(read, name):
    body = {member: value for member, value in BODY.encode().items() if member != name}
    with refused("member_missing", MalformedError):
        read(body)


def test_only_a_data_log_has_a_tree_in_its_heads():
    assert BODY.tree_about(DATA, CONTROL) == bytes(32)
    assert BODY.tree_about(CONTROL, CONTROL) is None
    with refused("member_missing", MalformedError):
        HeadsBody(9, 3, bytes(32), 5).tree_about(DATA, CONTROL)
