"""A fingerprint is read as people type it, and no other is taken for it."""

import pytest

from did_service.core.anchor.fingerprint import read_fingerprint

GROUPS = "1f0c 88a2 5d7e 0b13 92c4 6e11 a9d0 7b3f"
DIGITS = GROUPS.replace(" ", "")
WIDE = str.maketrans({c: chr(ord(c) + 0xFEE0) for c in "0123456789abcdefABCDEF:-"})


@pytest.mark.parametrize(
    "separator", ["", " ", ":", "-", "\u3000", "\t", " : ", "\uff1a", "\u2013", "\u00a0"]
)
@pytest.mark.parametrize("change", [str, str.upper, str.title])
@pytest.mark.parametrize("wide", [False, True])
def test_a_fingerprint_is_read_as_it_is_typed(separator, change, wide):
    typed = change(GROUPS.replace(" ", separator))
    assert read_fingerprint(typed.translate(WIDE) if wide else typed) == DIGITS


@pytest.mark.parametrize(
    "typed",
    [
        "",
        DIGITS[:-1],
        DIGITS + "0",
        "0x" + DIGITS,
        DIGITS.replace("1", "l"),
        DIGITS.replace("0", "O"),
        DIGITS.replace("1", "\u00b9"),
        DIGITS.replace("0", "\u0660"),
        DIGITS.replace("a", "\u0430"),
    ],
)
def test_what_only_looks_like_it_is_another(typed):
    assert read_fingerprint(typed) != DIGITS
