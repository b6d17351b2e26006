"""Words as data: the same in each language, each code once, each code used, each use worded."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from did_service.cli.policy_lines import peer_lines
from did_service.core import errors
from did_service.core.errors import DidServiceError, LimitError, MalformedError
from did_service.core.verification.codes import CHECKS
from did_service.node.federation.finishing import PeerPolicy
from did_service.program import words
from did_service.program.words import (
    CLASSES,
    FOLDER,
    TOPICS,
    read_topic,
    told_code,
    words_at,
    words_of,
    words_of_error,
)
from tests.support.optional import CHECKOUT

CHINESE = re.compile("[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"\{[^}]*\}")
MOST_CODES = 60  # of a topic: a page that one person reads at once
MOST_OF_A_STEP = 24  # rows of a screen
FACES = {"wallet", "did-verify", "did-service", "http"}
# What click says, and texts whose English stands in the code beside each option.
BESIDE_CODE = {"help", "help_wallet", "help_did-service"}
FILES = sorted(path.stem for path in (FOLDER / "en").glob("*.json"))
VERDICT = "verdict"  # whole sentences for a clerk: tests/verifier/test_verdict.py
CODED = [name for name in FILES if not name.startswith("help") and name != VERDICT]
SOURCES = [
    path for room in ("did_service", "wallet_cli") for path in (CHECKOUT / room).rglob("*.py")
]
CLASS_NAMES = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, DidServiceError)
}


def constants(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.value for node in nodes if isinstance(node, ast.Constant)} - {None}


def warned(path: Path) -> set[str]:
    """The codes that stand first in a `.warn(…)`."""
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(".warn")
        and isinstance(node.args[0], ast.Constant)
    }


def test_each_language_has_the_same_topics():
    names = [
        sorted(path.name for path in folder.iterdir() if path.stem not in BESIDE_CODE)
        for folder in FOLDER.iterdir()
    ]
    assert len(names) == 2
    assert names[0] == names[1]


def test_every_topic_of_codes_is_looked_at():
    assert {*CODED} == {*TOPICS, CLASSES}


@pytest.mark.parametrize("topic", [*CODED, VERDICT])
def test_both_languages_have_the_same_codes_members_and_placeholders(topic):
    zh, en = read_topic("zh", topic), read_topic("en", topic)
    assert [*zh] == [*en]
    for code in en:
        assert [*zh[code]] == [*en[code]], code
        for name, text in en[code].items():
            holes = sorted(PLACEHOLDER.findall(text))
            assert sorted(PLACEHOLDER.findall(zh[code][name])) == holes, code


@pytest.mark.parametrize("topic", CODED)
def test_every_code_has_a_sentence_and_a_next_step_in_each_language(topic):
    for code, members in read_topic("en", topic).items():
        plain = {name.partition("@")[0] for name in members}
        assert plain <= {"meaning", "next"}, code
        assert {"meaning", "next"} <= {*members}, code
        assert {name.partition("@")[2] for name in members} <= {"", *FACES}, code
        for name, text in members.items():
            chinese = read_topic("zh", topic)[code][name]
            assert not CHINESE.search(text), code
            assert text == text.strip().removesuffix(".").removesuffix(":"), code
            assert CHINESE.search(chinese) or chinese == text, code  # a command alone
            assert not chinese.endswith(("。", "：")), code


def test_a_code_stands_in_one_topic_alone():
    seen: dict[str, str] = {}
    for topic in TOPICS:
        for code in read_topic("en", topic):
            assert errors.is_code(code)
            assert seen.setdefault(code, topic) == topic, code
    # What stops a command and what a verdict finds: the clerk reads it as a whole sentence.
    both = {"evidence_dropped", "log_forked", "policy_expired", "policy_missing", "too_large"}
    assert seen.keys() & read_topic("en", VERDICT).keys() == both


@pytest.mark.parametrize("topic", CODED)
def test_a_topic_is_a_page_that_one_person_can_read(topic):
    assert len(read_topic("en", topic)) <= MOST_CODES


def test_a_finding_that_is_an_error_too_is_told_in_the_same_words():
    """What stops a command and what leaves a verdict undecided is one thing, said short."""
    for tongue in ("zh", "en"):
        found = read_topic(tongue, VERDICT)
        for code, short in (
            (c, m["meaning"]) for t in TOPICS for c, m in read_topic(tongue, t).items()
        ):
            if code in found:
                whole = found[code]["meaning"]
                assert short in f"{whole[0].lower()}{whole[1:]}", code


def test_a_verdict_is_read_step_by_step_and_no_step_has_more_than_a_screen():
    """Its sentences are no page to be read at once: who edits one reads those of its step."""
    codes = read_topic("en", VERDICT)
    steps = Counter(CHECKS[code].step if code in CHECKS else 0 for code in codes)
    assert max(steps.values()) <= MOST_OF_A_STEP


@pytest.mark.parametrize("topic", [*CODED, VERDICT])
def test_a_code_is_one_line(topic):
    for tongue in ("zh", "en"):
        lines = (FOLDER / tongue / f"{topic}.json").read_text(encoding="utf-8").splitlines()
        assert len(lines) == len(read_topic(tongue, topic)) + 2


def test_no_code_has_words_that_nobody_says():
    said = set().union(*map(constants, SOURCES))
    assert {code for topic in TOPICS for code in read_topic("en", topic)} <= said


def test_every_warning_has_words_of_its_own():
    codes = set().union(*map(warned, SOURCES))
    assert "staple_old" in codes
    assert [code for code in codes if words_of(code) is None] == []


def test_every_class_of_errors_has_words_and_nothing_else_has():
    assert read_topic("en", CLASSES).keys() == CLASS_NAMES


def test_an_error_without_words_is_told_by_its_class_or_the_one_above():
    class LongerError(LimitError):
        pass

    expected = words_of_error(LimitError("no_such_code", ""))
    assert words_of_error(LongerError("no_such_code", "")) == expected
    assert words_of_error(MalformedError("no_such_code", "")) != expected


def test_the_next_step_is_that_of_who_speaks():
    told = {face: words_of("policy_missing", face).following.en for face in ("", *FACES)}
    assert "wallet trust pin" in told["wallet"]
    assert "did-verify trust pin" in told["did-verify"]
    assert told[""] == told["did-service"]
    assert len({words_of("policy_missing", face).meaning for face in FACES}) == 1


def test_a_code_that_no_topic_has_is_none():
    assert words_of("no_such_code") is None
    with pytest.raises(KeyError):
        words_at("program", "no_such_code")


@pytest.mark.parametrize("text", ['{"a": "x"}', '{"a": {"meaning": 1}}', "[]", "{"])
def test_a_damaged_table_is_refused(tmp_path, monkeypatch, text):
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "damaged.json").write_text(text)
    monkeypatch.setattr(words, "FOLDER", tmp_path)
    with pytest.raises(MalformedError):
        read_topic("en", "damaged")


def test_a_code_is_read_as_its_sentence_with_the_code_beside_it():
    told = told_code("peer_unreachable")
    assert told.en == "the other side cannot be reached [peer_unreachable]"
    assert told.zh == "无法连接 [peer_unreachable]"
    assert told_code("no_such\x1bcode").en == "[no_such\\u{1b}code]"


def test_every_finding_of_fsck_has_words():
    found = {
        node.args[0].value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"
    }
    assert found == read_topic("en", "finding").keys()


def test_no_command_shows_people_a_code_without_its_sentence():
    """What other regions, a log or a copy answered with: the lines that people read of it."""
    (peer,) = peer_lines([PeerPolicy("hn", None, "peer_unreachable")])
    assert peer.en == "  hn: the other side cannot be reached [peer_unreachable]"
    (same,) = peer_lines([PeerPolicy("hn", 2, "same")])
    assert same.en == "  hn 2: the same"
