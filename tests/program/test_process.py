"""Each program leaves no core dump, from its first moment: passphrases come before keys."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.clock

# Runs a program as its own process does, and says at its end how the limit was set.
_RUN = """
import os, resource, runpy, sys

given = []
resource.setrlimit = lambda *both: given.append(both)
os._exit = sys.exit
_, program, *sys.argv[1:] = sys.argv
run = runpy.run_path if program.endswith(".py") else runpy.run_module
try:
    run(program, run_name="__main__")
except SystemExit:
    print(given == [(resource.RLIMIT_CORE, (0, 0))])
"""
PROGRAMS = (
    "wallet_cli",
    "did_service.verify_cli",
    "did_service.cli",
    "scripts/release.py",
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_core_is_dumped_whatever_a_program_opens(program):
    known = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    command = [sys.executable, "-c", _RUN, program, "--help"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=known)
    assert ran.stdout.splitlines()[-1] == "True"
