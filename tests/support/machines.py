"""Machines joined by cables: network namespaces, nginx with TLS in front of each service.

    with Network() as network:
        gd = Machine(network, tmp_path, "gd", ServiceKind.REGION)
        gd.init(QUICK)
        gd.serve()
        network.cut("gd")

Every machine has a namespace, a folder, an authority for certificates and processes of its own;
its cable ends at a bridge. What it knows of another one is what was carried to it: a file, or a
table of its configuration. Its service is asked by the test at its Unix socket, by the others
over TLS alone.
"""

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Self

from did_service.cli.__main__ import main
from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.core.crypto.hashes import sha256
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in
from did_service.node.configuration import FILE, read_configuration
from did_service.node.initial import initialise
from did_service.node.setting_table import ServiceKind
from did_service.node.storage_setup import storage_of
from did_service.program.clock import SYSTEM
from did_service.replica.store import ReplicaStore
from did_service.storage.database import open_database
from tests.support import optional
from tests.support.ceremony import PASSPHRASE
from tests.support.keyrings import CHEAP
from tests.support.proxy import Authority, arranged, certificate_files, started

PATIENCE = 90  # seconds; a machine that is busy with other tests is slow
_SWITCH = "switch"
_SPACES = Path("/run/netns")
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET, of setns(2)
# A process that has read our modules once, and does nothing but fork: each command is a process
# of its own, and starts at once.
_FORK = get_context("forkserver")
_FORK.set_forkserver_preload(
    [
        "did_service.cli.backup",
        "did_service.cli.ceremony",
        "did_service.cli.federation",
        "did_service.cli.office_steps",
        "did_service.cli.offices",
        "did_service.cli.policy",
        "did_service.cli.services",
        "did_service.node.commands",
        "did_service.node.pulling",
        "tests.support.machines",
    ]
)


class Network:
    """A bridge in a namespace of its own, and a cable to each machine; nothing leaves it."""

    def __init__(self) -> None:
        optional.namespaces()
        self._mark = f"didsvc{os.getpid()}"
        self._names: list[str] = []

    def __enter__(self) -> Self:
        self._add(_SWITCH)
        self._ip("link", "add", "bridge", "type", "bridge")
        self._ip("link", "set", "bridge", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            _run("ip", "netns", "delete", self.space(name))

    def space(self, name: str) -> str:
        """Return the namespace of a machine."""
        return f"{self._mark}-{name}"

    def plug(self, name: str) -> str:
        """Make a machine's namespace and lay its cable; return the machine's IP address."""
        address = f"10.43.0.{len(self._names)}"
        space = self._add(name)
        self._ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", space)
        self._ip("link", "set", name, "master", "bridge", "up")
        _run("ip", "-n", space, "address", "add", f"{address}/24", "dev", "eth0")
        _run("ip", "-n", space, "link", "set", "eth0", "up")
        return address

    def cut(self, name: str) -> None:
        """Take a machine's cable out."""
        self._ip("link", "set", name, "down")

    def heal(self, name: str) -> None:
        """Put it back."""
        self._ip("link", "set", name, "up")

    def _add(self, name: str) -> str:
        space = self.space(name)
        _run("ip", "netns", "add", space)
        self._names.append(name)
        _run("ip", "-n", space, "link", "set", "lo", "up")
        return space

    def _ip(self, *words: str) -> None:
        _run("ip", "-n", self.space(_SWITCH), *words)


class Machine:
    """A machine with one service; every step on it is a command in a process of its own.

    Args:
        network: Where it is plugged in.
        path: Its folder.
        name: Of the machine, and of the region that it serves.
        host: Of the service.
        kind: Of the service.

    Attributes:
        folder: Of the service.
        authority: Certifies its host.
        environment: Variables of its processes beside those of all, such as an access key.
        space: Its network namespace.
    """

    def __init__(
        self, network: Network, path: Path, name: str, host: str, kind: ServiceKind
    ) -> None:
        self.path, self.name, self.host, self.kind = path, name, host, kind
        self.folder = path / "service"
        self.socket = path / "run" / "s"
        self.authority = Authority(path / "ca")
        self.address = f"{network.plug(name)}:443"
        self.space = network.space(name)
        self.environment: dict[str, str] = {}
        self._service: Running | None = None
        self._begun = 0
        self._log = path / "service.log"
        self._passphrase = path / "pass"
        self._passphrase.touch(0o600)
        self._passphrase.write_text(f"{PASSPHRASE}\n")
        site = "agency" if kind is ServiceKind.AGENCY else "region"
        nginx = path / "nginx"
        words = arranged(nginx, site, host, self.address, self.socket, {})
        self.authority.certify(host, *certificate_files(nginx, host))
        self._proxy = ExitStack()
        self._proxy.enter_context(started(["ip", "netns", "exec", self.space, *words], nginx))

    # --- files ---

    def init(self, chosen: dict[str, object]) -> None:
        """Do what `init` does, with a passphrase that costs less."""
        settings = {
            "service.hosts": [self.host],
            "listen.address": f"unix:{self.socket}",
            "keys.passphrase": f"file:{self._passphrase}",
            **chosen,
        }
        initialise(self.folder, self.kind, settings, PASSPHRASE, SYSTEM, CHEAP)

    def know(self, other: "Machine") -> None:
        """Write down where another machine is, and whose certificates count for it."""
        ca = f"{other.name}.pem"
        shutil.copyfile(other.authority.file, self.folder / ca)
        with (self.folder / FILE).open("a") as file:
            file.write(f'\n[peers."{other.host}"]\n')
            file.write(f'address = "{other.address}"\nca = "{ca}"\n')

    def carried(self, *files: Path) -> list[Path]:
        """Copy files of other machines to this one, as people carry them."""
        inbox = self.path / "inbox"
        inbox.mkdir(exist_ok=True)
        return [Path(shutil.copy(file, inbox / file.name)) for file in files]

    def settle(self, database: str) -> None:
        """Write down that its rows are in another database."""
        file = self.folder / FILE
        setting = f'database = "{database}"'
        text, count = re.subn(r'(?m)^#? ?database = ".*"$', setting, file.read_text())
        assert count == 1
        file.write_text(text)

    # --- processes ---

    def begin(self, *words: object) -> "Running":
        """Begin a command on this machine."""
        self._begun += 1
        out = self.path / f"{self._begun}.out"
        return self._start([*map(str, words), "--json"], out, out.with_suffix(".err"))

    def run(self, *words: object, code: int = 0) -> dict:
        """Run a command on this machine; its answer, read."""
        return self.begin(*words).answer(code)

    def serve(self) -> None:
        """Begin to serve, and wait until it answers."""
        words = [str(self.kind), "serve", str(self.folder)]
        self._service = self._start(words, self._log, self._log)
        eventually(lambda: self.told("/health"), self.logged)

    def reload(self) -> None:
        """Let the service read its files again."""
        assert self._service is not None
        self._service.tell(signal.SIGHUP)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the service by a signal."""
        if self._service is not None:
            self._service.end(number)
        self._service = None

    def close(self) -> None:
        """End all that runs on this machine, as a cut of its power does."""
        self.stop(signal.SIGKILL)
        self._proxy.close()

    def _start(self, words: list[str], out: Path, err: Path) -> "Running":
        given = (self.space, self.environment, words, out, err)
        process = _FORK.Process(target=_on, args=given)
        process.start()
        return Running(words, process, out, err)

    # --- what is seen at its socket ---

    def told(self, path: str) -> bytes:
        """Return what the service answers, whatever the status."""
        with Transport(Routes({self.host: UnixRoute(str(self.socket))})) as transport:
            return transport.request("GET", f"https://{self.host}{path}").body

    def waits_for(self) -> list[str]:
        """Return the words of `/ready`."""
        return json.loads(self.told("/ready"))["waiting_for"]

    def published(self, log: str = "reg") -> Checkpoint:
        """Return the newest published head of one of its logs."""
        return checkpoint_in(self.told(f"/{log}/checkpoint"))

    def held(self, other: "Machine", log: str = "reg") -> Checkpoint:
        """Return the newest head of another one's log that its witness has cosigned."""
        mirror = sha256(f"{other.host}/{log}".encode()).hex()
        return checkpoint_in(self.told(f"/witness/{mirror}/held"))

    def root_at(self, size: int, log: str = "reg") -> bytes:
        """Return the root of one of its logs at a size, from its rows."""
        storage = storage_of(read_configuration(self.folder / FILE, {}, self.kind))
        engine = open_database(storage.database_url("registry"))
        try:
            return ReplicaStore(engine, f"{self.host}/{log}").root(size)
        finally:
            engine.dispose()

    def asked_by_others(self) -> str:
        """Return what the proxy has written about requests."""
        return (self.path / "nginx" / "log" / "did-service.log").read_text()

    def logged(self) -> str:
        """Return what the service has written into its running log."""
        return self._log.read_text()


@dataclass(frozen=True)
class Running:
    """A command that runs, and the files of what it says."""

    words: list[str]
    process: ForkServerProcess
    out: Path
    err: Path

    def answer(self, code: int = 0) -> dict:
        """Wait for a command; its answer, read."""
        self.process.join(PATIENCE)
        out, told = self.out.read_text(), self.err.read_text()
        assert self.process.exitcode == code, (self.words, self.process.exitcode, out, told)
        assert PASSPHRASE not in out + told
        return json.loads(out)["data"]

    def refusal(self) -> str:
        """Wait for a command that refuses; the code that it says."""
        self.process.join(PATIENCE)
        assert self.process.exitcode, self.words
        return json.loads(self.out.read_text())["error"]["code"]

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        self.tell(number)
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None


def _on(
    space: str, environment: Mapping[str, str], words: list[str], out: Path, err: Path
) -> None:
    """Be a command on a machine: in its namespace, with files for streams."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (_SPACES / space).open() as file:
        if libc.setns(file.fileno(), _NEW_NETWORK):
            raise OSError(ctypes.get_errno(), "setns")
    for number, path in ((1, out), (2, err)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, number)
    given = {**_environment(os.environ), **environment}
    os.environ.clear()
    os.environ.update(given)
    sys.argv = ["did-service", *words]
    main()


def eventually(look, otherwise=lambda: ""):
    """Return what a look gives once it gives something that counts."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if found := look():
                return found
        except Exception:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in given.items() if not k.startswith(("COVERAGE", "DIDSVC"))}
    return {**kept, "DIDSVC_LANG": "en"}


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
