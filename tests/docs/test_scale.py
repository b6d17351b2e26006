"""docs/scale.md: its tables are computed from rates that were measured, and those are there."""

import json
from pathlib import Path

import pytest

from scripts import make_scale
from scripts.make_scale import PACES, Day, Nation
from tests.docs import pages

PAGE, RATES = pages.read("scale.md"), make_scale.read_rates()


def test_the_tables_are_those_that_the_simulation_gives():
    made = make_scale.tables(RATES)
    assert make_scale.fill(PAGE, made) == PAGE
    assert all(table in PAGE for table in made.values())


def test_what_the_long_log_measured_stands_among_what_soaked():
    long = RATES["long_log"]
    lines = Path("bench/soak.md").read_text().splitlines()
    (line,) = [
        each for each in lines if f"{long['commit']}: {long['entries']:,} entries" in each
    ]
    figures = ("build_s", "build_mb", "fsck_s", "fsck_mb", "read_s", "import_s", "bundle_mb")
    for name in figures:
        assert f"{long[name]:,} " in line, name


def test_rates_are_taken_out_of_a_run_of_the_benchmarks(tmp_path, monkeypatch):
    held = tmp_path / "rates.json"
    held.write_text(json.dumps(RATES))
    monkeypatch.setattr(make_scale, "RATES", held)
    rows = [{"name": name, "ratio": 2.5, "to": "V"} for name in make_scale.ROWS]
    machine = {"processor": "P", "cores": 2, "python": "CPython 3.11.7"}
    run = {"v_us": 40.0, "machine": machine, "results": [*rows, {"name": "x", "skipped": "y"}]}
    (tmp_path / "run.json").write_text(json.dumps(run))
    make_scale.take(tmp_path / "run.json", "abc1234")
    taken = make_scale.read_rates()
    assert taken["bench"]["rows"] == dict.fromkeys(make_scale.ROWS, 2.5)
    assert (taken["bench"]["commit"], taken["bench"]["v_us"]) == ("abc1234", 40.0)
    assert taken["long_log"] == RATES["long_log"]


def test_every_credential_has_an_issuer_and_every_issuer_a_list():
    nation = Nation()
    assert sum(nation.of_issuers) == pytest.approx(nation.credentials, rel=1e-4)
    assert min(nation.of_issuers) > 0
    assert nation.lists >= nation.issuers * make_scale.PURPOSES


@pytest.mark.parametrize("what", ["entries", "objects", "contents", "judging", "row_bytes"])
def test_a_slower_pace_asks_for_less(what):
    asked = [getattr(Day(Nation(), pace, RATES), what) for pace in PACES]
    assert asked == sorted(asked, reverse=True)


def test_more_people_with_as_many_issuers_cost_more():
    less, more = (
        Day(Nation(people=p, credentials=p * 7), PACES[0], RATES) for p in (10**8, 10**9)
    )
    assert more.cost() > less.cost()
    assert more.bundle > less.bundle
