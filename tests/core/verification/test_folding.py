"""Lines of a verdict on a narrow screen: whole words, Chinese two columns wide, one indent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.verification.folding import aligned, fold, width

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
    assert fold(f"issued by {did} today", 30).split("\n") == ["issued by", did, "today"]


def test_columns_stand_under_each_other_on_a_screen():
    rows = [("地区", "广东", "440000"), ("region", "Guangdong", "4"), ("", "", "")]
    assert [*aligned(rows)] == ["地区    广东       440000", "region  Guangdong  4", ""]
    assert [*aligned([])] == []
