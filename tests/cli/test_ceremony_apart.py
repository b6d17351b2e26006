"""A region whose registry and witness are on two hosts founds a federation like any other.

The two folders share no file: each makes its own keys, and what one needs of the other is
carried.
"""

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError
from did_service.node.configuration import FILE, read_configuration
from did_service.node.pinned_policy import read_policy
from did_service.node.setting_table import ServiceKind
from did_service.signer.keyring_file import read_keyring
from did_service.web.serve import Server, unix_socket
from tests.support.ceremony import CODES, NAMES
from tests.support.ceremony_town import QUICK, Town, town_of

pytestmark = [
    pytest.mark.clock,
    pytest.mark.xdist_group("ceremony-apart"),
    # a service that stops leaves connections of its peers behind in this process
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

WHOLE = ("cn", "hn", "sc")
REGIONS = ("gd", *WHOLE)
OF_WITNESS = {KeyRole.COSIGNER, KeyRole.NATIVE}
LATER, LAST = (
    timestamps.encode(datetime.now(UTC).replace(microsecond=0) + timedelta(days=days))
    for days in (300, 310)
)


@contextmanager
def refused(code):
    with pytest.raises(DidServiceError) as caught:
        yield
    assert caught.value.code == code, caught.value


class Front:
    """What nginx is on the public host: the paths of the witness go to its own host."""

    def __init__(self, registry, witness):
        self.registry, self.witness = registry, witness

    async def __call__(self, scope, receive, send):
        own = scope.get("path", "").startswith("/witness")
        await (self.witness if own else self.registry)(scope, receive, send)


class TownApart(Town):
    """gd has two folders, `gd` of its registry and `gd-witness`; the others one each."""

    def serve_gd(self):
        with ExitStack() as stack:
            registry, witness = (self.opened(name, stack).app for name in ("gd", "gd-witness"))
            listener = unix_socket(self.sockets / "gd")
            stack.enter_context(Server(Front(registry, witness), listener))
            self.running["gd"] = stack.pop_all()

    def describe(self, name, *words):
        told = ("--name-zh", NAMES[name], "--name-en", name, "--territory", CODES[name])
        return self.member(name, *told, *words)

    def witness_file(self, number, *words):
        file = self.path / f"gd.witness-{number}.json"
        self.run("federation", "witness", self.path / "gd-witness", *words, "--out", file)
        return file

    def backed_up(self, name, when):
        """Back up a folder; all that the ceremony has left there is in the copy."""
        kept = self.path / f"{name}.{when}"
        self.run("backup", self.path / name, kept)
        left, copied = (
            {each.name for each in (folder / "federation").iterdir()}
            for folder in (self.path / name, kept)
        )
        assert copied == left
        return left

    def sign_all(self, group, draft, number, approvals=True):
        fingerprint = self.run("policy", "show", draft)["fingerprint"]
        approved = self.path / f"gd.approved-{number}.json"
        given = ("--fingerprint", fingerprint, "--out")
        if approvals:
            self.run(group, "sign", self.path / "gd-witness", draft, *given, approved)
        files = []
        for name in REGIONS:
            file = self.path / f"{name}.signed-{number}.json"
            more = ("--witness-file", approved) if name == "gd" and approvals else ()
            self.run(group, "sign", self.path / name, draft, *more, *given, file)
            files.append(file)
        return files

    def publish(self, draft, signed, *names):
        """Publish a policy in these folders, one after the other."""
        for name in names:
            words = ("policy", "publish", self.path / name, draft, *signed)
            self.eventually(lambda told: told["logged"] is not None, *words)

    def reload_all(self):
        self.stop("gd")
        self.serve_gd()
        for name in WHOLE:
            self.reload(name)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with town_of(TownApart, tmp_path_factory) as made:
        yield made


def roles(town, name):
    configuration = read_configuration(town.path / name / FILE, {})
    records = read_keyring(configuration.path("keys.keyring")).records
    return {record.role for record in records}


def test_a_region_on_two_hosts_founds_a_federation(town):
    of_gd = {"service.region": "gd", **QUICK}
    town.init(ServiceKind.WITNESS, "gd-witness", "gd.example", {"service.region": "gd"})
    town.init(ServiceKind.REGISTRY, "gd", "gd.example", of_gd)
    members = [town.describe("gd", "--witness-file", town.witness_file(1))]
    members += [town.region(name) for name in WHOLE]
    draft = town.path / "draft.json"
    named = ("--federation", "urn:didsvc:federation:t", "--demo", "--out", draft)
    town.run("federation", "start", *members, *named)
    signed = town.sign_all("federation", draft, 1)
    for name in (*REGIONS, "gd-witness"):
        told = town.run("federation", "finish", town.path / name, draft, *signed, code=8)
        assert told["installed"]
    town.serve_gd()
    for name in WHOLE:
        town.serve(name)
    for name in (*REGIONS, "gd-witness"):
        words = ("federation", "finish", town.path / name, draft, *signed)
        told = town.eventually(lambda told: told["logged"] is not None, *words)
    assert {peer["state"] for peer in told["peers"]} == {"same"}
    for name in ("gd", "gd-witness"):
        assert {"approvals.json", "standing.json"} <= town.backed_up(name, "standing")
    assert not (town.path / "gd-witness" / "root").exists()
    assert not roles(town, "gd") & OF_WITNESS
    assert roles(town, "gd-witness") == OF_WITNESS


def test_its_log_publishes_and_its_witness_cosigns(town):
    town.wait_for("gd.example/reg", 2)
    town.stop("cn")  # two of three cosign: without gd nothing of hn or sc is published
    head = town.wait_for("hn.example/reg", 2)
    draft = town.path / "draft-2.json"
    town.run("policy", "next", town.path / "hn", "--expires", LATER, "--out", draft)
    signed = town.sign_all("policy", draft, 2, approvals=False)
    town.publish(draft, signed, "hn", "sc")
    assert town.wait_for("hn.example/reg", head.size + 1).size > head.size
    with refused("policy_not_logged"):
        town.run("policy", "publish", town.path / "gd-witness", draft, *signed)
    town.serve("cn")
    town.publish(draft, signed, "cn", "gd", "gd-witness")
    town.reload_all()


def test_its_witness_gets_a_new_key_by_a_later_policy(town):
    before = read_policy(town.path / "hn" / "policy.json").regions[1].witness
    draft = town.path / "draft-3.json"
    gd, file = town.path / "gd", town.witness_file(2, "--rotate")
    with refused("witness_elsewhere"):
        town.run("policy", "next", gd, "--rotate-witness", "--out", draft)
    town.run("policy", "next", gd, "--witness-file", file, "--out", draft)
    signed = town.sign_all("policy", draft, 3, approvals=False)
    assert "witness.json" in town.backed_up("gd-witness", "before-3")
    town.publish(draft, signed, *REGIONS, "gd-witness")
    town.reload_all()
    policy = read_policy(town.path / "gd-witness" / "policy.json")
    assert (policy.sequence, policy.regions[1].id) == (3, "gd")
    assert policy.regions[1].witness != before
    head = town.wait_for("hn.example/reg", 2)
    town.stop("cn")
    fourth = town.path / "draft-4.json"
    town.run("policy", "next", town.path / "hn", "--expires", LAST, "--out", fourth)
    signed = town.sign_all("policy", fourth, 4, approvals=False)
    town.publish(fourth, signed, "hn")  # the new key of gd counts
    assert town.wait_for("hn.example/reg", head.size + 1).size > head.size


def test_what_belongs_to_the_other_host_is_refused_by_name(town, tmp_path):
    file, out = town.witness_file(2), tmp_path / "out.json"
    with refused("witness_here"):
        town.run("federation", "join", town.path / "hn", "--witness-file", file, "--out", out)
    with refused("folder_of_other_service"):
        town.run("federation", "witness", town.path / "gd", "--out", out)
    with refused("folder_of_other_service"):
        town.run("federation", "join", town.path / "gd-witness", "--out", out)
