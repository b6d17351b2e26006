"""docs/operating.md: the region that it starts answers, and what it names is there."""

import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.docs import pages
from tests.docs.test_python import resolved

pytestmark = pytest.mark.clock

PAGE = pages.read("operating.md")
METRIC = re.compile(r"^# TYPE (didsvc_\w+)", re.MULTILINE)


BLOCKS = [each.text for each in pages.blocks(PAGE) if each.language == "python"]
DEFINED = [text for text in BLOCKS if "def serve_" in text]
AN_AGENCY = """
from pathlib import Path
from did_service.core.did.webvh import write
from did_service.issuer.agency import Agency
from did_service.node.founding import create_identity
from did_service.program.clock import SYSTEM
from did_service.web.serve import unix_socket

own = create_identity("gz.gd.example", SYSTEM)
agency = Agency(
    url="https://gz.gd.example/agencies/police", did=own.did, method=own.method, key=own.sign,
    jurisdiction="440100", log_host="gd.example", statements=(), mirrors=(), items=(),
    officers=(), did_log=write.encode_log([own.entry]),
)
serve_agency(agency, Path(), unix_socket(Path("gz.sock")))
"""


@contextmanager
def served(folder, program, host, socket):
    """Run a program of the page in a folder of its own, and ask what listens on its socket."""
    child = subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, env={"PYTHONPATH": str(Path.cwd())}
    )
    while not (folder / socket).exists():
        assert child.poll() is None, "it ended before it listened"
        time.sleep(0.05)
    # It may be bound and not listening yet.
    transport = httpx.HTTPTransport(uds=str(folder / socket), retries=5)
    with httpx.Client(transport=transport, base_url=f"http://{host}", timeout=60) as client:
        assert client.get("/health").is_success  # and so one request has been counted
        yield client
    child.send_signal(signal.SIGTERM)
    assert child.wait(20) in (0, -signal.SIGTERM)


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    """The region that the page starts, and a client of its socket."""
    with served(
        tmp_path_factory.mktemp("region"), "".join(BLOCKS), "gd.example", "gd.sock"
    ) as client:
        yield client


def printed_answer():
    (block,) = [each for each in pages.blocks(PAGE) if each.language == "console"]
    return block.text.splitlines()[1]


@pytest.mark.xdist_group("region")
def test_the_region_answers_as_printed(region):
    assert region.get("/ready").text == printed_answer()


def test_the_agency_answers(tmp_path):
    """Its region is not there, so its lists are in no log yet, and it says so."""
    program = "".join([*DEFINED, AN_AGENCY])
    with served(tmp_path, program, "gz.gd.example", "gz.sock") as agency:
        assert agency.get("/agencies/police/challenge").json()["challenge"]
        assert agency.get("/ready").json()["waiting_for"] == [
            "issuer_behind_its_log",
            "status_lists_missing",
        ]


@pytest.mark.xdist_group("region")
def test_metrics_are_those_that_the_servers_have(region):
    told = {
        name
        for row in pages.rows(pages.section(PAGE, "What to watch"))
        for name in pages.ticked(row[0])
    }
    served = set(METRIC.findall(region.get("/metrics").text))
    agency = {
        "didsvc_issuer_open_applications",
        "didsvc_issuer_pending_entries",
        "didsvc_issuer_refused_chains",
        "didsvc_issuer_wrong_logins_total",
    }  # on its own host
    assert told == served | agency


def test_every_name_that_the_page_gives_is_there():
    words = re.sub(r"^```.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    named = {name for name in pages.ticked(words) if name.startswith("did_service.")}
    assert len(named) >= 6
    for name in named:
        assert resolved(name), name
