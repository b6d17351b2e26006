"""Regions that live in containers: what `make soak PART=container` founds and serves."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.support.engine import USER, Engine
from tests.support.optional import CHECKOUT

FOLDER = CHECKOUT / "build" / "soak" / "container"
PASSPHRASE = "tiger-7-lantern-42"
REGIONS = {"gd": "440000", "hn": "430000", "cn": "000000"}
PATIENCE = 300
HOME, SOCKETS, SECRET = "/srv/did-service", "/run/did-service", "/run/secrets/passphrase"


class ContainedTown:
    """Folders of three regions in one office; every step is a command in a container."""

    def __init__(self, engine: Engine, image: str) -> None:
        self.engine, self.image = engine, image
        self.office, sockets = own_folder("office", USER), own_folder("sockets", USER)
        routes = {f"{name}.example": f"unix:{SOCKETS}/{name}.sock" for name in REGIONS}
        (self.office / "routes.json").write_text(json.dumps(routes))
        self.seen = {self.office: HOME, sockets: SOCKETS, secret(): f"{SECRET}:ro"}
        self.known = f"--env=DIDSVC_ROUTES={HOME}/routes.json"

    def tried(self, line: str) -> subprocess.CompletedProcess[str]:
        """Type a line, in a container of its own."""
        words = ("did-service", *line.split(), "--json")
        return self.engine.run(self.image, *words, options=(self.known,), volumes=self.seen)

    def typed(self, line: str, code: int = 0) -> dict:
        """Type a line that ends with a code; return its answer."""
        done = self.tried(line)
        right(done.returncode == code, line, done)
        return json.loads(done.stdout)["data"] or {}

    def founded(self) -> str:
        """Do what docs/howto/found-a-federation.md prints; return the signed files."""
        for name, code in REGIONS.items():
            listen = f"--listen unix:{SOCKETS}/{name}.sock"
            self.typed(f"region init {name} --region {name} --host {name}.example {listen}")
            told = f"--name-zh {name} --name-en {name} --territory {code}"
            self.typed(f"federation join {name} {told} --out {name}.member.json")
        members = " ".join(f"{name}.member.json" for name in REGIONS)
        begin = f"federation start {members} --federation urn:didsvc:federation:south"
        self.typed(f"{begin} --out draft.json")
        told = self.typed("policy show draft.json")["fingerprint"]
        agreed = f"--fingerprint {''.join(told.split())}"
        for name in REGIONS:
            signed = f"--out {name}.signed.json"
            self.typed(f"federation sign {name} draft.json {agreed} {signed}")
        files = " ".join(f"{name}.signed.json" for name in REGIONS)
        for name in REGIONS:
            self.typed(f"federation finish {name} draft.json {files}", 8)  # nobody serves yet
        return files

    def served(self, signed: str) -> str:
        """Serve each region in a container of its own; say how long until all were healthy."""
        begun = time.monotonic()
        for name in REGIONS:
            own = ("--detach", f"--name={name}", f"--workdir={HOME}/{name}", self.known)
            words = ("did-service", "region", "serve")
            done = self.engine.run(self.image, *words, options=own, volumes=self.seen)
            right(done.returncode == 0, words, done)
        for name in REGIONS:
            until(partial(self.engine.is_healthy, name), name, self.engine)
        took = time.monotonic() - begun
        for name in REGIONS:
            until(partial(self._finished, name, signed), name, self.engine)
        sizes = [self.engine.megabytes_of(name) for name in REGIONS]
        told = f"{min(sizes)} to {max(sizes)} MB each"
        return f"three regions healthy in {took:.0f} s, {told}"

    def _finished(self, name: str, signed: str) -> bool:
        """Put the policy in place; 8 says that the others are not there yet."""
        line = f"federation finish {name} draft.json {signed}"
        done = self.tried(line)
        right(done.returncode in (0, 8), line, done)
        return done.returncode == 0


def own_folder(name: str, user: int) -> Path:
    """Make a folder, anew, that a user of the machine owns."""
    path = FOLDER / "work" / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True)
    os.chown(path, user, user)
    return path


def secret() -> Path:
    """Write the passphrase as a file that the image's user may read."""
    path = FOLDER / "passphrase"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o400)
        path.write_text(f"{PASSPHRASE}\n")
        os.chown(path, USER, USER)
    return path


def right(is_right: bool, what: object, told: object) -> None:
    """Raise with what was told unless something is right."""
    if not is_right:
        raise AssertionError(f"{what}: {told}")


def until(is_so: Callable[[], bool], name: str, engine: Engine) -> None:
    """Wait for something of a container."""
    last = time.monotonic() + PATIENCE
    while not is_so():
        right(time.monotonic() < last, name, engine.logged(name))
        time.sleep(1)
