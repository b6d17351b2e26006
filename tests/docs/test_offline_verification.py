"""docs/offline-verification.md against the verdict: its steps, its words, its sentences."""

import re

from did_service.core.verification.codes import CHECKS, Result
from did_service.verifier.verdict_text import MARKS, WORDS
from tests.docs import pages

PAGE = pages.read("offline-verification.md")
(VERDICT,) = [block for block in pages.blocks(PAGE) if block.mark == "verdict"]


def lines_with(marks):
    found = (re.match(r" +(\S) (.*)", line) for line in VERDICT.text.splitlines())
    return [(each[1], each[2]) for each in found if each and each[1] in marks]


def test_steps_are_numbered_as_in_the_report():
    told = re.findall(r"^(\d+)\. ", PAGE.split("## 4.")[0], re.MULTILINE)
    assert [int(number) for number in told] == sorted({each.step for each in CHECKS.values()})


def test_sentences_of_the_verdict_are_those_of_the_checks():
    sentences = {f"{s.message.zh} {s.message.en}": s.result for s in CHECKS.values()}
    shown = lines_with(MARKS.values())
    assert len(shown) >= 6
    for mark, text in shown:
        said = [each for each in sentences if text.startswith(each)]
        assert said, text
        assert mark == MARKS[sentences[max(said, key=len)]]


def test_words_of_the_verdict_are_those_that_are_shown():
    words = {f"{word.zh} {word.en}" for word in WORDS.values()}
    assert {line for line in VERDICT.text.splitlines() if line in words} == {
        "通过 ACCEPTED",
        "无法判定 CANNOT TELL",
    }


def test_codes_that_the_page_names_exist():
    codes = set(re.findall(r"`([a-z]+_[a-z_]+)`", PAGE))
    assert {"issuance_time_not_proven", "log_forked"} <= codes
    assert codes <= CHECKS.keys()
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
