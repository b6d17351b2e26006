"""One more try, alone, for a few tests that wait for real processes.

    first run ─ fails ─► at most three failed, all marked `clock`? ─► their files once more

Such a test is held up by whatever else the machine does, also by the tests beside it. One that
waits for nothing has no second try, and neither has a test that fails by itself. What passed
only alone is named, so that it is looked into.
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

MOST_AGAIN = 3
_SOME_FAILED, _NOTHING_COLLECTED = 1, 5  # exit codes of pytest
_GROUP = re.compile(r"@[a-z-]+$")
_FAILED = Path("v", "cache", "lastfailed")  # in the folder that pytest remembers them in


def second_try(
    pytest: Sequence[str], cache: Path, code: int, environment: Mapping[str, str] | None = None
) -> int:
    """Return the exit code of a run, after the second try that its failures may have.

    Args:
        pytest: The command of the run, without its workers and without names of tests.
        cache: What the run was given as `cache_dir`.
        code: Its exit code.
        environment: Its environment.
    """
    failed = failed_tests(cache)
    if code != _SOME_FAILED or not 0 < len(failed) <= MOST_AGAIN:
        return code
    alone = [*pytest, "-q", "-n", "0", "-o", f"cache_dir={cache}"]
    unmarked = [*alone, "--collect-only", "-m", "not clock", *failed]
    if subprocess.run(unmarked, check=False, env=environment).returncode != _NOTHING_COLLECTED:
        return code
    print(
        "test: held up by others? their files once more, alone:",
        *failed,
        sep="\n  ",
        flush=True,
    )
    files = sorted(
        {name.partition("::")[0] for name in failed}
    )  # its tests may build on others
    code = subprocess.run([*alone, *files], check=False, env=environment).returncode
    if not code:
        print("test: PASSED ONLY ALONE, to be looked into:", *failed, sep="\n  ", flush=True)
    return code


def failed_tests(cache: Path) -> list[str]:
    """Return the names of the tests that failed in the run that remembered them there.

    On workers the name of a test in an `xdist_group` ends with that of the group.
    """
    path = cache / _FAILED
    names = json.loads(path.read_text()) if path.exists() else {}
    return sorted({_GROUP.sub("", name) for name in names})
