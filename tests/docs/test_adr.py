"""docs/adr: short, numbered without gaps, each with the options that were refused."""

import re
from pathlib import Path

import pytest

from tests.docs import pages

RECORDS = sorted(Path("docs/adr").glob("[0-9]*.md"))
SHORT = 40  # lines; the first holds tables


def test_records_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_says_what_was_asked_and_what_was_refused(path):
    page = path.read_text()
    assert page.startswith(f"# {int(path.name[:4])}. ")
    assert "\nStatus: " in page
    assert pages.section(page, "Question").strip()
    assert pages.section(page, "Consequences").strip()
    assert len(re.findall(r"^- \*\*", pages.section(page, "Refused"), re.MULTILINE)) >= 2
    assert path is RECORDS[0] or len(page.splitlines()) <= SHORT


def test_the_one_record_that_may_be_long_is():
    assert len(RECORDS[0].read_text().splitlines()) > SHORT


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_attacks_that_a_record_names_are_tested(path):
    tested = set(pages.ticked(pages.section(pages.read("threat-model.md"), "Tested")))
    for names in re.findall(r"\(attacks? ([^)]*)\)", path.read_text()):
        assert set(pages.ticked(names)) <= tested
