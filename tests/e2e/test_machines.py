"""Five machines found a federation, lose one and have it back, restore one, take in a sixth."""

import json
import shutil
import signal
from contextlib import ExitStack
from functools import partial

import pytest

from did_service.node.setting_table import ServiceKind
from tests.support.ceremony import CODES, FIVE, NAMES
from tests.support.machines import Machine, Network, eventually

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("machines")]

AGENCY = {
    "agency.url": "https://gz.gd.example/agencies/police",
    "agency.jurisdiction": "440100",
    "agency.log_host": "gd.example",
}
IDENTIFIERS = "/1.0/identifiers/"
UNAVAILABLE = 8  # exit code
QUICK = {
    "publish.least": 0.2,
    "publish.most": 2.0,
    "publish.heads_least": 2,
    "publish.heads_most": 4,
    "witness.refresh": 2.0,
}


class Town:
    """The machines, by name."""

    def __init__(self, network, path):
        self.network, self.path = network, path
        self.machines: dict[str, Machine] = {}

    def __getitem__(self, name):
        return self.machines[name]

    @property
    def regions(self):
        return [each for each in self.machines.values() if each.kind is ServiceKind.REGION]

    def add(self, name, host, kind, chosen):
        path = self.path / name
        made = self.machines[name] = Machine(self.network, path, name, host, kind)
        made.init(chosen)
        return made

    def region(self, name):
        chosen = {"service.region": name, **QUICK, **self.storage_of(name)}
        return self.add(name, f"{name}.example", ServiceKind.REGION, chosen)

    def storage_of(self, name):
        """The settings of where a region keeps what it has."""
        return {}

    def close(self):
        for each in self.machines.values():
            each.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with Network() as network, ExitStack() as stack:
        made = Town(network, tmp_path_factory.mktemp("m"))
        stack.callback(made.close)
        yield made


def on_each(machines, words_of, code=0):
    """Run a command on every machine at once; the answers, by machine."""
    begun = [(each, each.begin(*words_of(each))) for each in machines]
    return {each: child.answer(code) for each, child in begun}


def shown_by(machines):
    """What the other regions' witnesses have cosigned last of each machine's control log."""
    return {
        (one.name, other.name): other.held(one).size
        for one in machines
        for other in machines
        if one is not other
    }


def has_grown(machines, before):
    """Whether every log of these machines has come further, and every witness with it."""
    after = shown_by(machines)
    return all(after[pair] > before[pair] for pair in after)


def all_ready(machines):
    return all(each.waits_for() == [] for each in machines)


def is_published(machine, least=1):
    return machine.published().size >= least


# --- what people do -----------------------------------------


def join(machine):
    name = machine.name
    file = machine.path / f"{name}.member.json"
    about = ("--name-zh", NAMES[name], "--name-en", name, "--territory", CODES[name])
    return file, ("federation", "join", machine.folder, *about, "--out", file)


def members_of(machines):
    """Every region makes its keys and hands on its member file."""
    on_each(machines, lambda each: join(each)[1])
    return [join(each)[0] for each in machines]


def sign(machines, group, draft):
    """Draft in hand, each compares the fingerprint, signs, and hands on its signatures."""
    drafts = {each: each.carried(draft)[0] for each in machines}
    told = on_each(machines, lambda each: ("policy", "show", drafts[each]))
    (fingerprint,) = {shown["fingerprint"] for shown in told.values()}
    signed = {each: each.path / f"{each.name}.{group}.signed.json" for each in machines}
    on_each(
        machines,
        lambda each: (
            *(group, "sign", each.folder, drafts[each]),
            *("--fingerprint", fingerprint, "--out", signed[each]),
        ),
    )
    return {each: (drafts[each], *each.carried(*signed.values())) for each in machines}


def test_five_machines_found_a_federation_by_files(town):
    five = [town.region(name) for name in FIVE]
    for one in five:
        for other in five:
            if one is not other:
                one.know(other)
    cn = town["cn"]
    draft = cn.path / "draft.json"
    members = cn.carried(*members_of(five))
    cn.run(
        *("federation", "start", *members, "--federation", "urn:didsvc:federation:t"),
        *("--out", draft),
    )
    carried = sign(five, "federation", draft)
    finish = {each: ("federation", "finish", each.folder, *carried[each]) for each in five}
    told = on_each(five, finish.get, code=UNAVAILABLE)
    assert all(each["installed"] for each in told.values())
    for each in five:
        each.serve()
    on_each(five, finish.get)
    told = on_each(five, finish.get)
    assert len({each["fingerprint"] for each in told.values()}) == 1
    for each in told.values():
        assert {peer["state"] for peer in each["peers"]} == {"same"}
    eventually(lambda: all_ready(five))


def test_all_cosign_each_other_over_tls(town):
    five = town.regions
    before = shown_by(five)
    eventually(lambda: has_grown(five, before))
    for each in five:
        spoken = each.asked_by_others()
        assert "POST /witness/add-checkpoint" in spoken
        assert "GET /reg/checkpoint" in spoken


def test_one_is_cut_off_while_four_go_on_and_catches_up_when_healed(town):
    away, four = town["sc"], [each for each in town.regions if each.name != "sc"]
    town.network.cut("sc")
    before, held = shown_by(four), away.published().size
    eventually(lambda: has_grown(four, before))
    eventually(lambda: "publication_late" in away.waits_for())
    assert away.published().size - held <= 1  # what was on its way
    missed = {each.name: each.published().size for each in four}
    town.network.heal("sc")
    eventually(lambda: all(away.held(each).size >= missed[each.name] for each in four))
    all_five = shown_by(town.regions)
    eventually(lambda: has_grown(town.regions, all_five))
    eventually(lambda: all_ready(town.regions))


def test_a_sixth_joins_by_the_second_policy(town):
    five, gd = town.regions, town["gd"]
    fj = town.region("fj")
    for each in five:
        each.know(fj)
        fj.know(each)
        each.reload()
    (member,) = members_of([fj])
    draft = gd.path / "draft-2.json"
    gd.run("policy", "next", gd.folder, "--member", *gd.carried(member), "--out", draft)
    carried = sign(town.regions, "policy", draft)
    told = {}
    for each in five:  # repeated until its clock is confirmed again
        publish = partial(each.run, "policy", "publish", each.folder, *carried[each])
        told[each] = eventually(publish)
    assert all(each["installed"] for each in told.values())
    for each in five:
        each.reload()
    finish = ("federation", "finish", fj.folder, *carried[fj])
    assert fj.run(*finish, code=UNAVAILABLE)["installed"]
    fj.serve()
    fingerprints = {each["fingerprint"] for each in [*told.values(), fj.run(*finish)]}
    assert len(fingerprints) == 1
    six = town.regions
    eventually(lambda: shown_by(six))
    before = shown_by(six)
    eventually(lambda: has_grown(six, before))
    eventually(lambda: all_ready(town.regions))


def test_an_agency_is_granted_by_command_and_its_did_resolves_across(town):
    gd, fj = town["gd"], town["fj"]
    gz = town.add("gz", "gz.gd.example", ServiceKind.AGENCY, AGENCY)
    for region in (gd, fj):
        gz.know(region)
        region.know(gz)
    asked, granted = gz.path / "gz.request.json", gd.path / "gz.grant.json"
    did = gz.run(
        *("agency", "request", gz.folder, "--name-zh", "广州市公安局", "--name-en", "Police"),
        *("--scope", "residence", "--type", "urn:didsvc:residence-permit:1", "--out", asked),
    )["did"]
    told = gd.run(
        *("region", "grant", gd.folder, *gd.carried(asked), "--until", "2031-01-01T00:00:00Z"),
        *("--basis-zh", "居住证暂行条例", "--basis-en", "Regulations"),
        *("--out", granted, "--yes"),
    )
    assert told["authority"]["grantee"] == did
    assert gz.run("agency", "accept", gz.folder, *gz.carried(granted))["changed"]
    gz.serve()
    fj.reload()
    eventually(lambda: resolved(fj, did)["id"] == did, lambda: fj.told(IDENTIFIERS + did))


def resolved(machine, did):
    return json.loads(machine.told(IDENTIFIERS + did))["didDocument"]


def test_one_is_restored_from_a_backup_and_signs_no_second_history(town):
    gd, four = town["gd"], [each for each in town.regions if each.name != "gd"]
    kept = gd.path / "monday"
    gd.run("backup", gd.folder, kept)
    backed_up = gd.published().size
    eventually(lambda: gd.published().size > backed_up + 1)
    gd.stop(signal.SIGKILL)
    shown = max((each.held(gd) for each in four), key=lambda head: head.size)
    shutil.rmtree(gd.folder)
    gd.run("restore", kept, gd.folder, "--passphrase-file", gd.path / "pass")
    refused = gd.begin("region", "serve", gd.folder)
    assert refused.refusal() == "folder_restored"
    pulled = gd.run("pull", gd.folder)["logs"]["gd.example/reg"]
    assert pulled["before"] < shown.size <= pulled["after"]
    assert gd.root_at(shown.size) == shown.root  # every index is what it was
    gd.serve()
    eventually(lambda: all(each.held(gd).size > pulled["after"] for each in four))
    assert all(json.loads(each.told("/witness/alarms"))["alarms"] == [] for each in four)
    eventually(lambda: all_ready(town.regions))
