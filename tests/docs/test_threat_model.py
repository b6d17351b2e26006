"""docs/threat-model.md against tests/attacks: what it calls tested is tested, and all of it."""

import ast
import re
from pathlib import Path

from did_service.core.log.quorum import shares_honest_cosigner
from tests.docs import pages

PAGE = pages.read("threat-model.md")
RULES = list(pages.rows(pages.section(PAGE, "Which tests check which rule")))
TESTED = pages.ticked(pages.section(PAGE, "Tested"))
LATER = pages.rows(pages.section(PAGE, "Later"))


def attacks():
    """Return the names of all attack tests, without their `test_`."""
    trees = [ast.parse(path.read_text()) for path in Path("tests/attacks").glob("test_*.py")]
    nodes = (node for tree in trees for node in tree.body)
    names = (node.name for node in nodes if isinstance(node, ast.FunctionDef))
    return {name.removeprefix("test_") for name in names if name.startswith("test_")}


def test_every_attack_that_is_called_tested_has_its_function_and_the_other_way_round():
    assert set(TESTED) == attacks()


def test_no_name_stands_twice():
    waiting = [name for row in LATER for name in pages.ticked(row[1])]
    assert len(TESTED) == len(set(TESTED))
    assert len(waiting) == len(set(waiting))
    assert not set(waiting) & attacks()


def test_every_attack_that_is_left_out_says_what_it_waits_for():
    assert all(reason and pages.ticked(names) for reason, names in LATER)


def test_every_rule_is_named_by_an_attack_or_waits_for_something():
    numbers = re.findall(r"^(\d+)\. ", pages.section(PAGE, "4. Rules"), re.MULTILINE)
    assert [row[0] for row in RULES] == numbers == [str(n) for n in range(1, 34)]
    for _, names, later in RULES:
        assert pages.ticked(names) or later
        assert set(pages.ticked(names)) <= set(TESTED)


def test_pages_name_the_same_numbers_and_they_are_those_of_pinning():
    example = re.compile(r"m = (\d), k = (\d),? (?:and )?f = (\d)")
    told = {tuple(map(int, each)) for each in example.findall(" ".join(PAGE.split()))}
    security = " ".join(Path("SECURITY.md").read_text().split())
    assert told == {tuple(map(int, each)) for each in example.findall(security)} != set()
    for text in (PAGE, security):
        assert "2k − m" in text
        assert "2k > m + f" in text
    for m, k, f in told:
        # as both say: one is harmless, two can fork, and three can invent
        assert (f, 2 * k - m, k) == (1, 2, 3)
        for corrupt in range(m):
            assert shares_honest_cosigner(k, m, corrupt) is (corrupt < 2 * k - m)


def test_rules_that_the_code_cites_exist():
    cited = re.compile(r"threat(?:-model\.md)? rules? ([0-9, and to]+)")
    for folder in ("did_service", "wallet_cli"):
        for path in Path(folder).rglob("*.py"):
            for numbers in cited.findall(" ".join(path.read_text().split())):
                assert all(1 <= int(n) <= 33 for n in re.findall(r"\d+", numbers)), path


def test_every_finding_names_tests_that_stand_where_it_says():
    title = "7. Found by reviews, and the test that keeps it fixed"
    for finding, kept in pages.rows(pages.section(PAGE, title)):
        assert "`test_" in kept or "§5" in kept, finding
        waiting: set[str] = set()
        for test, place in re.findall(r"`(test_\w+)`|in (tests/[\w/]+(?:\.py)?)", kept):
            if test:
                waiting.add(test)
            else:
                assert waiting <= {*functions(Path(place))}, (finding, place)
                waiting = set()
        assert waiting == set(), finding


def functions(place):
    """Yield the names of all functions of a file of tests, or of a folder of them."""
    for path in sorted(place.rglob("test_*.py")) if place.is_dir() else [place]:
        yield from (n.name for n in ast.parse(path.read_text()).body if hasattr(n, "name"))
