"""Five regions found a federation by commands, serve, and an agency is granted authority."""

import json
import os
import subprocess
import sys

import pytest

from did_service.node.configuration import FILE, read_configuration
from did_service.node.pinned_policy import read_policy
from did_service.node.setting_table import ServiceKind
from tests.support.ceremony import CODES, FIVE, NAMES, PASSPHRASE
from tests.support.ceremony_town import Town, town_of

pytestmark = [
    pytest.mark.clock,
    pytest.mark.xdist_group("ceremony"),  # each test goes on where the one before ended
    # a service that stops leaves connections of its peers behind in this process
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with town_of(Town, tmp_path_factory) as made:
        yield made


def test_five_regions_found_a_federation_by_commands(town):
    members = [town.region(name) for name in FIVE]
    draft = town.path / "draft.json"
    told = town.run(
        "federation", "start", *members, "--federation", "urn:didsvc:federation:t", "--demo",
        "--out", draft,
    )  # fmt: skip
    assert told["changed"]
    signed = town.sign("federation", draft, 1, FIVE)
    for name in FIVE:
        told = town.run("federation", "finish", town.path / name, draft, *signed, code=8)
        assert told["installed"]
        town.serve(name)
    finish = [("federation", "finish", town.path / name, draft, *signed) for name in FIVE]
    roots = [town.eventually(lambda told: True, *words)["root"] for words in finish]
    for name, words in zip(FIVE, finish, strict=True):
        told = town.eventually(
            lambda told: {peer["state"] for peer in told["peers"]} == {"same"}, *words
        )
        assert not told["installed"]
        assert (town.path / name / "root" / "did.jsonl").exists()
    policy = read_policy(town.path / "gd" / "policy.json")
    assert [region.root for region in policy.regions] == roots


def test_a_key_is_rotated_and_a_sixth_region_joins_while_logs_go_on(town):
    before = town.wait_for("gd.example/reg", 2)
    sixth = town.region("fj")
    draft = town.path / "draft-2.json"
    gd = town.path / "gd"
    words = ("--member", sixth, "--rotate-log", "gd.example/reg", "--out", draft)
    told = town.run("policy", "next", gd, *words)
    assert (told["seq"], len(told["regions"])) == (2, 6)
    assert not town.run("policy", "next", gd, *words)["changed"]
    six = (*FIVE, "fj")
    signed = town.sign("policy", draft, 2, six)
    for name in FIVE:
        words = ("policy", "publish", town.path / name, draft, *signed)
        town.eventually(lambda told: told["logged"] is not None, *words)
    for name in FIVE:
        town.reload(name)
    town.run("federation", "finish", town.path / "fj", draft, *signed, code=8)
    town.serve("fj")
    words = ("federation", "finish", town.path / "fj", draft, *signed)
    town.eventually(lambda told: told["logged"] is not None, *words)
    after = town.wait_for("gd.example/reg", before.size + 1)
    assert after.size > before.size
    town.wait_for("fj.example/reg", 2)


def test_an_agency_asks_and_is_granted_authority(town):
    town.init(
        ServiceKind.AGENCY,
        "gz",
        "gz.gd.example",
        {
            "agency.url": "https://gz.gd.example/agencies/police",
            "agency.jurisdiction": "440100",
            "agency.log_host": "gd.example",
        },
    )
    gz, gd = town.path / "gz", town.path / "gd"
    asked, granted = town.path / "gz.request.json", town.path / "gz.grant.json"
    request = (
        *("agency", "request", gz, "--name-zh", "广州市公安局", "--name-en", "Police"),
        *("--scope", "residence", "--type", "urn:didsvc:residence-permit:1", "--out", asked),
    )
    did = town.run(*request)["did"]
    assert town.run(*request)["did"] == did
    grant = (
        *("region", "grant", gd, asked, "--until", "2031-01-01T00:00:00Z"),
        *("--basis-zh", "居住证暂行条例", "--basis-en", "Regulations", "--out", granted),
    )
    assert not town.run(*grant)["signed"]
    assert not granted.exists()
    told = town.run(*grant, "--yes")
    assert told["authority"]["grantee"] == did
    town.wait_for("gd.example/reg", told["index"] + 1)
    town.eventually(lambda again: again["index"] == told["index"], *grant, "--yes")
    assert town.run("agency", "accept", gz, granted)["changed"]
    assert not town.run("agency", "accept", gz, granted)["changed"]
    configuration = read_configuration(gz / FILE, {})
    assert len(configuration.texts("agency.statements")) == 1
    assert "https://gd.example/reg" in configuration.texts("agency.mirrors")
    town.serve("gz")
    about = ("--agency", did, "--scope", "residence")
    for verb, state in (("suspend", "suspended"), ("reinstate", "active"), ("end", "ended")):
        shown = town.eventually(
            lambda told, state=state: told["authority"]["state"] == state,
            *("region", verb, gd, *about),
        )
        assert not shown["signed"]
        told = town.eventually(lambda told: told["signed"], "region", verb, gd, *about, "--yes")
        town.wait_for("gd.example/reg", told["index"] + 1)
    assert told["authority"]["state"] == "ended"


def test_officers_are_kept_by_command(town):
    gz = town.path / "gz"
    words = ("--role", "accept", "--days", "30")
    token = town.run("officer", "add", gz, "王芳", *words)["token"]
    assert town.run("officer", "token", gz, "王芳")["token"] != token
    (row,) = town.run("officer", "list", gz)["officers"]
    assert (row["name"], row["roles"], row["state"]) == ("王芳", ["accept"], "active")
    town.run("officer", "revoke", gz, "王芳")
    (row,) = town.run("officer", "list", gz)["officers"]
    assert row["state"] == "revoked"


def test_the_nation_wide_region_publishes_schemas_and_items(town):
    cn = town.path / "cn"
    schema = town.path / "schema.json"
    identifier = "urn:didsvc:schema:test:1"
    schema.write_text(
        json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": identifier,
                "type": "object",
            }
        )
    )
    told = town.run("region", "publish-schema", cn, schema)
    assert (told["id"], told["n"]) == (identifier, 1)


def test_three_regions_found_a_federation_in_processes_of_their_own(tmp_path):
    """Join, draft, sign and finish as people type them; nothing secret is printed."""
    three = Town(tmp_path, tmp_path)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "DIDSVC"))}

    def child(*words, code=0):
        ran = subprocess.run(
            [sys.executable, "-m", "did_service.cli", *map(str, words), "--json"],
            env={**kept, "DIDSVC_LANG": "en"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == code, ran.stderr
        assert PASSPHRASE not in ran.stdout + ran.stderr
        return json.loads(ran.stdout)["data"]

    names, members, signed = ("cn", "gd", "hn"), [], []
    for name in names:
        three.init(ServiceKind.REGION, name, f"{name}.example", {"service.region": name})
        members.append(tmp_path / f"{name}.member.json")
        about = ("--name-zh", NAMES[name], "--name-en", name, "--territory", CODES[name])
        child("federation", "join", tmp_path / name, *about, "--out", members[-1])
    draft = tmp_path / "draft.json"
    told = child(
        *("federation", "start", *members, "--federation", "urn:didsvc:federation:t"),
        *("--out", draft),
    )
    for name in names:
        signed.append(tmp_path / f"{name}.signed.json")
        words = ("--fingerprint", told["fingerprint"], "--out", signed[-1])
        child("federation", "sign", tmp_path / name, draft, *words)
    done = child("federation", "finish", tmp_path / "gd", draft, *signed, code=8)
    assert done["installed"]
    assert child("policy", "show", tmp_path / "gd")["fingerprint"] == told["fingerprint"]
