"""docs/codes.md is what the tables of sentences say."""

from scripts import make_codes
from tests.docs import pages


def test_the_page_is_the_one_that_the_tables_make():
    assert pages.read("codes.md") == make_codes.page()
