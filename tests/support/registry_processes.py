"""A registry in processes of its own, on a server's database, among four other regions.

with region(tmp_path, url) as gd:
    gd.start("one")                 # serves, and is reached from now on
    gd.begin()                      # the first entries of its logs, published
    receipt = gd.accepted(gd.submit)
    gd.kill("one")                  # SIGKILL
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread

from did_service.client.registry import LogReader, RegistryClient
from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.log.checkpoint import checkpoint_in
from did_service.core.log.merkle import leaf_hash
from did_service.node.administration import Administration
from did_service.node.founding import create_identity, did_entry
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import SYSTEM
from tests.support.folders import configured
from tests.support.founded import PASSPHRASE, region_folder

REG = "gd.example/reg"
_WRITERS = 2
PATIENCE = 120  # seconds; a machine that is busy with other tests is slow


class Region:
    """The registry of gd in processes of their own, among the witnesses of four regions."""

    def __init__(self, town, folder, url):
        self.town, self.folder, self.url = town, folder, url
        self.children, self.urls, self.reached, self.database = {}, {}, "", ""
        self.transport = town.transport

    def start(self, name, url=None):
        """Serve, and wait until it answers; from now on the others reach gd there."""
        socket = self.town.sockets / f"{name}.sock"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
        environment |= self.town.routes() | {
            "DIDSVC_STORAGE_DATABASE": self.urls.setdefault(name, url or self.url),
            "DIDSVC_LISTEN_ADDRESS": f"unix:{socket}",
            "DIDSVC_PUBLISH_LEAST": "0.2",
            "DIDSVC_LANG": "en",
        }
        command = [sys.executable, "-m", "did_service.cli", "registry", "serve", self.folder]
        with (self.folder.parent / f"{name}.log").open("ab") as told:
            self.children[name] = subprocess.Popen(command, env=environment, stderr=told)
        self.reach(name)
        self.until(lambda: self.get("/health")[0] == 200)

    def kill(self, name, how=signal.SIGKILL):
        child = self.children.pop(name)
        child.send_signal(how)
        child.wait(PATIENCE)

    def reach(self, name):
        """Have the name of the host lead to one of them, for everybody."""
        at, new = self.town.sockets / "gd.sock", self.town.sockets / "new.sock"
        new.symlink_to(f"{name}.sock")
        new.replace(at)
        self.reached = name
        self.transport = Transport(Routes(self.town.places))  # no connection of before

    def get(self, path):
        with suppress(DidServiceError):
            answer = self.transport.request("GET", f"https://gd.example{path}")
            return answer.status, answer.body
        return 0, b""

    def waits(self):
        """Whether the process that is reached says that another one leads."""
        status, body = self.get("/ready")
        return status == 503 and "another_leads" in json.loads(body)["waiting_for"]

    def leads(self):
        status, body = self.get("/ready")
        return status != 0 and "another_leads" not in json.loads(body)["waiting_for"]

    def office(self):
        return Administration(self.transport, "gd.example", SYSTEM)

    def submit(self):
        entry = did_entry(create_identity(f"gd.example:test:x{time.time_ns()}", SYSTEM))
        return RegistryClient(self.transport, REG).submit(entry, wait_seconds=0)

    def accepted(self, submit):
        """What is answered once the log takes it: a new leader asks witnesses for the time."""
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                return submit()
            except UnavailableError:
                assert time.monotonic() < ends
                time.sleep(0.2)

    def head(self):
        return checkpoint_in(LogReader.of_log(self.transport, REG).checkpoint())

    def until(self, condition):
        """The seconds until something is true."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < PATIENCE
            time.sleep(0.05)
        return time.monotonic() - began

    def until_published(self, size):
        self.until(lambda: self.get("/reg/checkpoint")[0] == 200 and self.head().size >= size)

    def begin(self):
        """Log what every region begins with, and publish it."""
        for entry in self.town.founded.first_entries("gd", SYSTEM.clock()):
            last = self.accepted(partial(self.office().submit, entry))
        self.until_published(last.index + 1)

    def words(self):
        """What /ready says of the process that is reached; nothing where it does not answer."""
        _, body = self.get("/ready")
        return json.loads(body)["waiting_for"] if body else []

    def lost(self, receipts):
        """Those receipts whose entry the published log does not have where they say."""
        last = max(each.index for each in receipts)
        self.until_published(last + 1)
        size = self.head().size
        held = LogReader.of_log(self.transport, REG).entries(0, size, size)
        return [each for each in receipts if leaf_hash(held[each.index]) != each.leaf]

    def close(self):
        for name in list(self.children):
            self.kill(name, signal.SIGTERM)


class Load:
    """Entries handed in without a pause, until a `with` ends; `receipts` of the accepted."""

    def __init__(self, gd):
        self._gd, self._done, self.receipts = gd, Event(), []
        self._threads = [Thread(target=self._run) for _ in range(_WRITERS)]

    def _run(self):
        while not self._done.is_set():
            try:
                self.receipts.append(self._gd.submit())
            except DidServiceError:
                time.sleep(0.05)

    def more(self, count):
        """Wait until so many more were accepted."""
        wanted = len(self.receipts) + count
        until(lambda: len(self.receipts) >= wanted)

    def __enter__(self):
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for each in self._threads:
            each.join()


@contextmanager
def region(tmp_path: Path, url: str) -> Iterator[Region]:
    """Found five regions; four are served in this process, and gd by whoever starts it."""
    with configured(tmp_path, ["hn", "zj", "sc", "cn"]) as town:
        passphrase = tmp_path / "pass"
        passphrase.touch(0o600)
        passphrase.write_text(f"{PASSPHRASE}\n")
        kind = ServiceKind.REGISTRY
        folder = region_folder(tmp_path / "gd", town.founded, passphrase, SYSTEM, kind)
        gd = Region(town, folder, url)
        try:
            yield gd
        finally:
            gd.close()


def until(condition):
    """Wait until something is true."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.05)


def refusal(submit):
    """The code with which something is refused, None where it is not."""
    try:
        submit()
    except DidServiceError as error:
        return error.code
    return None
