"""What docstrings and comments mention is there: modules, functions, records, sections."""

import re

import pytest

from tests.architecture import prose, source
from tests.support.optional import CHECKOUT

PRODUCT = source.modules(*source.PACKAGES)
MODULES = prose.endings(PRODUCT)
TEXTS = {path: (CHECKOUT / path).read_text() for path in PRODUCT}
RECORDS = {int(path.name[:4]) for path in (CHECKOUT / "docs/adr").glob("[0-9]*.md")}
# Members of documents, and a function of somebody else's.
NOT_OURS = {"b.proof", "credentialSchema.id", "witness.ParsePolicy"}


def test_every_name_that_is_mentioned_leads_somewhere():
    stale = {
        f"{path}: {name}"
        for path, text in TEXTS.items()
        for name in {*prose.mentioned(text)} - NOT_OURS
        if not prose.is_there(name, text, MODULES)
    }
    assert stale == set()


def test_no_name_is_excused_that_nobody_mentions():
    assert {name for text in TEXTS.values() for name in prose.mentioned(text)} >= NOT_OURS


def test_every_record_that_is_mentioned_is_there():
    assert {number for text in TEXTS.values() for number in prose.records(text)} <= RECORDS


def test_every_page_and_section_that_is_mentioned_is_there():
    for page, section in {pair for text in TEXTS.values() for pair in prose.sections(text)}:
        text = (CHECKOUT / "docs" / page).read_text()
        assert not section or re.search(rf"^## {section}\. ", text, re.MULTILINE), (
            page,
            section,
        )


# --- the rules catch what is planted ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ('"""See `jcs.encode`."""', True),
        ('"""See `encoding.jcs.encode`."""', True),
        ('"""See `jcs.gone`."""', False),
        ('"""`LogPrefix.as_of`"""', True),
        ('"""`LogPrefix.gone`"""', False),
        ("# as `proving.verify_evidence`\n", False),
        ('"""An `asked.tier` of ours."""\nasked = 1', True),
        ('"""A `settings.Edge`."""\ntext = "settings"', False),
        ('"""By `hashlib.sha256`."""', True),
    ],
)
def test_planted_names_are_looked_for(text, there):
    (name,) = prose.mentioned(text)
    assert prose.is_there(name, text, MODULES) is there


def test_planted_records_and_sections_are_seen():
    text = '"""docs/adr/0012, docs/adr 7."""\nx = 1  # docs/formats.md §3, docs/cli.md\n'
    assert prose.records(text) == {12, 7}
    assert prose.sections(text) == {("formats.md", "3"), ("cli.md", "")}
