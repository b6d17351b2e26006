"""Rules 2 with real registries and witnesses: one law for sequencer, witnesses and replay."""

import json
from random import Random

import pytest

from did_service.core.anchor.entry import parse_entry
from did_service.core.anchor.view import RuleContext
from did_service.core.errors import DidServiceError
from did_service.core.evidence.sets import parse_evidence
from did_service.node.region_app import resolver_sources
from did_service.resolver.resolver import Resolver
from tests.support.federation import Federation, founded
from tests.support.live import running
from tests.support.memory_log import MemoryLog
from tests.support.moving import (
    join_entry,
    leave,
    movable,
    observe,
    standing_of,
    void,
    web_document,
)

GD, HN = "gd.example/reg", "hn.example/reg"
REGIONS = ("gd", "hn", "zj")
SEEN = "did:web:ministry.example"


@pytest.fixture
def fed(tmp_path):
    with running(tmp_path, rules=2) as federation:
        yield federation


def resolve(fed, did: str, region: str = "gd") -> dict:
    url = f"https://{region}.example/1.0/identifiers/{did}"
    headers = {"accept": "application/did-resolution"}
    return json.loads(fed.transport.request("GET", url, headers=headers).body)


def settle(fed) -> None:
    """Publish everywhere, twice: each region then has what the others say."""
    for _ in range(2):
        fed.tick(2)
        fed.publish()


# --- the resolver ----------------------------------------------------------------------------


def test_a_did_is_followed_over_its_move_by_either_name(fed):
    office = movable(fed, "gz.gd.example")
    former = office.did
    fed.tick(2)
    left = leave(fed, office, "gz.hn.example")
    waiting = resolve(fed, former)
    assert waiting["didDocument"]["id"] == office.did
    assert "proof" not in waiting["didResolutionMetadata"]
    settle(fed)
    fed.submit(HN, join_entry(fed, left))
    fed.tick(2)
    fed.rotate(office)
    settle(fed)
    for region in ("gd", "hn", "cn"):
        for did in (former, office.did):
            found = resolve(fed, did, region)
            assert found["didDocument"]["id"] == office.did
            assert found["didDocumentMetadata"]["versionNumber"] == "3"
            assert ("proof" in found["didResolutionMetadata"]) == (region == "hn")
    (proof,) = resolve(fed, office.did, "hn")["didResolutionMetadata"]["proof"]
    logs = {item.log for item in parse_evidence(proof["evidence"]).items}
    assert logs == {HN}


def test_the_files_of_a_moved_did_are_whole_at_both_addresses(fed):
    office = movable(fed, "gz.gd.example:dids:a")
    settle(fed)
    left = leave(fed, office, "gz.hn.example:dids:a")
    settle(fed)
    fed.submit(HN, join_entry(fed, left))
    settle(fed)
    files = [
        Resolver(resolver_sources(fed.registry(region))).files_at(
            f"https://gz.{region}.example/dids/a/did.jsonl"
        )
        for region in ("gd", "hn")
    ]
    assert files[0] == files[1]
    assert files[0].log.count(b"\n") == 2


def test_a_voided_version_is_not_resolved(fed):
    office = fed.agency("gz.gd.example")
    fed.tick(2)
    bad = fed.rotate(office)
    fed.tick(2)
    void(fed, GD, bad)
    assert resolve(fed, office.did)["didDocument"] is None
    assert standing_of(fed, GD, "did", office.id) == [1]


def test_what_was_seen_of_a_did_web_is_kept_mirrored_and_no_anchor(fed):
    document = web_document(SEEN)
    fed.tick(2)
    placed = observe(fed, fed.root("gd"), SEEN, document)
    settle(fed)
    data_log = fed.data_of(fed.root("gd").did)
    assert fed.reader(data_log).content(placed.entry.digest) == document
    mirror = fed.witness("hn").mirror.replicas[data_log].store
    assert mirror.content(placed.entry.digest) == document


# --- one law ---------------------------------------------------------------------------------


def begin(fed, name, _):
    if name not in fed.actors:
        movable(fed, name)


def go(fed, name, chosen):
    office, to = fed.actors[name], REGIONS[chosen % 3]
    fed.left[name] = leave(fed, office, f"{name.split('.')[0]}.{to}.example")


def arrive(fed, name, _):
    sent = join_entry(fed, fed.left[name])
    origin = fed.control_of(fed.actors[name].did)
    chain = fed.logs[origin].chain("did", sent.subject)
    if any(placed.entry.number == sent.number for placed in chain):
        return  # a registry says where the same join stands; whether it is the same is chance
    fed.submit(origin, sent)


def rotate(fed, name, _):
    fed.rotate(fed.actors[name])


def grant(fed, name, _):
    office = fed.actors[name]
    region = fed.control_of(office.did).partition(".")[0]
    fed.grant(fed.root(region), office, territory=[], status_lists=[])


def take_back(fed, name, chosen):
    office = fed.actors[name]
    origin = fed.control_of(office.did)
    chain = fed.logs[origin].chain("did", office.id)
    void(fed, origin, chain[chosen % len(chain)])


def see(fed, name, chosen):
    root = fed.root(REGIONS[chosen % 3])
    observe(fed, root, f"did:web:{name}", web_document(f"did:web:{name}"))


OPERATIONS = (*(go, arrive, arrive, rotate, rotate, grant) * 3, begin, take_back, see)
NAMES = ("a.gd.example", "b.gd.example", "c.hn.example")


def steps(seed: int, count: int):
    random = Random(seed)
    for name in NAMES:
        yield begin, name, 0
    for _ in range(count):
        yield random.choice(OPERATIONS), random.choice(NAMES), random.randrange(1_000)


def attempt(fed: Federation, operation, name: str, chosen: int) -> str:
    """Do one step and say how it was judged; what cannot be tried is nobody's judgement."""
    try:
        operation(fed, name, chosen)
    except DidServiceError as error:
        return error.code
    except (KeyError, ZeroDivisionError):
        return "not tried"
    return "taken"


@pytest.mark.parametrize("seed", range(3))
def test_sequencer_witnesses_and_replay_judge_alike(fed, seed):
    twin = founded(rules=2)
    fed.left, twin.left = {}, {}
    judged = []
    for place, step in enumerate(steps(seed, 40)):
        answers = [attempt(each, *step) for each in (fed, twin)]
        assert answers[0] == answers[1], (place, step)
        judged.append(answers[0])
        for each in (fed, twin):
            each.tick(2)
        if place % 3 == 0:
            settle(fed)
            settle(twin)
    assert judged.count("taken") > 15
    assert len(set(judged)) > 3
    settle(fed)
    for origin, log in fed.logs.items():
        kinds = [placed.entry.type for placed in twin.logs[origin].entries]
        stored = [parse_entry(data) for data in log.entries(0, log.size())]
        assert [e.type for e in stored if e.type != "heads"] == [
            kind for kind in kinds if kind != "heads"
        ]
    for region in ("hn", "cn"):
        witness = fed.witness(region)
        assert fed.ask(region).alarms()["alarms"] == []
        for origin, replica in witness.mirror.replicas.items():
            size = replica.store.size()
            assert replica.store.root(size) == fed.logs[origin].root(size)
    assert replayed(fed) == {origin: log.size() for origin, log in fed.logs.items()}
    for name in NAMES:
        assert len(open_heads(fed, fed.actors[name].id)) <= 1


def replayed(fed) -> dict[str, int]:
    """How far a replay gets that takes each log as far as the others allow."""
    copies = {origin: MemoryLog(origin) for origin in fed.logs}
    contents = {}
    for log in fed.logs.values():
        for data in log.entries(0, log.size()):
            digest = parse_entry(data).digest
            if digest is not None:
                contents[digest] = log.content(digest)
    world = RuleContext(fed.policy, copies.__getitem__, fed.now, contents.get)
    moving = True
    while moving:
        moving = False
        for origin, log in fed.logs.items():
            for data in log.entries(copies[origin].size(), log.size()):
                try:
                    copies[origin].append(parse_entry(data), world)
                except DidServiceError:
                    break
                moving = True
    return {origin: copy.size() for origin, copy in copies.items()}


def open_heads(fed, scid: str) -> list[str]:
    """The logs in which a DID has a head that is no leave."""
    return [
        origin
        for origin, log in fed.logs.items()
        if (newest := log.newest("did", scid)) is not None
        and newest.entry.body.get("op") != "leave"
    ]
