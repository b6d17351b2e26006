"""Every statement about one log in a database; `store` runs them.

Parameters: `log` in all of them, `key` of a chain, `size` and `at` as bounds. Questions about
entries give index, leaf and data.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    bindparam,
    delete,
    desc,
    func,
    insert,
    literal_column,
    select,
)

from did_service.replica.tables import CONTENT, COSIGNED, ENTRY, NODE, SUBJECT
from did_service.storage.database import (
    PreparedSql,
    insert_if_absent,
    insert_or_replace,
    unindexed,
)

_LOG: BindParameter[str] = bindparam("log")
_SIZE: BindParameter[int] = bindparam("size")
_AT: BindParameter[int] = bindparam("at")
_ONE: ColumnElement[int] = literal_column("1")
_BELOW = unindexed(ENTRY.c.index) < _SIZE  # found by the chain, which is short
_NOT_HEADS = SUBJECT.c.type != "heads"


def _between(table: Table, *columns: str) -> Select[Any]:
    within = (table.c.index >= bindparam("start")) & (table.c.index < bindparam("stop"))
    found = select(*(table.c[column] for column in columns))
    return found.where(table.c.log == _LOG, within).order_by(table.c.index)


def _records(table: Table) -> Select[Any]:
    columns = (table.c[name] for name in ("key", "number", "index", "at", "leaf"))
    return select(*columns).where(table.c.log == _LOG)


# --- entries ----------------------------------------------------------------------------------

_ENTRIES = select(ENTRY.c.index, ENTRY.c.leaf, ENTRY.c.data).where(ENTRY.c.log == _LOG)
_OF_CHAIN = _ENTRIES.where(ENTRY.c.key == bindparam("key"))
_NEWEST_FIRST = _OF_CHAIN.order_by(desc(ENTRY.c.number)).limit(_ONE)
_CHAINS_ABOUT = select(SUBJECT.c.index).where(
    SUBJECT.c.log == _LOG, SUBJECT.c.grantee == bindparam("grantee")
)

PLACED = PreparedSql(_ENTRIES.where(ENTRY.c.index == bindparam("index")))
CHAIN = PreparedSql(_OF_CHAIN.order_by(ENTRY.c.number))
NUMBERED = PreparedSql(_OF_CHAIN.where(ENTRY.c.number == bindparam("number")))
NEWEST = PreparedSql(_NEWEST_FIRST)
NEWEST_BELOW = PreparedSql(_NEWEST_FIRST.where(_BELOW))
ABOUT = PreparedSql(_ENTRIES.where(ENTRY.c.index.in_(_CHAINS_ABOUT)).order_by(ENTRY.c.index))

# --- the end of the log, and columns of a part of it ------------------------------------------

_LAST = select(ENTRY.c.index, ENTRY.c.at, ENTRY.c.total).where(ENTRY.c.log == _LOG).limit(_ONE)

END = PreparedSql(_LAST.order_by(desc(ENTRY.c.index)))
END_BEFORE = PreparedSql(
    _LAST.where(ENTRY.c.at < _AT).order_by(desc(ENTRY.c.at), desc(ENTRY.c.index))
)
ENTRY_COLUMNS = ("index", "key", "number", "at", "leaf", "data", "total")
ROWS = PreparedSql(_between(ENTRY, *ENTRY_COLUMNS))
DATA = PreparedSql(_between(ENTRY, "data"))
LEAVES = PreparedSql(_between(ENTRY, "leaf"))
NODES = PreparedSql(_between(NODE, "hash").where(NODE.c.level == bindparam("level")))

# --- heads snapshots --------------------------------------------------------------------------

_CHAIN = ENTRY.alias("chain")
_OF_SUBJECT = (
    select(_CHAIN.c.index)
    .where(
        _CHAIN.c.log == _LOG,
        _CHAIN.c.key == SUBJECT.c.key,
        unindexed(_CHAIN.c.index) < _SIZE,
    )
    .order_by(desc(_CHAIN.c.number))  # from its end: what came since is little, a chain is not
    .limit(_ONE)
    .scalar_subquery()
)
_LAST_BEFORE = select(_OF_SUBJECT).where(
    SUBJECT.c.log == _LOG, _NOT_HEADS, SUBJECT.c.index >= _SIZE
)

SETTLED = PreparedSql(
    _records(SUBJECT).where(_NOT_HEADS, SUBJECT.c.index < _SIZE).order_by(SUBJECT.c.key)
)
FORMER = PreparedSql(_records(ENTRY).where(ENTRY.c.index.in_(_LAST_BEFORE)))

# --- the rest ---------------------------------------------------------------------------------

COSIGNED_BEFORE = PreparedSql(
    select(func.max(COSIGNED.c.size)).where(COSIGNED.c.log == _LOG, COSIGNED.c.at < _AT)
)
CONTENT_OF = PreparedSql(
    select(CONTENT.c.data).where(CONTENT.c.log == _LOG, CONTENT.c.digest == bindparam("digest"))
)
NEXT_LOG = PreparedSql(select(func.min(ENTRY.c.log)).where(ENTRY.c.log > _LOG))
DIGESTS = PreparedSql(select(CONTENT.c.digest).where(CONTENT.c.log == _LOG))

ADD_ENTRY = PreparedSql(insert(ENTRY))
ADD_NODE = PreparedSql(insert(NODE))
SET_NEWEST = PreparedSql(insert_or_replace(SUBJECT))
KEEP_CONTENT = PreparedSql(insert_if_absent(CONTENT))
SET_COSIGNED = PreparedSql(insert_or_replace(COSIGNED))

FORGET = [
    PreparedSql(delete(each).where(each.c.log == _LOG))
    for each in (ENTRY, NODE, SUBJECT, CONTENT)
]
