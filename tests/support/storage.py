"""Where the services of a test keep their rows: in files of SQLite, or in PostgreSQL.

    pytestmark = pytest.mark.usefixtures("each_engine")     # every test of a file, on both
    storage_in(folder)                                      # what a service is given
    url_in(folder, "registry")                              # one database of it

    use_bucket("gd", bucket)                                # what gd serves lies in a bucket
    handed_on(folder)                                       # what a child process is given

A folder stands for one place, so that a service which is opened again finds what it had. What a
test does to a file of SQLite has no counterpart: such a test is marked `sqlite_only`.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, event

from did_service.node.storage_setup import StorageSetup
from tests.support.postgres import server

if TYPE_CHECKING:
    from tests.support.buckets import TestBucket

SQLITE, POSTGRES = "sqlite", "postgres"
ENGINES = (SQLITE, POSTGRES)
S3 = "s3"  # rows in files of SQLite, and in a bucket what is served
PLACES = (*ENGINES, S3)


@event.listens_for(Engine, "engine_connect")
def _remember(connection: Connection) -> None:
    """Know what is connected to a server: nobody's end closes such a connection."""
    if connection.dialect.name == "postgresql":
        _Running.engines.add(connection.engine)


class _Running:
    """The engine of the test that runs now, and the databases by folder."""

    engine = SQLITE
    databases: dict[Path, str] = {}  # noqa: RUF012 - one for all tests of the process
    buckets: dict[str, "TestBucket"] = {}  # noqa: RUF012 - likewise, by the folder's name
    engines: set[Engine] = set()  # noqa: RUF012 - likewise


def use(engine: str) -> None:
    """Have every service that is opened from now on keep its rows there."""
    _Running.engine = engine
    if engine == POSTGRES:
        server()  # or the test is skipped, before anything is made


def use_bucket(name: str, bucket: "TestBucket | None") -> None:
    """Have the services of folders of this name keep in a bucket what they serve; None: not."""
    _Running.buckets.pop(name, None)
    if bucket is not None:
        _Running.buckets[name] = bucket


def disconnect() -> None:
    """Close the connections that a test has left; its engines connect again."""
    while _Running.engines:
        _Running.engines.pop().dispose()


def storage_in(folder: Path) -> StorageSetup:
    """Return the place that a folder stands for."""
    place = StorageSetup(folder)
    bucket = _Running.buckets.get(folder.name)
    if bucket is not None:
        environment = bucket.environment
        place = replace(place, blobs=f"{bucket.url}/{folder.name}", environment=environment)
    if _Running.engine == SQLITE:
        return place
    known = _Running.databases
    path = folder.absolute()
    if path not in known:
        known[path] = server().create()
    return replace(place, database=server().url(known[path]))


def handed_on(folder: Path) -> StorageSetup:
    """Return the same for a process that knows nothing of ours, as a value to be pickled."""
    place = storage_in(folder)
    return replace(place, environment=dict(place.environment))


def url_in(folder: Path, service: str) -> str:
    """Return the URL of one database of that place."""
    return storage_in(folder).database_url(service)
