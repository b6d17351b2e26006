"""Several windows on one trust directory: none holds up another, none accepts twice.

The judge of the first window is stopped at its first look; what another one does meanwhile has
ended before it goes on. Each is deterministic: no second thread, no clock.
"""

import fcntl
from copy import deepcopy

import pytest

from did_service.verifier import judging as program
from did_service.verifier.memory import RememberedLog
from tests.support.counter import INDEX
from tests.support.desk import Desk

pytestmark = pytest.mark.offline


@pytest.fixture
def meanwhile(monkeypatch, desk):
    """Run something once, in the middle of the next judging; count how often is judged."""
    judged, real, waiting = [], program.verify, []

    def stopped(*arguments, **circumstances):
        judged.append(circumstances["request"])
        if waiting:
            with (desk.path / "lock").open("rb+") as lock:  # or the other window would hang
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            waiting.pop()()
        return real(*arguments, **circumstances)

    monkeypatch.setattr(program, "verify", stopped)

    def plan(*steps):
        waiting.extend(reversed(steps))
        return judged

    return plan


def test_judging_holds_no_lock(desk, meanwhile):
    judged = meanwhile(lambda: None)  # which takes the lock
    assert desk.document(desk.shown(None)).exit == 0
    assert len(judged) == 1


def test_slow_judge_holds_up_no_other_window(desk, meanwhile):
    first, second = desk.challenge(), desk.challenge()
    other = desk.save("other.json", desk.shown(second).read_bytes())
    shown, ended = desk.shown(first), []
    meanwhile(lambda: ended.append(desk.check(other).exit))
    assert desk.check(shown).exit == 0
    assert ended == [0]


def test_answer_that_another_window_took_meanwhile_was_answered_before(desk, meanwhile):
    assert desk.document(desk.shown(None)).exit == 0  # so that nothing but the nonce is new
    shown, other = desk.shown(desk.challenge()), []
    meanwhile(lambda: other.append(desk.check(shown).exit))
    run = desk.check(shown)
    assert other == [0]
    assert (run.exit, run.codes) == (5, ["answered_before"])


def test_question_that_another_file_answered_meanwhile_is_used(desk, scene, meanwhile):
    assert desk.document(desk.shown(None)).exit == 0
    nonce, other = desk.challenge(), []
    shown = desk.shown(nonce)
    again = desk.save("again.vp.json", shown.read_bytes() + b"\n")
    meanwhile(lambda: other.append(desk.check(again).exit))
    run = desk.check(shown)
    assert other == [0]
    assert (run.exit, run.codes) == (1, ["nonce_used"])


def test_question_that_closed_meanwhile_is_in_doubt(desk, meanwhile):
    """Another window's evidence has shown that the day is over, and this clock is behind."""
    nonce = desk.challenge()
    shown = desk.shown(nonce)
    later = desk.trust.memory().nonces[nonce].expires
    meanwhile(lambda: desk.trust.change(lambda memory: memory.with_witnessed(later)))
    run = desk.check(shown)
    assert (run.exit, "holder_time_in_doubt" in run.codes) == (5, True)


def test_revocation_that_is_imported_meanwhile_counts(desk, scene, meanwhile):
    shown = desk.shown(None)
    scene.fed.tick(30)
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    bundle = desk.save_bundle()
    meanwhile(lambda: desk.run("trust", "import", bundle))
    run = desk.document(shown)
    assert (run.exit, run.codes) == (1, ["revoked"])


def test_policy_that_is_pinned_meanwhile_counts(desk, scene, meanwhile):
    shown, following = desk.shown(None), scene.fed.next_policy()
    judged = meanwhile(lambda: desk.pin(following))
    run = desk.document(shown)
    assert run.report["policy"]["seq"] == following.sequence
    assert len(judged) == 2


def test_other_tree_that_is_remembered_meanwhile_is_a_fork(desk, scene, meanwhile):
    origin = "gd.example/reg"
    size = scene.fed.logs[origin].size()

    def remember():
        known = RememberedLog(size, bytes(32), desk.trust.memory().floor)
        desk.trust.change(lambda memory: memory.with_log(origin, known))

    desk.trust.change(lambda memory: memory.with_witnessed(scene.clock().now))
    meanwhile(remember)
    run = desk.document(desk.shown(None))
    assert (run.exit, "log_forked" in run.codes) == (5, True)
    assert desk.trust.memory().logs[origin].root == bytes(32)


def test_directory_that_never_rests_is_judged_under_the_lock(desk, scene, meanwhile):
    policy = desk.trust.read_policy()
    spelled = iter([policy + b"\n" * number for number in (1, 2, 3)])
    judged = meanwhile(*[lambda: desk.trust.write_policy(next(spelled))] * 3)
    assert desk.document(desk.shown(None)).exit == 0
    assert len(judged) == 4


def test_answer_that_was_judged_while_the_directory_never_rested_is_told_as_that(
    desk, scene, meanwhile
):
    """Not as another file's: the holder would be accused of what the counter did."""
    policy = desk.trust.read_policy()
    shown, runs = desk.shown(desk.challenge()), []

    def answered_elsewhere():
        runs.append(desk.check(shown).exit)
        desk.trust.write_policy(policy + b"\n\n\n")

    changed = [policy + b"\n" * number for number in (1, 2)]
    changes = [lambda each=each: desk.trust.write_policy(each) for each in changed]
    meanwhile(*changes, answered_elsewhere)
    run = desk.check(shown)
    assert (runs, run.exit, run.codes) == ([0], 5, ["answered_before"])


def test_what_two_windows_learn_at_once_is_both_kept(desk, scene, meanwhile):
    """The second writer does not undo the first."""
    other = deepcopy(scene)
    other.fed.tick(30)
    other.fed.status_list(other.agency, revoked=[INDEX])
    other.publish()
    newer = desk.save("newer.json", other.file(other.present(nonce=None, audience=None)))
    shown, runs = desk.shown(None, audience=None), []
    meanwhile(lambda: runs.append(desk.document(newer, later=60)))
    run = desk.document(shown, later=60)
    assert [each.codes for each in (*runs, run)] == [["revoked"]] * 2


def test_two_windows_of_two_directories_do_not_meet(desk, tmp_path, meanwhile):
    nonce = desk.challenge()
    shown = desk.shown(nonce)
    other, runs = Desk(tmp_path, desk.scene, "elsewhere"), []
    other.pin()
    meanwhile(lambda: runs.append(other.check(shown).codes))
    assert desk.check(shown).exit == 0
    assert runs == [["nonce_unknown"]]


def test_answer_for_another_counter_is_told_by_the_name(desk, tmp_path):
    shown = desk.shown(desk.challenge())
    other = Desk(tmp_path, desk.scene, "window-4")
    other.pin()
    other.run("challenge", "--audience", "window-4", "--json")
    run = other.check(shown)
    assert (run.exit, run.codes) == (1, ["audience_wrong"])
