"""Where the services of `processes` keep what they have, other than in their folders.

    with on_a_server() as place:             # a database each; its server crashes as well
    with in_buckets() as place:              # a bucket for the files of all logs
        with processes(folder, before=place.move) as town: …
        place.faults(town)

`kills` and `load` see the same federation everywhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from did_service.core.log import tiles
from did_service.core.log.checkpoint import checkpoint_in
from did_service.node.local.members import REGIONS
from did_service.replica.tree import StaticTree
from did_service.storage.blobs import BlobStore
from tests.support.buckets import TestBucket, s3_service
from tests.support.optional import postgres_programs
from tests.support.postgres import Server
from tests.support.processes import HOSTS, Processes


class InFolders:
    """Each has all of it in its folder, as it was founded."""

    def move(self, town: Processes) -> None:
        """Leave it there."""

    def crash(self) -> bool:
        """Nothing but the services can crash; whether anything did."""
        return False

    def faults(self) -> list[str]:
        """What is wrong there besides."""
        return []


class OnServer(InFolders):
    """Each has a database of its own on one server, into which it was moved by command."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def move(self, town: Processes) -> None:
        """Copy everybody's rows, and have everybody go on there."""
        for name in HOSTS:
            url = self._server.url(self._server.create())
            town.command("database", "copy", town.place(name), "--to", url, "--json")
            town.settings[name] = {"DIDSVC_STORAGE_DATABASE": url}

    def crash(self) -> bool:
        """End the server as a power cut does, and start it again."""
        self._server.stop("immediate")
        self._server.start()
        return True


class InBuckets(InFolders):
    """The logs, and the copies of the witnesses, lie in one bucket, below a prefix a region."""

    def __init__(self, bucket: TestBucket) -> None:
        self._bucket = bucket

    def move(self, town: Processes) -> None:
        """Name the bucket: the files are made again there from the rows."""
        for region in REGIONS:
            town.settings[region.id] = {
                **self._bucket.environment,
                "DIDSVC_STORAGE_BLOBS": f"{self._bucket.url}/{region.id}",
            }

    def faults(self) -> list[str]:
        """Whoever reads the bucket alone must find all of every checkpoint."""
        logs = {f"{each.id}/reg": self._bucket.blobs(f"{each.id}/reg") for each in REGIONS}
        return [f"{name}: the bucket lacks files" for name in logs if not is_whole(logs[name])]


def is_whole(blobs: BlobStore) -> bool:
    """Whether the files of a log are those of its checkpoint, and none is missing.

    A folder is read by the service alone, which cuts narrower tiles; of a bucket nobody does.
    """
    tree = StaticTree(blobs)
    head = checkpoint_in(tree.checkpoint())

    def file(tile: tiles.TileId) -> bytes:
        return blobs.get(tile.path()) or b""

    read = file if blobs.read_by_others else tree.tile
    return tiles.root(read, head.size) == head.root


@contextmanager
def on_a_server() -> Iterator[OnServer]:
    """Run a server of PostgreSQL until the end."""
    server = Server(postgres_programs())
    try:
        yield OnServer(server)
    finally:
        server.dispose()


@contextmanager
def in_buckets() -> Iterator[InBuckets]:
    """Run a service with a bucket until the end."""
    with s3_service() as service:
        yield InBuckets(service.bucket())


@contextmanager
def in_folders() -> Iterator[InFolders]:
    """Nothing has to run."""
    yield InFolders()
