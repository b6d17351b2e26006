"""Where a database of PostgreSQL is: what a URL may say, and what the driver is told.

    postgresql://USER@HOST:PORT/DATABASE?schema=registry
    postgresql:///DATABASE?host=/run/postgresql             by a socket, as the system's user

Keys are a closed list. A password has no place in a URL, which stands in lists of processes and
in logs: the driver takes it from `passfile`, or from PGPASSFILE (docs/howto/postgresql.md). A
server on another machine has to prove its name, unless the URL says `sslmode=disable`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import URL

from did_service.core.errors import UsageError, quote

DEFAULT_SCHEMA = "public"
_KEYS = (
    "schema",
    "host",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "passfile",
    "target_session_attrs",
)
_FILES = ("sslrootcert", "sslcert", "sslkey", "passfile")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_TLS = ("verify-full", "verify-ca", "disable")
_SESSIONS = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
_HERE = frozenset({"", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A schema of a database.

    Attributes:
        url: Of the database, without what is ours or the driver's.
        schema: Of the tables.
        options: What else the driver is told.
    """

    url: URL
    schema: str
    options: Mapping[str, str]


def place_of(url: URL) -> PostgresPlace:
    """Read the URL of a database strictly.

    Raises:
        UsageError: `database_url_wrong`.
    """
    if url.drivername != "postgresql":
        raise _wrong("it begins with postgresql://")
    if url.password is not None:
        raise _wrong("a password does not belong into a URL; see passfile")
    if not url.database:
        raise _wrong("it names no database")
    given = {name: _single(name, value) for name, value in url.query.items()}
    schema = given.pop("schema", DEFAULT_SCHEMA)
    if not _NAME.fullmatch(schema):
        raise _wrong("schema is a name in lower case")
    _check_choice(given, "target_session_attrs", _SESSIONS)
    _check_choice(given, "sslmode", _TLS)
    for name in _FILES:
        if not given.get(name, "/").startswith("/"):
            raise _wrong(f"{name} is the path of a file, from the root on")
    is_here = _is_here(url.host or "", given.get("host", ""))
    bare = URL.create(
        "postgresql+psycopg", url.username, None, url.host, url.port, url.database
    )
    return PostgresPlace(bare, schema, given if is_here else _proven(given))


def _is_here(host: str, others: str) -> bool:
    """Say whether every host is this machine: by loopback or by a socket."""
    named = [host, *others.split(",")]
    return all(each in _HERE or each.startswith("/") for each in named)


def _proven(given: Mapping[str, str]) -> dict[str, str]:
    """Return the options with what makes a server on another machine prove its name."""
    if given.get("sslmode") == "disable":
        return dict(given)
    return {"sslmode": "verify-full", "sslrootcert": "system", **given}


def _single(name: str, value: tuple[str, ...] | str) -> str:
    if name not in _KEYS:
        raise _wrong(f"no key {quote(name)}; there are {', '.join(_KEYS)}")
    if not isinstance(value, str) or not value or "\0" in value:
        raise _wrong(f"{name} stands there once, with a value")
    return value


def _check_choice(given: Mapping[str, str], name: str, choices: tuple[str, ...]) -> None:
    if given.get(name, choices[0]) not in choices:
        raise _wrong(f"{name} is one of {', '.join(choices)}")


def _wrong(what: str) -> UsageError:
    """Return the error; it never repeats a value, which may be a secret in the wrong place."""
    return UsageError("database_url_wrong", what)
