"""The door to databases: by URL, one spelling for every kind, a taken key as one error."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from did_service.core.errors import ConflictError, MalformedError, NotFoundError, UsageError
from did_service.storage.clauses import index_where, stored_by_key
from did_service.storage.database import (
    PreparedSql,
    insert_if_absent,
    insert_or_replace,
    open_database,
    reading,
    writing,
)
from tests.support.refusals import refused
from tests.support.storage import url_in

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
MANY = Table(
    "many",
    MetaData(),
    Column("log", String, primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("flag", Boolean),
    Column("note", String),
    Column("data", LargeBinary),
)
ADD, NOTES = PreparedSql(insert(KEPT)), PreparedSql(select(KEPT.c.note).order_by(KEPT.c.note))


pytestmark = pytest.mark.usefixtures("each_engine")


@pytest.fixture
def engine(tmp_path):
    engine = open_database(url_in(tmp_path, "a"))
    with writing(engine) as connection:
        KEPT.create(connection)
        connection.execute(insert(KEPT).values(FIRST))
    yield engine
    engine.dispose()


def notes(engine):
    with reading(engine) as connection:
        return [note for (note,) in NOTES.rows(connection)]


@pytest.mark.sqlite_only
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
        "mysql://user:tiger@host/x",
        "postgresql://user:tiger@host/x",
        "postgresql://[tiger",
    ],
)
def test_what_is_no_database_of_ours_is_refused_without_its_password(url):
    with pytest.raises(UsageError) as caught:
        open_database(url)
    assert caught.value.code == "database_url_wrong"
    assert "tiger" not in caught.value.message


def test_a_database_that_shall_not_be_made_is_not(tmp_path):
    with refused("database_missing", NotFoundError):
        open_database(url_in(tmp_path / "deep", "a"), make=False)
    assert not (tmp_path / "deep").exists()
    open_database(url_in(tmp_path / "deep", "a")).dispose()
    open_database(url_in(tmp_path / "deep", "a"), make=False).dispose()


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


@pytest.mark.parametrize("clause", [insert, insert_if_absent, insert_or_replace])
def test_a_text_with_a_zero_is_refused_by_every_kind_of_database(engine, clause):
    bad = {"log": "b", "index": 2, "note": "a\0b"}
    for rows in (bad, [{**bad, "note": "good"}, {**bad, "index": 3}]):
        with refused("text_with_nul", MalformedError), writing(engine) as connection:
            connection.execute(clause(KEPT), rows)
    with refused("text_with_nul", MalformedError), reading(engine) as connection:
        connection.execute(select(KEPT).where(KEPT.c.note == "first\0"))
    assert notes(engine) == ["first"]


def many_rows(count):
    """Rows of two logs, every third key twice, with nothing in every fifth column but two."""
    for n in range(count):
        index = n - 1 if n % 3 == 2 else n
        row = {"log": "甲" if n % 2 else "a", "index": index, "flag": n % 4 == 0}
        row |= {"note": f"一\\N{n}\t'{{}}", "data": bytes([0, n % 256]) * (n % 7)}
        yield {**row, "more": n} if n % 5 else {**row, "flag": None, "note": None, "data": None}


@pytest.mark.parametrize("count", [2, 15, 16, 2_000])
@pytest.mark.parametrize("made", [insert_if_absent, insert_or_replace])
def test_many_rows_are_kept_or_replaced_as_if_they_came_one_by_one(engine, made, count):
    rows, before = list(many_rows(count)), {"flag": True, "note": "before", "data": b"b"}
    rows += [{**row, "note": "again"} for row in rows[count // 2 :: 4]]
    there = [{"log": "甲", "index": 1, **before}, {"log": "a", "index": 7_000, **before}]
    left = {(row["log"], row["index"]): row for row in there}
    for row in rows:
        key = row["log"], row["index"]
        left[key] = left.get(key, row) if made is insert_if_absent else row
    with writing(engine) as connection:
        MANY.create(connection)
        connection.execute(insert(MANY), there)
        PreparedSql(made(MANY)).run_for(connection, rows)
    with reading(engine) as connection:
        found = connection.execute(select(MANY).order_by(MANY.c.log, MANY.c.index)).mappings()
        names = [column.name for column in MANY.columns]
        assert [*map(dict, found)] == [{n: left[k][n] for n in names} for k in sorted(left)]


@pytest.mark.parametrize("clause", [ABSENT, REPLACE], ids=["absent", "replace"])
def test_another_key_that_is_taken_among_many_is_one_error(engine, clause):
    rows = [{"log": "b", "index": n, "note": f"{n}"} for n in range(40)]
    again = {"log": "b", "index": 40, "note": "first"}
    if clause is ABSENT:
        with writing(engine) as connection:
            clause.run_for(connection, [*rows, again])
        assert len(notes(engine)) == 41
        return
    with refused("row_exists", ConflictError), writing(engine) as connection:
        clause.run_for(connection, [*rows, again])
    assert notes(engine) == ["first"]


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


# --- what a transaction sees ------------------------------------------------------------------


def test_a_reader_sees_one_state_however_long_it_reads(engine):
    with reading(engine) as connection:
        before = [note for (note,) in NOTES.rows(connection)]
        with writing(engine) as other:
            ADD.run_for(other, [{**SECOND, "index": 2}])
        assert [note for (note,) in NOTES.rows(connection)] == before == ["first"]
    assert notes(engine) == ["first", "second"]


def test_a_writer_sees_what_the_one_before_it_has_written(engine):
    """Else two of them would take the same number."""

    def take(_):
        with writing(engine) as connection:
            index = connection.execute(select(func.max(KEPT.c.index))).scalar() + 1
            ADD.run_for(connection, [{"log": "a", "index": index, "note": str(index)}])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, range(20)))
    with reading(engine) as connection:
        taken = connection.execute(select(KEPT.c.index).order_by(KEPT.c.index)).scalars().all()
    assert taken == list(range(1, 22))


def test_numbers_have_sixty_four_bits_and_texts_are_sorted_by_their_bytes(engine):
    big = 2**63 - 1
    names = ["Z", "a", "ä", "一", "B", "\U0001f600", "～"]
    with writing(engine) as connection:
        ADD.run_for(connection, [{"log": "b", "index": big, "note": "～"}])
        rest = [{"log": "b", "index": n, "note": name} for n, name in enumerate(names[:-1])]
        connection.execute(insert(KEPT), rest)
    with reading(engine) as connection:
        of_b = KEPT.c.log == "b"
        largest = connection.execute(select(func.max(KEPT.c.index)).where(of_b)).scalar()
    assert largest == big
    assert notes(engine) == sorted([*names, "first"], key=str.encode)


def test_what_is_found_comes_row_by_row(engine):
    with writing(engine) as connection:
        ADD.run_for(
            connection, ({"log": "c", "index": n, "note": f"{n:06}"} for n in range(5_000))
        )
    with reading(engine) as connection:
        each = NOTES.each(connection)
        assert next(each) == ("000000",)
        (counted,) = connection.execute(select(func.count()).select_from(KEPT)).scalars()
        assert sum(1 for _ in each) == counted - 1 == 5_000
