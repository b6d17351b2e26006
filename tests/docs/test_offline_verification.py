"""docs/offline-verification.md against the verdict: its steps, its words, its sentences."""

import re

from did_service.core.verification.codes import CHECKS, UNSAFE, Result
from did_service.core.verification.report import Outcome
from did_service.program.words import words_at
from did_service.verifier.verdict_text import LABELS, WORDS
from tests.docs import pages

PAGE = pages.read("offline-verification.md")
(VERDICT,) = [block for block in pages.blocks(PAGE) if block.mark == "verdict"]


def test_steps_are_numbered_as_in_the_report():
    told = re.findall(r"^(\d+)\. ", PAGE.split("## 4.")[0], re.MULTILINE)
    assert [int(number) for number in told] == sorted({each.step for each in CHECKS.values()})


def test_every_outcome_is_named_where_the_page_says_which_when():
    (told,) = re.findall(r"^\*\*The outcome\*\*.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert {each.value for each in Outcome} <= set(pages.ticked(told))
    results = re.search(r"The \*\*result\*\* of a check is ([^.]*)\.", PAGE)[1]
    assert set(re.split(r", | or ", results)) == {each.value for each in Result}


def test_sentences_of_the_verdict_are_those_that_are_shown():
    told = "".join(VERDICT.text.split())
    for reason in ("accepted", "status_stale"):
        words = words_at("verdict", reason)
        texts = [words.meaning, words.following]
        zh = ["".join(text.zh.split()) in told for text in texts]
        en = ["".join(text.en.split()) in told for text in texts]
        assert all(zh) or all(en), reason


def test_labels_of_the_verdict_are_those_that_are_shown():
    labels = {text for label in LABELS.values() for text in (label.zh, label.en)}
    headlines = {f"{w.zh} {w.en}" for w in WORDS.values()} | {
        f"{w.en} {w.zh}" for w in WORDS.values()
    }
    lines = [line for line in VERDICT.text.splitlines() if line and not line.startswith(" ")]
    assert sum(line in headlines for line in lines) == 2
    for line in lines:
        assert line in headlines or any(line.startswith(f"{label} ") for label in labels), line


def test_codes_that_the_page_names_exist():
    codes = set(re.findall(r"`([a-z]+_[a-z_]+)`", PAGE))
    assert {"issuance_time_not_proven", "log_forked"} <= codes
    assert codes <= CHECKS.keys() | set(UNSAFE)
    assert CHECKS["issuance_time_not_proven"].result is Result.UNDECIDED


def test_every_code_that_refuses_stands_in_the_table_of_its_step_and_no_other_does():
    told = {}
    for step, refuses, undecided in pages.rows(
        pages.section(PAGE, "What refuses, and what does not")
    ):
        number = int(step.split()[0])
        told[number] = set(pages.ticked(refuses))
        assert all(CHECKS[code].result is Result.UNDECIDED for code in pages.ticked(undecided))
    failing = {code: s.step for code, s in CHECKS.items() if s.result is Result.FAILED}
    for number, codes in told.items():
        assert codes == {code for code, step in failing.items() if step == number}
    assert list(told) == sorted({sentence.step for sentence in CHECKS.values()})
