"""Folders of a ceremony in which every step is a command, and the services over them."""

import json
import os
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import click.testing
import pytest

from did_service.cli.__main__ import cli
from did_service.client.registry import LogReader
from did_service.client.routes import parse_routes
from did_service.client.transport import Transport
from did_service.core.errors import DidServiceError
from did_service.node.configuration import FILE, read_configuration
from did_service.node.initial import initialise
from did_service.node.pinned_policy import read_policy
from did_service.node.services import OpenService, open_service
from did_service.node.setting_table import ServiceKind
from did_service.node.starting import prepare
from did_service.program.clock import SYSTEM
from did_service.signer.keyring import open_keyring
from did_service.web.serve import Server, unix_socket
from tests.support.ceremony import CODES, NAMES, PASSPHRASE
from tests.support.keyrings import CHEAP

PATIENCE = 60  # seconds
QUICK = {
    "publish.least": 0.1,
    "publish.most": 1.0,
    "publish.heads_least": 1,
    "publish.heads_most": 2,
}


class Town:
    """Folders and the services that run over them; every step is a command."""

    def __init__(self, path: Path, sockets: Path) -> None:
        self.path, self.sockets = path, sockets
        self.running: dict[str, ExitStack] = {}
        self.places: dict[str, str] = {}
        (path / "pass").touch(0o600)
        (path / "pass").write_text(f"{PASSPHRASE}\n")

    def run(self, *words, code=0):
        """Run a command in this process; its answer, read."""
        runner = click.testing.CliRunner()
        told = runner.invoke(cli, [*map(str, words), "--json"], standalone_mode=False)
        if told.exception is not None:
            raise told.exception
        assert told.return_value == code, (words, told.output)
        return json.loads(told.stdout)["data"]

    def eventually(self, is_right, *words):
        """Run a command until its answer is right: the log publishes in between."""
        for _ in range(PATIENCE * 2):
            with suppress(DidServiceError, AssertionError):  # not witnessed yet is exit 8
                if is_right(told := self.run(*words)):
                    return told
            time.sleep(0.5)
        raise AssertionError(words)

    def init(self, kind, name, host, chosen):
        """What `init` does, with a passphrase that costs less."""
        listen = f"unix:{self.sockets / name}"
        settings = {
            "service.hosts": [host],
            "listen.address": listen,
            "keys.passphrase": f"file:{self.path / 'pass'}",
            **chosen,
        }
        initialise(self.path / name, kind, settings, PASSPHRASE, SYSTEM, CHEAP)
        self.places[host] = listen
        (self.path / "routes.json").write_text(json.dumps(self.places))

    def region(self, name):
        self.init(
            ServiceKind.REGION, name, f"{name}.example", {"service.region": name, **QUICK}
        )
        return self.member(
            name,
            *("--name-zh", NAMES[name], "--name-en", name, "--territory", CODES[name]),
        )

    def member(self, name, *words, out="member"):
        file = self.path / f"{name}.{out}.json"
        self.run("federation", "join", self.path / name, *words, "--out", file)
        return file

    def sign(self, group, draft, number, regions):
        fingerprint = self.run("policy", "show", draft)["fingerprint"]
        files = []
        for name in regions:
            file = self.path / f"{name}.signed-{number}.json"
            words = ("--fingerprint", fingerprint, "--out", file)
            self.run(group, "sign", self.path / name, draft, *words)
            files.append(file)
        return files

    def opened(self, name, stack) -> OpenService:
        """Open what a folder's configuration says, as `serve` does, and begin its work."""
        configuration = read_configuration(self.path / name / FILE, dict(os.environ))
        keyring = open_keyring(configuration.path("keys.keyring"), PASSPHRASE, os.urandom)
        setup = prepare(configuration, keyring, dict(os.environ), SYSTEM)
        stack.enter_context(closing(setup.transport))
        service = stack.enter_context(closing(open_service(setup)))
        service.start()
        return service

    def serve(self, name):
        """Serve a folder in this process."""
        with ExitStack() as stack:
            app = self.opened(name, stack).app
            stack.enter_context(Server(app, unix_socket(self.sockets / name)))
            self.running[name] = stack.pop_all()

    def reload(self, name):
        self.stop(name)
        self.serve(name)

    def stop(self, name):
        self.running.pop(name).close()

    def close(self):
        for name in list(self.running):
            self.stop(name)

    def wait_for(self, origin, size=1):
        """Until a quorum has cosigned so many entries of a log by the policy of its region."""
        policy = read_policy(self.path / origin.partition(".")[0] / "policy.json")
        routes = parse_routes((self.path / "routes.json").read_bytes())
        with Transport(routes) as transport:
            for _ in range(PATIENCE * 10):
                with suppress(DidServiceError):
                    note = LogReader.of_log(transport, origin).checkpoint()
                    head = policy.log_policy(origin).verify(note).checkpoint
                    if head.size >= size:
                        return head
                time.sleep(0.1)
        raise AssertionError(origin)


@contextmanager
def town_of(kind, folders):
    """Yield a town in new folders, in which commands speak English and find its services."""
    path, sockets = folders.mktemp("town"), folders.mktemp("s")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIDSVC_LANG", "en")
        patch.setenv("DIDSVC_ROUTES", str(path / "routes.json"))
        made = kind(path, sockets)
        try:
            yield made
        finally:
            made.close()
