"""A desk that has pinned the policy, in an environment that says nothing about languages."""

import pytest

from tests.support.counter import Scene

SPEAKING = ("DIDVERIFY_LANG", "LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR")


@pytest.fixture(autouse=True)
def silent_environment(monkeypatch, tmp_path):
    for name in SPEAKING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def living():
    """One scene for many tests and their child processes."""
    made = Scene()
    made.publish()
    return made
