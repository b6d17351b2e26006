"""Above `storage` nobody knows what kind of database there is."""

import re

import pytest

from tests.architecture.source import modules
from tests.support.optional import CHECKOUT

# What is SQLite's or PostgreSQL's alone, as it would stand in Python or in SQL. The verifier
# keeps a file of its own and is no server (docs/adr/0031).
DIALECT = re.compile(
    r"sqlalchemy\.dialects|\bsqlite3\b|prefix_with|\.on_conflict|sqlite_|postgresql_|psycopg"
    r"|\bOR (REPLACE|IGNORE)\b|\bON CONFLICT\b|\bPRAGMA\b|\bROWID\b|\bBEGIN IMMEDIATE\b|\+ 0\b"
)
ROOMS = ("did_service/storage/", "did_service/verifier/", "did_service/core/")
ABOVE = [path for path in modules("did_service") if not str(path).startswith(ROOMS)]


@pytest.mark.parametrize("path", ABOVE, ids=str)
def test_no_dialect_stands_above_the_door(path):
    text = (CHECKOUT / path).read_text(encoding="utf-8")
    assert not DIALECT.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "from sqlalchemy.dialects.sqlite import insert",
        "from sqlite3 import IntegrityError",
        'insert(SUBJECT).prefix_with("OR REPLACE")',
        "ENTRY.c.index + 0 < size",
        '{"sqlite_with_rowid": False}',
    ],
)
def test_a_planted_dialect_is_seen(text):
    assert DIALECT.search(text)
