"""Attacks on a witness whose guard, the file of what its key has signed, was lost."""

import shutil

import pytest
from sqlalchemy import delete, text

from did_service.replica.mirrors import folder_of
from did_service.storage import database
from did_service.witness.tables import HELD
from tests.support import health
from tests.support.live import running

REG = "gd.example/reg"


@pytest.fixture
def fed(tmp_path):
    with running(tmp_path) as federation:
        federation.publish()
        yield federation


def words_of(fed) -> set[str]:
    return {
        code for origin, code in fed.witness("zj").cosigning.copies.words() if origin == REG
    }


def without_rows(fed) -> None:
    """Take the row of the held head away."""
    with database.writing(fed.witness("zj").store._engine) as connection:
        connection.execute(delete(HELD).where(HELD.c.log == REG))


def without_sizes(fed) -> None:
    """Take away which sizes were cosigned when."""
    with database.writing(fed.witness("zj").store._engine) as connection:
        connection.execute(text("DELETE FROM replica_cosigned"))


def without_entry(fed) -> None:
    """Take one log out of the guard; its file stays."""
    guard = fed.witness("zj").guard
    kept = {o: head for o in fed.logs if o != REG and (head := guard.held(o)) is not None}
    (fed.folder / "zj" / "last-cosigned").unlink()
    guard.begin(kept)


def test_lost_guard_of_a_witness_is_no_fresh_start(fed):
    """Whatever else remembers that something was signed, nothing is signed before a pull."""
    place = fed.folder / "zj" / "last-cosigned"
    place.unlink()
    fed.stop("zj")
    fed.start("zj")
    assert "guard_missing" in health.words(fed.witness("zj"))
    fed.agency("after.gd.example")
    fed.publish("gd")
    assert not place.exists()


@pytest.mark.parametrize("left", ["row", "remembered size", "copied head"])
def test_entry_taken_out_of_a_guard_is_missed(fed, left):
    assert words_of(fed) == set()
    without_entry(fed)
    copy, replica = folder_of(REG), fed.witness("zj").mirror.replicas[REG]
    fed.witness("zj").refresh_now()
    if left != "copied head":
        (fed.folder / "zj" / "mirror" / copy / "checkpoint").unlink()
    if left != "row":
        without_rows(fed)
    if left == "copied head":
        without_sizes(fed)
    assert replica.store.size()
    assert words_of(fed) == {"guard_missing"}


def test_fresh_witness_has_a_guard_and_cosigns(fed):
    fed.stop("zj")
    shutil.rmtree(fed.folder / "zj")
    fed.start("zj")
    assert (fed.folder / "zj" / "last-cosigned").exists()
    assert words_of(fed) == set()
