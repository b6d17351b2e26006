"""Alert rules and dashboard: Prometheus reads them, and they name what the servers have."""

import json
import re
import subprocess

import pytest
import yaml

from did_service.web.metrics import encode
from tests.docs import pages
from tests.support import optional
from tests.support.live import running
from tests.support.optional import CHECKOUT

RULES = CHECKOUT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = CHECKOUT / "deploy" / "grafana" / "did-service.json"
ALERTS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
PANELS = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
OPERATING = (CHECKOUT / "docs" / "operating.md").read_text(encoding="utf-8")
NAME = re.compile(r"didsvc_[a-z0-9_]+")
SUFFIX = re.compile("_(bucket|sum|count)$")


def named(*expressions: str) -> set[str]:
    """The families that expressions name."""
    found = {name for each in expressions for name in NAME.findall(each)}
    return {
        SUFFIX.sub("", name) if name.startswith("didsvc_cosigner_s") else name for name in found
    }


def told() -> set[str]:
    """The families of the table in operating.md; another test holds it to the servers."""
    rows = pages.rows(pages.section(OPERATING, "What to watch"))
    return {name for row in rows for name in pages.ticked(row[0])}


@pytest.mark.clock
def test_the_rules_are_rules():
    promtool = optional.program("promtool")
    done = subprocess.run(
        [promtool, "check", "rules", RULES], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout


@pytest.mark.clock
def test_metrics_are_written_as_prometheus_reads_them(tmp_path):
    promtool = optional.program("promtool")
    with running(tmp_path) as fed:
        fed.publish("gd")
        text = fed.transport.get("https://gd.example/metrics").body
        assert encode(fed.registry("gd").metrics()).encode()[:40] in text
    done = subprocess.run(
        [promtool, "check", "metrics"], check=False, capture_output=True, input=text
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize("alert", ALERTS, ids=[each["alert"] for each in ALERTS])
def test_each_alert_has_a_page_and_names_metrics_that_there_are(alert):
    page, _, section = alert["annotations"]["page"].partition("#")
    assert page == "docs/operating.md"
    sections = re.findall(r"^#+ (.*)$", OPERATING, re.MULTILINE)
    anchors = {each.strip("`").lower().replace(" ", "-") for each in sections}
    assert section in anchors
    if section != "what-to-do-when":
        written = pages.section(OPERATING, f"`{section}`")
        assert section == "not_published" or f"`{alert['alert']}`" in written
    assert named(alert["expr"]) <= told()


@pytest.mark.parametrize("panel", PANELS, ids=[each["title"] for each in PANELS])
def test_each_panel_names_metrics_that_there_are(panel):
    assert all(named(each["expr"]) <= told() for each in panel["targets"])


def test_every_metric_is_looked_at():
    shown = [target["expr"] for panel in PANELS for target in panel["targets"]]
    watched = named(*shown, *(alert["expr"] for alert in ALERTS))
    assert told() - watched == {"didsvc_part_ready"}  # the same as waiting_for, the other way
