"""What operators read when a word wakes them: docs/what-to-do.md and docs/operating.md.

The words come from the closed lists in the code, so that a new one has to have its page.
"""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from did_service.cli.__main__ import cli
from did_service.issuer.alarm_store import AlarmWord
from did_service.monitor.monitor import LogState
from did_service.program.words import words_of
from did_service.web.health import PAGE as WHERE_READY_LEADS
from did_service.web.ready_words import ReadyWord, word_of_error
from did_service.witness.store import AlarmKind
from tests.docs import pages

PAGE = pages.read("what-to-do.md")
OPERATING = pages.read("operating.md")
ROWS = [row for row in pages.rows(PAGE) if len(row) == 5]
TOLD = [pages.ticked(row[0])[0] for row in ROWS]
WORDS = Path("did_service/program/words/en")
ALERTS = yaml.safe_load(Path("deploy/prometheus/alerts.yaml").read_text())["groups"][0]["rules"]
OF_ALERTS = {alert["annotations"]["page"].partition("#")[2] for alert in ALERTS}
NAMED = sorted({each.value for each in ReadyWord} | OF_ALERTS - {"what-to-do-when"})


def codes_of_services():
    texts = [(WORDS / name).read_text() for name in ("service.json", "ready.json")]
    return {code for text in texts for code in json.loads(text)}


def shell_lines(page):
    """The lines of a page's shell blocks."""
    found = re.findall(r"^```(?:sh|console|text)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    whole = "\n".join(found).replace("\\\n", " ")
    return [line.strip().removeprefix("$ ") for line in whole.splitlines()]


def typed(page):
    """Every `did-service` line of a page's shell blocks, as words."""
    for line in shell_lines(page):
        for part in re.split(r"\s+[|;&]+\s+", line):
            command = re.sub(r"^runuser -u \S+ -- |^\S*/bin/(?=did-service )", "", part)
            if command.startswith("did-service "):
                yield shlex.split(command, comments=True)[1:]


def known(words):
    """Whether a command line is one that the program takes; raises what it says where not."""
    command, at = cli, 0
    while hasattr(command, "get_command") and at < len(words):
        if words[at].startswith("-"):
            return any(words[at] in each.opts for each in command.params)
        command = command.get_command(None, words[at])
        at += 1
        if command is None:
            return False
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    return {word for word in words[at:] if word.startswith("--")} <= options


# --- each word has its row --------------------------------------------------------------------


def test_every_word_of_ready_every_alarm_and_every_code_of_a_service_has_its_row():
    assert {*ReadyWord} | {*AlarmWord} | {*AlarmKind} | codes_of_services() <= {*TOLD}


def test_no_word_stands_twice_and_each_is_a_word_of_the_programs():
    assert len(TOLD) == len(set(TOLD))
    sources = "".join(path.read_text() for path in Path("did_service").rglob("*.json"))
    sources += "".join(path.read_text() for path in Path("did_service").rglob("*.py"))
    assert {word for word in TOLD if f'"{word}"' not in sources} == set()


@pytest.mark.parametrize("row", ROWS, ids=TOLD)
def test_a_row_says_what_it_means_where_to_look_and_what_to_do(row):
    assert all(row[1:4])


# --- each word of /ready and each alert has its section ---------------------------------------


@pytest.mark.parametrize("word", NAMED)
def test_a_section_says_what_to_type_and_what_comes_of_doing_nothing(word):
    """The section that `/ready` and the alert lead to, by its anchor."""
    assert WHERE_READY_LEADS == "docs/operating.md"
    assert len(re.findall(rf"^#+ `{word}`$", OPERATING, re.MULTILINE)) == 1
    text = pages.section(OPERATING, f"`{word}`")
    assert [line for line in shell_lines(text) if line]
    assert "*If nothing is done:*" in text


@pytest.mark.parametrize("alert", ALERTS, ids=[alert["alert"] for alert in ALERTS])
def test_an_alert_is_named_where_it_leads(alert):
    section = alert["annotations"]["page"].partition("#")[2]
    if section == "what-to-do-when":  # the one that stands for every word of /ready
        assert "didsvc_waiting_for" in alert["expr"]
    else:
        assert f"`{alert['alert']}`" in pages.section(OPERATING, f"`{section}`")


@pytest.mark.parametrize("word", ReadyWord)
def test_a_word_of_ready_says_what_it_means_and_what_is_next(word):
    told = words_of(word.value, "http")
    assert told is not None
    assert told.following is not None


def test_what_the_disk_or_the_database_says_is_one_word():
    assert word_of_error("guard_missing") is ReadyWord.GUARD_MISSING
    assert word_of_error("database_damaged") is ReadyWord.STATE_UNREADABLE


def test_each_kind_of_alarm_and_each_state_of_a_watched_log_is_explained():
    rows = pages.rows(pages.section(OPERATING, "`fork_alarm`"))
    told = {word for row in rows for word in pages.ticked(row[0])}
    assert {*AlarmKind} | {*AlarmWord} == told
    states = pages.section(OPERATING, "Logs as `did-service monitor` sees them")
    assert {pages.ticked(row[0])[0] for row in pages.rows(states)} == {*LogState}


# --- what is typed is there -------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        "operating.md",
        "deploying.md",
        *sorted(f"howto/{each.name}" for each in Path("docs/howto").glob("*.md")),
    ],
)
def test_every_command_that_a_page_prints_is_one_of_the_programs(page):
    assert [words for words in typed(pages.read(page)) if not known(words)] == []


def test_a_command_that_is_not_there_is_found_out():
    assert not known(["key", "make", "gd"])
    assert not known(["fsck", "gd", "--mend"])
    assert known(["--version"])
