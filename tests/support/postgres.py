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
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
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
        copied: The one that it follows, as a standby.
        folder: Where it lives; a short path, since a socket lies in it.
    """

    def __init__(
        self,
        programs: Path,
        settings: Mapping[str, str] = _SETTINGS,
        copied: "Server | None" = None,
        folder: Path | None = None,
    ) -> None:
        self._programs = programs
        self._settings = settings
        self._user = _unprivileged()
        # Short: a socket lies in it.
        self.folder = folder or Path(tempfile.mkdtemp(prefix="didsvc-pg-"))
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._data = self.folder / "data"
        if copied is None:
            self._run("initdb", "-D", self._data, "-U", "didsvc", "-A", "trust", "--no-sync",
                      "-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu",
                      "--icu-locale=zh")  # fmt: skip
        else:
            self._run("pg_basebackup", "-D", self._data, "-h", copied.folder, "-U", "didsvc",
                      "-R", "-X", "stream", "-c", "fast", "--no-sync")  # fmt: skip
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

    def kill(self) -> None:
        """End every process of it at once, as a power cut does."""
        self.signal(signal.SIGSTOP)  # none sees the end of another
        self.signal(signal.SIGKILL)
        while self._is_running():
            time.sleep(0.01)

    def promote(self) -> None:
        """Make a standby the primary, and wait until it takes writes."""
        self._run("pg_ctl", "promote", "-D", self._data, "-w", "-s")

    def signal(self, number: int) -> None:
        """Send a signal to all of its processes: SIGSTOP hides them, SIGCONT shows them."""
        for pid in (self.pid, *_children(self.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def dispose(self) -> None:
        """Stop it for good, and leave nothing."""
        if self._is_running():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_running(self) -> bool:
        file = self._data / "postmaster.pid"
        return file.exists() and not _is_zombie(int(file.read_text().split()[0]))

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


def _children(parent: int) -> list[int]:
    """Processes that one has begun."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = each.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(int(each.parent.name))
    return found


def _is_zombie(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom root runs the server as, which it demands."""
    if os.geteuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")
