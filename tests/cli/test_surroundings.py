"""Three programs for a user whom the system cannot name, as containers have them."""

import os
import subprocess
import sys

import pytest

from tests.support import optional

pytestmark = pytest.mark.clock

NAMELESS = 54_321
ASKING = {
    "wallet_cli": (["status"], "store_missing"),
    "did_service.verify_cli": (["trust", "show"], "policy_missing"),
    "did_service.cli": (["bundle", "--policy", "none", "--out", "none"], "file_missing"),
}


@pytest.mark.parametrize("program", ASKING)
def test_a_user_without_name_and_home_is_told_what_is_missing(program):
    words, code = ASKING[program]
    unshare = [optional.program("unshare"), "-U", f"--map-user={NAMELESS}"]
    hidden = ("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    done = subprocess.run(
        [*unshare, sys.executable, "-m", program, *words],
        env={name: value for name, value in os.environ.items() if name not in hidden},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"[{code}]" in done.stderr, done
