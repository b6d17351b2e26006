"""docs/howto: what the pages print is run, in both languages alike."""

import json
import re
import shutil
import textwrap
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest

from did_service.core.errors import ConflictError, UnavailableError, UsageError
from did_service.node import did_submission
from did_service.node.backup_files import GUARDS
from did_service.node.configuration import FILE
from did_service.node.pinned_policy import read_policy
from did_service.signer.last_signed import LastSigned
from tests.docs import pages
from tests.docs.test_guides import Person, person
from tests.support.ceremony_town import town_of
from tests.support.howtos import (
    FOLDER,
    NAMES,
    REGIONS,
    TWO_HOSTS,
    Offices,
    lines,
    steps,
)
from tests.support.refusals import refused

pytestmark = [
    pytest.mark.clock,
    pytest.mark.xdist_group("demo"),
    # a service that stops leaves connections of its peers behind in this process
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PROGRAMS = {"did-service", "did-verify", "wallet", "curl", "mkdir", "mv", "rm"}
OFFICERS = {"wang": "王芳", "li": "李强"}


@pytest.fixture(scope="module")
def offices(tmp_path_factory):
    """Three regions that have founded a federation by the page."""
    with town_of(Offices, tmp_path_factory) as made:
        made.follow("found-a-federation.md")
        yield made


def test_regions_found_a_federation_by_the_page(offices):
    folders = [offices.path / region for region in REGIONS]
    told = [offices.run("policy", "show", folder)["fingerprint"] for folder in folders]
    assert len(set(told)) == 1
    assert all((offices.path / region / "root" / "did.jsonl").exists() for region in REGIONS)


def test_a_region_on_two_hosts_founds_a_federation_by_the_page(tmp_path, monkeypatch):
    """All but serving: tests/cli/test_ceremony_apart.py does that."""
    monkeypatch.setenv("DIDSVC_ROUTES", str(tmp_path / "routes.json"))
    page = "found-a-federation.md"
    made = Offices(tmp_path, tmp_path)
    ours = [line for mark, block in steps(page) if mark == TWO_HOSTS for line in block]
    usual = [line for mark, block in steps(page) if mark != TWO_HOSTS for line in block]
    for line in ours[:4]:
        made.typed(line)
    for region in ("hn", "cn"):
        for line in usual[:2]:
            made.typed(line, region)
    made.typed(next(line for line in usual if "federation start" in line))
    for line in ours[4:]:
        made.typed(line)
    for region in ("hn", "cn"):
        made.typed(next(line for line in usual if "federation sign" in line), region)
    finish = next(line for line in usual if "federation finish" in line)
    for folder in ("gd", "gd-witness"):
        assert made.typed(finish.replace("finish gd", f"finish {folder}"))["installed"]


def test_an_agency_is_added_by_the_page(offices):
    for line in lines("add-an-agency.md"):
        offices.until_done(line)
    listed = offices.run("officer", "list", offices.path / "gz")["officers"]
    assert sorted(row["roles"] for row in listed) == [["accept"], ["approve", "revoke"]]
    assert (offices.path / "gz.grant.json").exists()


def test_a_pilot_comes_to_its_first_check_by_the_page(offices, checkout, tmp_path):
    """Goes on where founding and the agency's page have ended."""
    for name in ("wang", "li"):  # what step 3 has them write down
        token = offices.run("officer", "token", offices.path / "gz", OFFICERS[name])["token"]
        (offices.path / f"{name}.token").touch(0o600)
        (offices.path / f"{name}.token").write_text(f"{token}\n")
    (offices.path / "schemas").symlink_to(Path("schemas").absolute())
    shutil.copy("schemas/credential-types/residence-permit.json", offices.path / "gz")
    shutil.copy(offices.path / "gd" / "policy.json", offices.path)
    (claims,) = [b.text for b in pages.blocks(pages.read("citizen.md")) if b.language == "json"]
    (offices.path / "me.json").write_text(claims)
    offices.stop("gz")
    with (offices.path / "gz" / FILE).open("a") as file:
        (items,) = re.findall(r"```toml\n(.*?)```", pages.read("howto/pilot.md"), re.DOTALL)
        file.write(textwrap.dedent(f"   {items}").replace("\n   ", "\n"))
    fingerprint = offices.run("policy", "show", offices.path / "gd")["fingerprint"]
    routes = {"DIDSVC_ROUTES": str(offices.path / "routes.json")}
    other = person(tmp_path / "people", checkout, fingerprint, **routes)
    people = Person(offices.path, other.variables, fingerprint)
    for mark, block in steps("pilot.md"):
        for line in block:
            by_hand = people.run if line.split()[0] != "did-service" else offices.typed
            said = (offices.until_right if "until" in mark else lambda act: act())(
                partial(by_hand, line)
            )
    assert "通过 ACCEPTED" in said


def test_a_key_is_rotated_by_the_page(offices):
    before = offices.run("policy", "show", offices.path / "hn")
    with refused("drop_early", UsageError):  # both at once would stop the log
        next_policy = "did-service policy next gd --rotate-log gd.example/reg"
        offices.typed(f"{next_policy} --drop-former --out draft-2.json")
    blocks = steps("rotate-keys.md")
    offices.do(blocks[:4])
    offices.reload_all()
    size = offices.wait_for("gd.example/reg").size
    offices.do(blocks[4:])
    offices.reload_all()
    after = offices.run("policy", "show", offices.path / "hn")
    assert (before["seq"], after["seq"]) == (1, 3)
    assert offices.wait_for("gd.example/reg", size + 1).size > size


def test_the_log_of_the_next_year_is_made_by_the_page(offices):
    offices.follow("new-year.md")
    offices.reload_all()
    new = f"gd.example/ev/{offices.new_year}"
    assert new in str(offices.run("policy", "show", offices.path / "hn"))
    assert new in str(offices.run("key", "list", offices.path / "gd"))
    told = offices.eventually(
        lambda told: told["ready"], "region", "status", offices.path / "gd"
    )
    assert new in str(told["logs"])


def test_a_fork_alarm_is_proven_and_settled_by_the_page(offices):
    stolen = offices.signer("hn", "hn.example/reg")
    answer = offices.show_another_history(stolen, "gd.example")
    assert answer.status == HTTPStatus.CONFLICT
    blocks = steps("fork-alarm.md")
    seen, proof, outside, new_key, _, _, _, end = blocks[:8]
    settled = blocks[-1]
    marks = [mark for mark, _ in (outside, new_key, end)]
    assert marks == ["once, whatever it says", "in hn", "in hn"]
    listed, shown = [offices.typed(line) for line in seen[1]]
    assert [each["code"] for each in listed["alarms"]] == ["log_forked"]
    assert {*offices.typed(proof[1][0])["notes"]} == {"offered", "held"}
    assert shown["about"] == "hn.example/reg"
    offices.until_done(outside[1][0])  # the log that others see has one history
    for ceremony in (blocks[3:7], blocks[7:-1]):
        offices.do(ceremony)
        offices.reload_all()
    last = [offices.typed(line) for line in settled[1]]
    assert last[0]["settlement"]["by"] == "policy"
    assert last[1]["open"] == 0
    offices.wait_for("hn.example/reg")
    answer = offices.show_another_history(stolen, "gd.example")
    assert answer.status == HTTPStatus.FORBIDDEN  # the key has ended: it alarms nobody any more
    assert offices.typed(settled[1][1])["open"] == 0


def test_region_and_agency_are_backed_up_and_restored_by_the_page(offices):
    """And the region that came back grants, and signs and publishes the next policy."""
    size = offices.wait_for("gd.example/reg").size
    is_lost = False
    for mark, block in steps("back-up-and-restore.md"):
        if mark and not is_lost:
            offices.lose("gd", "gz")
            is_lost = True
        for line in block:
            (offices.until_done if "until" in mark else offices.typed)(line)
    assert offices.wait_for("gd.example/reg", size).size >= size
    gd = offices.path / "gd"
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    file = offices.path / "schema.json"
    file.write_text(json.dumps({"$id": "https://gd.example/s/1", **schema}))
    assert offices.run("region", "publish-schema", gd, file)["n"] == 1
    grant = next(line for line in lines("add-an-agency.md") if line.endswith("--yes"))
    told = offices.typed(grant)  # the same that was granted before the loss
    assert told["authority"]["state"] == "active"

    offices.typed("did-service policy next gd --rotate-governance --out draft-7.json")
    words = 'policy sign gd draft-7.json --fingerprint "" --out gd.signed-7.json'
    with refused("signed_unknown", ConflictError):
        offices.typed(f"did-service {words}")
    offices.typed(f"did-service {words} --instead")
    for region in ("hn", "cn"):
        offices.typed(f"did-service {words}", region)
    for region in REGIONS:
        publish = "did-service policy publish gd draft-7.json *.signed-7.json"
        offices.until_done(publish, region)
        offices.reload(region)
    assert offices.run("policy", "show", gd)["seq"] == 7


def test_a_log_that_lost_what_it_signed_goes_on_by_the_page(offices, monkeypatch):
    """It signed while nobody could be reached; its disk was lost then, its guard was not."""
    gd = offices.path / "gd"
    agencies = sorted(offices.running.keys() - set(REGIONS))
    for agency in agencies:  # else their log may lose what it signed as well
        offices.stop(agency)
    guard = LastSigned(gd / "data" / "last-signed")
    for origin in read_policy(gd / "policy.json").region_of_log("gd.example/reg").logs:
        if (held := guard.held(origin)) is not None and held.size:
            assert offices.wait_for(origin, held.size).size == held.size
    offices.run("backup", gd, offices.path / "gd-lone")
    published = offices.wait_for("gd.example/reg").size
    for region in ("hn", "cn"):
        offices.stop(region)
    seen = guard.held("gd.example/reg").size
    monkeypatch.setattr(did_submission, "MAX_WAIT_SECONDS", 0)  # nobody would come
    with refused("not_witnessed_yet", UnavailableError):
        offices.hand_in("late.gd.example")
    offices.until_right(lambda: is_larger(guard.held("gd.example/reg").size, seen))
    guards = {name: (gd / "data" / name).read_bytes() for name in GUARDS}
    offices.lose("gd")
    (gd / "data").mkdir(parents=True)
    for name, content in guards.items():
        (gd / "data" / name).write_bytes(content)
    for region in ("hn", "cn"):
        offices.serve(region)
    offices.typed("did-service restore gd-lone gd --passphrase-file pass")
    with refused("history_missing", UnavailableError):
        offices.typed("did-service pull gd")
    blocks = steps("lost-heads.md")
    offices.do(blocks[:5])
    for region in ("hn", "cn"):
        offices.reload(region)
    offices.do(blocks[5:])
    assert offices.wait_for("gd.example/reg", published + 1).size > published
    folders = [offices.path / region for region in REGIONS]
    assert len({offices.run("policy", "show", folder)["seq"] for folder in folders}) == 1
    for agency in agencies:
        offices.serve(agency)


def is_larger(size, seen):
    """Fail until a log has signed more than others have seen."""
    assert size > seen


def test_a_lost_guard_begins_again_by_the_page(offices):
    size = offices.wait_for("gd.example/reg").size
    offices.stop("gd")
    for name in GUARDS:
        (offices.path / "gd" / "data" / name).unlink()
    offices.follow("lost-guard.md")
    assert offices.wait_for("gd.example/reg", size).size >= size


@pytest.mark.parametrize("name", [each for each in NAMES if each.endswith(".zh-CN.md")])
def test_both_languages_print_the_same(name):
    assert steps(name) == steps(name.replace(".zh-CN", ""))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_what_it_is_for_what_must_be_there_and_what_can_go_wrong(name):
    page = (FOLDER / name).read_text()
    chinese = name.endswith(".zh-CN.md")
    before, wrong = (
        ("事先备齐", "可能遇到的情况") if chinese else ("Before you start", "What can go wrong")
    )
    assert pages.section(page, before).strip()
    assert len(pages.rows(pages.section(page, wrong))) >= 2
    assert "Never" in page or "不得" in page or "only way back" in page
    known = pages.read("what-to-do.md")
    for code in re.findall(r"\[`([a-z_]+)`\]\(\.\./what-to-do\.md\)", page):
        assert f"\n| `{code}` |" in known, code


def test_no_page_prints_a_secret_or_answers_for_somebody_unread():
    for name in NAMES:
        for line in lines(name):
            assert "Bearer" not in line
            assert line.split()[0] in PROGRAMS
