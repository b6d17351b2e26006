"""The door to databases: by URL, one spelling for every kind, a taken key as one error."""

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from did_service.core.errors import ConflictError, NotFoundError, UsageError
from did_service.storage.clauses import index_where, stored_by_key
from did_service.storage.database import (
    PreparedSql,
    file_url,
    insert_if_absent,
    insert_or_replace,
    open_database,
    reading,
    writing,
)
from tests.support.refusals import refused

KEPT = Table(
    "kept",
    MetaData(),
    Column("log", String, primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("note", String, unique=True),
)
FIRST = {"log": "a", "index": 1, "note": "first"}
SECOND = {**FIRST, "note": "second"}
ABSENT, REPLACE = PreparedSql(insert_if_absent(KEPT)), PreparedSql(insert_or_replace(KEPT))
ADD, NOTES = PreparedSql(insert(KEPT)), PreparedSql(select(KEPT.c.note).order_by(KEPT.c.note))


@pytest.fixture
def engine(tmp_path):
    engine = open_database(file_url(tmp_path / "a.sqlite"))
    with writing(engine) as connection:
        KEPT.create(connection)
        connection.execute(insert(KEPT).values(FIRST))
    yield engine
    engine.dispose()


def notes(engine):
    with reading(engine) as connection:
        return [note for (note,) in NOTES.rows(connection)]


def test_a_connection_keeps_half_a_megabyte_of_pages(engine):
    """It would keep two, for each of a service's dozen connections."""
    with reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA cache_size").scalar() == -512


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.sqlite",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://host/x",
        "postgresql://user:word@host/x",
    ],
)
def test_what_is_no_database_of_ours_is_refused_without_its_password(url):
    with pytest.raises(UsageError) as caught:
        open_database(url)
    assert caught.value.code == "database_url_wrong"
    assert "word" not in caught.value.message


def test_a_database_that_shall_not_be_made_is_not(tmp_path):
    with refused("database_missing", NotFoundError):
        open_database(file_url(tmp_path / "deep" / "a.sqlite"), make=False)
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(
    ("made", "prepared", "left"),
    [(insert_if_absent, ABSENT, "first"), (insert_or_replace, REPLACE, "second")],
)
def test_a_row_that_is_there_is_kept_or_replaced(engine, made, prepared, left):
    with writing(engine) as connection:
        connection.execute(made(KEPT).values(SECOND))
    assert notes(engine) == [left]
    with writing(engine) as connection:
        other = {**FIRST, "index": 2, "note": "other"}
        prepared.run_for(connection, [other, {**FIRST, "note": left, "log": "a"}])
        connection.execute(made(KEPT), [{**other, "index": 3, "note": "third"}])
    assert notes(engine) == sorted([left, "other", "third"])


@pytest.mark.parametrize("other", [SECOND, {**FIRST, "index": 2}], ids=["key", "unique"])
def test_a_key_that_is_taken_is_one_error_in_any_way_of_writing(engine, other):
    with refused("row_exists", ConflictError), writing(engine) as connection:
        connection.execute(insert(KEPT).values(other))
    with refused("row_exists", ConflictError), writing(engine) as connection:
        ADD.run_for(connection, [{**FIRST, "index": 9, "note": "nine"}, other])
    assert notes(engine) == ["first"]


@pytest.mark.parametrize("clause", [insert_if_absent(KEPT), insert_or_replace(KEPT)])
def test_both_kinds_of_database_read_the_same_sql(clause):
    ours, other = (
        str(clause.compile(dialect=each)).replace('"', "").partition(" ON CONFLICT ")
        for each in (sqlite.dialect(), postgresql.dialect())
    )
    assert ours[1:] == other[1:] != ("", "")
    assert "RETURNING" not in other[0]


def test_options_of_one_kind_do_not_reach_another():
    metadata = MetaData()
    columns = [Column("a", Integer, primary_key=True), UniqueConstraint("a")]
    table = Table("t", metadata, *columns, **stored_by_key())
    assert "t" in metadata.tables
    assert {name.partition("_")[0] for name in stored_by_key()} == {"sqlite"}
    assert {*index_where("a IS NOT NULL")} == {"sqlite_where", "postgresql_where"}
    assert table.dialect_options["sqlite"]["with_rowid"] is False
