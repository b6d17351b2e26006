"""Fill the tables of docs/sizing.md: what was measured, and what follows from it.

    python scripts/make_sizing.py

`MEASURED` are figures that somebody measured, each with its place and commit; everything else
is computed from them here. A test compares the committed page with what this writes.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path

PAGE = Path("docs/sizing.md")
LIST_BITS = 131_072  # places of a status list
LISTS_OF_A_PLACE = 2  # one for revocation, one for suspension
PERIODS = 24  # a day: every live list is logged again each hour
TICKS = 144  # a day: one batch of issuances every ten minutes
HEADS = 24  # a day and log, at the usual pace
SECONDS = 86_400


@dataclass(frozen=True)
class Figure:
    """One measured figure."""

    value: float
    unit: str
    what: str
    measured: str


MEASURED = {
    "v": Figure(55.2, "µs", "V, one Ed25519 verification", "bench, b5bec14, busy 2-core VM"),
    "issue_v": Figure(1.17, "V", "`vc.eddsa-jcs.issue.large`", "the same"),
    "shown_v": Figure(18.5, "V", "`vc.presentation.bundle`, a counter judges", "the same"),
    "proof_v": Figure(0.19, "V", "`merkle.verify-20`", "the same"),
    "entry_v": Figure(9, "V", "a new DID at a registry: rules, parse, rows", "bench/README.md"),
    "http_v": Figure(6, "V", "a request of its own over HTTP", "bench/README.md"),
    "status_entry": Figure(305, "B", "a status entry", "tests' federation, 87397a1"),
    "did_entry": Figure(3_282, "B", "a DID entry, the largest of six", "the same"),
    "heads_entry": Figure(212, "B", "a heads entry", "the same"),
    "credential": Figure(1_352, "B", "a credential, eddsa-jcs", "the same"),
    "staple": Figure(5_000, "B", "a staple, packed", "docs/offline-verification.md 2"),
    "list": Figure(2_150, "B", "a list with 1 % revoked, gzip -6", "entropy bound 1,323 B"),
    "items": Figure(400_000, "items", "imported at a counter", "bench/soak.md, a74b664"),
    "import_s": Figure(155, "s", "processor time of that import", "bench/soak.md, a74b664"),
    "import_mb": Figure(172, "MB", "its peak of memory", "bench/soak.md, a74b664"),
    "check_s": Figure(1.1, "s", "one check with these items held", "bench/soak.md, a74b664"),
    "check_mb": Figure(108, "MB", "its peak of memory", "bench/soak.md, a74b664"),
}
CONTENT = MEASURED["list"].value * 4 / 3 + 1_000  # base64url, and the list's own members


@dataclass(frozen=True)
class Place:
    """Who is served: one region with its agencies.

    Attributes:
        people: Who live there.
        each: Credentials that one of them holds.
        years: How long a credential is good.
        agencies: Issuers of the region.
        counters: Counters that load its bundle every day.
        visits: Of a day, one for so many people.
        witnesses: Other regions that copy its logs.
    """

    people: int
    each: int = 3
    years: int = 5
    agencies: int = 20
    counters: int = 50
    visits: int = 200
    witnesses: int = 4

    @property
    def credentials(self) -> int:
        """Those in force at one time."""
        return self.people * self.each

    @property
    def lists(self) -> int:
        """Status lists; each agency has one of each purpose at least."""
        full = ceil(self.credentials / LIST_BITS)
        return max(full, self.agencies) * LISTS_OF_A_PLACE

    @property
    def entries_a_day(self) -> int:
        """Entries of the region's logs."""
        return self.lists * PERIODS + self.agencies * TICKS + HEADS * 2

    @property
    def bytes_a_day(self) -> float:
        """Bytes of entries and contents that are kept."""
        status = self.lists * PERIODS * (MEASURED["status_entry"].value + CONTENT)
        other = self.agencies * TICKS * MEASURED["status_entry"].value
        return status + other + HEADS * 2 * MEASURED["heads_entry"].value

    @property
    def log_disk_a_year(self) -> float:
        """Bytes a year; rows and files both hold them."""
        return self.bytes_a_day * 365 * 2

    @property
    def agency_disk(self) -> float:
        """Bytes of all agencies' databases: application, credential, its proof of issuance."""
        return self.credentials * (2 * MEASURED["credential"].value + 1_024)

    @property
    def bundle(self) -> float:
        """Bytes of a day's trust bundle."""
        issuer = 1_400
        return self.agencies * issuer + self.lists * (CONTENT + MEASURED["staple"].value / 4)

    @property
    def to_witnesses(self) -> float:
        """Bits a second, on average, to all witnesses."""
        return self.bytes_a_day * self.witnesses * 8 / SECONDS

    @property
    def cores(self) -> float:
        """Cores of the region that are busy at the daily average, staples included."""
        v = MEASURED["v"].value / 1e6
        entries = self.entries_a_day * (MEASURED["entry_v"].value + MEASURED["http_v"].value)
        visits = self.people / self.visits
        return (entries + visits * 6 * 30) * v / SECONDS


PLACES = {"city pilot, 10⁵ people": Place(100_000), "province, 10⁸ people": Place(
    100_000_000, agencies=3_000, counters=20_000, witnesses=30
)}  # fmt: skip


def tables() -> dict[str, str]:
    """Return each table of the page by its name."""
    rows = [
        ("credentials in force", lambda p: f"{p.credentials:,}"),
        ("issued a day", lambda p: f"{p.credentials / p.years / 365:,.0f}"),
        ("status lists", lambda p: f"{p.lists:,}"),
        ("entries a day, all logs of the region", lambda p: f"{p.entries_a_day:,}"),
        ("disk of the logs, a year", lambda p: size(p.log_disk_a_year)),
        ("disk of all agencies' databases", lambda p: size(p.agency_disk)),
        ("a counter's daily bundle", lambda p: size(p.bundle)),
        ("all counters' bundles, a day", lambda p: size(p.bundle * p.counters)),
        ("to all witnesses, on average", lambda p: f"{p.to_witnesses / 1e3:,.0f} kbit/s"),
        ("cores of the region, busy on average", lambda p: f"{p.cores:.2g}"),
    ]
    heads = ["", *PLACES]
    computed = [[name, *(told(place) for place in PLACES.values())] for name, told in rows]
    measured = [[f.what, f"{f.value:,g} {f.unit}", f.measured] for f in MEASURED.values()]
    rate = MEASURED["items"].value / MEASURED["import_s"].value
    shown = MEASURED["shown_v"].value * MEASURED["v"].value / 1e3
    counter = [
        ["items a second of processor, import", f"{rate:,.0f}"],
        ["first import of 400,000 items", f"{MEASURED['import_s'].value / 60:,.1f} min"],
        ["import of 10,000 items that are new today", f"{10_000 / rate:,.1f} s"],
        ["memory to provide", f"{MEASURED['import_mb'].value * 2:,.0f} MB"],
        ["judging what is shown, without the program's start", f"{shown:,.1f} ms"],
        [
            "one check, a whole process",
            f"{MEASURED['check_s'].value:g} s, {MEASURED['check_mb'].value:g} MB",
        ],
    ]
    return {
        "measured": table(["what", "value", "where, commit"], measured),
        "regions": table(heads, computed),
        "counter": table(["a counter that holds 400,000 items", ""], counter),
    }


def size(count: float) -> str:
    """Return bytes for people."""
    for unit, step in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= step:
            return f"{count / step:,.1f} {unit}"
    return f"{count:,.0f} B"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def filled(page: str) -> str:
    """Return the page with its tables made anew."""
    return fill(page, tables())


def fill(page: str, made_anew: dict[str, str]) -> str:
    """Put tables into a page, each between the comment with its name and the next `end`."""
    for name, made in made_anew.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
        page = between.sub(lambda found, made=made: f"{found[1]}\n{made}\n", page)
    return page


def main() -> int:
    """Write the page."""
    PAGE.write_text(filled(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
