"""`make soak PART=machines`: the story of `test_machines` again, on what one machine outgrows.

    hn, zj   rows in a database each, of one server of PostgreSQL, by its socket
    sc       files in a bucket, of a service on its own machine
    gd       moves to that server by command, and back, with its history

At the end an agency of gd issues a credential, and a counter without a network accepts it.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from did_service.node.configuration import FILE
from tests.e2e import test_machines as story
from tests.e2e.test_machines import AGENCY, Town, all_ready, has_grown, shown_by
from tests.support.buckets import KEYS, TestBucket
from tests.support.elsewhere import is_whole
from tests.support.machines import PATIENCE, Network, eventually
from tests.support.optional import CHECKOUT
from tests.support.postgres import server

ON_SERVER, IN_BUCKET = ("hn", "zj"), "sc"
PORT = 9_000  # of the machine's own loopback
BUCKET = TestBucket("tiles", f"http://127.0.0.1:{PORT}")
OFFICE = AGENCY["agency.url"]
SCHEMA = CHECKOUT / "schemas" / "credential-types" / "residence-permit.json"
ITEMS = """
[items.residence-permit]
type = "ResidencePermit"
schema_id = "urn:didsvc:schema:residence-permit:1"
schema = "residence-permit.json"
"""
CLAIMS = {
    "familyName": "王",
    "givenName": "小明",
    "citizenNumber": "11010519491231002X",
    "permitNumber": "GZ20260001",
    "residence": {"region": "440106", "address": "广州市天河区示例路1号"},
}


class TownElsewhere(Town):
    """The machines, of which three keep elsewhere what they have."""

    def __init__(self, network, path, stack):
        super().__init__(network, path)
        self._stack = stack

    def storage_of(self, name):
        if name in ON_SERVER:
            return {"storage.database": server().url(server().create())}
        if name == IN_BUCKET:
            return {
                "storage.blobs": f"{BUCKET.url}/{name}",
                "storage.endpoint": BUCKET.endpoint,
            }
        return {}

    def region(self, name):
        made = super().region(name)
        if name == IN_BUCKET:
            made.environment |= KEYS
            self._stack.enter_context(s3_service_on(made))
        return made


@contextmanager
def s3_service_on(machine):
    """Run a service with the bucket on a machine, which nobody else reaches."""
    inside = ["ip", "netns", "exec", machine.space, sys.executable]
    command = [*inside, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(PORT)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    make = "import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], method='PUT'))"
    try:
        asked = [*inside, "-c", make, f"{BUCKET.endpoint}/{BUCKET.name}"]
        eventually(lambda: not subprocess.run(asked, check=False, stderr=-3).returncode)
        yield
    finally:
        child.terminate()
        child.wait()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    server()  # or the story is skipped
    with Network() as network, ExitStack() as stack:
        made = TownElsewhere(network, tmp_path_factory.mktemp("m"), stack)
        stack.callback(made.close)
        yield made


# Each goes on where the one before ended; pytest takes them in this order.
test_founding = story.test_five_machines_found_a_federation_by_files
test_cosigning = story.test_all_cosign_each_other_over_tls
test_a_cut = story.test_one_is_cut_off_while_four_go_on_and_catches_up_when_healed
test_a_sixth = story.test_a_sixth_joins_by_the_second_policy
test_a_grant = story.test_an_agency_is_granted_by_command_and_its_did_resolves_across
test_a_restore = story.test_one_is_restored_from_a_backup_and_signs_no_second_history


def test_each_keeps_what_it_has_where_it_was_told_to(town):
    for name in ON_SERVER:
        assert not list((town[name].folder / "data").glob("*.sqlite"))
        head = town[name].published()
        assert town[name].root_at(head.size) == head.root
    away = town[IN_BUCKET]
    assert not (away.folder / "data" / "reg").exists()
    looked = "from tests.e2e.machines_elsewhere import look; look()"
    command = ["ip", "netns", "exec", away.space, sys.executable, "-c", looked]
    subprocess.run(command, cwd=CHECKOUT, check=True)


def look():
    """What is done on the bucket's machine: every file of the checkpoint is there."""
    assert is_whole(BUCKET.blobs(f"{IN_BUCKET}/reg"))


def test_a_region_moves_to_a_server_by_command_with_its_history_and_back(town):
    gd, others = town["gd"], [each for each in town.regions if each.name != "gd"]
    for place in (server().url(server().create()), "sqlite:"):
        gd.stop()
        shown = max((each.held(gd) for each in others), key=lambda head: head.size)
        assert gd.root_at(shown.size) == shown.root
        copied = gd.run("database", "copy", gd.folder, "--to", place)["databases"]
        assert {each["service"] for each in copied} == {"registry", "witness"}
        gd.settle(place)
        assert gd.root_at(shown.size) == shown.root
        gd.run("fsck", gd.folder)
        for old in (gd.folder / "data").glob("*.sqlite*"):
            if place != "sqlite:":  # so that nobody starts on it, and the way back is free
                old.rename(gd.path / old.name)
        gd.serve()
        before = shown_by(town.regions)
        eventually(partial(has_grown, town.regions, before))
        for each in others:
            assert json.loads(each.told("/witness/alarms"))["alarms"] == []
        eventually(lambda: all_ready(town.regions))


# --- a credential, from an application to a counter ------------------------------------------


class Person:
    """Somebody with our programs and a folder; hosts are reached at their sockets."""

    def __init__(self, town, path, *before):
        path.mkdir()
        self.path, self._before = path, before
        routes = {each.host: f"unix:{each.socket}" for each in town.machines.values()}
        (path / "routes.json").write_text(json.dumps(routes))
        (path / "passphrase").touch(0o600)
        (path / "passphrase").write_text("correct horse battery staple\n")
        kept = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
        self._environment = {
            **kept,
            "DIDSVC_ROUTES": str(path / "routes.json"),
            "DIDSVC_LANG": "en",
            "WALLET_PASSPHRASE_FILE": str(path / "passphrase"),
            "XDG_STATE_HOME": str(path / "state"),
            "XDG_DATA_HOME": str(path / "data"),
            "PYTHONPATH": str(CHECKOUT),
        }

    def does(self, program, *words, codes=(0,)):
        """Type a command; what is on the screen, and the exit code."""
        command = [*self._before, sys.executable, "-m", *program, *map(str, words)]
        done = subprocess.run(
            command,
            check=False,
            cwd=self.path,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode in codes, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout, done.returncode

    def until_done(self, program, *words):
        """Type it again until it ends well, as it says itself."""
        ends = time.monotonic() + PATIENCE
        while self.does(program, *words, codes=(0, 5, 8, 9))[1]:
            assert time.monotonic() < ends
            time.sleep(1)


DID_SERVICE, WALLET = ("did_service.cli",), ("wallet_cli", "--yes")
DID_VERIFY = ("did_service.verify_cli",)


def enrolled(gz, person, name, *roles):
    """Enrol an officer; the file of their token."""
    chosen = [word for role in roles for word in ("--role", role)]
    token = gz.run("officer", "add", gz.folder, name, *chosen, "--days", 90)["token"]
    file = person.path / f"{name}.token"
    file.touch(0o600)
    file.write_text(f"{token}\n")
    return file


def test_a_counter_without_a_network_accepts_what_an_agency_issued(town, tmp_path):
    cn, gd, gz = town["cn"], town["gd"], town["gz"]
    publish = partial(cn.run, "region", "publish-schema", cn.folder, SCHEMA)
    eventually(publish)
    citizen = Person(town, tmp_path / "citizen")
    accepting = enrolled(gz, citizen, "wang", "accept")
    approving = enrolled(gz, citizen, "li", "approve", "revoke")
    gz.stop()
    gz.environment["DIDSVC_AGENCY_TICK"] = "2"
    shutil.copy(SCHEMA, gz.folder)
    with (gz.folder / FILE).open("a") as file:
        file.write(ITEMS)
    gz.serve()
    eventually(lambda: gz.waits_for() == [], lambda: gz.told("/ready"))

    policy = citizen.path / "policy.json"
    shutil.copy(gd.folder / "policy.json", policy)
    pinned = ("--fingerprint", gd.run("policy", "show", gd.folder)["fingerprint"])
    (citizen.path / "me.json").write_text(json.dumps(CLAIMS))
    citizen.does(WALLET, "init")
    citizen.does(WALLET, "trust", "pin", policy, *pinned)
    applied = ("apply", OFFICE, "residence-permit", "--claims", "me.json")
    citizen.does(WALLET, *applied)
    desk = partial(citizen.does, DID_SERVICE, "desk")
    desk("accept", OFFICE, "next", "--token-file", accepting)
    desk("approve", OFFICE, "next", "--token-file", approving)
    citizen.until_done(WALLET, "receive")
    citizen.until_done(WALLET, "refresh", "all", "--fresh")

    counter = Person(town, tmp_path / "counter", "unshare", "-n")
    bundle = counter.path / "newest.bundle.jsonl.gz"
    words = ("--policy", gd.folder / "policy.json", "--config", gd.folder, "--out", bundle)
    told = eventually(partial(gd.run, "bundle", *words, "--force"))
    assert {f"{each.host}/reg" for each in town.regions} <= {
        each["log"] for each in told["logs"]
    }
    check = partial(counter.does, DID_VERIFY)
    check("trust", "pin", policy, *pinned)
    check("trust", "import", bundle)
    check("challenge", "--audience", "window-3", "--out", "ask.json")
    shown = counter.path / "shown.vp.json"
    asked = ("--request", counter.path / "ask.json", "--out", shown)
    citizen.does(WALLET, "present", "residence-permit-1", *asked)
    assert "ACCEPTED" in check("check", shown, "--lang", "en")[0]
