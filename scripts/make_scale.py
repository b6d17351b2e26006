"""Fill the tables of docs/scale.md: a nation as a simulation, from rates that were measured.

    python -m scripts.make_scale                          write the page
    python -m scripts.make_scale --take RESULT COMMIT     take rates out of `bench --json`, then

bench/rates.json holds the rates with commit and machine: those of the benchmarks, and those of
`make soak PART=long-log`, which are copied from bench/soak.md. Sizes are those of
docs/sizing.md. A test compares the committed page with what this writes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log2
from pathlib import Path
from typing import Any

from scripts.make_sizing import CONTENT, MEASURED, fill, size, table

PAGE, RATES = Path("docs/scale.md"), Path("bench/rates.json")
ROWS = (  # of the benchmarks, in V
    "vc.eddsa-jcs.issue.large",
    "vc.presentation.bundle",
    "resolver.get",
)
USED_PLACES = 65_536  # of a list's 131,072: an issuer begins the next one then
PURPOSES = 2  # revocation, suspension
TILE = 256
SECONDS, DAYS = 86_400, 365
PUBLISH_SECONDS = 2  # between two checkpoints, at least
DAILY_ENTRIES = 100_000  # of a log, by the policy that `found` writes
STAPLE_PATHS = 10  # of a staple: five entries, each in its log and in its heads snapshot
STAPLE_LEVELS = 8  # of these paths in the staple that was measured


@dataclass(frozen=True)
class Nation:
    """Who is served; the sizes of issuers fall as 1, 1/2, 1/3 and so on."""

    people: int = 1_400_000_000
    credentials: int = 10_000_000_000
    issuers: int = 100_000
    counters: int = 100_000
    regions: int = 32
    years: int = 5
    visits: int = 200  # one of so many people shows something on a day

    @cached_property
    def of_issuers(self) -> list[int]:
        """The credentials of each issuer, the largest first."""
        shares = [1 / rank for rank in range(1, self.issuers + 1)]
        whole = self.credentials / sum(shares)
        return [round(share * whole) for share in shares]

    @cached_property
    def lists(self) -> int:
        """Status lists in force."""
        return sum(ceil(each / USED_PLACES) for each in self.of_issuers) * PURPOSES

    @property
    def issued_a_day(self) -> float:
        """Credentials; each is issued anew when it has ended."""
        return self.credentials / self.years / DAYS


@dataclass(frozen=True)
class Pace:
    """How often each issuer logs, a day.

    Attributes:
        name: For the table.
        lists: Times that each list is logged, changed or not.
        ticks: Batches of issuances.
    """

    name: str
    lists: int
    ticks: int


PACES = (
    Pace("as set today: lists each hour, batches each 10 min", 24, 144),
    Pace("lists each 4 h, batches each hour", 6, 24),
    Pace("lists and batches once a day", 1, 1),
)


@dataclass(frozen=True)
class Prices:
    """Round examples in one currency; put yours here."""

    core_hour: float = 0.04
    disk_gb_month: float = 0.08  # of a database
    object_gb_month: float = 0.02
    thousand_puts: float = 0.005
    sent_gb: float = 0.05


class Day:
    """One day of a nation at a pace, from measured rates."""

    def __init__(self, nation: Nation, pace: Pace, rates: dict[str, Any]) -> None:
        self.nation, self.pace = nation, pace
        self._long = rates["long_log"]
        self._v = rates["bench"]["v_us"] / 1e6
        self._rows: dict[str, float] = rates["bench"]["rows"]

    # --- what is logged ---------------------------------------------------------------------

    @property
    def status(self) -> int:
        """Status entries."""
        return self.nation.lists * self.pace.lists

    @property
    def batches(self) -> int:
        """Evidence entries."""
        return self.nation.issuers * self.pace.ticks

    @property
    def control(self) -> int:
        """Heads each two minutes about two logs, and four changes of an issuer a year."""
        return self.nation.regions * 2 * 720 + self.nation.issuers * 4 // DAYS

    @property
    def entries(self) -> int:
        """Entries of all logs."""
        return self.status + self.batches + self.control

    @property
    def log_bytes(self) -> float:
        """Bytes of entries alone."""
        heads = self.nation.regions * 2 * 720
        changes = (self.control - heads) * MEASURED["did_entry"].value
        status = self.status * MEASURED["status_entry"].value
        batches = self.batches * self._long["entry_bytes"]
        return status + batches + heads * MEASURED["heads_entry"].value + changes

    @property
    def contents(self) -> float:
        """Bytes of status lists that come with entries."""
        return self.status * CONTENT

    @property
    def objects(self) -> float:
        """Objects that stay: bundles, tiles of all levels, contents."""
        return self.entries / TILE * (2 + 1 / (TILE - 1)) + self.status

    @property
    def checkpoints(self) -> int:
        """Checkpoints that take the place of one another, at most."""
        return self.nation.regions * 2 * SECONDS // PUBLISH_SECONDS

    @property
    def row_bytes(self) -> float:
        """Bytes of rows in a database, lists included.

        By what the long log took on disk beside its files.
        """
        files = self._long["entries"] * (self._long["entry_bytes"] + 2 + 32)
        more = (self._long["disk_bytes"] - files) / self._long["entries"]
        rows = self.log_bytes + self.entries * (more - self._long["entry_bytes"])
        return rows + self.contents

    # --- what it takes ----------------------------------------------------------------------

    @property
    def judging(self) -> float:
        """Processor seconds to judge all entries once, as every region does.

        A status or control entry counts as a new DID: neither was measured alone.
        """
        evidence = self.batches * self._long["build_us"] / 1e6
        others = self.status + self.control
        return evidence + others * MEASURED["entry_v"].value * self._v

    @property
    def burst(self) -> float:
        """Entries that reach one region at the full hour, when all its issuers log at once."""
        return (self.nation.lists + self.nation.issuers) / self.nation.regions

    @property
    def burst_seconds(self) -> float:
        """Seconds until the last of them stands in the log, with one core."""
        return self.burst * self.judging / self.entries

    @property
    def issuing(self) -> float:
        """Processor seconds of all issuers' signatures."""
        return self.nation.issued_a_day * self._rows["vc.eddsa-jcs.issue.large"] * self._v

    @property
    def refreshing(self) -> float:
        """Processor seconds of wallets' fresh staples: six requests a visit."""
        requests = self.nation.people / self.nation.visits * 6
        return requests * self._rows["resolver.get"] * self._v

    # --- what is carried --------------------------------------------------------------------

    @property
    def bundle(self) -> float:
        """Bytes of a bundle about one region."""
        staple = MEASURED["staple"].value / 4
        lists = self.nation.lists * (CONTENT + staple)
        return (self.nation.issuers * 1_400 + lists) / self.nation.regions

    @property
    def bundle_items(self) -> float:
        """Items of that bundle: DID, two statements, lists."""
        return (self.nation.issuers * 3 + self.nation.lists) / self.nation.regions

    @property
    def staple(self) -> float:
        """Bytes of a staple when the logs have grown for a year."""
        levels = log2(self.entries * DAYS / self.nation.regions)
        longer = max(0.0, levels - STAPLE_LEVELS) * 32 * STAPLE_PATHS
        return MEASURED["staple"].value + longer

    @property
    def shown(self) -> float:
        """Seconds to judge an answer, without the program's start."""
        return self._rows["vc.presentation.bundle"] * self._v

    def cost(self, prices: Prices = Prices()) -> float:
        """Cost of one region a month, in the middle of the first year.

        It keeps its own logs and the copies of all others, as rows and as objects.
        """
        region, half = 1 / self.nation.regions, DAYS / 2
        disk = self.row_bytes * half / 1e9 * prices.disk_gb_month
        kept = (self.log_bytes + self.contents) * half / 1e9
        puts = self.objects * 30 / 1e3 * prices.thousand_puts
        cores = self.judging + self.refreshing * region
        sent = self.bundle * self.nation.counters * region + self.log_bytes + self.contents
        return (
            disk
            + kept * prices.object_gb_month
            + puts
            + cores * 30 / 3_600 * prices.core_hour
            + sent * 30 / 1e9 * prices.sent_gb
        )


def tables(rates: dict[str, Any]) -> dict[str, str]:
    """Return each table of the page by its name."""
    nation = Nation()
    days = [Day(nation, pace, rates) for pace in PACES]
    heads = ["", *(pace.name for pace in PACES)]

    def by_pace(rows: list[tuple[str, Any]]) -> str:
        return table(heads, [[what, *(told(day) for day in days)] for what, told in rows])

    return {
        "rates": _rates(rates),
        "nation": _nation(nation),
        "logs": by_pace(_LOGS),
        "work": by_pace(_WORK),
        "carried": by_pace(_CARRIED),
        "long-log": _long_log(rates["long_log"]),
    }


_LOGS = [
    ("status entries a day", lambda d: f"{d.status:,}"),
    ("evidence entries a day", lambda d: f"{d.batches:,}"),
    ("control entries a day", lambda d: f"{d.control:,}"),
    ("entries a second, all logs", lambda d: f"{d.entries / SECONDS:,.0f}"),
    ("entries of a region's logs a day", lambda d: f"{d.entries / d.nation.regions:,.0f}"),
    (
        "daily_entries that its policy must allow, at least",
        lambda d: f"{max(DAILY_ENTRIES, 2 * d.entries / d.nation.regions):,.0f}",
    ),
    (
        "entries of a region's logs a year",
        lambda d: f"{d.entries * DAYS / d.nation.regions:.1e}",
    ),
    ("bytes of entries a year, all logs", lambda d: size(d.log_bytes * DAYS)),
    ("bytes of status lists a year, all logs", lambda d: size(d.contents * DAYS)),
    ("rows at one region a year, with its copies", lambda d: size(d.row_bytes * DAYS)),
    ("checkpoints a day, all logs, at most", lambda d: f"{d.checkpoints:,}"),
    ("objects a year, all logs", lambda d: f"{d.objects * DAYS:.1e}"),
    ("of these tiles and entry bundles", lambda d: f"{(d.objects - d.status) * DAYS:.1e}"),
]
_WORK = [
    ("judging everything, at each region", lambda d: f"{d.judging / SECONDS:.3f} cores"),
    ("entries at a region at the full hour", lambda d: f"{d.burst:,.0f}"),
    ("until the last of them is in the log", lambda d: f"{d.burst_seconds:,.1f} s"),
    ("all issuers' signatures", lambda d: f"{d.issuing / SECONDS:.3f} cores"),
    ("wallets' fresh staples, all regions", lambda d: f"{d.refreshing / SECONDS:,.2f} cores"),
    (
        "cosignatures a witness gives, a second",
        lambda d: f"{(d.nation.regions - 1) * 2 / PUBLISH_SECONDS:,.0f}",
    ),
    ("one region a month, in the example's prices", lambda d: f"{d.cost():,.0f}"),
]
_CARRIED = [
    ("a bundle about one region", lambda d: size(d.bundle)),
    ("items of it", lambda d: f"{d.bundle_items:,.0f}"),
    ("its first import at a counter", lambda d: f"{d.bundle_items / _import_rate():,.0f} s"),
    ("all regions' bundles together", lambda d: size(d.bundle * d.nation.regions)),
    (
        "one region's bundle to all its counters, a day",
        lambda d: size(d.bundle * d.nation.counters / d.nation.regions),
    ),
    ("a staple after a year", lambda d: size(d.staple)),
    ("judging what is shown, at a counter", lambda d: f"{d.shown * 1e3:.1f} ms"),
]


def _import_rate() -> float:
    return MEASURED["items"].value / MEASURED["import_s"].value


def _rates(rates: dict[str, Any]) -> str:
    bench, long = rates["bench"], rates["long_log"]
    where = f"bench, {bench['commit']}"
    rows = [["V, one Ed25519 verification", f"{bench['v_us']:g} µs", where]]
    rows += [[f"`{name}`", f"{bench['rows'][name]:g} V", where] for name in ROWS]
    soak = f"bench/soak.md, {long['commit']}"
    rows += [
        ["an evidence entry, judged, stored, published", f"{long['build_us']} µs", soak],
        ["its bytes", f"{long['entry_bytes']} B", soak],
        [
            "its room on disk, rows and files",
            f"{long['disk_bytes'] / long['entries']:,.0f} B",
            soak,
        ],
        ["machine", bench["machine"], ""],
    ]
    return table(["what", "value", "where, commit"], rows)


def _nation(nation: Nation) -> str:
    largest = nation.of_issuers[0]
    rows = [
        ["people", f"{nation.people:,}"],
        ["credentials in force", f"{nation.credentials:,}"],
        ["issued a day", f"{nation.issued_a_day:,.0f}"],
        ["issuers", f"{nation.issuers:,}"],
        [
            "credentials of the largest, and of the smallest",
            f"{largest:,}, {nation.of_issuers[-1]:,}",
        ],
        ["status lists", f"{nation.lists:,}"],
        ["of these the largest issuer's", f"{ceil(largest / USED_PLACES) * PURPOSES:,}"],
        ["regions, the nation-wide one among them", f"{nation.regions}"],
        ["counters", f"{nation.counters:,}"],
    ]
    return table(["", ""], rows)


def _long_log(long: dict[str, Any]) -> str:
    rows = [
        ["entries", f"{long['entries']:,}"],
        ["built, processor", f"{long['build_s']:,} s"],
        ["peak of memory of the registry", f"{long['build_mb']} MB"],
        ["on disk", f"{size(long['disk_bytes'])} in {long['files']:,} files"],
        ["`did-service fsck`", f"{long['fsck_s']:,} s of processor, {long['fsck_mb']} MB"],
        ["an auditor hashes all of it", f"{long['read_s']:,} s, {long['read_mb']} MB"],
        ["a trust bundle is made", f"{long['bundle_s']:,} s, {long['bundle_mb']} MB"],
        [
            "did-verify takes evidence of 1,000 in",
            f"{long['import_s']:g} s, {long['import_mb']} MB",
        ],
    ]
    return table([f"{long['commit']}", ""], rows)


def read_rates() -> dict[str, Any]:
    """Return what was measured."""
    rates: dict[str, Any] = json.loads(RATES.read_text())  # noqa: TID251 - our own file
    return rates


def take(result: Path, commit: str) -> None:
    """Take the rates of a run of the benchmarks."""
    run = json.loads(result.read_text())  # noqa: TID251 - our own file
    rows = {row["name"]: row["ratio"] for row in run["results"] if row.get("to") == "V"}
    machine = run["machine"]
    told = f"{machine['processor']}, {machine['cores']} cores, {machine['python']}"
    taken = {"commit": commit, "machine": told, "v_us": run["v_us"]}
    rates = {**read_rates(), "bench": {**taken, "rows": {name: rows[name] for name in ROWS}}}
    RATES.write_text(json.dumps(rates, indent=2, ensure_ascii=False) + "\n")


def main(arguments: list[str]) -> int:
    """Write the page."""
    if arguments[:1] == ["--take"]:
        take(Path(arguments[1]), arguments[2])
    PAGE.write_text(fill(PAGE.read_text(), tables(read_rates())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
