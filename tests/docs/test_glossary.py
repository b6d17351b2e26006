"""docs/glossary.md against the code: specifications that it cites, words of verdicts."""

import re
from pathlib import Path

from did_service.program.words import FOLDER
from did_service.verifier.verdict_text import WORDS as VERDICTS
from tests.docs import pages

PAGE = pages.read("glossary.md")
WORDS = {row[0]: row[1] for row in pages.rows(pages.section(PAGE, "Words"))}
SPECIFICATIONS = pages.rows(pages.section(PAGE, "Specifications and versions"))
# Words that stand for something of the glossary as well, and are not used.
SPURNED = {
    "固定": "载入",
    "联盟": "联邦",
    "新旧要求": "时限",
    "时效要求": "时限",
    "见证机": "见证方",
    "联署": "见证",
    "佐证材料": "核验数据",
    "凭据包": "核验数据",
    "信任包": "核验数据包",
    "并入": "导入",
    "吊销": "已作废",
    "验证码": "核验码",
}
# What cannot be done in this release: a copy that was exported cannot be presented.
IMPOSSIBLE = ("重新导出", "扫描")
FOR_PEOPLE = [Path("README.zh-CN.md"), *Path("docs").glob("*.zh-CN.md")]
_CITED = re.compile(
    r"RFC \d+|c2sp\.org/[a-z]+-[a-z]+"
    r"|GB(?:/T)? ?\d{4,5}|ISO(?:/IEC)? \d{4}|FIPS \d+-\d|SP 800-\w+"
)
_VERSIONED = re.compile(r"(c2sp\.org/[a-z]+-[a-z]+)[ @](v\d[\d.]*\d|v\d)")


def sources():
    rooms = ("did_service", "wallet_cli")
    paths = [
        p for room in rooms for end in ("py", "json") for p in Path(room).rglob(f"*.{end}")
    ]
    return {path: " ".join(path.read_text().split()) for path in paths}


def test_every_specification_that_the_code_cites_has_its_row():
    told = " ".join(row[0] for row in SPECIFICATIONS)
    for path, text in sources().items():
        for name in _CITED.findall(text):
            assert name in told, f"{path}: {name}"


def test_versions_are_those_that_the_modules_name():
    versions = {row[0]: row[1] for row in SPECIFICATIONS}
    found = {pair for text in sources().values() for pair in _VERSIONED.findall(text)}
    assert len(found) >= 4
    for name, version in found:
        assert version in versions[name], name


def test_words_of_the_verdict_are_those_that_are_shown():
    for outcome, shown in VERDICTS.items():
        english = shown.en.lower()
        name = f"{english} ({outcome.value})" if outcome.value == "undecided" else english
        assert WORDS[name] == shown.zh


def test_no_word_stands_in_the_glossary_twice():
    for section in ("Words", "Specifications and versions"):
        terms = [row[0] for row in pages.rows(pages.section(PAGE, section))]
        assert sorted(terms) == sorted(set(terms))


def chinese():
    """All that is written for people: in the code, in the tables, on the pages."""
    texts = [*FOR_PEOPLE, *(FOLDER / "zh").glob("*.json")]
    return {**sources(), **{path: path.read_text() for path in texts}}


def test_nothing_has_two_names_in_chinese():
    kept = " ".join(WORDS.values())
    for spurned, word in SPURNED.items():
        assert word in kept, word
        assert [path for path, text in chinese().items() if spurned in text] == [], spurned


def test_no_next_step_is_one_that_nobody_can_take():
    for words in IMPOSSIBLE:
        assert [path for path, text in chinese().items() if words in text] == [], words
