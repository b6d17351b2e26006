"""docs/operating.md: the region that it starts answers, and what it names is there."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.docs import pages
from tests.docs.test_python import resolved

pytestmark = pytest.mark.clock

PAGE = pages.read("operating.md")
METRIC = re.compile(r"^(didsvc_\w+)", re.MULTILINE)


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    """The page's program, running in a folder of its own, and a client of its socket."""
    folder = tmp_path_factory.mktemp("region")
    program = "".join(each.text for each in pages.blocks(PAGE) if each.language == "python")
    child = subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, env={"PYTHONPATH": str(Path.cwd())}
    )
    while not (folder / "gd.sock").exists():
        assert child.poll() is None, "it ended before it listened"
        time.sleep(0.05)
    # It may be bound and not listening yet.
    transport = httpx.HTTPTransport(uds=str(folder / "gd.sock"), retries=5)
    with httpx.Client(transport=transport, base_url="http://gd.example", timeout=60) as client:
        assert client.get("/health").is_success  # and so one request has been counted
        yield client
    child.send_signal(signal.SIGTERM)
    assert child.wait(20) in (0, -signal.SIGTERM)


def printed_answer():
    (block,) = [each for each in pages.blocks(PAGE) if each.language == "console"]
    return block.text.splitlines()[1]


@pytest.mark.xdist_group("region")
def test_the_region_answers_as_printed(region):
    assert region.get("/ready").text == printed_answer()


@pytest.mark.xdist_group("region")
def test_metrics_are_those_that_the_servers_have(region):
    told = {
        name
        for row in pages.rows(pages.section(PAGE, "What to watch"))
        for name in pages.ticked(row[0])
    }
    served = set(METRIC.findall(region.get("/metrics").text))
    agency = {
        "didsvc_issuer_pending_entries",
        "didsvc_issuer_refused_chains",
    }  # on its own host
    assert told == served | agency


def test_every_name_that_the_page_gives_is_there():
    words = re.sub(r"^```.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    named = {name for name in pages.ticked(words) if name.startswith("did_service.")}
    assert len(named) >= 6
    for name in named:
        assert resolved(name), name
