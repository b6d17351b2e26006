"""A primary and a standby of PostgreSQL that follows it, each a process of its own.

pair = Pair()                          # every commit waits for the standby
url = pair.url(pair.create())          # names both; whichever takes writes is used
pair.primary.kill()
pair.fail_over()                       # the standby is the primary now
pair.restore()                         # … and has a new standby

Pair(synchronous=False)                # no commit waits, so the standby may be behind
"""

from pathlib import Path

from tests.support.optional import postgres_programs
from tests.support.postgres import Server


class Pair:
    """See the module's docstring."""

    def __init__(self, *, synchronous: bool = True) -> None:
        self._synchronous = synchronous
        self.primary = Server(postgres_programs())
        self.standby = self._followed(None)

    def create(self) -> str:
        """Make an empty database and return its name."""
        return self.primary.create()

    def url(self, database: str, session: str = "read-write") -> str:
        """The URL of a database that is on both."""
        return url_of((self.primary.folder, self.standby.folder), database, session)

    def standby_url(self, database: str) -> str:
        """The URL of what the standby has."""
        return url_of((self.standby.folder,), database, "standby")

    def fail_over(self) -> None:
        """Promote the standby; the former primary is the other one from now on."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def restore(self) -> None:
        """Throw the other one away, and have a new standby in its place."""
        _set(self.primary, "ALTER SYSTEM RESET synchronous_standby_names")
        self.standby.dispose()
        self.standby = self._followed(self.standby.folder)

    def cut(self) -> None:
        """Have the standby receive nothing any more, and commits wait for it no longer."""
        nowhere = "ALTER SYSTEM SET primary_conninfo = 'host=/nowhere'"
        _set(self.primary, "ALTER SYSTEM RESET synchronous_standby_names")
        _set(self.standby, nowhere)

    def on_standby(self, statement: str) -> None:
        """Run a statement there."""
        with self.standby.ask("postgres") as driver:
            driver.execute(statement)

    def dispose(self) -> None:
        """Stop both for good, and leave nothing."""
        for each in (self.primary, self.standby):
            each.dispose()

    def _followed(self, folder: Path | None) -> Server:
        made = Server(postgres_programs(), copied=self.primary, folder=folder)
        if self._synchronous:  # only now: the copy would wait for a standby of its own
            _set(self.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        return made


def _set(server: Server, statement: str) -> None:
    with server.ask("postgres") as driver:
        driver.execute(statement)
        driver.execute("SELECT pg_reload_conf()")


def url_of(folders: tuple[Path, ...], database: str, session: str) -> str:
    """The URL of a database that is on several servers, by the folders of their sockets."""
    hosts = ",".join(map(str, folders))
    return f"postgresql://didsvc@/{database}?host={hosts}&target_session_attrs={session}"
