"""Services of `did-service up` as processes of their own: killed, and under load, in small."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import kills, load, stampede
from tests.support.elsewhere import in_folders

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("demo")]


@pytest.fixture
def folder():
    with TemporaryDirectory(prefix="soak") as made:  # short, for sockets lie in it
        yield Path(made)


def test_processes_are_killed_while_people_work_and_nothing_is_lost(folder, capsys):
    with in_folders() as place:
        assert kills.soak(folder, 1, place) == []
        assert kills.soak(folder, 2, place) == []  # it goes on where it was
    assert " 0 receipts" not in capsys.readouterr().out


def test_under_load_no_process_ends_and_nothing_is_refused(folder, capsys):
    found = load.soak(folder, 6)
    assert [each for each in found if "grew" not in each] == []  # it has only begun to grow
    assert "p99" in capsys.readouterr().out


def test_attacks_on_shared_threads_can_be_tried(folder, capsys):
    stampede.soak(folder, 2, 3, 2)  # how long it takes is for the long run to say
    told = capsys.readouterr().out
    assert all(f"{name}: 2, p50" in told for name in ("undisturbed", *stampede.ATTACKS))
    assert "3 clients a region" in told
