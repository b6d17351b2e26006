"""Any sequence of DID operations: what a registry answers is what a replay of its log gives."""

import json
from collections import defaultdict
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from did_service.core.anchor.entry import parse_entry
from did_service.core.did.resolution import resolve_history
from did_service.core.did.syntax import parse_did_url, parse_webvh
from did_service.core.did.webvh import write
from did_service.core.did.webvh.history import verify_history
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError
from tests.support.live import running

REG = "gd.example/reg"
NAMES = count()


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("replay")) as federation:
        yield federation


def rotate(fed, actor):
    fed.rotate(actor)


def rotate_keeping_the_key(fed, actor):
    fed.rotate(actor, keep_old_key=True)


def end(fed, actor):
    fed.deactivate(actor)


def say_the_last_again(fed, actor):
    fed.submit(REG, fed.did_entry(actor, actor.state.version.entry))


def forge(fed, actor):
    entry = {**actor.state.version.entry, "versionTime": "2026-11-21T09:00:00Z"}
    fed.submit(REG, fed.did_entry(actor, entry))


def begin_again(fed, actor):
    fed.agency(str(actor.state.version.did.location))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [rotate, rotate_keeping_the_key, end, say_the_last_again, forge, begin_again]
        ),
        st.integers(0, 1),
    ),
    max_size=8,
)


def live(fed, steps):
    """Two agencies and what they did; what the registry refused changed nothing."""
    actors = [fed.agency(f"a{next(NAMES)}.gd.example") for _ in range(2)]
    for operation, who in steps:
        fed.tick(60)
        before = vars(actors[who]).copy()
        try:
            operation(fed, actors[who])
        except DidServiceError:
            vars(actors[who]).update(before)
            assert operation is not rotate or actors[who].state.deactivated
        else:
            assert operation not in (say_the_last_again, forge)
    fed.publish("gd")
    return actors


def replayed(fed):
    """Every DID's log as the static files of the registry have it, verified offline."""
    size = fed.logs[REG].size()
    logs = defaultdict(list)
    for data in fed.reader(REG).entries(0, size, size):
        entry = parse_entry(data)
        if entry.type == "did":
            logs[entry.subject].append(entry.body["entry"])
    return logs


def offline(fed, did, entries):
    now = timestamps.from_posix(fed.now)
    log = write.encode_log(entries)
    history = verify_history(log, witness_file=None, did=did, now=now)
    return history, resolve_history(history, parse_did_url(did)).encode()


def answered(fed, did):
    url = f"https://gd.example/1.0/identifiers/{did}"
    answer = fed.transport.request("GET", url, headers={"accept": "application/did-resolution"})
    return json.loads(answer.body)


@given(steps=STEPS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_registry_answers_what_a_replay_of_its_log_gives(fed, steps):
    actors = live(fed, steps)
    logs = replayed(fed)
    for actor in actors:
        history, result = offline(fed, actor.did, logs[parse_webvh(actor.did).scid])
        assert history.latest == actor.state
        told = answered(fed, actor.did)
        for part in ("didDocument", "didDocumentMetadata"):
            assert told[part] == result[part]
