"""`make soak PART=long-log`: a log of 10^7 evidence entries, really built, examined and read.

    build ─► did-service fsck ─► hash every file as an auditor ─► did-verify takes 1,000 in
                                                                └► make a trust bundle

    SIZE=1000000 MINUTES=50 LONG_LOG=/var/tmp/long-log make soak PART=long-log

Each is a process of its own, whose seconds, processor and peak of memory are printed. The log
stands in a folder, build/soak/long-log unless LONG_LOG names one. A run that was cut off, or
that stops after MINUTES, goes on from there; so does one with a larger SIZE.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from subprocess import run

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support import grown_log, read_log
from tests.support.optional import CHECKOUT

FOLDER = CHECKOUT / "build" / "soak" / "long-log"
SIZE, MINUTES = 10_000_000, 50
_SOON = 2  # the exit code of a part that goes on when it is run again
_READ = 1_000  # entries of which a verifier takes evidence in


def main() -> int:
    """Run the part; 2 where there was no time for all of it."""
    folder = Path(os.environ.get("LONG_LOG") or FOLDER)
    size = int(os.environ.get("SIZE") or SIZE)
    minutes = float(os.environ.get("MINUTES") or MINUTES)
    return soak(folder, size, minutes, entries=_READ)


def soak(folder: Path, size: int, minutes: float, *, entries: int) -> int:
    """Build a log of so many entries, have it examined and read; say what each took."""
    code = _step(folder, "build", "tests.long_log", "build", folder, size, minutes)
    if code:
        return code
    policy = folder / grown_log.POLICY
    steps: list[tuple[str, ...]] = [
        ("fsck", "did_service.cli", "fsck", f"{folder / 'data'}", "--policy", f"{policy}"),
        ("read", "tests.long_log", "read", f"{folder}"),
        ("evidence", "tests.long_log", "evidence", f"{folder}", f"{entries}"),
        ("bundle", "tests.long_log", "bundle", f"{folder}"),
    ]
    codes = [_step(folder, *words) for words in steps]
    files = [path.stat() for path in (folder / "data").rglob("*") if path.is_file()]
    disk = sum(each.st_blocks * 512 for each in files)
    print(f"disk: {disk / 1e9:.2f} GB in {len(files):,} files", flush=True)
    return int(any(codes))


def _step(folder: Path, name: str, *words: object) -> int:
    """Run one of the programs, print what it took, and return its exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.NamedTemporaryFile() as report:
        command = [sys.executable, "bench/peak.py", report.name, *map(str, words)]
        code = run(command, check=False, cwd=CHECKOUT).returncode
        peak = int(Path(report.name).read_text() or 0) * 1_024 / 1e6
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seconds = time.monotonic() - begun
    told = {"seconds": round(seconds), "processor": round(processor), "MB": round(peak)}
    print(f"{name}: exit {code}, {json.dumps(told)}", flush=True)
    return code


def _build(folder: Path, size: int, minutes: float) -> int:
    """Grow the log hour by hour; 2 where the time was over before its size was reached."""
    over = time.monotonic() + minutes * 60
    with grown_log.opened(folder) as log:
        with _told_hours(log.size) as tell:
            while log.size() < size:
                log.grow(size)
                tell()
                if time.monotonic() > over:
                    break
        print(f"{log.size():,} of {size:,} entries", flush=True)
        return _SOON if log.size() < size else 0


@contextmanager
def _told_hours(size: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """Give what is called after each hour, and says now and then how far the log is."""
    first, begun, processor = size(), time.monotonic(), time.process_time()
    told = begun

    def tell() -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < 60:
            return
        told, made = now, size() - first
        used = (time.process_time() - processor) / made * 1e6
        at = datetime.now(UTC)
        print(
            f"{at:%H:%M} {size():,} entries, {made / (now - begun):,.0f}/s, {used:.0f} µs each",
            flush=True,
        )

    yield tell


def _child(name: str, *words: str) -> int:
    folder = Path(words[0])
    match name:
        case "build":
            return _build(folder, int(words[1]), float(words[2]))
        case "read":
            is_well, told = read_log.read(folder)
        case "bundle":
            is_well, told = read_log.bundle(folder)
        case _:
            is_well, told = read_log.take_in(folder, int(words[1]))
    print(told, flush=True)
    return int(not is_well)


if __name__ == "__main__":
    sys.exit(_child(*sys.argv[1:]) if len(sys.argv) > 1 else main())
