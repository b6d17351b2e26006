"""`make mutants`: take out each defence in turn, in a copy of the tree, and run its tests."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutation.mutant import Mutant
from tests.mutation.table import MUTANTS
from tests.support.optional import CHECKOUT

# What the tests need no copy of: environments, history, caches.
LEFT_OUT = shutil.ignore_patterns(".*", "node_modules", "__pycache__", "fuzz-hits", "dist")
NO_CACHE = ("-q", "-x", "-n", "0", "-p", "no:cacheprovider")
FAILED, PASSED = 1, 0


def main() -> int:
    """Return 1 when a defence was missed by nobody, or could not be taken out."""
    parser = argparse.ArgumentParser("make mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="rows whose name holds one of them")
    words = parser.parse_args().words
    chosen = [m for m in MUTANTS if not words or any(each in m.name for each in words)]
    with tempfile.TemporaryDirectory(prefix="did-service-mutants-") as folder:
        tree = Path(folder, "tree")
        shutil.copytree(CHECKOUT, tree, ignore=LEFT_OUT, symlinks=True)
        every = sorted({test for mutant in chosen for test in mutant.tests})
        if _run(tree, every).returncode != PASSED:
            print("mutants: tests fail with every defence in place; mend them first")
            return 1
        missed = [mutant for mutant in chosen if not _is_noticed(tree, mutant)]
    print(f"mutants: {len(chosen) - len(missed)} of {len(chosen)} noticed")
    return int(bool(missed))


def _is_noticed(tree: Path, mutant: Mutant) -> bool:
    path = tree / mutant.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(mutant.applied(whole), encoding="utf-8")
    done = _run(tree, mutant.tests)
    path.write_text(whole, encoding="utf-8")
    noticed = done.returncode == FAILED
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    by = failed[0].split("::")[1].split(" ")[0] if failed else f"exit {done.returncode}"
    print(f"{'noticed ' if noticed else 'MISSED  '} {mutant.name}: {by}", flush=True)
    return noticed


def _run(tree: Path, tests: list[str] | tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run tests of the copy, and every program that they start, on the copy's own code."""
    shared = CHECKOUT.parent / "shared"
    environment = {
        "TEST_CASES": str(shared / "cases"),
        "TEST_VECTORS": str(shared / "vectors"),
        **os.environ,
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",  # a file may change twice within a second
    }
    command = [sys.executable, "-m", "pytest", *NO_CACHE, *tests]
    return subprocess.run(
        command, cwd=tree, env=environment, check=False, capture_output=True, text=True
    )


if __name__ == "__main__":
    sys.exit(main())
