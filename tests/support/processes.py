"""The federation of `did-service up`, each of its services in a process of its own.

    with processes(folder) as town:          # founded by `up`, then served folder by folder
        town.kill("gd")                      # SIGKILL, and nothing else
        town.start("gd")                     # … and wait until it answers
        town.submit("gd")                    # a new DID in its control log; the receipt
        town.issue(POLICE)                   # applied, accepted, approved, picked up
        town.sees("gd.example/reg")          # its published head
    town.command("database", "copy", …)      # a command that must succeed

A folder that was founded before is served again as it is. Names are short: sockets lie in it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from did_service.client.issuer import IssuerClient, NotYet
from did_service.client.office import OfficeClient
from did_service.client.registry import EntryReceipt, LogReader, RegistryClient
from did_service.client.routes import parse_routes
from did_service.client.transport import Transport
from did_service.core.credentials import proof_set
from did_service.core.credentials.proof_set import ProofOptions
from did_service.core.crypto.ed25519 import SEED_BYTES, SigningKey
from did_service.core.did.key import did_key_method, did_key_of
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.integrity import eddsa_jcs_2022
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in
from did_service.node.founding import create_identity, did_entry
from did_service.node.local.agencies import ACCEPTING, APPROVING
from did_service.node.local.federation import ROUTES
from did_service.node.local.lasting import OFFICERS
from did_service.node.local.members import AGENCIES, REGIONS, AgencyPlan
from did_service.program.clock import SYSTEM

PATIENCE = 180  # seconds; a machine that is busy with other tests is slow
HOSTS = {each.id: each.host for each in (*REGIONS, *AGENCIES)}
AGENCY = {each.id: each for each in AGENCIES}


class Processes:
    """See the module's docstring.

    Attributes:
        settings: Variables that one service is given beside those of all, by name.
    """

    def __init__(self, folder: Path, routes: Mapping[str, Path]) -> None:
        self.folder = folder
        self.settings: dict[str, Mapping[str, str]] = {}
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        if not (folder / ROUTES).exists():
            self._found()
        places = json.loads((folder / ROUTES).read_bytes())
        places |= {host: f"unix:{path}" for host, path in routes.items()}
        (folder / ROUTES).write_text(json.dumps(places))
        self.transport = Transport(parse_routes((folder / ROUTES).read_bytes()))

    # --- processes ---------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Serve folders, and wait until all of them answer."""
        for name in names:
            kind = "agency" if name in AGENCY else "region"
            command = _command(kind, "serve", self.place(name))
            environment = {**self._environment(), **self.settings.get(name, {})}
            with (self.folder / f"{name}.log").open("ab") as told:
                self.children[name] = subprocess.Popen(command, env=environment, stderr=told)
        for name in names:
            self._until_it_answers(name)

    def place(self, name: str) -> Path:
        """The folder of a service."""
        return self.folder / ("agencies" if name in AGENCY else "regions") / name

    def command(self, *words: object) -> None:
        """Run a command to its end."""
        subprocess.run(
            _command(*words), env=self._environment(), check=True, stdout=subprocess.DEVNULL
        )

    def kill(self, *names: str) -> None:
        """End processes as a power cut does, all at once."""
        gone = [self.children.pop(name) for name in names]
        for child in gone:
            child.send_signal(signal.SIGKILL)
        for child in gone:
            child.wait()

    def close(self) -> None:
        """Ask everybody to end, and wait for it."""
        for child in self.children.values():
            child.terminate()
        for child in self.children.values():
            child.wait(PATIENCE)
        self.transport.close()

    def memory(self) -> dict[str, int]:
        """How many KiB each process has in memory."""
        return {name: _resident(child.pid) for name, child in self.children.items()}

    def ended(self) -> list[str]:
        """Names of processes that have ended by themselves."""
        return [name for name, child in self.children.items() if child.poll() is not None]

    # --- what people do ---------------------------------------------------------------

    def submit(self, region: str, *, wait_seconds: int = 0) -> EntryReceipt:
        """Log a new DID in a region's control log."""
        host = HOSTS[region]
        entry = did_entry(create_identity(f"{host}:soak:x{time.time_ns()}", SYSTEM))
        client = RegistryClient(self.transport, f"{host}/reg")
        return client.submit(entry, wait_seconds=wait_seconds)

    def issue(self, agency: AgencyPlan) -> JsonObject:
        """Issue one credential to a new holder, and pick it up."""
        citizen = IssuerClient(self.transport, agency.url)
        holder = SigningKey(os.urandom(SEED_BYTES))
        options = ProofOptions(
            did_key_method(holder.public),
            "authentication",
            SYSTEM.clock(),
            challenge=citizen.challenge(),
            domain=agency.url,
        )
        body: JsonObject = {
            "item": agency.item,
            "claims": agency.claims,
            "holder": did_key_of(holder.public),
        }
        signed = proof_set.sign(body, holder, options, eddsa_jcs_2022)
        applied = citizen.apply(signed)
        self.officer(agency, ACCEPTING).handle(applied.id, "accept")
        self.officer(agency, APPROVING).handle(applied.id, "approve")
        delivery = citizen.pick_up(applied.pickup)
        assert not isinstance(delivery, NotYet)
        citizen.acknowledge(applied.pickup)
        return delivery["credential"]

    def revoke(self, agency: AgencyPlan, credential: str) -> None:
        """Revoke a credential; the log has it once this returns."""
        self.officer(agency, APPROVING).change(credential, "revoke", "lost")

    def officer(self, agency: AgencyPlan, name: str) -> OfficeClient:
        file = self.folder / OFFICERS / agency.id / f"{name}.token"
        return OfficeClient(self.transport, agency.url, file.read_text().strip())

    def reader(self, origin: str) -> LogReader:
        return LogReader.of_log(self.transport, origin)

    def sees(self, origin: str) -> Checkpoint:
        """The head that a log publishes."""
        return checkpoint_in(self.reader(origin).checkpoint())

    def get(self, name: str, path: str) -> int:
        """The status of an answer."""
        return self.transport.request("GET", f"https://{HOSTS[name]}{path}").status

    # --- details ---------------------------------------------------------------

    def _found(self) -> None:
        """Let `up` found and set up everything, and end."""
        child = subprocess.Popen(
            _command("up", self.folder, "--json"),
            env=self._environment(),
            stdout=subprocess.PIPE,
        )
        told = child.stdout.readline()
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=PATIENCE)
        assert told, "did-service up has not come up"

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "DIDSVC"))}
        return {**kept, "DIDSVC_LANG": "en", "DIDSVC_ROUTES": str(self.folder / ROUTES)}

    def _until_it_answers(self, name: str) -> None:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            with suppress(DidServiceError):
                if self.get(name, "/health") == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{name} does not answer; see {self.folder / name}.log")


@contextmanager
def processes(
    folder: Path,
    routes: Mapping[str, Path] | None = None,
    before: Callable[[Processes], None] = lambda _: None,
) -> Iterator[Processes]:
    """Found or find a federation in a folder, and serve all of it.

    `routes` are sockets of other hosts, by which the services reach them; `before` is done once
    it is founded, while nobody serves.
    """
    town = Processes(folder, routes or {})
    try:
        before(town)
        town.start(*HOSTS)
        yield town
    finally:
        town.close()


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "did_service.cli", *map(str, words)]


def _resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
