"""The door to databases of a server: URLs, how long anything lasts, what failures tell."""

import os
import sys
import time
from threading import Event, Thread

import pytest
from sqlalchemy import BigInteger, Column, MetaData, String, Table, insert, select, text
from sqlalchemy.exc import DBAPIError

from did_service.core.errors import ConflictError, NotFoundError, UnavailableError, UsageError
from did_service.core.limits import DATABASE_CONNECTIONS
from did_service.node.storage_setup import StorageSetup
from did_service.node.stores import reading_stores, registry_stores
from did_service.storage import database
from did_service.storage.database import open_database, reading, writing
from did_service.storage.dialects import dialect_of
from did_service.storage.postgres import engine as engine_module
from did_service.storage.postgres.copy import COPY_FROM
from did_service.storage.postgres.place import place_of
from tests.support import postgres
from tests.support.optional import postgres_programs
from tests.support.refusals import refused

KEPT = Table(
    "kept", MetaData(), Column("id", BigInteger, primary_key=True), Column("note", String)
)


@pytest.fixture
def url():
    return postgres.postgres_url("registry")


@pytest.fixture
def engine(url):
    engine = open_database(url)
    with writing(engine) as connection:
        KEPT.create(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def own_server():
    """A server that a test may stop."""
    server = postgres.Server(postgres_programs())
    yield server
    server.dispose()


# --- URLs -------------------------------------------------------------------------------------


def place(url):
    return place_of(database.make_url(url))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:tiger@h/x", "a password does not belong"),
        ("postgresql://u:@h/x", "a password does not belong"),
        ("postgresql://h", "names no database"),
        ("postgresql+asyncpg://h/x", "begins with postgresql://"),
        ("postgresql://h/x?password=tiger", "no key"),
        ("postgresql://h/x?options=-csearch_path%3Dtiger", "no key"),
        ("postgresql://h/x?schema=Tiger", "lower case"),
        ("postgresql://h/x?schema=a;tiger", "lower case"),
        ("postgresql://h/x?schema=a&schema=tiger", "once"),
        ("postgresql://h/x?sslmode=prefer", "one of verify-full"),
        ("postgresql://h/x?sslmode=require", "one of verify-full"),
        ("postgresql://h/x?passfile=tiger", "from the root on"),
        ("postgresql://h/x?target_session_attrs=tiger", "one of any"),
    ],
)
def test_a_url_is_read_strictly_and_never_repeated(url, said):
    with pytest.raises(UsageError, match=said) as caught:
        place(url)
    assert caught.value.code == "database_url_wrong"
    assert "tiger" not in str(caught.value)


PROVEN = {"sslmode": "verify-full", "sslrootcert": "system"}


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("postgresql://db.gd.example/x", PROVEN),
        ("postgresql://10.0.0.7/x", PROVEN),
        ("postgresql://db.gd.example/x?sslmode=disable", {"sslmode": "disable"}),
        (
            "postgresql://db.gd.example/x?sslrootcert=/etc/ca.pem",
            {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"},
        ),
        ("postgresql://127.0.0.1/x", {}),
        ("postgresql:///x?host=/run/postgresql", {"host": "/run/postgresql"}),
        (
            "postgresql:///x?host=/run/pg,db.gd.example",
            {"host": "/run/pg,db.gd.example", **PROVEN},
        ),
    ],
)
def test_a_server_on_another_machine_has_to_prove_its_name(url, options):
    assert place(url).options == options


def test_the_environment_moves_no_url_to_another_server(url, monkeypatch):
    """Neither one with a host, nor one that means the socket of this machine."""
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.8")
    monkeypatch.setenv("PGPORT", "1")
    open_database(url).dispose()
    monkeypatch.delenv("PGHOSTADDR")
    monkeypatch.delenv("PGPORT")
    monkeypatch.setenv("PGHOST", str(postgres.server().folder))
    with refused("database_refused", UnavailableError):
        open_database(url.partition("?")[0])


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_the_environment_does_not_say_how_our_texts_are_written(url, monkeypatch, encoding):
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    engine = open_database(url)
    with database.writing(engine) as connection:
        said = connection.exec_driver_sql("SELECT '广东', 'ü'").one()
    engine.dispose()
    assert tuple(said) == ("广东", "ü")


IS_ROOT = os.getuid() == 0
SECRETS = {
    "ours": ("passfile", 0o600, True),
    "of the group as well": ("passfile", 0o640, False),
    "of everybody": ("passfile", 0o604, False),
    "a credential of systemd": ("PGPASSFILE", 0o440, False),
    "our key": ("sslkey", 0o600, True),
    "a key of root's that a group reads": ("sslkey", 0o640, IS_ROOT),
    "a key that a group writes": ("sslkey", 0o660, False),
    "a key of everybody": ("sslkey", 0o644, False),
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_that_others_may_read_is_told_since_the_driver_passes_over_it(
    url, monkeypatch, tmp_path, kind
):
    (name, mode, is_taken), asked, secret = SECRETS[kind], url, tmp_path / "secret"
    secret.write_text("*:*:*:*:word\n")
    secret.chmod(mode)
    if name.isupper():
        monkeypatch.setenv(name, str(secret))
    else:
        asked = f"{url}&{name}={secret}"
    if is_taken:
        open_database(asked).dispose()
        return
    with refused("database_secret_open", UnavailableError):
        open_database(asked)


@pytest.mark.parametrize("name", ["passfile", "sslkey"])
def test_a_secret_that_the_url_names_and_nobody_has_is_told(url, name):
    with refused("file_missing", NotFoundError):
        open_database(f"{url}&{name}=/nowhere/secret")


def test_without_its_driver_the_extra_is_named(monkeypatch):
    """The program starts and runs without it."""
    for name in [
        each for each in sys.modules if each.startswith("did_service.storage.postgres")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    dialect_of.cache_clear()
    with refused("extra_missing", UsageError):
        open_database("postgresql:///x")
    dialect_of.cache_clear()


# --- what is there ----------------------------------------------------------------------------


def test_a_database_that_is_not_there_is_named(url):
    gone = url.replace("/test_", "/gone_")
    with pytest.raises(UnavailableError, match=r'"gone_[0-9]+" does not exist') as caught:
        open_database(gone)
    assert caught.value.code == "database_refused"
    with refused("database_missing", NotFoundError):
        open_database(url, make=False)  # the database is there, and no schema in it


@pytest.mark.parametrize(
    "where",
    [
        "postgresql://didsvc@127.0.0.1:1/x",
        "postgresql:///x?host=/nowhere",
    ],
)
def test_a_server_that_does_not_answer_is_told_without_its_address(where):
    with pytest.raises(UnavailableError) as caught:
        open_database(where)
    assert caught.value.code == "database_refused"
    assert "127.0.0.1" not in caught.value.message
    assert "nowhere" not in caught.value.message


def test_a_database_in_another_encoding_is_refused():
    ours = postgres.server()
    with ours.ask("postgres") as driver:
        driver.execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc"
            " TEMPLATE template0"
        )
    with refused("database_unsuitable", UnavailableError):
        open_database(ours.url("latin", "a"))


def test_an_older_server_is_refused(url, monkeypatch):
    monkeypatch.setattr(engine_module, "_OLDEST", 990_000)
    with refused("database_unsuitable", UnavailableError):
        open_database(url)


def test_two_schemas_of_a_database_do_not_see_each_other(url, engine):
    other = open_database(database.url_with_schema(url, "witness"))
    with writing(other) as connection:
        KEPT.create(connection)
        connection.execute(insert(KEPT).values(id=1, note="of the witness"))
    with reading(engine) as connection:
        assert connection.execute(select(KEPT)).all() == []
    with writing(engine), writing(other):  # nor does one wait for the other
        pass


# --- time -------------------------------------------------------------------------------------


def setting(engine, name):
    with reading(engine) as connection:
        return connection.execute(text(f"SHOW {name}")).scalar()


def test_every_call_has_an_end(engine):
    assert setting(engine, "statement_timeout") == "1min"
    assert setting(engine, "lock_timeout") == "10s"
    assert setting(engine, "idle_in_transaction_session_timeout") == "2min"
    assert setting(engine, "synchronous_commit") == "on"


def run(engine, *statements):
    with writing(engine) as connection:
        for each in statements:
            connection.execute(each)


def told_in(engine, *statements):
    with pytest.raises(UnavailableError) as caught:
        run(engine, *map(text, statements))
    return caught.value.code


def test_a_statement_that_runs_for_too_long_is_ended(engine):
    code = told_in(engine, "SET LOCAL statement_timeout = 50", "SELECT pg_sleep(60)")
    assert code == "database_busy"


def test_a_writer_waits_for_the_one_before_it_and_then_gives_up(url, engine, monkeypatch):
    monkeypatch.setattr(engine_module, "DATABASE_LOCK_SECONDS", 0.05)
    other = open_database(url)
    with writing(engine) as connection:
        connection.execute(insert(KEPT).values(id=1, note="first"))
        with refused("database_busy", UnavailableError), writing(other):
            pass
        with reading(other) as reader:
            assert reader.execute(select(KEPT)).all() == []
    with writing(other) as connection:
        assert connection.execute(select(KEPT.c.note)).scalars().all() == ["first"]


@pytest.mark.parametrize(
    ("given", "most"), [({}, DATABASE_CONNECTIONS), ({"connections": 4}, 4)]
)
def test_connections_are_counted_and_who_gets_none_is_told(url, monkeypatch, given, most):
    monkeypatch.setattr(engine_module, "DATABASE_LOCK_SECONDS", 0.05)
    engine = open_database(url, **given)
    taken = [engine.connect() for _ in range(most)]
    with refused("database_busy", UnavailableError), reading(engine):
        pass
    for each in taken:
        each.close()
    with reading(engine):
        pass


def test_a_setting_bounds_the_connections_of_every_store(tmp_path):
    database = postgres.server().url(postgres.server().create())
    storage = StorageSetup(tmp_path, database, connections=5)
    with registry_stores(storage, "gd.example/reg") as opened:
        assert opened.stores.engine.pool.size() == 5
    with reading_stores(storage, "registry", "") as stores:
        assert stores.engine.pool.size() == 5


# --- errors -----------------------------------------------------------------------------------


def test_a_statement_that_is_wrong_is_a_fault_of_ours(engine):
    with pytest.raises(DBAPIError), writing(engine) as connection:
        connection.execute(text("INSERT INTO nothing VALUES (1)"))


def test_an_error_that_was_passed_over_is_not_taken_for_a_commit(engine):
    """The server would undo everything, and say nothing."""

    def pass_over():
        with writing(engine) as connection:
            connection.execute(insert(KEPT).values(id=1, note="lost"))
            with pytest.raises(DBAPIError):
                connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(Exception, match="passed over"):
        pass_over()
    with reading(engine) as connection:
        assert connection.execute(select(KEPT)).all() == []


def test_what_is_told_names_no_row(engine):
    row = insert(KEPT).values(id=7, note="a citizen")
    with pytest.raises(ConflictError) as caught:
        run(engine, row, row)
    assert caught.value.code == "row_exists"
    assert "citizen" not in caught.value.message
    assert "7" not in caught.value.message


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_was_started_again_is_not_noticed_by_the_next_question(own_server, mode):
    engine = open_database(own_server.url(own_server.create(), "registry"))
    with writing(engine) as connection:
        KEPT.create(connection)
        connection.execute(insert(KEPT).values(id=1, note="kept"))
    own_server.stop(mode)
    with refused("database_refused", UnavailableError), reading(engine):
        pass
    own_server.start()
    with reading(engine) as connection:
        assert connection.execute(select(KEPT.c.note)).scalars().all() == ["kept"]
    engine.dispose()


def test_a_transaction_whose_server_dies_is_told_and_undone(own_server):
    engine = open_database(own_server.url(own_server.create(), "registry"))
    with writing(engine) as connection:
        KEPT.create(connection)

    def die():
        with writing(engine) as connection:
            connection.execute(insert(KEPT).values(id=1, note="not committed"))
            own_server.stop("immediate")
            connection.execute(insert(KEPT).values(id=2, note="not committed"))

    with refused("database_refused", UnavailableError):
        die()
    own_server.start()
    with reading(engine) as connection:
        assert connection.execute(select(KEPT)).all() == []
    engine.dispose()


def test_a_standby_that_takes_no_writes_is_told(engine):
    code = told_in(engine, "SET TRANSACTION READ ONLY", "INSERT INTO kept (note) VALUES ('x')")
    assert code == "database_reads_only"


# --- deleted rows -----------------------------------------------------------------------------


def dead_rows(engine):
    with reading(engine) as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    found = text("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'kept'")
    deadline = time.monotonic() + 5
    while True:
        with reading(engine) as connection:
            left = connection.execute(found).scalar()
        if left == 0 or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def test_what_is_deleted_is_taken_out_of_the_tables_unless_somebody_reads(engine):
    rows = [{"id": n, "note": "personal"} for n in range(100)]
    with writing(engine) as connection:
        connection.execute(insert(KEPT), rows)
    with reading(engine) as connection:
        connection.execute(select(KEPT)).all()
        with writing(engine) as other:
            other.execute(KEPT.delete())
        assert database.empty_journal(engine) is False
    assert database.empty_journal(engine) is True
    assert dead_rows(engine) == 0


def test_who_takes_out_what_is_deleted_does_not_wait_for_another_process(engine):
    with postgres.server().ask(engine.url.database) as other:
        key = engine_module.lock_key(engine_module.schema_of(engine), "vacuum")
        other.execute("SELECT pg_advisory_lock(%s)", (key,))
        assert database.empty_journal(engine) is False
    assert database.empty_journal(engine) is True  # and keeps nobody else from it
    assert database.empty_journal(engine) is True


def test_taking_out_what_is_deleted_lasts_as_long_as_the_rows_take(url, engine, monkeypatch):
    monkeypatch.setattr(engine_module, "DATABASE_STATEMENT_SECONDS", 0.3)
    hasty, held, release = open_database(url), Event(), Event()

    def hold():
        with writing(engine) as connection:
            connection.execute(text("LOCK TABLE kept IN SHARE UPDATE EXCLUSIVE MODE"))
            held.set()
            release.wait(1)

    holding = Thread(target=hold)
    holding.start()
    held.wait()
    database.empty_journal(hasty)
    holding.join()
    assert setting(hasty, "statement_timeout") == "300ms"
    hasty.dispose()


def test_the_driver_takes_an_idle_connection_that_is_alive(engine):
    """A check that closed good connections would make every question connect."""
    with reading(engine) as connection:
        first = connection.execute(text("SELECT pg_backend_pid()")).scalar()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar() == first


# --- who writes -------------------------------------------------------------------------------


def test_one_process_has_a_schema_until_its_connection_ends(url, engine):
    other = open_database(url)
    with database.claimed(engine, "gd.example/reg"):
        with (
            refused("database_in_use", ConflictError),
            database.claimed(other, "gd.example/reg"),
        ):
            pass
        with writing(other):  # what it reads and writes is not what the claim is about
            pass
    with database.claimed(other, "gd.example/reg"):
        pass


def test_a_schema_stays_that_of_its_owner(engine):
    with database.claimed(engine, "gd.example/reg"):
        pass
    with refused("database_of_another", UsageError), database.claimed(engine, "hn.example/reg"):
        pass
    with database.claimed(engine, "gd.example/reg"):  # and who was refused keeps no lock
        pass


def test_a_claim_ends_with_its_server(own_server):
    url = own_server.url(own_server.create(), "registry")
    first, second = open_database(url), open_database(url)
    with database.claimed(first, "gd.example/reg"):
        own_server.stop("immediate")
        own_server.start()
        with database.claimed(second, "gd.example/reg"):
            pass
    first.dispose()
    second.dispose()


def end_claim(claim):
    """End its session at the server, as its keeper may."""
    pid = claim._driver.info.backend_pid
    with postgres.server().ask("postgres") as driver:
        driver.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_who_has_lost_its_claim_to_another_process_writes_nothing(url, engine):
    other = open_database(url)
    with database.claimed(engine, "gd.example/reg") as claim:
        end_claim(claim)
        with database.claimed(other, "gd.example/reg"):
            with refused("database_in_use", ConflictError):
                run(engine, insert(KEPT).values(id=1, note="lost"))
            with writing(other) as connection:
                assert connection.execute(select(KEPT)).all() == []
    run(engine, insert(KEPT).values(id=1, note="nobody claims it"))
    other.dispose()


def test_a_claim_that_ended_with_its_session_is_taken_again(url, engine):
    other = open_database(url)
    with database.claimed(engine, "gd.example/reg") as claim:
        end_claim(claim)
        run(engine, insert(KEPT).values(id=1, note="kept"))
        with (
            refused("database_in_use", ConflictError),
            database.claimed(other, "gd.example/reg"),
        ):
            pass
    with database.claimed(other, "gd.example/reg"):
        pass
    other.dispose()


def test_a_server_that_ends_silent_sessions_does_not_end_a_claim(engine):
    asked = "SELECT setting, source FROM pg_settings WHERE name = 'idle_session_timeout'"
    with database.claimed(engine, "gd.example/reg") as claim:
        found = claim._driver.execute(asked).fetchone()
    assert found == ("0", "session")  # not what the server or the role says


# --- many rows --------------------------------------------------------------------------------

ADD = database.PreparedSql(insert(KEPT))


@pytest.mark.parametrize("count", [COPY_FROM - 1, COPY_FROM, 5_000])
def test_many_rows_come_by_copy_as_few_come_one_by_one(engine, count):
    rows = [
        {"id": n, "note": None if n % 2 else f"一\\N{n}\t", "more": 1} for n in range(count)
    ]
    with writing(engine) as connection:
        ADD.run_for(connection, rows)
    with reading(engine) as connection:
        found = connection.execute(select(KEPT).order_by(KEPT.c.id)).all()
    assert [tuple(row) for row in found] == [(row["id"], row["note"]) for row in rows]
    with refused("row_exists", ConflictError), writing(engine) as connection:
        ADD.run_for(connection, rows)
