"""`make soak PART=kills`: 1,000 random kills of seven processes, while people go on working.

    kills             rows and files in their folders
    kills-postgres    a database each on one server, which crashes as well
    kills-s3          the files of every log in a bucket

five regions and two agencies of `did-service up`, one process each
    ├ five clients submit, two agencies issue and revoke          all the time
    └ one or two processes die at a random moment and start again   1,000 times

What was answered is written down before it is counted on, so a run in folders that was cut
goes on after the last kill: the folder and the record stand under build/soak/kills. At the end
all of it is there: each receipt at its index, none given twice, each head that was seen a
beginning of the log, each revoked credential in the list, no witness has an alarm, and a bucket
every file of its checkpoints. KILLS says how many kills another run shall have, MINUTES after
how long it shall stop killing and look.
"""

import json
import os
import random
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from did_service.client.witness import WitnessClient
from did_service.core.anchor.entry import parse_entry
from did_service.core.credentials.bitstring_status_list import BitstringStatusList
from did_service.core.encoding import strict_json
from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_CREDENTIAL_BYTES
from did_service.core.log.merkle import leaf_hash, tree_root
from did_service.node.local.members import AGENCIES, REGIONS, AgencyPlan
from tests.support.elsewhere import InFolders, in_buckets, in_folders, on_a_server
from tests.support.optional import CHECKOUT
from tests.support.processes import HOSTS, PATIENCE, Processes, processes

FOLDER = CHECKOUT / "build" / "soak" / "kills"
KILLS = int(os.environ.get("KILLS", "1000"))
_MINUTES = float(os.environ.get("MINUTES", "600"))
_PAUSE = 0.5  # seconds between two things that one client does
_CRASHES = 0.05  # of what everybody rests on, to one kill
PLACES: dict[str, Callable[[], AbstractContextManager[InFolders]]] = {
    "kills": in_folders,
    "kills-postgres": on_a_server,
    "kills-s3": in_buckets,
}


class Record:
    """What people were told, a line each, on disk before anybody counts on it."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        lines = path.read_bytes().splitlines() if path.exists() else []
        self.rows = [json.loads(line) for line in lines if line.endswith(b"]")]
        self._file = path.open("a", encoding="utf-8")

    def add(self, word: str, *what: object) -> None:
        with self._lock:
            row = [word, *what]
            self.rows.append(row)
            self._file.write(f"{json.dumps(row)}\n")
            self._file.flush()

    def of(self, word: str) -> list[list]:
        with self._lock:
            return [row[1:] for row in self.rows if row[0] == word]

    def close(self) -> None:
        self._file.close()


class People:
    """Everybody who works while processes die; an answer that does not come is no answer."""

    def __init__(self, town: Processes, record: Record) -> None:
        self.town, self.record = town, record
        self.refused: Counter[str] = Counter()
        self._over = threading.Event()
        works = [(self._submit, each.id) for each in REGIONS]
        works += [(self._issue, each) for each in AGENCIES]
        self._threads = [threading.Thread(target=self._go_on, args=work) for work in works]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, work, whose) -> None:
        while not self._over.wait(_PAUSE):
            try:
                work(whose)
            except DidServiceError as error:
                self.refused[error.code] += 1

    def _submit(self, region: str) -> None:
        receipt = self.town.submit(region)
        self.record.add("receipt", receipt.log, receipt.index, receipt.leaf.hex())

    def _issue(self, agency: AgencyPlan) -> None:
        credential = self.town.issue(agency)
        index = int(credential["credentialStatus"][0]["statusListIndex"])
        self.record.add("issued", agency.id, index)
        self.town.revoke(agency, credential["id"])
        self.record.add("revoked", agency.id, index)


def kill_them(town: Processes, record: Record, kills: int, place: InFolders) -> list[float]:
    """Kill until so many kills are on record; return how long each start took."""
    chance, seconds = random.Random(), []
    ends = time.monotonic() + 60 * _MINUTES
    while len(record.of("kill")) < kills and time.monotonic() < ends:
        time.sleep(chance.uniform(0.05, 1.5))
        if chance.random() < _CRASHES and place.crash():
            record.add("crash")
        names = chance.sample(sorted(HOSTS), chance.choice((1, 1, 1, 2)))
        town.kill(*names)
        begun = time.monotonic()
        town.start(*names)
        seconds.append(time.monotonic() - begun)
        for name in names:
            record.add("kill", name)
        for region in REGIONS:
            with suppress(DidServiceError):  # another one may have no checkpoint to show
                head = town.sees(f"{region.host}/reg")
                record.add("seen", head.origin, head.size, head.root.hex())
    return seconds


def faults(town: Processes, record: Record) -> list[str]:
    """What is not as people were told, once every log has published all that it took."""
    found = [f"{name} ended by itself" for name in town.ended()]
    for region in REGIONS:
        found += _faults_of_log(town, record, f"{region.host}/reg")
        alarms = WitnessClient(town.transport, f"https://{region.host}/witness").alarms()
        found += [f"{region.host} has alarms: {alarms}"] if alarms["alarms"] else []
    for agency in AGENCIES:
        found += _faults_of_lists(town, record, agency)
    return found


def _faults_of_log(town: Processes, record: Record, origin: str) -> list[str]:
    receipts = [(at, leaf) for log, at, leaf in record.of("receipt") if log == origin]
    seen = {(size, root) for log, size, root in record.of("seen") if log == origin}
    most = max([at + 1 for at, _ in receipts] + [size for size, _ in seen], default=0)
    head = _published(town, origin, most)
    data = town.reader(origin).entries(0, head.size, head.size)
    leaves = [parse_entry(each).leaf() for each in data]
    assert leaves == [leaf_hash(each) for each in data]
    found = [f"{origin} {at}: lost" for at, leaf in receipts if leaves[at].hex() != leaf]
    if len({at for at, _ in receipts}) < len(receipts):
        found.append(f"{origin}: an index was given twice")
    for size, root in seen:
        if tree_root(leaves[:size]).hex() != root:
            found.append(f"{origin}: another history was published at {size}")
    return found


def _published(town: Processes, origin: str, size: int):
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        with suppress(DidServiceError):
            if (head := town.sees(origin)).size >= size:
                return head
        time.sleep(0.5)
    raise AssertionError(f"{origin} does not publish {size} entries")


def _faults_of_lists(town: Processes, record: Record, agency: AgencyPlan) -> list[str]:
    issued = [index for name, index in record.of("issued") if name == agency.id]
    found = [f"{agency.id}: an index twice"] if len(set(issued)) < len(issued) else []
    url = f"{agency.url}/status/1"
    served = town.transport.get(url, max_bytes=MAX_CREDENTIAL_BYTES).body
    listed = strict_json.load_object(served)["credentialSubject"]["encodedList"]
    bits = BitstringStatusList.decode(listed)
    lost = [i for name, i in record.of("revoked") if name == agency.id and not bits[i]]
    return found + [f"{agency.id} {index}: revoked, and not listed" for index in lost]


def soak(folder: Path, kills: int, place: InFolders) -> list[str]:
    """Kill so many processes; say what there was, and return what is wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    record = Record(folder / "record.jsonl")
    with processes(folder / "f", before=place.move) as town:
        with People(town, record) as people:
            seconds = kill_them(town, record, kills, place)
        found = faults(town, record) + place.faults()
    counts = Counter(row[0] for row in record.rows)
    print(
        f"{counts['kill']} kills, {counts['crash']} crashes, {counts['receipt']} receipts,"
        f" {counts['issued']} credentials, {counts['revoked']} revocations,"
        f" {counts['seen']} heads seen;"
        f" longest start {max(seconds, default=0):.1f} s; refused: {dict(people.refused)}"
    )
    record.close()
    return found


def main(part: str = "kills") -> int:
    """Run a part; 1 where anything was lost."""
    folder = FOLDER.with_name(part)
    if part != "kills":  # a server and its rows ended with the run before
        shutil.rmtree(folder, ignore_errors=True)
    with PLACES[part]() as place:
        found = soak(folder, KILLS, place)
    for each in found:
        print(each)
    if not found:
        shutil.rmtree(folder)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
