"""`python -m bench` once for its shape: every case runs, agrees with its peers, and is printed.

No number is looked at; times belong to the benchmark and to nobody's test.
"""

import subprocess
import sys

import pytest

from bench import credentials
from bench.digitalbazaar import DigitalBazaar
from bench.fixtures import credentials as fixtures
from bench.harness import QUICK, Row, Samples, Session
from bench.output import as_json, as_table
from bench.plain import jcs_path
from did_service.core.credentials import schema_check
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import Numbers
from did_service.core.errors import ProofError
from tests.support.optional import CHECKOUT, postgres_programs

pytestmark = pytest.mark.clock

CASES = {
    "vc": {
        f"vc.{suite}.{verb}.{size}"
        for suite in ("eddsa-jcs", "eddsa-rdfc")
        for verb in ("issue", "verify")
        for size in ("small", "large")
    }
    | {"vc.decision"}
    | {
        f"vc.presentation{evidence}{figure}"
        for evidence in ("", ".bundle")
        for figure in ("", ".signatures")
    },
    "didwebvh": {"didwebvh.resolve-100"},
    "merkle": {"merkle.append", "merkle.verify-20"},
    "log": {
        "log.append-durable.sqlite",
        "log.append-durable.judged",
        "log.judging.one",
        "log.judging.two",
        "log.judging.one-processor",
        "log.judging.two-processor",
        "resolver.get",
    }
    | {
        f"log.append-http.{kind}{figure}"
        for kind in (
            "single",
            "single.judged",
            "batch",
            "batch.judged",
            "batch-unchecked",
            "witnessed",
        )
        for figure in ("", "-processor")
    }
    | {"log.append-http.single-p99", "log.append-http.witnessed-p99"},
    "postgres": {"log.append-durable.postgres", "log.append-durable.postgres-processor"}
    | {
        f"log.append-http-postgres.{kind}{figure}"
        for kind in ("single", "batch")
        for figure in ("", "-processor", "-engine")
    },
    "publish": {"publish.folder", "publish.bucket"},
    "issuer": {
        "issuer.issue.one",
        "issuer.issue.two",
        "issuer.issue.one-processor",
        "issuer.issue.two-processor",
    },
    "cli": {
        "cli.did-verify",
        "cli.did-verify-help",
        "cli.did-verify-trust",
        "cli.wallet-help",
        "cli.wallet-list",
        "cli.wallet-list-pinned",
    },
    "mem": {"mem.did-verify", "mem.registry-100k"},
}
SCHEMA = strict_json.load_object((CHECKOUT / "schemas" / "bench-output.json").read_bytes())


def read(text):
    return strict_json.load_object(text, numbers=Numbers.FINITE)


def bench(*arguments):
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False, timeout=300)


def silent(_):
    pass


@pytest.mark.parametrize("group", CASES)
def test_every_case_of_a_group_runs_and_is_printed_in_the_published_shape(group):
    if group == "postgres":
        postgres_programs()
    done = bench(group, "--quick", "--json")
    assert done.returncode == 0, done.stderr.decode()
    printed = read(done.stdout)
    assert schema_check.check(SCHEMA, printed) == ()
    assert {row["name"] for row in printed["results"]} == CASES[group]
    measured = [row for row in printed["results"] if "skipped" not in row]
    assert {row["name"] for row in measured} == CASES[group]
    assert all(row["value"] > 0 for row in measured)


def test_an_unknown_group_is_a_mistake():
    done = bench("speed")
    assert done.returncode == 2
    assert b"no group speed" in done.stderr


def test_a_peer_that_is_not_there_is_a_row_that_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with DigitalBazaar.started() as peer:
        assert peer == "node is not installed"
    session = Session(QUICK, silent)
    session.skip("vc.eddsa-jcs.issue.small", "digitalbazaar", peer)
    printed = read(as_json(session))
    assert schema_check.check(SCHEMA, printed) == ()
    assert printed["results"][0]["skipped"] == peer
    assert any("skipped, node is not installed" in line for line in as_table(session))


def test_ratio_is_the_median_of_the_rounds_own_ratios():
    samples = Samples({"ours": [1.0, 20.0, 4.0], "theirs": [2.0, 10.0, 1.0]})
    assert samples.ratio("ours", "theirs") == 2.0
    assert samples.median("ours") == 4.0


@pytest.mark.parametrize(
    ("unit", "value", "ratio", "target", "met"),
    [
        ("us", 50.0, 1.4, 1.5, True),
        ("us", 1.0, 1.6, 1.5, False),
        ("MB", 61.0, None, 60.0, False),
        ("entries/s", 4_000.0, None, 3_000.0, True),
        ("entries/s", 4_000.0, 0.5, 0.7, False),
        ("us", 50.0, 1.4, None, None),
    ],
)
def test_a_target_is_a_ceiling_and_for_rates_a_floor(unit, value, ratio, target, met):
    to = None if ratio is None else "V"
    assert Row("vc.decision", value, unit, ratio, to, target, 9).meets_target is met


def test_a_case_whose_result_is_wrong_is_not_timed():
    small, large = fixtures()
    plain = jcs_path()
    with pytest.raises(ProofError):
        credentials._check_agreement(
            small, plain.suite, small.issue(plain.suite).replace(b"440100", b"440101"), plain
        )
    with pytest.raises(AssertionError):
        credentials._check_agreement(small, plain.suite, large.issue(plain.suite), plain)
