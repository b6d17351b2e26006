"""`make soak PART=NAME`: what takes too long for every day, in parts of at most an hour.

Without a name the parts are listed. A part that was cut off is run again, alone; `trust-items`,
`kills` and `long-log` go on where they were, `container` with the image that it has built. Each
that comes to its end is a row of bench/soak.md: part, date, result, seconds, commit. A part is
added to `PARTS`, and nowhere else.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import (
    containers,
    days,
    failovers,
    issuers,
    kills,
    load,
    long_log,
    stampede,
    trust_items,
)
from tests.support import seaweed

RESULTS = Path(__file__).resolve().parents[1] / "bench" / "soak.md"
_BEFORE_NEW_YEAR = timedelta(minutes=4)  # about the middle of the suite


@dataclass(frozen=True)
class Part:
    """A part: what it shows, and what runs it and returns an exit code."""

    told: str
    run: Callable[[], int]


def _suite(name: str) -> int:
    """Run every test on one of the other days."""
    if not days.is_there([name]):
        return 1
    return days.run(days.DAYS[name], ["tests"], _BEFORE_NEW_YEAR)


PARTS = {
    f"suite-{name}": Part(f"the whole suite, {day.told}", partial(_suite, name))
    for name, day in days.DAYS.items()
}
PARTS["trust-items"] = Part("a trust directory of 4 x 10^5 items", trust_items.main)


def _crashes(place: str) -> int:
    """Kill registry, witness and issuer before each event of their writing; fail each sync."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-rP", "-k", f"[{place}]"]
    matrices = [f"tests/services/test_crash_matrix{name}.py" for name in ("", *_OTHERS)]
    environment = {**os.environ, "CRASH_STRIDE": "1"}
    return subprocess.run([*command, *matrices], env=environment, check=False).returncode


_OTHERS = ("_witness", "_issuer")
PARTS["crashes"] = Part(
    "each service killed between any two steps of its writing", partial(_crashes, "sqlite")
)
for _name, _place in (("postgres", "on PostgreSQL"), ("s3", "with files in a bucket")):
    PARTS[f"crashes-{_name}"] = Part(f"crashes, {_place}", partial(_crashes, _name))

PARTS["kills"] = Part("1,000 random kills of seven processes at work", kills.main)
for _name, _place in (("postgres", "on PostgreSQL"), ("s3", "with files in a bucket")):
    PARTS[f"kills-{_name}"] = Part(f"kills, {_place}", partial(kills.main, f"kills-{_name}"))


def _s3() -> int:
    """Run what is tested with a bucket on seaweedfs; what moto does is tested every day."""
    if seaweed.program() is None:
        print("soak: seaweedfs is not there: make s3")
        return 1
    # The front of this one takes headers away that were signed: moto alone lets that pass.
    unsigned = "test_a_store_that_knows_no_conditions_is_not_written_to"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-k"]
    left_out = (unsigned, "sqlite", "postgres")
    chosen = f"({' or '.join(_WITH_BUCKETS)}) and not ({' or '.join(left_out)})"
    environment = {**os.environ, "S3_SERVICE": "seaweed"}
    done = subprocess.run([*command, chosen, "tests/services"], env=environment, check=False)
    return done.returncode


_WITH_BUCKETS = (
    "test_blobs",
    "test_bundle_published",
    "test_copying",
    "test_crash_matrix",
    "test_published_elsewhere",
    "test_region_on_bucket",
)
PARTS["s3"] = Part("all that is tested with a bucket, on seaweedfs", _s3)


def _machines() -> int:
    """Found machines, two on PostgreSQL and one on a bucket; issue and check a credential."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--durations", "0"]
    story = "tests/e2e/machines_elsewhere.py"
    return subprocess.run([*command, story], check=False).returncode


PARTS["machines"] = Part("five machines again, on PostgreSQL and on a bucket", _machines)
PARTS["issuers"] = Part("200 kills of two processes of an agency; KILLS", issuers.main)
PARTS["load"] = Part("ten minutes at half of what a federation can do", load.main)
PARTS["stampede"] = Part(
    "three attacks on shared threads, and a crowd that waits", stampede.main
)
PARTS["long-log"] = Part(
    "a log of 10^7 entries built, examined and read; SIZE, MINUTES, LONG_LOG", long_log.main
)
PARTS["failover"] = Part(
    "a primary or a leading process lost again and again, under load; ROUNDS", failovers.main
)
PARTS["container"] = Part("the image, built and lived in by a federation", containers.main)


def main(names: Sequence[str]) -> int:
    """Run the parts that are named, one after the other, and write down how each ended."""
    if not names:
        for name, part in PARTS.items():
            print(f"{name:20} {part.told}")
        return 0
    if unknown := set(names) - PARTS.keys():
        print(f"soak: no part {', '.join(sorted(unknown))}; `make soak` lists them")
        return 2
    results = [_recorded(name) for name in names]
    return int(any(results))


def _recorded(name: str) -> int:
    date, begun = datetime.now(UTC), monotonic()
    code = PARTS[name].run()
    if code != 2:  # pytest's own code for an interruption: that is no result
        result = "failed" if code else "passed"
        cells = (name, f"{date:%Y-%m-%d}", result, f"{monotonic() - begun:.0f}", commit())
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(f"| {' | '.join(cells)} |\n")
    return code


def commit() -> str:
    """Name the commit that was tested, with a plus where files were changed since."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, cwd=RESULTS.parent, check=False, capture_output=True)
    return done.stdout.decode().strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
