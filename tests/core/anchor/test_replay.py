"""Any sequence of valid operations gives one meaning to every copy of the logs."""

import contextlib
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from did_service.core.anchor.snapshot import parse_snapshot
from did_service.core.anchor.view import RuleContext
from did_service.core.errors import DidServiceError, ProofError, RuleError, UnavailableError
from tests.support.federation import Federation, founded
from tests.support.memory_log import MemoryLog
from tests.support.moving import join, leave, movable, observe, void, web_document

AGENCIES = ("gz.gd.example", "sz.gd.example", "cs.hn.example")
REGS = ("gd.example/reg", "hn.example/reg", "cn.example/reg")
ELSEWHERE = {"gd": "hn", "hn": "zj", "zj": "gd"}


def region_of(name: str) -> str:
    return name.split(".")[1]


def create(fed: Federation, name: str) -> None:
    if name not in fed.actors:
        fed.agency(name)


def grant(fed: Federation, name: str) -> None:
    fed.grant(fed.root(region_of(name)), fed.actors[name], territory=[])


def grant_across(fed: Federation, name: str) -> None:
    fed.publish("cn")
    fed.grant(fed.root("cn"), fed.actors[name], scope="police", x=fed.x("cn"))


def end(fed: Federation, name: str) -> None:
    control = fed.logs[f"{region_of(name)}.example/reg"]
    for placed in control.statements_about(fed.actors[name].did):
        fed.end(placed, fed.root(region_of(name)))


def rotate(fed: Federation, name: str) -> None:
    fed.rotate(fed.actors[name])


def status(fed: Federation, name: str) -> None:
    fed.status_list(fed.actors[name], revoked=[fed.now % 1_000])


def batch(fed: Federation, name: str) -> None:
    fed.batch(fed.actors[name], [b"%d" % fed.now])


def publish(fed: Federation, name: str) -> None:
    fed.publish(region_of(name))


def create_movable(fed: Federation, name: str) -> None:
    if name not in fed.actors:
        movable(fed, name)


def depart(fed: Federation, name: str) -> None:
    office = fed.actors[name]
    here = fed.control_of(office.did).partition(".")[0]
    office.left = leave(fed, office, f"{name.partition('.')[0]}.{ELSEWHERE[here]}.example")
    fed.publish(here)


def arrive(fed: Federation, name: str) -> None:
    join(fed, fed.actors[name], fed.actors[name].left)


def take_back(fed: Federation, name: str) -> None:
    office = fed.actors[name]
    origin = fed.control_of(office.did)
    void(fed, origin, fed.logs[origin].newest("did", office.id))


def see(fed: Federation, name: str) -> None:
    seen = f"did:web:{name}"
    observe(fed, fed.root(region_of(name)), seen, web_document(seen))


OPERATIONS: tuple[Callable[[Federation, str], None], ...] = (
    create, grant, grant_across, end, rotate, status, batch, publish,
)  # fmt: skip
MOVING = (create_movable, depart, arrive, depart, arrive, rotate, take_back, see, publish)
STEPS = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(AGENCIES), st.integers(0, 90)),
    max_size=25,
)


MOVES = st.lists(
    st.tuples(st.sampled_from(MOVING), st.sampled_from(AGENCIES[1:]), st.integers(1, 90)),
    max_size=30,
)


def lived(steps, rules: int = 1) -> Federation:
    """A federation after these steps; what the rules refuse did not happen."""
    fed = founded(rules=rules)
    for operation, name, seconds in steps:
        with contextlib.suppress(DidServiceError, KeyError, AttributeError):
            operation(fed, name)
        fed.tick(seconds)
    return fed


def replay(fed: Federation) -> dict[str, MemoryLog]:
    """Fill fresh copies from entry bytes, each log as far as it gets, until all is taken."""
    copies = {origin: MemoryLog(origin) for origin in fed.logs}
    world = RuleContext(fed.policy, copies.__getitem__, fed.now, fed.contents.get)
    moving = True
    while moving:
        moving = False
        for origin, log in fed.logs.items():
            for placed in log.entries[copies[origin].size() :]:
                try:
                    copies[origin].append(placed.entry, world)
                except UnavailableError:
                    break  # it rests on a log whose copy is behind: its turn comes
                except (RuleError, ProofError):
                    if origin.endswith("/reg"):
                        raise
                    break  # in ev the copy of reg may be too short to say
                moving = True
    return copies


@settings(max_examples=25)
@given(steps=STEPS)
def test_every_copy_reaches_the_same_heads(steps):
    check_copies(lived(steps))


@settings(max_examples=25)
@given(steps=MOVES)
def test_whatever_moves_stands_in_one_place_for_every_copy(steps):
    fed = lived(steps, rules=2)
    check_copies(fed)
    for name in AGENCIES[1:]:
        heads = (
            [
                placed.entry.body.get("op")
                for log in fed.logs.values()
                for placed in (log.newest("did", fed.actors[name].id),)
                if placed is not None
            ]
            if name in fed.actors
            else []
        )
        assert sum(op != "leave" for op in heads) <= 1


def check_copies(fed: Federation) -> None:
    for origin, copy in replay(fed).items():
        original = fed.logs[origin]
        assert copy.size() == original.size()
        assert copy.root(copy.size()) == original.root(copy.size())
        assert copy.snapshot(copy.size()).root == original.snapshot(copy.size()).root


@settings(max_examples=10)
@given(steps=STEPS)
def test_heads_name_the_newest_entry_of_every_subject(steps):
    fed = lived(steps)
    for log in fed.logs.values():
        snapshot = parse_snapshot(log.snapshot(log.size()).encode())
        chains = {(p.entry.type, p.entry.subject) for p in log.entries} - {
            ("heads", log.origin)
        }
        chains = {chain for chain in chains if chain[0] != "heads"}
        assert len(snapshot.records) == len(chains)
        for chain in chains:
            record = snapshot.records[snapshot.find(*chain)]
            assert record.leaf == log.newest(*chain).leaf
