"""`make soak PART=issuers`: two processes of an agency, killed in turn while people work.

    people ──► nginx, as docs/howto/postgresql.md has it ──► one ──┐
                                                        └──► two ──┴──► PostgreSQL, the region

Nobody may notice a kill: the proxy asks the other process, and every call is one that may be
made twice. At the end every credential has an index of its own, is in one batch, and is revoked
if somebody was told so; the log's chains have no gap.
"""

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from did_service.client.issuer import IssuerClient, NotYet
from did_service.client.office import OfficeClient
from did_service.core.anchor.streams import stream_id
from did_service.core.credentials.bitstring_status_list import BitstringStatusList, Purpose
from did_service.core.credentials.record import record_of
from did_service.core.encoding import strict_json
from did_service.core.errors import DidServiceError
from did_service.issuer.app import Issuer
from did_service.issuer.states import ApplicationState
from did_service.issuer.store import IssuerStore
from did_service.program.clock import SYSTEM
from did_service.storage.database import open_database
from tests.support import storage
from tests.support.issuer_process import start, write_given
from tests.support.live import running
from tests.support.offices import TOKENS, URL, Office, index_of
from tests.support.optional import CHECKOUT
from tests.support.proxy import Authority, proxied

PAGE = CHECKOUT / "docs" / "howto" / "postgresql.md"
KILLS = 200
NAMES = ("one", "two")
PATIENCE = 120
_PEOPLE = 4
_REVOKED = 4  # one of so many is revoked: lists of one chain have a second each
_PACES = {f"rate={pace}": "rate=10000r/s" for pace in ("100r/s", "20r/s", "1r/s")}


class Processes:
    """The processes of one agency, and their proxy."""

    def __init__(self, folder: Path, given: Path) -> None:
        self.folder, self._given = folder, given
        self.children = {}

    def socket(self, name: str) -> Path:
        return self.folder / f"{name}.sock"

    def start(self, *names: str) -> None:
        begun = {name: start(self._given, self.socket(name)) for name in names}
        for name, child in begun.items():
            assert child.stdout.readline() == b"ready\n", f"{name} has not come up"
        self.children |= begun

    def kill(self, name: str, how: int = signal.SIGKILL) -> None:
        child = self.children.pop(name)
        child.send_signal(how)
        child.wait(PATIENCE)
        child.stdout.close()

    def close(self) -> None:
        for name in list(self.children):
            self.kill(name, signal.SIGTERM)


class People:
    """Citizens and officers at work; what anybody is told beside an answer is written down."""

    def __init__(self, office: Office, transport) -> None:
        self.office, self._transport = office, transport
        self.citizen = IssuerClient(transport, URL)
        self.issued, self.revoked, self.refused = [], set(), Counter()
        self._over, self._numbers = threading.Event(), iter(range(1_000_000))
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work) for _ in range(_PEOPLE)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self.lead()
            except DidServiceError as error:
                self.refused[f"{error.code}: {error.message}"] += 1

    def officer(self, name: str) -> OfficeClient:
        return OfficeClient(self._transport, URL, TOKENS[name])

    def lead(self) -> None:
        """Lead one application to its end."""
        with self._lock:
            number = next(self._numbers)
            holder = self.office.fed.device(f"person {number}")
        challenge = self.citizen.challenge()
        applied = self.citizen.apply(
            self.office.application(challenge=challenge, holder=holder)
        )
        self.officer("li").handle(applied.id, "accept")
        self.officer("zhao").handle(applied.id, "approve")
        delivery = self.citizen.pick_up(applied.pickup)
        assert not isinstance(delivery, NotYet)
        self.citizen.acknowledge(applied.pickup)
        credential = delivery["credential"]
        if number % _REVOKED == 0:
            self.officer("qian").change(credential["id"], "revoke", "lost")
            self.revoked.add(index_of(credential))
        self.issued.append(credential)


@contextmanager
def agency(folder: Path, tick_seconds: float = 2.0):
    """A running federation, an agency of it with its rows in PostgreSQL, and a proxy."""
    year = datetime.now(UTC).year
    storage.use(storage.SQLITE)  # the regions' rows
    with ExitStack() as stack:
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="two")))
        years = (year, year + 1)
        fed = stack.enter_context(running(folder / "fed", years=years, now=int(time.time())))
        fed.publish()
        stack.enter_context(_clock(fed))
        storage.use(storage.POSTGRES)
        stack.callback(storage.use, storage.SQLITE)
        office = Office(fed, folder / "office", log_of=fed.client)
        office.edge = SYSTEM
        fed.publish("gd")
        place = storage.storage_in(folder / "office")
        given = folder / "given"
        write_given(given, office.agency, place, fed.places, tick_seconds)
        processes = Processes(sockets, given)
        stack.callback(processes.close)
        yield office, processes


@contextmanager
def _clock(fed):
    """Let the clock of the regions go, as that of the processes does."""
    over = threading.Event()

    def go() -> None:
        while not over.wait(0.2):
            fed.now = int(time.time())

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def behind_nginx(folder: Path, processes: Processes):
    """The agency's site, changed as the page says: to two addresses."""
    upstream, again = page_blocks()
    one, two = (processes.socket(name) for name in NAMES)
    upstream = upstream.replace("/run/did-service/gz/one.sock", str(one))
    upstream = upstream.replace("/run/did-service/gz/two.sock", str(two))
    changes = {
        "# An agency behind TLS.": f"{upstream}\n# An agency behind TLS.",
        "proxy_next_upstream off;            # nothing is sent twice": again,
        f"http://unix:{one}": "http://gz",
        **_PACES,
    }
    authority = Authority(folder / "ca")
    with (
        proxied(folder / "proxy", "agency", one, authority, changes=changes) as proxy,
        proxy.transport(authority.file) as transport,
    ):
        yield transport


def page_blocks() -> tuple[str, str]:
    """What the page has an operator write: the upstream, and when it is asked again."""
    _, first, second = PAGE.read_text().split("```nginx\n")
    return first.partition("```")[0], second.partition("```")[0]


def soak(folder: Path, kills: int) -> list[str]:
    """Kill one of two processes so many times while people work; what is wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    with agency(folder) as (office, processes), behind_nginx(folder, processes) as transport:
        processes.start(*NAMES)
        with People(office, transport) as people:
            for number in range(kills):
                time.sleep(random.uniform(0.5, 1.5))
                name = NAMES[number % 2]
                processes.kill(name, signal.SIGTERM if number % 5 == 4 else signal.SIGKILL)
                processes.start(name)
        processes.close()
        told = f"{kills} kills, {len(people.issued)} credentials, {len(people.revoked)} revoked"
        sys.stdout.write(f"{told}\n")
        return [*map(str, people.refused.items()), *wrong(office, people)]


def wrong(office: Office, people: People) -> list[str]:
    """What is wrong with the rows and with the log, once a last tick has come."""
    store = IssuerStore(open_database(storage.url_in(office.folder, "issuer")))
    issuer = Issuer(office.agency, store, office.log_of, SYSTEM)
    issuer.tick()
    return [*_wrong_rows(store, people), *_not_told(issuer, people), *_wrong_log(office)]


def _wrong_rows(store: IssuerStore, people: People) -> Iterator[str]:
    kept = store.credentials.listed()
    if len({each.index for each in kept}) < len(kept):
        yield "an index was used twice"
    if len({each.application for each in kept}) < len(kept):
        yield "an application was issued twice"
    collected = len(store.applications(ApplicationState.COLLECTED))
    if collected < len(people.issued):
        yield f"{collected} were collected, and {len(people.issued)} handed out"
    if store.ledger.pending_count():
        yield "something is on its way still"


def _not_told(issuer: Issuer, people: People) -> Iterator[str]:
    for credential in people.issued:
        issuer.evidence.proof(record_of(credential))  # or there is none, and it raises
    listed = strict_json.load_object(issuer.statuses.served("1"))
    bits = BitstringStatusList.decode(listed["credentialSubject"]["encodedList"])
    if lost := [index for index in people.revoked if not bits[index]]:
        yield f"revoked and not in the list: {lost}"


def _wrong_log(office: Office) -> Iterator[str]:
    log = office.fed.logs[office.agency.evidence_log(datetime.now(UTC).year)]
    lists = [("status", office.agency.list_url(each)) for each in Purpose]
    for kind, subject in [*lists, ("evidence", stream_id(office.actor.did, "issuance"))]:
        chain = [each.entry for each in log.chain(kind, subject)]
        numbers = [each.number for each in chain]
        if not chain or numbers != list(range(1, len(numbers) + 1)):
            yield f"{subject} has {numbers}"
        if len({each.digest for each in chain}) < len(chain):
            yield f"{subject} says one thing twice"


def main() -> int:
    """Run the part; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="issuers") as made:
        found = soak(Path(made), int(os.environ.get("KILLS", KILLS)))
    sys.stdout.writelines(f"{each}\n" for each in found)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
