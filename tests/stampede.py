"""`make soak PART=stampede`: what strangers and crowds may take from others, and what not.

Five regions of `did-service up`, one process each. During each of three attacks another log's
round (an entry handed in, and its witnessed answer) may take twice as long as undisturbed:

    resolver    45 strangers at a time resolve DIDs at a host that never answers
    heads       a region whose server hangs sends 80 signed heads to each of its peers
    replay      a stranger hands its last checkpoint in again, eight times a second

And of 60 honest clients a region who wait ten seconds each is answered within twelve, while
`/health` answers within one.
"""

import json
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from did_service.client.registry import RegistryClient
from did_service.client.routes import parse_routes
from did_service.client.transport import Transport
from did_service.core.anchor.entry import parse_entry
from did_service.core.crypto.keyring import KeyRole
from did_service.core.errors import DidServiceError
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.merkle import consistency_proof, tree_root
from did_service.core.log.note import NoteSigner, parse_note
from did_service.core.log.witnessing import UnverifiedAddCheckpoint
from did_service.node.founding import create_identity, did_entry
from did_service.node.local.federation import ROUTES
from did_service.node.local.folders import PASSPHRASE
from did_service.node.local.members import REGIONS
from did_service.program.clock import SYSTEM
from did_service.signer.keyring import NAME, open_keyring
from tests.support.optional import CHECKOUT
from tests.support.processes import HOSTS, Processes, processes

FOLDER = CHECKOUT / "build" / "soak" / "stampede"
ATTACKER, VICTIM = "gd", "zj"
LOG = f"{HOSTS[ATTACKER]}/reg"
PEERS = ("hn", "sc", "cn")
SLOW = "slow.example.org"
ROUNDS, CLIENTS, SECONDS = 30, 60, 25
_WAIT, _GRACE, _HEALTH = 10, 2.0, 1.0
Work = Callable[[], object]


# --- measuring --------------------------------------------------------------------------------


def rounds(town: Processes, count: int) -> list[float]:
    """How long the victim's rounds take, rising."""
    took = []
    for _ in range(count):
        begun = time.monotonic()
        with suppress(DidServiceError):
            town.submit(VICTIM, wait_seconds=_WAIT)
        took.append(time.monotonic() - begun)
    return sorted(took)


@contextmanager
def going_on(works: list[Work], pause: float = 0.0) -> Iterator[None]:
    """Let each of these be done again and again, whatever comes of it."""
    over = threading.Event()

    def go_on(work: Work) -> None:
        while not over.wait(pause):
            with suppress(DidServiceError):
                work()

    threads = [threading.Thread(target=go_on, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def hanging(path: Path) -> Iterator[None]:
    """Take connections at a socket, and never answer."""
    path.unlink(missing_ok=True)
    kept: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(500)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in kept:
                each.close()


# --- attacks ----------------------------------------------------------------------------------


def resolver(town: Processes, count: int) -> list[float]:
    """Strangers ask a peer of the victim for DIDs of a host that hangs."""
    works: list[Work] = [
        lambda n=n: town.get("hn", f"/1.0/identifiers/did:web:{SLOW}:a{n}-{time.time_ns()}")
        for n in range(45)
    ]
    with hanging(town.folder / "slow.sock"), going_on(works, pause=0.2):
        return rounds(town, count)


def heads(town: Processes, count: int) -> list[float]:
    """A region with a server that hangs offers one grown tree after the other to its peers."""
    offers = [_offer(town) for _ in range(80)]
    town.kill(ATTACKER)
    works: list[Work] = [
        lambda body=body, peer=peer: _add_checkpoint(town, peer, body)
        for body in offers
        for peer in PEERS
    ]
    with hanging(_socket(town)), going_on(works, pause=1.0):
        took = rounds(town, count)
    town.start(ATTACKER)
    return took


def replay(town: Processes, count: int) -> list[float]:
    """A stranger hands a hanging log's public checkpoint in to a witness that just started."""
    note = parse_note(town.reader(LOG).checkpoint())
    signed = note._replace(signatures=note.signatures[:1])
    body = UnverifiedAddCheckpoint(0, (), signed).encode()
    return _with_a_fresh_peer(town, count, [lambda: _add_checkpoint(town, "hn", body)] * 8)


def control(town: Processes, count: int) -> list[float]:
    """The same region hangs and the same witness has just started, and nobody attacks."""
    return _with_a_fresh_peer(town, count, [])


def _with_a_fresh_peer(town: Processes, count: int, works: list[Work]) -> list[float]:
    town.kill(ATTACKER, "hn")
    town.start("hn")
    with hanging(_socket(town)), going_on(works, pause=1.0):
        took = rounds(town, count)
    town.start(ATTACKER)
    return took


ATTACKS = {"resolver": resolver, "heads": heads, "replay": replay}


def _socket(town: Processes) -> Path:
    places = json.loads((town.folder / ROUTES).read_bytes())
    return Path(places[HOSTS[ATTACKER]].removeprefix("unix:"))


def _add_checkpoint(town: Processes, peer: str, body: bytes) -> None:
    url = f"https://{HOSTS[peer]}/witness/add-checkpoint"
    town.transport.request("POST", url, body=body)


def _offer(town: Processes) -> bytes:
    """A head over what the log has published and something more, well signed and proven."""
    size = town.sees(LOG).size
    data = town.reader(LOG).entries(0, size, size)
    leaves = [*(parse_entry(each).leaf() for each in data), os.urandom(32), os.urandom(32)]
    place = town.folder / "regions" / ATTACKER / "keys" / NAME
    passphrase = (town.folder / PASSPHRASE).read_text().strip()
    signer = NoteSigner(LOG, open_keyring(place, passphrase, os.urandom).key(KeyRole.LOG, LOG))
    note = sign_checkpoint(Checkpoint(LOG, len(leaves), tree_root(leaves)), signer)
    proof = tuple(consistency_proof(leaves, size))
    return UnverifiedAddCheckpoint(size, proof, parse_note(note)).encode()


# --- a crowd ----------------------------------------------------------------------------------


def crowd(town: Processes, clients: int, seconds: float) -> tuple[list[float], list[float]]:
    """So many clients a region hand in and wait: how long that took, and `/health` then."""
    waits: list[float] = []
    healths: list[float] = []
    with _transports(town) as reached:

        def submit(host: str) -> None:
            entry = did_entry(create_identity(f"{host}:soak:x{time.time_ns()}", SYSTEM))
            client = RegistryClient(reached[host], f"{host}/reg")
            _timed(waits, lambda: client.submit(entry, wait_seconds=_WAIT))

        def look(host: str) -> None:
            _timed(healths, lambda: town.transport.request("GET", f"https://{host}/health"))

        works: list[Work] = [
            lambda host=host: submit(host) for host in reached for _ in range(clients)
        ]
        looks: list[Work] = [lambda host=host: look(host) for host in reached]
        with going_on(works), going_on(looks, pause=0.5):
            time.sleep(seconds)
    return sorted(waits), sorted(healths)


def _timed(into: list[float], work: Work) -> None:
    begun = time.monotonic()
    try:
        work()
    finally:
        into.append(time.monotonic() - begun)


@contextmanager
def _transports(town: Processes) -> Iterator[dict[str, Transport]]:
    """One for each region, with room for its whole crowd."""
    routes = (town.folder / ROUTES).read_bytes()
    made = {
        region.host: Transport(parse_routes(routes), timeout_seconds=60) for region in REGIONS
    }
    try:
        yield made
    finally:
        for each in made.values():
            each.close()


# --- the part ---------------------------------------------------------------------------------


def soak(folder: Path, count: int, clients: int, seconds: float) -> list[str]:
    """Measure all of it; say what it took, and return what took too long."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    with processes(folder / "f", {SLOW: folder / "f" / "slow.sock"}) as town:
        undisturbed = rounds(town, count)
        print(f"undisturbed: {_told(undisturbed)}")
        print(f"a region hangs, a peer is fresh: {_told(control(town, count))}")
        for name, attack in ATTACKS.items():
            took = attack(town, count)
            print(f"{name}: {_told(took)}")
            if _p99(took) > 2 * _p99(undisturbed):
                found.append(f"{name}: more than twice as long")
        waits, healths = crowd(town, clients, seconds)
    print(f"{clients} clients a region: {_told(waits)}; /health {_told(healths)}")
    if waits[-1] > _WAIT + _GRACE:
        found.append("a client was answered too late")
    if healths[-1] > _HEALTH:
        found.append("/health was answered too late")
    return found


def _p99(took: list[float]) -> float:
    return took[int(len(took) * 0.99)]


def _told(took: list[float]) -> str:
    half = took[len(took) // 2]
    return f"{len(took)}, p50 {half:.2f} s, p99 {_p99(took):.2f} s, longest {took[-1]:.2f} s"


def main() -> int:
    """Run the part; 1 where anything took too long."""
    found = soak(FOLDER, ROUNDS, CLIENTS, SECONDS)
    for each in found:
        print(each)
    shutil.rmtree(FOLDER)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
