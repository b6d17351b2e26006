"""gzip: one member or a few, bounded before it is unpacked, and nothing behind it."""

import gzip

import pytest

from did_service.core.encoding.compression import gunzip
from did_service.core.errors import LimitError, MalformedError
from did_service.core.limits import MAX_GZIP_MEMBERS
from tests.support.refusals import refused

ONE = gzip.compress(b"one ", mtime=0)


@pytest.mark.parametrize("members", [1, 2, MAX_GZIP_MEMBERS])
def test_members_one_behind_the_other_are_one_file(members):
    assert gunzip(ONE * members, 4 * members) == b"one " * members


@pytest.mark.parametrize("members", [1, 2, 5])
def test_all_members_together_stay_below_the_limit(members):
    with refused("too_large", LimitError):
        gunzip(ONE * members, 4 * members - 1)


def test_a_second_member_is_not_unpacked_beyond_the_limit():
    with refused("too_large", LimitError):
        gunzip(ONE + gzip.compress(bytes(50_000_000), mtime=0), 1_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not gzip",
        ONE[:-1],
        ONE + b"x",
        ONE + bytes(8),
        ONE + ONE[:-1],
        ONE * (MAX_GZIP_MEMBERS + 1),
        ONE[:-8] + bytes(8),
    ],
)
def test_what_is_cut_short_damaged_or_followed_by_something_else_is_refused(data):
    with refused("gzip_invalid", MalformedError):
        gunzip(data, 1_000)
