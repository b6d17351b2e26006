"""Attacks at the change of a policy: what one policy has judged counts for no other."""

import copy
import os

import pytest

from did_service.core.encoding import timestamps
from did_service.core.evidence.checked import Checked
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.core.log.checkpoint import parse_checkpoint, sign_checkpoint
from did_service.core.log.note import parse_note
from did_service.core.verification.verified import Verified
from did_service.verifier import importing, portions
from did_service.verifier.database import writing
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.pinning import pin
from did_service.verifier.tables import STATE_FILE
from tests.support.desk import Desk
from tests.support.founding import TERRITORY, log_policy, log_signer, witness

pytestmark = pytest.mark.offline


@pytest.fixture
def three(scene):
    """A world in which three of four cosign: enough for its policy, which asks for three."""
    fed, cosign = scene.fed, scene.fed.cosign

    def by_three(origin, _times=None):
        others = [name for name in TERRITORY if not origin.startswith(f"{name}.")][:3]
        return cosign(origin, dict.fromkeys(others, fed.now))

    fed.tick(30)
    fed.cosign = by_three
    scene.publish()
    return scene


def stricter(scene):
    """The next policy, that asks for all four."""
    regions = copy.deepcopy(scene.fed.policy.members["regions"])
    for region in regions:
        region["logs"] = {o: log_policy(o, 4).encode().decode() for o in region["logs"]}
    return scene.fed.next_policy(regions=regions)


def changed(desk, _policy):
    """Change something of the directory."""
    with writing(desk.path / STATE_FILE) as rows:
        rows.change("UPDATE facts SET value = value + 1 WHERE name = 'evidence'")


def pinned(desk, policy):
    """Pin the next policy in another window."""
    pin(TrustDirectory(desk.path), policy, None, timestamps.from_posix(desk.scene.fed.now))


MEANWHILE = {
    "at once": [pinned],
    "after another change": [changed, pinned],
    "before others have to wait": [changed, changed, pinned],
}


@pytest.mark.parametrize("size", ["whole", "by portions"])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_a_policy_that_is_pinned_during_an_import_judges_what_it_keeps(
    tmp_path, three, monkeypatch, size, meanwhile
):
    if size != "whole":
        monkeypatch.setattr(portions, "MAX_PORTION_PIECES", 3)
    desk, policy, steps = Desk(tmp_path, three), stricter(three), [*MEANWHILE[meanwhile]]
    desk.pin()
    prove = importing.prove

    def slow(*arguments, **options):
        found = prove(*arguments, **options)
        if steps:
            steps.pop(0)(desk, policy)
        return found

    monkeypatch.setattr(importing, "prove", slow)
    run = desk.run("trust", "import", desk.save_bundle())
    assert run.exit == 0
    assert "policy 2 took over" in run.out
    assert not steps
    assert desk.trust.evidence().checkpoints == ()
    answer = desk.check(desk.shown(desk.challenge(), staple=None))
    assert answer.report["policy"]["seq"] == 2
    assert (answer.exit, answer.report["outcome"]) == (5, "undecided")


def test_a_policy_that_is_pinned_between_two_portions_judges_the_next(tmp_path, three):
    desk, policy = Desk(tmp_path, three), stricter(three)
    desk.pin()
    now = timestamps.from_posix(three.fed.now + 1)
    everything = parse_evidence(three.staple())

    def two():
        yield everything
        pinned(desk, policy)
        yield everything

    bundle = portions.Bundle(everything, two())
    taken = importing.import_bundle(desk.trust, bundle, now, "")
    assert (taken.before.sequence, taken.policy.sequence) == (1, 2)
    answer = desk.check(desk.shown(desk.challenge(), staple=None))
    assert (answer.exit, answer.report["outcome"]) == (5, "undecided")


def test_an_import_under_one_policy_says_of_no_other_that_it_took_over(tmp_path, three):
    desk = Desk(tmp_path, three)
    desk.pin()
    assert "took over" not in desk.run("trust", "import", desk.save_bundle()).out


def test_what_was_checked_under_one_policy_is_checked_anew_under_another(three):
    """Whoever hands on what was checked cannot hand it on to another policy."""
    first, second = three.fed.policy, stricter(three)
    sources = [("set", parse_evidence(three.staple()))]
    checked = Checked(first.digest)
    assert verify_evidence(sources, first, checked=checked).checkpoints
    assert checked.notes
    assert not verify_evidence(sources, second, checked=checked).checkpoints
    kept = Verified(first.digest)
    for brought in ((), sources):
        own = sources if not brought else ()
        assert kept.prove(own, brought, first, {}, frozenset()).checkpoints
        assert not kept.prove(own, brought, second, {}, frozenset()).checkpoints


def test_what_was_refused_under_one_policy_is_checked_anew_under_another(three):
    first, second = three.fed.policy, stricter(three)
    sources = [("set", parse_evidence(three.staple()))]
    checked = Checked(second.digest)
    assert not verify_evidence(sources, second, checked=checked).checkpoints
    assert checked.refused
    assert verify_evidence(sources, first, checked=checked).checkpoints


def test_another_policy_is_another_version_whatever_its_file_looks_like(tmp_path, three):
    """A file of the same place, size and time, as a file system with coarse times may have."""
    desk = Desk(tmp_path, three)
    desk.pin()
    file, before = desk.path / "policy.json", desk.trust.version
    data, stamp = file.read_bytes(), file.stat()
    with file.open("r+b") as opened:
        opened.write(data.replace(b"demo", b"omed", 1))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert desk.trust.version != before


# --- a fork that the next policy settles ------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


def killed_at(monkeypatch, name, nth, when):
    """Kill whoever changes the directory at the n-th call of a method, before it or after."""
    method, calls = getattr(TrustDirectory, name), []

    def dying(directory, *arguments):
        calls.append(arguments)
        if len(calls) == nth and when == "before":
            raise Killed
        method(directory, *arguments)
        if len(calls) == nth:
            raise Killed

    monkeypatch.setattr(TrustDirectory, name, dying)


def forged(scene, origin):
    """A tree that witnesses of all other regions have cosigned, and that never was."""
    seen = parse_note(scene.fed.notes[origin])
    other = parse_checkpoint(seen.text)._replace(root=bytes(32))
    note = parse_note(sign_checkpoint(other, log_signer(origin)))
    hosts = [name for name in TERRITORY if not origin.startswith(f"{name}.")]
    lines = [witness(name).cosign(note.text, scene.fed.now) for name in hosts]
    return note.with_lines(lines).encode().decode()


STEPS = [("change", 1), ("change", 2), ("write_policy", 1)]


@pytest.mark.parametrize("how", ["pin", "import"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_pin_that_was_killed_brings_no_settled_fork_back(
    tmp_path, scene, monkeypatch, how, when, step
):
    scene.publish()
    desk = Desk(tmp_path, scene)
    desk.pin()
    lie = {**scene.staple(), "items": [], "checkpoints": [forged(scene, "gd.example/reg")]}
    for evidence in (lie, None):
        assert desk.run("trust", "import", desk.save_bundle(evidence)).exit == 0
    assert desk.check(desk.shown(desk.challenge())).exit == 5
    policy = scene.fed.next_policy()
    following = {**scene.staple(), "policies": [{"policy": policy.members}]}

    def imports():
        return desk.run("trust", "import", desk.save_bundle(following))

    takes = {"pin": lambda: desk.pin(policy), "import": imports}[how]
    with monkeypatch.context() as patched:
        killed_at(patched, *step, when)
        with pytest.raises(Killed):
            takes()
    assert takes().exit == 0
    assert imports().exit == 0
    shown = desk.run("trust", "show", "--json").report
    assert (shown["policy"]["seq"], shown["forked"]) == (2, [])
    answer = desk.check(desk.shown(desk.challenge()))
    assert (answer.exit, answer.report["outcome"]) == (0, "accepted")
