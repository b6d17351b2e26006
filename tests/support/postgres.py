"""A private PostgreSQL for the tests of one process, from the binaries of the system.

    url = postgres_url("registry")            # a new database, without that schema
    server = server()                         # to be stopped and started by tests about that

It begins with the first test that asks, listens on a Unix socket alone, and ends with the
process. Its databases sort texts by the rules of Chinese, as a server of an agency may: what
depends on the order of bytes has to say so. Its clock decides nothing: no statement of ours
asks the server for the time (tests/architecture/test_database_door.py).
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from itertools import count
from pathlib import Path

import psycopg

from tests.support.optional import postgres_programs

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "''",
    "max_connections": "200",
    "fsync": "off",  # no test cuts the power; the pages outlive any killed process
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_wal_size": "128MB",
    "autovacuum": "off",
    "logging_collector": "off",
    "log_statement": "none",
}
_NUMBERS = count(1)


class Server:
    """One cluster of ours, and its process.

    Args:
        programs: The folder of its programs.
        settings: In the place of those for tests, by name.
    """

    def __init__(self, programs: Path, settings: Mapping[str, str] = _SETTINGS) -> None:
        self._programs = programs
        self._settings = settings
        self._user = _unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="didsvc-pg-"))  # short: a socket lies in it
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._data = self.folder / "data"
        self._run("initdb", "-D", self._data, "-U", "didsvc", "-A", "trust", "--no-sync",
                  "-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu",
                  "--icu-locale=zh")  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        given = [f"-c {name}={value}" for name, value in self._settings.items()]
        told = " ".join([f"-k {self.folder}", *given])
        log = self.folder / "log"
        self._run("pg_ctl", "start", "-D", self._data, "-l", log, "-o", told, "-w", "-s")

    @property
    def pid(self) -> int:
        """Of its first process; all others are children of that."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `immediate` is as a crash."""
        self._run("pg_ctl", "stop", "-D", self._data, "-m", mode, "-w", "-s")

    def dispose(self) -> None:
        """Stop it for good, and leave nothing."""
        if (self._data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, schema: str | None = None) -> str:
        """The URL of a database, or of a schema in it, as ours are written."""
        of_schema = f"&schema={schema}" if schema else ""
        return f"postgresql://didsvc@/{database}?host={self.folder}{of_schema}"

    def create(self) -> str:
        """Make an empty database and return its name."""
        name = f"test_{next(_NUMBERS)}"
        with self.ask("postgres") as driver:
            driver.execute(f"CREATE DATABASE {name}")
        return name

    def ask(self, database: str) -> psycopg.Connection:
        """Connect beside the product's door, in autocommit."""
        return psycopg.connect(
            host=str(self.folder), user="didsvc", dbname=database, autocommit=True
        )

    def _run(self, program: str, *arguments: object) -> None:
        command = [self._programs / program, *map(str, arguments)]
        who = {} if self._user is None else {
            "user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []
        }  # fmt: skip
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            **who,
        )
        assert done.returncode == 0, done.stderr.decode()


@cache
def server() -> Server:
    """The server of this process; the test is skipped where the system has none."""
    return Server(postgres_programs())


def dispose_of_server() -> None:
    """End the server of this process, if it has one, before the process itself ends.

    A worker of pytest-xdist is killed ten seconds after its last test has been told, and what
    it has measured is written at its very end: hundreds of databases take longer to delete.
    """
    if server.cache_info().currsize:
        server().dispose()


def postgres_url(schema: str) -> str:
    """A schema that is not there yet, in a database of its own."""
    ours = server()
    return ours.url(ours.create(), schema)


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom root runs the server as, which it demands."""
    if os.geteuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")
