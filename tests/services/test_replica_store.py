"""The store answers every question of the rules as a log in memory does."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from did_service.core.anchor.entry import LoggedEntry, compose
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import ConflictError, NotFoundError, OrderError, UnavailableError
from did_service.core.log import merkle, tiles
from did_service.core.log.tiles import TileId
from did_service.replica import repair, rows, statements
from did_service.replica.check import Pending, make_world, policy_in_force
from did_service.replica.replica import Replica
from did_service.replica.rows import counted_bytes
from did_service.replica.store import ReplicaStore, prepare
from did_service.replica.tree import StaticTree
from did_service.storage import database
from did_service.storage.database import PreparedSql
from did_service.storage.folder import FolderBlobs
from tests.support.memory_log import MemoryLog
from tests.support.replicas import Mirror, contents_of, small_world
from tests.support.storage import url_in

pytestmark = pytest.mark.usefixtures("each_engine")

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def fed(each_engine):
    fed = small_world()
    psb = fed.actors["gz.gd.example"]
    for _ in range(3):
        fed.tick(60)
        fed.status_list(psb, revoked=[8])
        fed.tick(60)
        fed.rotate(psb)
        fed.publish("gd")
    return fed


@pytest.fixture(scope="module")
def mirror(each_engine, fed, tmp_path_factory):
    mirror = Mirror(fed, tmp_path_factory.mktemp("mirror"))
    mirror.follow()
    return mirror


@pytest.fixture
def empty(tmp_path):
    engine = database.open_database(url_in(tmp_path, "log"))
    prepare(engine)
    return ReplicaStore(engine, REG)


def schema_chain(subjects, start=0, log=None):
    """Entries whose form is right, for stores, which judge nothing."""
    log = log or MemoryLog(REG)
    for at, subject in enumerate(subjects):
        after = log.newest("schema", subject)
        entry = compose("schema", subject, {"kind": subject}, after=after)
        log.force(entry.sequenced(1_000 + start + at))
    return log


def asked(log, size):
    """All that a rule may ask of a log about its first entries."""
    chains = [("schema", f"urn:x:{i}") for i in range(4)]
    return [
        log.size(),
        log.last_at(),
        [log.root(n) for n in range(size + 1)],
        [log.snapshot(n) for n in range(size + 1)],
        [log.newest(*chain, below) for chain in chains for below in (None, 0, 1, size)],
        [list(log.chain(*chain)) for chain in chains],
        [log.written_since(at) for at in range(998, 1_002 + size)],
        [log.cosigned_before(at) for at in (0, 1_001, 9_999)],
    ]


@given(
    batches=st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=5),
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_store_equals_a_log_in_memory(batches, tmp_path_factory):
    engine = database.open_database(url_in(tmp_path_factory.mktemp("log"), "log"))
    prepare(engine)
    store, log = ReplicaStore(engine, REG), MemoryLog(REG)
    for batch in batches:
        held = log.size()
        schema_chain([f"urn:x:{i}" for i in batch], held, log)
        store.append(log.entries[held:], {})
        store.remember_cosigned(log.size(), 1_000 + log.size())
        log.cosigned.append((1_000 + log.size(), log.size()))
    assert asked(store, log.size()) == asked(log, log.size())
    engine.dispose()


def test_real_entries_are_answered_as_in_memory(fed, mirror):
    for origin, log in fed.logs.items():
        store = mirror.replica(origin).store
        assert store.size() == log.size()
        assert store.root(log.size()) == log.root(log.size())
        assert store.snapshot(log.size()) == log.snapshot(log.size())
        assert store.written_since(fed.now - 90) == log.written_since(fed.now - 90)
        assert [store.placed(i) for i in range(log.size())] == log.entries
    psb = fed.actors["gz.gd.example"]
    statements = mirror.replica(REG).store.statements_about(psb.did)
    assert statements == fed.logs[REG].statements_about(psb.did)
    assert len(statements) == 1


def test_an_entry_is_found_by_its_number(fed, mirror):
    psb = fed.actors["gz.gd.example"]
    store = mirror.replica(EV).store
    chain = fed.logs[EV].chain("status", psb.list_url())
    assert [store.numbered("status", psb.list_url(), n) for n in (1, 2, 3, 4)] == chain
    assert store.numbered("status", psb.list_url(), 5) is None


def test_content_is_found_by_its_digest(fed, mirror):
    store = mirror.replica(EV).store
    for digest, content in contents_of(fed.logs[EV], 0, fed.logs[EV].size()).items():
        assert store.content(digest) == content
    assert store.content(bytes(32)) is None


def test_a_large_log_is_read_by_its_nodes(empty):
    log = schema_chain([f"urn:x:{i % 5}" for i in range(1_100)])
    for start in range(0, 1_100, 137):
        empty.append(log.entries[start : start + 137], {})
    leaves = [placed.leaf for placed in log.entries]
    for size in (1, 255, 256, 257, 512, 1_000, 1_100):
        assert empty.root(size) == merkle.tree_root(leaves[:size])
        path = tiles.inclusion_path(empty.hashes, size // 2, size)
        assert path == merkle.inclusion_path(leaves[:size], size // 2)
    proof = tiles.consistency_proof(empty.hashes, 300, 1_100)
    assert proof == merkle.consistency_proof(leaves, 300)
    assert empty.snapshot(700) == log.snapshot(700)


def test_nodes_of_a_long_log_keep_their_place():
    """Tile 1 of level 1 begins with node 256, whatever was there before."""
    made = {
        TileId(0, 300, 1): bytes(32),
        TileId(1, 0): bytes(8_192),
        TileId(1, 1, 3): bytes(96),
    }
    every = [row["index"] for row in rows.nodes(0, made)]
    assert every == list(range(259))
    assert [row["index"] for row in rows.nodes(257 * 256, made)] == [257, 258]
    assert {row["level"] for row in rows.nodes(0, made)} == {1}


def test_only_the_next_index_is_appended(empty):
    log = schema_chain(["urn:x:1", "urn:x:2"])
    with pytest.raises(ConflictError) as caught:
        empty.append(log.entries[1:], {})
    assert caught.value.code == "log_moved"
    assert empty.size() == 0


def test_a_chain_never_has_two_entries_of_one_number(empty):
    log = schema_chain(["urn:x:1"])
    empty.append(log.entries, {})
    twin = compose("schema", "urn:x:1", {"kind": "twin"}).sequenced(2_000)
    with pytest.raises(ConflictError) as caught:
        empty.append([LoggedEntry(twin, 1, twin.leaf())], {})
    assert caught.value.code == "chain_forked"
    assert (empty.size(), empty.chain("schema", "urn:x:1")) == (1, log.entries)


def test_an_unknown_index_is_not_found(empty):
    with pytest.raises(NotFoundError) as caught:
        empty.placed(0)
    assert caught.value.code == "index_unknown"


def test_a_transaction_sees_its_own_entries_and_nobody_elses(empty, tmp_path):
    log = schema_chain(["urn:x:1", "urn:x:2"])
    engine = database.open_database(url_in(tmp_path, "log"))
    with database.writing(engine) as connection:
        pending = empty.within(connection)
        pending.append(log.entries, {})
        pending.remember_cosigned(2, 1_500)
        assert pending.size() == 2
        assert pending.newest("schema", "urn:x:2") == log.entries[1]
        assert pending.snapshot(2) == log.snapshot(2)
        assert (empty.size(), empty.cosigned_before(9_999)) == (0, 0)
    assert (empty.size(), empty.cosigned_before(9_999)) == (2, 2)


@pytest.mark.parametrize(
    ("statement", "bounds"),
    [
        (statements.NEWEST, {"log=? AND key=?"}),
        (statements.NEWEST_BELOW, {"log=? AND key=?"}),
        (statements.END_BEFORE, {"log=? AND at<?"}),
        (statements.ABOUT, {"log=? AND index=?", "grantee=? AND log=?"}),
        # of all subjects, since any may have moved on; of entries only those of such chains
        (statements.FORMER, {"log=? AND index=?", "log=? AND key=?", "log=?"}),
    ],
)
@pytest.mark.sqlite_only
def test_no_question_walks_through_the_whole_log(empty, tmp_path, statement, bounds):
    engine = database.open_database(url_in(tmp_path, "log"))
    with database.reading(engine) as connection:
        sql = statement._for(connection).text
        values = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        plan = [row[3] for row in found]
    steps = [step for step in plan if "SUBQUERY" not in step]
    assert all(step.startswith("SEARCH ") for step in steps)  # nothing is scanned or sorted
    assert {step.partition(" (")[2].rstrip(")") for step in steps} == bounds


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    "name",
    [
        name
        for name, each in vars(statements).items()
        if isinstance(each, PreparedSql) and not name.startswith(("ADD_", "SET_", "KEEP_"))
    ],
)
@pytest.mark.postgres_only
def test_postgresql_has_an_index_for_every_question(tmp_path, name):
    engine = database.open_database(url_in(tmp_path, "log"), make=False)
    with database.reading(engine) as connection:
        text = getattr(statements, name)._for(connection).text
        asked_of = {"log": "x", "key": b"x", "grantee": "x", "digest": b"x"}
        values = {n: asked_of.get(n, 1) for n in re.findall(r"%\((\w+)\)s", text)}
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_sort = off")
        found = connection.exec_driver_sql(f"EXPLAIN {text}", values)
        plan = [row[0] for row in found]
    assert not [step for step in plan if "Seq Scan" in step or "Sort" in step], plan


def test_a_transaction_that_fails_leaves_nothing(empty, tmp_path):
    log = schema_chain(["urn:x:1"])
    engine = database.open_database(url_in(tmp_path, "log"))

    def append_twice():
        with database.writing(engine) as connection:
            empty.within(connection).append(log.entries, {})
            empty.within(connection).append(log.entries, {})

    with pytest.raises(ConflictError) as caught:
        append_twice()
    assert caught.value.code == "log_moved"
    assert empty.size() == 0


def test_readers_see_whole_batches_while_a_writer_is_at_work(empty):
    log = schema_chain([f"urn:x:{i % 7}" for i in range(900)])
    roots = {size: log.root(size) for size in range(0, 901, 30)}
    sizes = {size: log.snapshot(size) for size in roots}
    seen = []

    def read():
        while not seen or seen[-1] < 900:
            size = empty.size()
            assert empty.root(size) == roots[size]
            assert empty.snapshot(size) == sizes[size]
            seen.append(size)

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for start in range(0, 900, 30):
            empty.append(log.entries[start : start + 30], {})
        for reader in readers:
            reader.result(60)


def test_logs_in_one_database_do_not_mix(empty, tmp_path):
    other = ReplicaStore(database.open_database(url_in(tmp_path, "log")), "hn.example/reg")
    empty.append(schema_chain(["urn:x:1"]).entries, {})
    assert (empty.size(), other.size()) == (1, 0)
    assert [*other.snapshot(1).records] == []
    assert other.newest("schema", "urn:x:1") is None


def test_a_digest_of_two_entries_is_counted_as_content_of_the_one_that_has_some(empty):
    """However a log was written, in one batch or in two: a day's quota rests on the sum."""
    content, other = b"x" * 100, ReplicaStore(empty._engine, EV)
    digest = sha256(content)
    placed = [
        LoggedEntry(entry, index, entry.leaf())
        for index, kind in enumerate(("status", "evidence"))
        for entry in (compose(kind, "urn:x", {}, digest=digest).sequenced(1_000),)
    ]
    empty.append(placed, {digest: content})
    other.append(placed[:1], {digest: content})
    other.append(placed[1:], {})
    size = sum(len(each.entry.encode()) for each in placed) + len(content)
    assert empty.written_since(0) == other.written_since(0) == (2, size)
    sums = [counted_bytes(p.entry, p.entry.encode(), {digest: content}.get) for p in placed]
    assert sum(sums) == size


@pytest.mark.parametrize("kind", ["status", "didweb"])
def test_what_a_repair_writes_again_has_the_content_of_each_type_that_has_some(
    empty, tmp_path, kind
):
    content = b"x" * 100
    entry = compose(kind, "urn:x", {}, digest=sha256(content)).sequenced(1_000)
    empty.append([LoggedEntry(entry, 0, entry.leaf())], {sha256(content): content})
    replica = Replica(empty, StaticTree(FolderBlobs(tmp_path / "tree")))
    before = empty.rows(0, 1)
    empty.rewrite([repair._batch(replica, 0, empty.entries(0, 1))])
    assert (empty.rows(0, 1), empty.content(sha256(content))) == (before, content)


# --- judging a batch ------------------------------------------------------------------------


def test_a_batch_is_judged_entry_by_entry(fed, tmp_path):
    """Every question is answered as if the entries before had been written."""
    mirror = Mirror(fed, tmp_path)
    log, memory = fed.logs[REG], MemoryLog(REG)
    pending = Pending(mirror.replica(REG).store)
    world = make_world(fed.policy, fed.logs, fed.now, fed.contents.get)
    for placed in log.entries:
        assert pending.take(placed.entry, world) == memory.force(placed.entry)
        assert pending.size() == memory.size()
        assert pending.last_at() == memory.last_at()
        assert pending.snapshot(pending.size()) == memory.snapshot(memory.size())
        newest = pending.newest(placed.entry.type, placed.entry.subject)
        assert newest == placed
        assert pending.newest(placed.entry.type, placed.entry.subject, 0) is None
        assert pending.written_since(fed.now - 90) == memory.written_since(fed.now - 90)
    psb = fed.actors["gz.gd.example"]
    assert list(pending.chain("did", psb.id)) == memory.chain("did", psb.id)
    assert list(pending.statements_about(psb.did)) == memory.statements_about(psb.did)
    assert pending.origin == REG
    assert pending.cosigned_before(fed.now) == 0


def test_a_chain_that_a_batch_begins_goes_on_in_it(fed, mirror):
    """What a log was found not to have is not asked for again, and what comes is seen."""
    pending, first = Pending(mirror.replica(REG).store), fed.logs[REG].entries[0]
    chain = ("did", "Qm" + "1" * 44)
    assert pending.newest(*chain) is None
    assert list(pending.chain(*chain)) == []
    pending._chains[chain] = [first]
    assert (pending.newest(*chain), list(pending.chain(*chain))) == (first, [first])


def test_what_a_log_was_asked_below_its_end_is_not_asked_again(fed, mirror, monkeypatch):
    """However long the batch is: only what lies below the log's own end is another question."""
    store, asked = mirror.replica(REG).store, []
    newest = ReplicaStore.newest

    def counted(self, *question):
        asked.append(question)
        return newest(self, *question)

    monkeypatch.setattr(ReplicaStore, "newest", counted)
    pending, size, chain = Pending(store), store.size(), ("did", "Qm" + "1" * 44)
    for below in (None, size, size + 1, size + 2):
        assert pending.newest(*chain, below) is None
    assert pending.newest(*chain, size - 1) is None
    assert asked == [(*chain, None), (*chain, size - 1)]


def test_what_is_pending_has_no_root_yet(empty):
    pending = Pending(empty)
    assert pending.root(0) == merkle.EMPTY_ROOT
    with pytest.raises(UnavailableError) as caught:
        pending.root(1)
    assert caught.value.code == "log_behind"


def test_a_refused_entry_does_not_count(fed, mirror):
    pending = Pending(mirror.replica(REG).store)
    world = make_world(fed.policy, fed.logs, fed.now, fed.contents.get)
    stale = fed.logs[REG].entries[-1].entry
    with pytest.raises(OrderError) as caught:
        pending.take(stale, world)
    assert caught.value.code == "out_of_order"
    assert pending.placed == []
    assert pending.size() == fed.logs[REG].size()


def test_a_log_without_copy_is_named(fed):
    world = make_world(fed.policy, {}, fed.now, fed.contents.get)
    with pytest.raises(UnavailableError) as caught:
        world.log("xj.example/reg")
    assert caught.value.code == "log_not_mirrored"


def test_the_policy_in_force_is_the_newest_logged_one(fed, empty):
    assert policy_in_force(fed.policy, empty) is fed.policy
    assert policy_in_force(fed.policy, fed.logs[REG]) is fed.policy
