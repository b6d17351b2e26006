"""Foreign text: marked, cut, and every character of it seen or written out."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.limits import MAX_QUOTED_COLUMNS, MAX_SENTENCE_COLUMNS
from did_service.core.text import (
    MAX_MARKS_STACKED,
    escaped,
    hidden_in,
    is_han,
    masked,
    named,
    printable,
    quote,
    rewritten,
    width,
)

ANYTHING = st.text(st.characters(categories=None))


def shows(character: str) -> bool:
    return quote(f"a{character}") == f'"a{character}"'


@given(ANYTHING)
def test_a_quotation_is_one_line_of_bounded_width_that_nothing_in_it_closes(text):
    quoted = quote(text)
    inside = quoted.removesuffix("…")
    assert inside[0] == inside[-1] == '"'
    bare = inside[1:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in bare
    assert len(quoted.splitlines()) == 1
    assert width(inside) <= MAX_QUOTED_COLUMNS + 2


@given(ANYTHING)
def test_what_is_quoted_needs_no_second_escaping(text):
    assert printable(quote(text)) == quote(text)
    assert rewritten(quote(text), escaped) == quote(text)


@given(ANYTHING, ANYTHING)
def test_two_texts_never_look_the_same(one, other):
    shown = quote(one, 10_000), quote(other, 10_000)
    assert (one == other) == (shown[0] == shown[1])


@given(st.text(st.characters(categories=["Lu", "Ll", "Lt", "Nd", "Po", "Sm"]), max_size=20))
def test_plain_text_is_shown_as_it_is(text):
    plain = "".join(c for c in text if c not in '"\\' and shows(c))
    assert quote(plain) == f'"{plain}"'


HIDDEN = {
    "controls": "\x00\x07\x1b\r\n\t\x7f\x80\x9b",
    "line and paragraph ends": "\u2028\u2029\x85",
    "what turns the reading order": "\u061c\u200e\u200f\u202a\u202e\u2066\u2069",
    "no width": "\u00ad\u034f\u200b\u200c\u200d\u2060\u2061\ufeff\u180e\U0001d173",
    "variation selectors and tags": "\ufe00\ufe0f\U000e0100\U000e0001\U000e0041",
    "blanks that are letters": "\u2800\u3164\u115f\u1160\uffa0\U00016fe4\U0001d159\ufffc",
    "spaces of other kinds": "\u00a0\u1680\u2000\u200a\u202f\u205f",
    "marks over the line": "\u0336\u0338\u20d2\u20dd\u20e3",
    "private, unassigned, half": "\ue000\U000f0000\U000e0fff\uffff\U0002ee5e\ud800",
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_nobody_sees_is_written_out(kind):
    for character in HIDDEN[kind]:
        assert quote(f"a{character}b") == f'"a\\u{{{ord(character):x}}}b"'


def test_every_default_ignorable_and_format_character_is_written_out():
    for code in range(0x110000):
        kind = unicodedata.category(chr(code))
        if kind in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Me") or 0xE0000 <= code <= 0xE0FFF:
            assert not shows(chr(code)), hex(code)


HAN_OF_UNICODE_17 = (
    "王㐀鿿\U00020000\U0002a6df\U0002b739\U0002cead\U0002ebf0"
    "\U0002ee5d\U00031350\U000323b0\U00033479"
)


@pytest.mark.parametrize("character", HAN_OF_UNICODE_17)
def test_rare_han_of_current_unicode_is_shown_as_it_is(character):
    """Also where the interpreter's tables are older than the character."""
    assert quote(character) == f'"{character}"'
    assert width(character) == 2
    assert is_han(character)


def test_the_space_of_chinese_text_is_shown():
    assert quote("王\u3000小明") == '"王\u3000小明"'
    assert hidden_in("王\u3000小明") is None


def test_marks_stand_on_letters_and_are_no_tower():
    tibetan, vietnamese = "\u0f66\u0f92\u0fb2\u0f74", "e\u0302\u0301"
    assert quote(tibetan + vietnamese) == f'"{tibetan}{vietnamese}"'
    assert width(vietnamese) == 1
    assert quote("\u0301a") == '"\\u{301}a"'
    assert quote(" \u0301") == '" \\u{301}"'
    tower = quote("a" + "\u0301" * 6)
    assert tower.count("\u0301") == MAX_MARKS_STACKED
    assert tower.count("\\u{301}") == 2


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("plain 广州", '"plain 广州"'),
        ("\x1b[2J", '"\\u{1b}[2J"'),
        ("\u202egnp.exe", '"\\u{202e}gnp.exe"'),
        ("\\u{202e}", '"\\\\u{202e}"'),
        ('say "x"', '"say \\"x\\""'),
        (7, '"7"'),
        ("a" * 81, '"' + "a" * 80 + '"…'),
        ("通" * 41, '"' + "通" * 40 + '"…'),
        ("", '""'),
    ],
)
def test_foreign_text_is_escaped_and_cut(foreign, shown):
    assert quote(foreign) == shown


def test_two_escapes_are_never_taken_for_one_another():
    """U+2EBF and a zero are not U+2EBF0, as they were with four digits."""
    assert quote("\u2065" + "0") != quote("\U00020650")
    assert escaped("\U000e0041") == "\\u{e0041}"


def test_a_sentence_is_cut_at_six_rows():
    assert width(printable("x" * 200_000)) == MAX_SENTENCE_COLUMNS + 1


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "王小明",
        "扎西",
        "\u0f56\u0f40\u0fb2\u0f0b\u0f64\u0f72\u0f66",
        "阿卜杜拉·买买提",
        "Nguye\u0302\u0303n",
        "José",
        "葛\U000e0100",
        "علی\u200cرضا",
        "𮯰𱍐明",
        "O’Brien-Smith",
        "王\u3000小明",
    ],
)
def test_names_of_the_world_hide_nothing(name):
    assert hidden_in(name) is None


@pytest.mark.parametrize(
    "hidden", "\x00\x1b\n\x85\u2028\u202e\u2066\u200f\u200b\ufeff\u3164\u2800\ue000\U000e0041"
)
def test_what_no_name_is_written_with_is_found(hidden):
    assert hidden_in(f"王{hidden}明") == hidden


# --- names and numbers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("999911199001010018", "9999**********0018"),
        ("JZ9999990318", "JZ99****0318"),
        ("12345678", "12****78"),
        ("123", "***"),
        ("", ""),
        ("1" * 200, "1111**********1111"),
    ],
)
def test_a_number_shows_its_ends_alone(number, shown):
    assert masked(number) == shown


@given(st.text(min_size=1, max_size=60))
def test_at_least_half_of_a_short_number_stays_hidden(number):
    shown = masked(number)
    kept = len(shown) - shown.count("*") if "*" not in number else 0
    assert kept <= max(8, len(number) // 2)


@pytest.mark.parametrize(
    "name",
    [
        "王芳",
        "Zhang San",
        "Zhang San (example)",
        "广州市公安局（天河）",
        "阿卜杜·热西提",
        "O'Neill",
    ],
)
def test_a_name_of_letters_stands_plain(name):
    assert named(name, 40) == name


@pytest.mark.parametrize(
    "name",
    [
        "王芳 9999**********0018",
        "张三  通过",
        "(x",
        " x",
        "x ",
        "x:",
        "✔x",
        "a1",
        "王\u3000芳",
        "李\u202e",
        "\u115f",
        "王" * 21,
        "",
    ],
)
def test_a_name_that_could_be_taken_for_more_is_quoted(name):
    assert named(name, 40).startswith('"')


@given(st.text(max_size=60), st.integers(8, 40))
def test_a_name_is_no_wider_than_its_place(name, columns):
    assert width(named(name, columns)) <= columns + 3
