"""The one door for JSON: what it takes, what it refuses, and that no text makes it slow."""

import json
import re
import time
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from did_service.core.encoding import jcs, json_parser, strict_json
from did_service.core.encoding.strict_json import Fields, Numbers, dumps, load_object, loads
from did_service.core.errors import DidServiceError, LimitError, MalformedError
from did_service.core.limits import MAX_JSON_DEPTH, MAX_JSON_VALUES
from tests.support.json_values import spellings, values, values_with_fractions

MEGABYTE = 1_000_000


def code_of(text, **options):
    with pytest.raises(MalformedError) as caught:
        loads(text, **options)
    return caught.value.code


def outcome(read):
    """What a parser says of a text: the value with its types, or the code of the refusal."""
    try:
        return repr(read())
    except DidServiceError as error:
        return error.code


# --- what is taken ---------------------------------------------------------------------------


@given(values)
def test_what_is_written_for_people_is_read_back(value):
    assert loads(dumps(value)) == value


@given(values_with_fractions)
def test_fractions_are_read_where_the_format_has_them(value):
    assert loads(dumps(value), numbers=Numbers.FINITE) == value


@pytest.mark.parametrize("text", [b" {} ", b"\r\n\t[]\n", b"null", b'"\xe5\xb9\xbf"', b"-1"])
def test_white_space_and_any_top_value_are_taken(text):
    assert loads(text) == json.loads(text)


def test_the_largest_safe_integers_are_taken():
    assert loads("[9007199254740991,-9007199254740991]") == [2**53 - 1, 1 - 2**53]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("space", ["", " "])
def test_depth_is_taken_up_to_the_limit_and_not_beyond(opening, closing, space):
    inmost = "[]"
    at_limit = opening * (MAX_JSON_DEPTH - 1) + inmost + space + closing * (MAX_JSON_DEPTH - 1)
    assert loads(at_limit)
    assert code_of(opening + at_limit + closing) == "too_deep"


@pytest.mark.parametrize("numbers", Numbers)
@pytest.mark.parametrize("inmost", [[], {}, [1], {"a": "b"}, 1, "\n" + " " * 99], ids=repr)
@pytest.mark.parametrize("indent", [None, 1, 2, 3])
def test_depth_is_the_same_however_a_text_is_indented(numbers, inmost, indent):
    """With more brackets than levels, so that somebody has to look how they are nested."""
    wide = [[]] * MAX_JSON_DEPTH
    for depth in range(MAX_JSON_DEPTH - 3, MAX_JSON_DEPTH + 1):
        value = inmost
        for level in range(depth):
            value = {"a": value} if level % 2 else [value, wide if level > 3 else 0]
        text = json.dumps(value, indent=indent, separators=None if indent else (",", ":"))
        within = depth + isinstance(inmost, (list, dict)) <= MAX_JSON_DEPTH
        for spaced in (text, f" \n{text}", f"{text}\n"):
            if within:
                assert loads(spaced, numbers=numbers) == value
            else:
                assert code_of(spaced, numbers=numbers) == "too_deep"


def test_brackets_inside_strings_are_no_depth():
    assert loads(json.dumps(["[" * 100, '"[{\\' * 100])) == ["[" * 100, '"[{\\' * 100]


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "json_invalid"),
        (b"{", "json_invalid"),
        (b"[1,]", "json_invalid"),
        (b"{'a':1}", "json_invalid"),
        (b"[01]", "json_invalid"),
        (b"[+1]", "json_invalid"),
        (b"[.5]", "json_invalid"),
        (b"{} {}", "json_invalid"),
        (b'"\t"', "json_invalid"),
        (b'"\\x41"', "json_invalid"),
        (b"[] // note", "json_invalid"),
        (b"\xef\xbb\xbf{}", "json_invalid"),
        (b"\xa0[]", "utf8_invalid"),
        (b'"\xff"', "utf8_invalid"),
        (b'"\xc0\xaf"', "utf8_invalid"),
        (b'"\xed\xa0\x80"', "utf8_invalid"),
        ('"\ud800"', "utf8_invalid"),
        (b'"\\ud800"', "utf8_invalid"),
        (b'["\\udc00\\ud800"]', "utf8_invalid"),
        (b'{"\\ud800":1}', "utf8_invalid"),
        (b"[NaN]", "number_refused"),
        (b"[Infinity]", "number_refused"),
        (b"[-Infinity]", "number_refused"),
        (b"[1e400]", "number_refused"),
        (b"[9007199254740993]", "number_refused"),
        (b"[-9007199254740993]", "number_refused"),
        (b"[18446744073709551617]", "number_refused"),
        (b"[1" + b"0" * 400 + b"]", "number_refused"),
        (b"[-0]", "number_refused"),
        (b'{"a":1,"a":1}', "duplicate_member"),
        (b'{"a":1,"\\u0061":2}', "duplicate_member"),
        (b'[{"b":{"":1,"":2}}]', "duplicate_member"),
    ],
)
def test_texts_of_two_meanings_are_refused(text, code):
    assert code_of(text, numbers=Numbers.FINITE) == code


@pytest.mark.parametrize("text", ["1.0", "[1e2]", "[-0.0]", '{"a":1.5}', "1E400"])
def test_fractions_and_exponents_are_refused_where_the_format_has_none(text):
    assert code_of(text) == "number_refused"


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(2.0**53)
@example(-(2.0**63))
@example(1e21)
@example(1.7976931348623157e308)
def test_whatever_number_jcs_writes_is_read_as_that_number(number):
    read = loads(jcs.encode(number), numbers=Numbers.FINITE)
    assert read == number
    assert jcs.encode(read) == jcs.encode(number)


@pytest.mark.parametrize("text", ["9007199254740992", "18446744073709551616", "1" + "0" * 22])
def test_whole_number_beyond_2_53_is_read_as_the_double_that_it_is(text):
    assert loads(text, numbers=Numbers.FINITE) == int(text)
    assert code_of(text) == "number_refused"


def test_a_surrogate_pair_in_escapes_is_one_character():
    assert loads('"\\ud83d\\ude00"') == "😀"


def test_size_is_refused_before_anything_is_parsed():
    assert code_of(b"\xff" * 11, max_bytes=10) == "too_large"
    assert loads(b'"' + b"a" * 8 + b'"', max_bytes=10) == "a" * 8


def test_load_object_takes_objects_alone():
    assert load_object('{"a":1}') == {"a": 1}
    with pytest.raises(MalformedError) as caught:
        load_object("[]")
    assert caught.value.code == "member_invalid"


# --- two paths, one meaning ------------------------------------------------------------------


@given(spellings(), st.sampled_from(Numbers))
@example(b"[" * 33 + b"]" * 33, Numbers.INTEGERS)
@example(b"[" * 300 + b"]" * 300, Numbers.INTEGERS)
@example(b'{"a":1,"a":2}', Numbers.INTEGERS)
@example(b"[18446744073709551616]", Numbers.FINITE)
@example(b"[1e22,1E22,100000000000000000000000.0]", Numbers.FINITE)
@example(b"[-1000000000000000,-9007199254740991,-9007199254740992]", Numbers.FINITE)
def test_both_parsers_give_one_meaning(text, numbers):
    fast = outcome(lambda: json_parser.parse(text, numbers, MAX_JSON_VALUES))
    careful = outcome(lambda: json_parser._parse_carefully(text, numbers))
    assert fast == careful


@given(values)
def test_canonical_texts_take_the_fast_path(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    assert json_parser._is_own_spelling(text, json.loads(text)) or b"\x7f" in text


@given(st.binary() | st.text(st.characters(categories=None)) | spellings())
def test_any_bytes_give_a_value_or_our_error(data):
    with suppress(MalformedError):
        loads(data, numbers=Numbers.FINITE)


# --- hostile size ----------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["[]", '{"":0}', '""', "0", "[[],0]", '{"a":{},"b":[]}'])
@pytest.mark.parametrize("space", ["", " ", "\n  "])
def test_values_are_counted_before_any_is_built(unit, space):
    """0.1.0 took 13 GB for a file of 261 kB, in which the brackets were packed."""

    def list_of(count):
        return f"[{f',{space}'.join([unit] * count)}]"

    each = len(re.findall(r"[\[{,]", unit)) + 1
    assert loads(list_of(20), max_values=20 * each + 1) == [json.loads(unit)] * 20
    with pytest.raises(LimitError) as caught:
        loads(list_of(20), max_values=20 * each)
    assert caught.value.code == "too_large"


def test_commas_and_brackets_in_strings_are_no_values():
    text = json.dumps(["[{,\\", '",[', "x" * 50] * 3)
    assert loads(text, max_values=11) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        b'"' * MEGABYTE,
        b"\\" * MEGABYTE,
        b'"' + b"\\" * MEGABYTE,
        b"[" * 33 + b'"' + b"\\" * MEGABYTE,
        b"[" * 33 + b'"\\' * (MEGABYTE // 2),
        b'["' * (MEGABYTE // 2),
        b'{"a":' * (MEGABYTE // 5),
        b"]" * MEGABYTE,
        b"1" * MEGABYTE,
        b"1e" + b"9" * MEGABYTE,
        b"0." + b"1" * MEGABYTE,
        b"{" + b",".join(b'"%d":0' % n for n in range(90_000)) + b',"89999":0}',
    ],
    ids=lambda text: text[:8].decode() + "…",
)
def test_a_hostile_megabyte_is_judged_in_linear_time(text):
    start = time.process_time()
    outcome(lambda: loads(text, max_bytes=2 * MEGABYTE, numbers=Numbers.FINITE))
    assert time.process_time() - start < 5  # quadratic ones take minutes


# --- closed objects --------------------------------------------------------------------------


def fields(**members):
    return Fields(members, "thing")


def refusal(read):
    with pytest.raises(MalformedError) as caught:
        read()
    return caught.value


def test_a_closed_object_refuses_what_nobody_asked_for():
    closed = fields(a=1, b=2)
    closed.integer("a")
    assert refusal(closed.close).code == "member_unknown"
    closed.value("b")
    closed.close()


@pytest.mark.parametrize(
    ("read", "code"),
    [
        (lambda f: f.value("missing"), "member_missing"),
        (lambda f: f.text("number"), "member_invalid"),
        (lambda f: f.text("empty"), "member_invalid"),
        (lambda f: f.text("text", max_chars=3), "member_invalid"),
        (lambda f: f.constant("text", "other"), "member_invalid"),
        (lambda f: f.constant("true", 1), "member_invalid"),
        (lambda f: f.choice("text", ("a", "b")), "member_invalid"),
        (lambda f: f.integer("true"), "member_invalid"),
        (lambda f: f.integer("number", most=6), "member_invalid"),
        (lambda f: f.integer("number", least=8), "member_invalid"),
        (lambda f: f.data("text"), "base64_invalid"),
        (lambda f: f.data("bytes", size=4), "length_wrong"),
        (lambda f: f.object("list"), "member_invalid"),
        (lambda f: f.fields("text"), "member_invalid"),
        (lambda f: f.array("text"), "member_invalid"),
        (lambda f: f.array("list", most=1), "too_large"),
        (lambda f: f.texts("list"), "member_invalid"),
    ],
)
def test_each_member_is_held_to_its_shape_and_the_error_says_where(read, code):
    members = fields(number=7, empty="", text="word!", true=True, bytes="AAAA", list=["a", 1])
    error = refusal(lambda: read(members))
    assert error.code == code
    assert error.message.startswith("thing.")


def test_members_of_the_right_shape_are_returned():
    members = fields(n=7, t="x", d="AAAA", o={"p": 1}, a=["b"])
    members.constant("t", "x")
    assert members.has("n")
    assert not members.has("m")
    assert members.names() == ("n", "t", "d", "o", "a")
    assert members.integer("n", least=7, most=7) == 7
    assert members.choice("t", ("x", "y")) == members.text("t", max_chars=1) == "x"
    assert members.data("d", size=3) == bytes(3)
    assert members.object("o") == {"p": 1}
    assert members.fields("o").where == "thing.o"
    assert members.array("a", most=1) == ["b"]
    assert members.texts("a") == ("b",)
    members.close()


def test_types_are_taken_or_refused_by_name():
    assert strict_json.as_integer(5, "x") == 5
    assert refusal(lambda: strict_json.as_integer(True, "x")).code == "member_invalid"
    assert refusal(lambda: strict_json.as_text(5, "x")).code == "member_invalid"
    assert refusal(lambda: strict_json.as_array({}, "x")).code == "member_invalid"


def test_too_deep_is_a_limit():
    with pytest.raises(LimitError):
        loads("[" * 40)
