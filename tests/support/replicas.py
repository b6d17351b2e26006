"""Replicas on a real disk, filled from the federation in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from did_service.replica.check import judge, make_world
from did_service.replica.files import grow_files
from did_service.replica.replica import Replica
from did_service.replica.store import ReplicaStore, prepare
from did_service.replica.tree import StaticTree
from did_service.storage import database
from did_service.storage.folder import FolderBlobs
from tests.support.federation import Federation
from tests.support.memory_log import MemoryLog
from tests.support.storage import url_in


@dataclass
class Mirror:
    """Replicas of a federation's logs in one database, as a witness keeps them."""

    fed: Federation
    folder: Path
    replicas: dict[str, Replica] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.engine = database.open_database(url_in(self.folder, "witness"))
        prepare(self.engine)

    def replica(self, origin: str) -> Replica:
        """The replica of a log, made on first use."""
        if origin not in self.replicas:
            store = ReplicaStore(self.engine, origin)
            tree = StaticTree(FolderBlobs(self.folder / origin))
            self.replicas[origin] = Replica(store, tree)
        return self.replicas[origin]

    def follow(self, at: int | None = None) -> None:
        """Take over all that the logs have published, and publish it here."""
        for region in sorted({origin.partition("/")[0] for origin in self.fed.notes}):
            self._follow_region(f"{region}/reg")
        for origin, note in self.fed.notes.items():
            self.replica(origin).tree.publish(note, self.fed.now if at is None else at)

    def _follow_region(self, control: str) -> None:
        """Go through a region's logs in the order of time.

        A heads entry needs the ev log that it is about; an ev entry needs reg up to its second.
        """
        host = control.removesuffix("reg")
        evs = [o for o in self.fed.logs if o.startswith(host) and o != control]
        for placed in self.fed.logs[control].entries[self.replica(control).store.size() :]:
            if placed.entry.type == "heads":
                for data_log in evs:
                    early = [
                        p
                        for p in self.fed.logs[data_log].entries
                        if p.entry.at <= placed.entry.at
                    ]
                    self.grow(data_log, len(early))
            self.grow(control, placed.index + 1)

    def grow(self, origin: str, size: int) -> None:
        """Judge and store entries up to a size, and install their files."""
        replica, log = self.replica(origin), self.fed.logs[origin]
        held = replica.store.size()
        if size <= held:
            return
        entries = [placed.entry for placed in log.entries[held:size]]
        world = self.world(self.fed.contents.get)
        placed = judge(entries, replica.store, world)
        contents = contents_of(log, held, size)
        replica.store.append(placed, contents)
        grow_files(replica, held, size, [replica.store.snapshot(size)])

    def served(self, origin: str) -> Path:
        """The folder of a log's files."""
        return self.folder / origin

    def world(self, content: Callable[[bytes], bytes | None]):
        """What the keeper of these replicas sees; ev rests on a reg that is ahead of it."""
        logs = {origin: self.replica(origin).store for origin in self.fed.logs}
        return make_world(self.fed.policy, logs, self.fed.now, content)


def contents_of(log: MemoryLog, start: int, stop: int) -> dict[bytes, bytes]:
    """The contents that came with some entries of a log."""
    digests = [placed.entry.digest for placed in log.entries[start:stop]]
    return {d: log.contents[d] for d in digests if d in log.contents}


def small_world(**arguments) -> Federation:
    """A federation with an issuer, a grant, a schema, a list and a batch, published once."""
    fed = Federation(**arguments)
    psb = fed.agency("gz.gd.example")
    fed.grant(fed.root("gd"), psb)
    fed.schema(fed.root("cn"), "urn:didsvc:schema:residence-permit:1", {"type": "object"})
    fed.tick()
    fed.status_list(psb, revoked=[7])
    fed.batch(psb, [b"one", b"two"])
    fed.publish()
    return fed
