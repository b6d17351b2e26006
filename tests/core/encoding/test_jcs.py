"""RFC 8785: the published vectors, another implementation, and both of our paths."""

import math
import struct
import tracemalloc

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import Numbers, loads
from did_service.core.errors import MalformedError
from tests.support.json_values import SAFE, finite_numbers, values, values_with_fractions
from tests.support.optional import vectors

JCS = vectors("jcs")
NAMES = sorted(path.stem for path in JCS.glob("input/*.json"))

# RFC 8785 appendix B: IEEE 754 bits and the text ECMAScript writes for them.
APPENDIX_B = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


def test_the_vectors_are_there():
    assert len(NAMES) == 6


@pytest.mark.parametrize("name", NAMES)
def test_published_vectors(name):
    value = loads((JCS / "input" / f"{name}.json").read_bytes(), numbers=Numbers.FINITE)
    expected = bytes.fromhex((JCS / "outhex" / f"{name}.txt").read_text())
    assert jcs.encode(value) == expected == (JCS / "output" / f"{name}.json").read_bytes()


@pytest.mark.parametrize(("bits", "text"), APPENDIX_B.items())
def test_numbers_of_appendix_b(bits, text):
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert jcs.number(value) == text


@given(values_with_fractions)
@example({"\ue000": 1, "\U00010000": 2, "é": [1.5], "": {}})
@example(['\x00\x1f\x7f\u2028\u2029\\"/', -0.0, 1e21, 1e-7])
def test_another_implementation_writes_the_same_bytes(value):
    assert jcs.encode(value) == rfc8785.dumps(value)


@given(values)
def test_both_paths_write_the_same_bytes(value):
    assert jcs.encode(value) == jcs._encode_generally(value)


@given(finite_numbers)
def test_numbers_are_written_as_the_other_implementation_does(value):
    assert jcs.number(value).encode() == rfc8785.dumps(value)


@given(values)
def test_what_is_canonical_is_read_back_and_stays_canonical(value):
    text = jcs.encode(value)
    assert loads(text) == value
    assert jcs.encode(loads(text)) == text


@given(st.dictionaries(st.text(), st.integers(0, 9)))
def test_the_order_of_members_does_not_matter(members):
    turned = dict(reversed(members.items()))
    assert jcs.encode(turned) == jcs.encode(members)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, SAFE + 1, -SAFE - 1, 2**70])
def test_numbers_without_a_json_spelling_are_refused(value):
    with pytest.raises(MalformedError) as caught:
        jcs.encode({"a": [value]})
    assert caught.value.code == "number_refused"


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["é", "\ud800\ud800"]])
def test_lone_surrogates_are_refused(value):
    with pytest.raises(MalformedError) as caught:
        jcs.encode(value)
    assert caught.value.code == "utf8_invalid"


@pytest.mark.parametrize("value", [(1, 2), {"a": b"bytes"}, [{1, 2}]])
def test_what_is_no_json_value_is_never_written(value):
    with pytest.raises(AssertionError):
        jcs.encode(value)


def test_what_is_kept_takes_the_room_of_its_bytes():
    """orjson's own answer has room for each character written as six, and keeps it."""
    value = {"text": "x" * 2_000}

    def held(encode):
        tracemalloc.start()
        kept = [encode(value) for _ in range(20)]
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken / sum(map(len, kept))

    assert jcs.encode_to_keep(value) == jcs.encode(value)
    assert held(jcs.encode_to_keep) < 1.2
    assert held(jcs.encode) > 4
