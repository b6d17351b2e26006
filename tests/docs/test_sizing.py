"""docs/sizing.md: its tables are computed from what it calls measured, and that is there."""

from pathlib import Path

from scripts import make_sizing
from scripts.make_sizing import MEASURED, PLACES
from tests.docs import pages

PAGE = pages.read("sizing.md")


def test_the_tables_are_those_that_the_formulas_give():
    assert make_sizing.filled(PAGE) == PAGE
    assert all(made in PAGE for made in make_sizing.tables().values())


def test_what_the_soak_measured_stands_in_its_page():
    (line,) = [
        each for each in Path("bench/soak.md").read_text().splitlines() if "a74b664: " in each
    ]
    for name in ("import_s", "import_mb", "check_mb", "check_s"):
        assert f"{MEASURED[name].value:g} " in line, name


def test_more_people_need_more_of_everything():
    city, province = PLACES.values()
    for name in ("lists", "entries_a_day", "log_disk_a_year", "agency_disk", "bundle", "cores"):
        assert getattr(province, name) > getattr(city, name) > 0
