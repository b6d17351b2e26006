"""Judges in front of the one writer: a yes saves work, and nothing else they say counts."""

import sys
import time
from ast import literal_eval
from concurrent.futures import wait
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from did_service.core.anchor import entry as entries
from did_service.core.anchor.first_version import FirstVersion
from did_service.core.anchor.rules import check, did
from did_service.core.crypto.hashes import sha256
from did_service.core.did.syntax import did_id
from did_service.core.did.webvh import write
from did_service.core.did.webvh.profile import Profile
from did_service.core.encoding import jcs, timestamps
from did_service.core.errors import DidServiceError, MalformedError
from did_service.program.version import __version__
from did_service.registry import judge, judges
from did_service.registry.judges import Judges
from did_service.registry.sequencer import QueuedEntry
from tests.support.dids import hash_of, key, template
from tests.support.federation import Federation
from tests.support.live import running
from tests.support.raw_http import exchange, request
from tests.support.refusals import refused

REG = "gd.example/reg"
NEXT = {"nextKeyHashes": [hash_of("next")]}
PATIENCE = 60


@pytest.fixture(scope="module")
def fed():
    return Federation()


def submission(fed, place="gd.example:a", parameters=NEXT, ahead=0, spoilt=False):
    """The first entry of a DID at a place, as it is handed in."""
    now = timestamps.from_posix(fed.now + ahead)
    name, entry = write.create(template(place), parameters, key("update"), now=now)
    if spoilt:
        entry = {**entry, "state": {**entry["state"], "alsoKnownAs": ["did:example:1"]}}
    return entries.compose("did", did_id(name), {"did": name, "entry": entry})


def judged(fed, made, first):
    """What the rules say of an entry with and without an answer: None, or a code."""
    world = fed.world._replace(first=first)
    try:
        check.check(made.sequenced(fed.now), fed.logs[REG], world)
    except DidServiceError as error:
        return error.code
    return None


# --- what an answer is worth ------------------------------------------------------------------


def verified_again(*_args, **_named):
    raise AssertionError("verified again")


def test_an_entry_that_was_found_good_is_not_verified_again(fed, monkeypatch):
    made = submission(fed)
    first = check.judge_first(made)
    assert first.profiles == {Profile.ISSUER}
    monkeypatch.setattr(did, "accept", verified_again)
    assert judged(fed, made, first) is None
    with pytest.raises(AssertionError):
        judged(fed, made, None)


def test_an_entry_that_is_not_good_is_found_so_by_nobody(fed):
    with pytest.raises(DidServiceError) as caught:
        check.judge_first(submission(fed, spoilt=True))
    assert caught.value.code == judged(fed, submission(fed, spoilt=True), None)


def test_a_version_dated_ahead_of_the_log_is_refused_though_it_was_found_good(fed):
    made = submission(fed, ahead=301)
    first = check.judge_first(made)
    assert first is not None
    assert judged(fed, made, first) == "version_time_in_future"
    assert judged(fed, submission(fed, ahead=300), first._replace(time=fed.now + 300)) is None


def test_a_profile_that_it_does_not_keep_is_demanded_all_the_same(fed):
    """The pinned policy says who is an authority; a judge does not know it."""
    made = submission(fed, parameters={})
    first = check.judge_first(made)
    assert first.profiles == frozenset()
    assert judged(fed, made, first) == judged(fed, made, None) == "pre_rotation_dropped"


def test_what_the_log_says_is_asked_in_any_case(fed):
    elsewhere = submission(fed, place="zj.example:a")
    assert judged(fed, elsewhere, check.judge_first(elsewhere)) == "not_at_home"
    made = submission(fed)
    other = entries.compose("did", "Qm" + "1" * 44, made.body)
    assert judged(fed, other, check.judge_first(other)) == "subject_wrong"


def test_only_a_first_version_is_judged_alone(fed):
    (logged, *_) = fed.logs[REG].chain("did", fed.root("gd").id)
    assert check.judge_first(replace(logged.entry, number=2)) is None
    assert check.judge_first(replace(logged.entry, type="schema")) is None


# --- what a process says ----------------------------------------------------------------------

GOOD = {"portable": False, "profiles": ["B"], "time": 5}
ASKED = b"what was asked"
SIGNS = {"of": sha256(ASKED).hex(), "version": __version__}


@pytest.mark.parametrize(
    "said",
    [
        {"first": []},
        {"first": [GOOD, GOOD]},
        {"first": [{**GOOD, "portable": 1}]},
        {"first": [{**GOOD, "profiles": ["Z"]}]},
        {"first": [{**GOOD, "profiles": "B"}]},
        {"first": [{**GOOD, "time": "now"}]},
        {"first": [{**GOOD, "more": 1}]},
        {"first": [True]},
        {"first": [GOOD], "more": 1},
        {},
        {"first": [GOOD], "of": sha256(b"asked before").hex()},
        {"first": [GOOD], "version": "0.0.0"},
    ],
)
def test_an_answer_of_another_shape_is_none(said):
    with pytest.raises(MalformedError):
        judge.parse_found(jcs.encode({**SIGNS, **said}), ASKED, 1)
    with pytest.raises(MalformedError):
        judge.parse_found(jcs.encode({"first": [GOOD]}), ASKED, 1)


def test_an_answer_is_read_as_it_was_written():
    found = judge.parse_found(jcs.encode({**SIGNS, "first": [GOOD, None]}), ASKED, 2)
    assert found == [FirstVersion(5, False, frozenset({Profile.ISSUER})), None]


def looked_at(pool, rows):
    answers = pool.look_at(rows)
    wait(answers, PATIENCE)
    return [row for answer in answers for row in answer.result(0)]


def test_a_process_finds_what_the_rules_find_and_keeps_the_order(fed):
    good = [submission(fed, place=f"gd.example:a:{n}") for n in range(70)]
    bad = submission(fed, spoilt=True)
    (other, *_) = fed.logs[REG].entries
    made = [*good, bad, replace(other.entry.submission(), number=3), good[0]]
    rows = [QueuedEntry(each, {}) for each in made]
    with closing(Judges(2)) as pool:
        found = looked_at(pool, rows)
        numbers = {metric.name: metric.samples[0].value for metric in pool.metrics()}
    assert [row.entry for row in found] == made
    assert [row.first for row in found] == [
        *map(check.judge_first, good),
        None,
        None,
        check.judge_first(good[0]),
    ]
    assert numbers == {"judged_total": 71, "judge_failures_total": 0}


def dated(fed, year, *rest):
    """The first entry of a DID at a time at which `write.create` is not asked to make one."""
    at = datetime(year, *rest, tzinfo=UTC)
    drafted = write.draft(template("gd.example:a"), NEXT, key("update").public, now=at)
    entry = write.sign(drafted, key("update"))
    name = entry["state"]["id"]
    return entries.compose("did", did_id(name), {"did": name, "entry": entry})


@pytest.mark.parametrize(
    "at", [(9999, 12, 31, 23, 59, 59), (1969, 12, 31, 23, 59, 59), (1, 1, 1)]
)
def test_a_time_far_from_ours_costs_nobody_else_the_answer(fed, at):
    good, odd = submission(fed), dated(fed, *at)
    rows = [QueuedEntry(each, {}) for each in (good, odd, good)]
    with closing(Judges(1)) as pool:
        (one, two, three) = [row.first for row in looked_at(pool, rows)]
        failures = pool._processes[0].failures
    assert (one, three, failures) == (check.judge_first(good), check.judge_first(good), 0)
    assert (two is None) is (judged(fed, odd, None) is not None)
    assert judged(fed, odd, two) == judged(fed, odd, None)


def test_a_time_that_nothing_can_be_added_to_is_refused_by_name(fed):
    made = dated(fed, 9999, 12, 31, 23, 59, 59)
    with refused("version_time_in_future"):
        check.judge_first(made)


def test_an_entry_that_a_judge_stumbles_over_is_left_to_the_writer(fed, monkeypatch):
    def stumble(_entry):
        raise OverflowError("date value out of range")

    made = submission(fed)
    assert judge._judged(made.data) is not None
    monkeypatch.setattr(judge, "judge_first", stumble)
    assert judge._judged(made.data) is None


DEAD = "raise SystemExit(1)"
DEAF = "import time; time.sleep(600)"
ENDS = "import sys; sys.stdin.buffer.read(9)"
CHATTERS = "import sys; sys.stdin.buffer.read(9); print('x' * 100, flush=True)"
LIES = (
    "import sys; sys.stdin.buffer.read(9); sys.stdout.buffer.write(b'\\0\\0\\0\\2{}');"
    "sys.stdout.buffer.flush(); sys.stdin.buffer.read()"
)


@pytest.mark.parametrize("does", [DEAD, DEAF, ENDS, CHATTERS, LIES])
def test_what_a_failing_process_says_is_left_to_the_writer(fed, does):
    rows = [QueuedEntry(submission(fed), {})] * 64
    command = (sys.executable, "-c", does)
    with closing(Judges(1, command, seconds=0.5 if does is DEAF else PATIENCE)) as pool:
        assert looked_at(pool, rows) == rows
        failures = pool._processes[0].failures
        assert looked_at(pool, rows) == rows  # and nobody waits for it again so soon
    assert failures == 1


AS_A_JUDGE = "from did_service.registry import judge as j; {}; j.main()"
TWICE = AS_A_JUDGE.format("one = j.frame; j.frame = lambda data: one(data) * 2")
UPGRADED = AS_A_JUDGE.format("j.__version__ = '0.0.0'")


def test_an_answer_that_was_left_over_is_not_taken_for_the_next(fed):
    (one, two) = ([QueuedEntry(submission(fed, place=f"gd.example:{x}"), {})] for x in "ab")
    with closing(Judges(1, (sys.executable, "-c", TWICE))) as pool:
        assert looked_at(pool, one)[0].first is not None
        assert looked_at(pool, two) == two
        assert pool._processes[0].failures == 1


def test_another_release_does_not_judge_for_this_one(fed):
    rows = [QueuedEntry(submission(fed), {})]
    with closing(Judges(1, (sys.executable, "-c", UPGRADED))) as pool:
        assert looked_at(pool, rows) == rows
        assert pool._processes[0].failures == 1


def test_no_secret_of_the_environment_reaches_a_judge(fed, tmp_path, monkeypatch):
    monkeypatch.setenv("DIDSVC_STORE_URL", "postgresql://user:secret@host/db")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    does = f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(repr({{**os.environ}}))"
    with closing(Judges(1, (sys.executable, "-c", does))) as pool:
        looked_at(pool, [QueuedEntry(submission(fed), {})])
    seen = literal_eval((tmp_path / "seen").read_text())
    assert seen["TZ"] == "Asia/Shanghai"
    assert [name for name in seen if name.startswith("DIDSVC")] == []


def test_an_interpreter_finds_its_library_where_ours_does(fed, tmp_path, monkeypatch):
    """One that is built with a shared library of its own cannot begin without the variable."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    needs = f"import os, sys; sys.exit(os.environ.get('LD_LIBRARY_PATH') != {str(tmp_path)!r})"
    with closing(Judges(1, (sys.executable, "-c", needs))) as pool:
        process = pool._processes[0]._started()
        assert process.wait(60) == 0


def test_a_program_that_is_not_there_refuses_nothing(fed):
    rows = [QueuedEntry(submission(fed), {})]
    with closing(Judges(1, ("/nowhere/python",))) as pool:
        assert looked_at(pool, rows) == rows


def test_a_process_that_was_killed_is_replaced(fed, monkeypatch):
    monkeypatch.setattr(judges, "_AGAIN_SECONDS", 0.0)
    rows = [QueuedEntry(submission(fed), {})]
    with closing(Judges(1)) as pool:
        assert looked_at(pool, rows)[0].first is not None
        process = pool._processes[0]._process
        process.kill()
        process.wait()
        assert looked_at(pool, rows) == rows
        assert looked_at(pool, rows)[0].first is not None


def test_no_process_outlives_its_pool(fed):
    pool = Judges(1)
    looked_at(pool, [QueuedEntry(submission(fed), {})])
    process = pool._processes[0]._process
    pool.close()
    assert process.poll() is not None
    assert looked_at(pool, [QueuedEntry(submission(fed), {})])[0].first is None


def test_more_than_may_wait_goes_to_the_writer_at_once(fed, monkeypatch):
    monkeypatch.setattr(judges, "MAX_WAITING_ENTRIES", 1)
    rows = [QueuedEntry(submission(fed), {})] * 2
    with closing(Judges(1)) as pool:
        assert looked_at(pool, rows) == rows


# --- a registry with judges -------------------------------------------------------------------


def test_a_registry_with_judges_answers_as_one_without(tmp_path, monkeypatch):
    calls, look_at = [], Judges.look_at

    def counted(self, rows):
        calls.append(rows)
        return look_at(self, rows)

    monkeypatch.setattr(Judges, "look_at", counted)
    with running(tmp_path) as fed:
        registry, path = fed.registry("gd"), fed.sockets / "gd.sock"
        registry.judges.close()
        registry.judges = Judges(1)
        made = [submission(fed, place=f"gd.example:j:{n}") for n in range(3)]
        made[1] = submission(fed, spoilt=True)
        lines = b"\n".join(jcs.encode({"entry": each.members}) for each in made)
        answer = exchange(
            path, request("POST", "/reg/entries", lines, content_type="application/jsonl")
        )
        (one, two, three) = answer.body.splitlines()
        assert [b'"index"' in each for each in (one, two, three)] == [True, False, True]
        single = jcs.encode({"entry": submission(fed, place="gd.example:k").members})
        assert exchange(path, request("POST", "/reg/entries", single)).status == 202
        asked = len(calls)
        other = entries.compose("schema", "urn:x:1", {"kind": "x"}).members
        exchange(path, request("POST", "/reg/entries", jcs.encode({"entry": other})))
        assert (asked, len(calls)) == (2, 2)  # what begins no DID does not wait for a judge
        begun = time.monotonic()
        registry.judges._processes[0]._process.kill()
        again = jcs.encode({"entry": submission(fed, place="gd.example:l").members})
        assert exchange(path, request("POST", "/reg/entries", again)).status == 202
        assert time.monotonic() - begun < PATIENCE
        found = next(m for m in registry.metrics() if m.name == "judged_total")
        assert found.samples[0].value == 3
