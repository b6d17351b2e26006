"""Two processes of a registry on one database: one writes, both are read, one takes over."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from did_service.client.registry import LogReader, RegistryClient
from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.log.checkpoint import checkpoint_in
from did_service.node.administration import Administration
from did_service.node.founding import create_identity, did_entry
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import SYSTEM
from tests.support import postgres
from tests.support.folders import configured
from tests.support.founded import PASSPHRASE, region_folder
from tests.support.refusals import refused

pytestmark = pytest.mark.clock
REG = "gd.example/reg"
PATIENCE = 120  # seconds; a machine that is busy with other tests is slow
TAKE_OVER = 15  # 5 on a machine of its own (test_leader); this one founds and proves meanwhile


class Region:
    """The registry of gd in processes of their own, among the witnesses of four regions."""

    def __init__(self, town, folder, url):
        self.town, self.folder, self.url = town, folder, url
        self.children = {}
        self.transport = town.transport

    def start(self, name):
        """Serve, and wait until it answers; from now on the others reach gd there."""
        socket = self.town.sockets / f"{name}.sock"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
        environment |= self.town.routes() | {
            "DIDSVC_STORAGE_DATABASE": self.url,
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

    def close(self):
        for name in list(self.children):
            self.kill(name, signal.SIGTERM)


@contextmanager
def region(tmp_path):
    with configured(tmp_path, ["hn", "zj", "sc", "cn"]) as town:
        passphrase = tmp_path / "pass"
        passphrase.touch(0o600)
        passphrase.write_text(f"{PASSPHRASE}\n")
        kind = ServiceKind.REGISTRY
        folder = region_folder(tmp_path / "gd", town.founded, passphrase, SYSTEM, kind)
        server = postgres.server()
        gd = Region(town, folder, server.url(server.create()))
        try:
            yield gd
        finally:
            gd.close()


def test_a_second_process_is_read_waits_and_takes_over(tmp_path):
    with region(tmp_path) as gd:
        gd.start("one")
        for entry in gd.town.founded.first_entries("gd", SYSTEM.clock()):
            gd.accepted(partial(gd.office().submit, entry))
        first = gd.accepted(gd.submit)
        gd.until_published(first.index + 1)

        gd.start("two")  # and reached from now on
        assert gd.waits()
        assert gd.head().size > first.index  # it serves what the other one publishes
        with refused("another_leads", UnavailableError):
            gd.submit()
        gd.kill("one")
        assert gd.until(gd.leads) < TAKE_OVER
        second = gd.accepted(gd.submit)
        assert second.index > first.index
        gd.until_published(second.index + 1)
