"""Databases as the services of release 0.2.0 wrote them, made by its wheel."""

from pathlib import Path

from tests.support.released import WHEELS, Release

FILES = ("registry.sqlite", "witness.sqlite", "issuer.sqlite")
REG, CITIZEN = "gd.example/reg", "did:key:z6MkCitizen"
# Through the release's own stores, with a row in every table.
_WRITE = """
import sys
from pathlib import Path

from sqlalchemy import insert

from did_service.core.anchor.entry import Placed, compose
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import leaf_hash
from did_service.issuer import tables as issuer
from did_service.issuer.store import IssuerStore
from did_service.registry.store import CheckpointStore, ForeignDids
from did_service.replica.store import ReplicaStore, prepare
from did_service.web.database import open_engine, writing
from did_service.witness.store import Alarm, WitnessStore

FOLDER, REG, CITIZEN = Path(sys.argv[1]), *sys.argv[2:]


def replica(engine):
    prepare(engine)
    store = ReplicaStore(engine, REG)
    placed = []
    for index in range(300):
        entry = compose("schema", f"urn:old:{index}", {"n": index}).sequenced(1_000 + index)
        placed.append(Placed(entry, index, leaf_hash(entry.encode())))
    store.append(placed, {b"d" * 32: b"content"})
    store.remember_cosigned(300, 1_300)


engine = open_engine(FOLDER / "registry.sqlite")
replica(engine)
CheckpointStore(engine).swap(REG, None, b"note")
foreign = ForeignDids(engine)
for number in range(3):
    foreign.remember(f"scid{number}", None, f"{number}-version")
engine.dispose()

engine = open_engine(FOLDER / "witness.sqlite")
replica(engine)
store = WitnessStore(engine)
store.hold(Checkpoint(REG, 300, b"r" * 32), b"note")
store.remember_alarm(Alarm(REG, 1_300, "fork", b"offered", b"held"))
store.approve("scid", 1, "1-version")
engine.dispose()

engine = open_engine(FOLDER / "issuer.sqlite")
store = IssuerStore(engine)
store.add_challenge("used", 2_000, 1_000)
store.add_challenge("open", 2_000, 1_000)
applied = {"id": "a1", "item": "item", "claims": "{}", "holder": CITIZEN, "state": "accepted",
           "note": "", "received": 1_100, "pickup_sha256": b"p" * 32}
store.receive("used", 1_100, applied)
issued = {"id": "urn:uuid:1", "application": "a1", "record": b"c" * 32, "index": 7,
          "state": "valid", "issued": 1_200}
store.add_credential("a1", {"state": "issued", "credential": "{}"}, issued)
store.learn_states([9], ["valid"], "revoked", 1_300)
store.ledger.set_pending(compose("schema", "urn:old:sent", {"n": 1}), REG, b"list")
store.ledger.add_batch(b"b" * 32, 1_250, [{"record": b"c" * 32, "root": b"b" * 32,
                       "salt": b"s" * 16, "position": 0, "path": b""}])
with writing(engine) as connection:
    listed = {"url": "https://a.example/s", "content": b"list", "issued": 1_200}
    connection.execute(insert(issuer.LIST).values(listed))
engine.dispose()
"""


def write_old_databases(folder: Path, unpacked: Path) -> None:
    """Let release 0.2.0, unpacked into a folder, write FILES into another one."""
    (wheel,) = (each for each in WHEELS if "-0.2.0-" in each.name)
    Release.unpacked(wheel, unpacked).run(_WRITE, folder, REG, CITIZEN)
