"""Rules for all tests, and the world that most of them look at: one counter, one credential."""

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from did_service.program.logs import ROOT
from tests.support import storage
from tests.support.counter import Scene
from tests.support.desk import Desk
from tests.support.postgres import dispose_of_server

if TYPE_CHECKING:
    from tests.support.buckets import S3Service

# No deadline: two workers share two cores. In CI the examples are the same in every run.
settings.register_profile("laptop", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("quick", deadline=None, max_examples=10)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "laptop")

REQUIRE_ALL = os.environ.get("DIDSVC_REQUIRE_ALL") == "1"


def forbid_skip(report):
    """Under DIDSVC_REQUIRE_ALL=1 a skipped test is a failed one; an xfail stays what it is."""
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        *_, reason = report.longrepr
        report.longrepr = f"nothing may be skipped here: {reason}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of an `xdist_group` on one worker, so that what they share is made once.

    pytest-xdist 3.8 marks them by `_nodeid`, which pytest 9.2 does not read any more.
    """
    items[:] = [item for item in items if not _is_for_another_engine(item)]
    if not config.getoption("loadgroup", default=False):  # set in workers alone
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and not item.nodeid.endswith(suffix := f"@{group.args[0]}"):
            item._id = type(item.id).parse(f"{item.nodeid}{suffix}")


def _is_for_another_engine(item: pytest.Item) -> bool:
    """Say whether a test is about one kind of database, and would run over another."""
    given = getattr(item, "callspec", None)
    params = {} if given is None else given.params
    engine = params.get("each_engine", params.get("each_place"))
    others = {*storage.PLACES} - {engine}
    return engine is not None and any(item.get_closest_marker(f"{o}_only") for o in others)


def pytest_sessionfinish() -> None:
    """End what a process of the tests has started for all of them."""
    dispose_of_server()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return forbid_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return forbid_skip((yield))


@pytest.fixture(scope="module", params=storage.ENGINES)
def each_engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run every test of a file over each kind of database."""
    storage.use(request.param)
    yield request.param
    storage.use(storage.SQLITE)
    storage.disconnect()


@pytest.fixture(scope="module", params=storage.PLACES)
def each_place(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run every test of a file over each database, and with the files of gd in a bucket."""
    if request.param == storage.S3:
        storage.use_bucket("gd", request.getfixturevalue("s3").bucket())
    else:
        storage.use(request.param)
    yield request.param
    storage.use_bucket("gd", None)
    storage.use(storage.SQLITE)
    storage.disconnect()


@pytest.fixture(autouse=True)
def _disconnected() -> Iterator[None]:
    yield
    storage.disconnect()


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """Give the running log back: a service that a test starts here keeps it to itself."""
    root = logging.getLogger(ROOT)
    handlers, propagate, level = root.handlers[:], root.propagate, root.level
    yield
    root.handlers[:], root.propagate = handlers, propagate
    root.setLevel(level)


@pytest.fixture
def scene() -> Scene:
    """A credential whose issuer, schema and status list are published and witnessed."""
    made = Scene()
    made.publish()
    return made


@pytest.fixture
def desk(tmp_path: Path, scene: Scene) -> Desk:
    """A counter with an empty trust directory that has pinned the policy."""
    made = Desk(tmp_path, scene)
    assert made.pin().exit == 0
    return made


@pytest.fixture(scope="session")
def s3() -> "Iterator[S3Service]":
    """An S3 service in a child process, one a worker."""
    from tests.support.buckets import s3_service  # noqa: PLC0415 - most tests need no bucket

    with s3_service() as service:
        yield service
