"""`make fuzz`: try the inputs of one target, or of all in turn, until the time is over."""

import argparse
import itertools
import sys
import time
from pathlib import Path

from tests.fuzz.attempts import Hit, Target, tried
from tests.fuzz.targets import TARGETS

PROGRESS_SECONDS = 10


def main() -> int:
    """Return 1 when an oracle did not hold for some input."""
    asked = _arguments()
    targets = [TARGETS[name] for name in asked.targets or TARGETS]
    began = told = time.monotonic()
    tries, hits = 0, list[Hit]()
    for seed in itertools.count(asked.seed):
        if seed - asked.seed == asked.count or time.monotonic() - began > asked.seconds:
            break
        for target in targets:
            tries += 1
            hits += _try(target, seed, asked.folder)
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"fuzz: seed {seed}, {tries} inputs, {len(hits)} hits", flush=True)
    print(f"fuzz: {tries} inputs, {len(hits)} hits")
    return int(bool(hits))


def _try(target: Target, seed: int, folder: Path) -> list[Hit]:
    hit = tried(target, seed)
    if hit is None:
        return []
    place = hit.write(folder)
    print(f"fuzz: HIT {target.name} {seed}: {hit.complaint.strip().splitlines()[-1][:300]}")
    print(f"fuzz:     files in {place}; again: {hit.replay}", flush=True)
    return [hit]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=-1, help="how many seeds; without end")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, default=Path("fuzz-hits"), help="for hits")
    asked = parser.parse_args()
    for name in asked.targets:
        if name not in TARGETS:
            parser.error(f"no target {name}; there are {', '.join(TARGETS)}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
