"""Attacks with bytes alone: what stands in a file before any signature is looked at."""

import json

import pytest

from did_service.core.crypto import ed25519
from did_service.core.encoding import b64, multiformats, strict_json, timestamps
from did_service.core.encoding.strict_json import Numbers
from did_service.core.errors import LimitError, MalformedError, ProofError
from tests.support.optional import vectors

pytestmark = pytest.mark.offline


def test_duplicate_member():
    """One reader takes the first member, another the last: signed as this, judged as that."""
    for text in ('{"id":"good","id":"evil"}', '{"id":"good","\\u0069d":"evil"}'):
        with pytest.raises(MalformedError) as caught:
            strict_json.loads(text)
        assert caught.value.code == "duplicate_member"


def test_ten_megabytes_of_nesting():
    """A parser that recurses runs out of stack, one that does not runs out of memory."""
    for opening in (b"[", b'{"a":', b'[{"\\"[":'):
        with pytest.raises(LimitError) as caught:
            strict_json.loads(opening * (10_000_000 // len(opening)), max_bytes=2**24)
        assert caught.value.code in ("too_deep", "too_large")  # of ten million values


def test_two_parsers_one_meaning():
    """Texts that parsers in the field read in different ways are read by nobody."""
    ambiguous = [
        '{"a":1,"a":2}',
        "[9007199254740993]",
        "[1e999]",
        "[-0]",
        "[NaN]",
        '["\\ud800"]',
        "\ufeff{}",
        "[1,]",
        '["\x00"]',
        "[01]",
    ]
    for text in ambiguous:
        with pytest.raises(MalformedError):
            strict_json.loads(text, numbers=Numbers.FINITE)


def test_newline_after_pattern():
    """`$` in a pattern also matches before a last line end; whole texts are matched instead."""
    readers = [
        (timestamps.parse, "2026-11-21T11:10:00Z"),
        (b64.decode_url, "AAAA"),
        (b64.decode_std, "AAAA"),
        (multiformats.multibase_decode, "z11"),
    ]
    for read, text in readers:
        read(text)
        with pytest.raises(MalformedError):
            read(text + "\n")


def test_small_order_key():
    """Under such a key one signature fits many messages."""
    cases = json.loads((vectors("ed25519") / "cctv.json").read_text())
    small = [case for case in cases if "low_order_A" in (case["flags"] or [])]
    assert len(small) > 100
    for case in small:
        key, signature = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"])
        with pytest.raises(ProofError):
            ed25519.verify(key, case["msg"].encode(), signature)
