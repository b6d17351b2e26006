"""A text in both languages: reading is the inverse of writing, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding import bilingual
from did_service.core.errors import MalformedError
from did_service.core.limits import MAX_BILINGUAL_CHARACTERS
from did_service.core.text import Bilingual

texts = st.text(min_size=1, max_size=MAX_BILINGUAL_CHARACTERS)


@given(st.builds(Bilingual, texts, texts))
def test_reading_turns_writing_round(text):
    assert bilingual.parse(bilingual.encode(text), "name") == text


def test_no_text_is_null():
    assert bilingual.encode(None) is None


@pytest.mark.parametrize(
    "value",
    [
        "居住证",
        {"zh": "居住证"},
        {"zh": "居住证", "en": ""},
        {"zh": "居住证", "en": 1},
        {"zh": "居住证", "en": "permit", "fr": "permis"},
        {"zh": "居" * (MAX_BILINGUAL_CHARACTERS + 1), "en": "permit"},
    ],
)
def test_whatever_lacks_a_language_or_has_another_is_refused(value):
    with pytest.raises(MalformedError):
        bilingual.parse(value, "name")
