"""Lines of a verdict on a narrow screen: whole words, Chinese two columns wide, one indent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.text import quote, width
from did_service.program.folding import MAX_CELL_COLUMNS, aligned, few, fold
from did_service.program.language import Language

WORDS = st.lists(st.text("aZ9通过，。（)", min_size=1, max_size=30), max_size=12).map(" ".join)
FINDING = "  ✔ 未被吊销 not revoked  依据 evidence staple, 9 天前 9 d old"


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(WORDS, st.sampled_from(["", "→ ", "  ✔ "]), st.integers(8, 120))
def test_folding_moves_spaces_alone(words, mark, columns):
    assert squeezed(fold(mark + words, columns)) == squeezed(mark + words)


@given(st.lists(st.text("aZ通过", min_size=1, max_size=8), min_size=1), st.integers(24, 120))
def test_no_line_is_wider_than_the_screen(words, columns):
    folded = fold("  ? " + " ".join(words), columns)
    assert all(width(line) <= columns for line in folded.split("\n"))


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (80, [FINDING]),
        (40, ["  ✔ 未被吊销 not revoked", "    依据 evidence staple, 9 天前 9 d old"]),
        (28, ["  ✔ 未被吊销 not revoked", "    依据 evidence staple, 9", "    天前 9 d old"]),
    ],
)
def test_what_follows_stands_under_the_text(columns, lines):
    assert fold(FINDING, columns).split("\n") == lines


def test_a_long_chinese_sentence_breaks_anywhere_but_before_its_punctuation():
    advice = "→ 请更新信任包，或请持证人重试"
    assert fold(advice, 16).split("\n") == ["→ 请更新信任包，", "  或请持证人重试"]
    assert fold(advice, 15).split("\n") == ["→ 请更新信任", "  包，或请持证", "  人重试"]


def test_an_identifier_stays_whole_so_that_it_can_be_copied():
    did = f"did:webvh:{'Q' * 40}:gz.gd.example"
    assert fold(f"issued by {did} today", 30).split("\n") == [
        "issued by",
        f"  {did}",
        "  today",
    ]


def test_columns_stand_under_each_other_on_a_screen():
    rows = [("地区", "广东", "440000"), ("region", "Guangdong", "4"), ("", "", "")]
    assert [*aligned(rows)] == ["地区    广东       440000", "region  Guangdong  4", ""]
    assert [*aligned([])] == []


@given(
    st.lists(st.text(st.characters(categories=None), max_size=40).map(quote), min_size=1),
    st.sampled_from(["", "→ ", "  ✔ ", "wallet: error: "]),
    st.integers(24, 120),
)
def test_a_quotation_is_never_wider_than_the_screen_nor_at_the_start_of_a_line(
    quoted, mark, columns
):
    first, *rest = fold(f"{mark}of {' · '.join(quoted)} [code]", columns).split("\n")
    assert all(width(line) <= columns for line in (first, *rest))
    assert all(line.startswith("  ") for line in rest)


def test_one_wide_cell_makes_one_long_row():
    rows = [("short", "1"), ("x" * 80, "2")]
    first, second = aligned(rows)
    assert (width(first), width(second)) == (MAX_CELL_COLUMNS + 3, 83)


def test_of_many_names_the_first_are_said_and_the_rest_counted():
    names = [str(n) for n in range(20_000)]
    assert few(names, Language.EN, 2) == ["0", "1", "… and 19998 more"]
    assert few(names[:2], Language.ZH, 2) == ["0", "1"]
    assert few(names[:3], Language.ZH, 2)[-1] == "…另有 1 项"


def test_a_quotation_of_plain_letters_is_broken_too():
    lines = fold(f"issued by {quote('x' * 70)} today", 30).split("\n")
    assert all(width(line) <= 30 for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        (
            "原因    证照真实有效，可以办理",
            ["原因    证照真实", "        有效，可", "        以办理"],
        ),
        (
            "Reason    It is good today",
            ["Reason    It is", "          good", "          today"],
        ),
    ],
)
def test_what_follows_a_label_stands_behind_it(line, rows):
    assert fold(line, 16).split("\n") == rows
