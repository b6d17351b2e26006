"""A wallet as a citizen has it: a directory, a passphrase file, and `wallet` to run on it.

    purse = Purse(tmp_path)                 # made with a cheap key derivation
    run = purse.run("cred", "list", "--json")
    run.exit, run.data, run.err

`run` is in this process, so that branches are counted; `start` is a child process. `init` and
`passphrase change` derive with the real costs, everything on a purse with its own.
"""

import json
import os
import random
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from unittest import mock

from did_service.core.crypto.sealed import Argon2id
from did_service.core.encoding.strict_json import JsonObject
from wallet_cli.__main__ import run as run_wallet
from wallet_cli.store import StoreDirectory
from wallet_cli.vault import Vault, open_vault

PASSPHRASE = "correct horse battery staple"


def cheap(salt: bytes) -> Argon2id:
    """The least key derivation that there is: 20 microseconds."""
    return Argon2id(1, 8_192, salt)


def seeded(seed: int = 1):
    """A source of bytes that is the same in every run."""
    return random.Random(seed).randbytes


@dataclass(frozen=True)
class Run:
    """How one command ended."""

    exit: int
    out: str
    err: str

    @property
    def envelope(self) -> JsonObject:
        """What `--json` printed."""
        return json.loads(self.out)

    @property
    def data(self) -> JsonObject:
        return self.envelope["data"]

    @property
    def code(self) -> str:
        """The code of the error."""
        return self.envelope["error"]["code"]

    @property
    def warnings(self) -> list[str]:
        return [warning["code"] for warning in self.envelope["warnings"]]


def wallet(
    *words: object,
    stdin: bytes | str = b"",
    clock: datetime | None = None,
    **environment: str,
) -> Run:
    """Run `wallet` in this process; a text on stdin comes from a terminal."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
    source = _Keyboard(stdin) if isinstance(stdin, str) else TextIOWrapper(BytesIO(stdin))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WALLET_", "LC_", "LANG"))}
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch.object(sys, "stdin", source),
        mock.patch.object(os.environ, "_data", _encoded({**kept, **environment})),
    ):
        code = run_wallet([str(word) for word in words], clock and (lambda: clock))
    return Run(int(code), _text(out), _text(err))


def _encoded(environment: dict[str, str]) -> dict[bytes, bytes]:
    """What stands behind `os.environ`, where Python alone looks.

    The process's own environment stays: threads of C read it at any moment, and one that is
    changed under them crashes the process.
    """
    return {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}


class _Keyboard(StringIO):
    """Somebody at a terminal."""

    buffer = BytesIO()

    def isatty(self) -> bool:
        return True


def start(*words: object, **environment: str) -> subprocess.Popen[bytes]:
    """Start `wallet` as a user would."""
    command = [sys.executable, "-m", "wallet_cli", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ, **environment}
    )


def finish(child: subprocess.Popen[bytes], stdin: bytes = b"") -> Run:
    """Wait for a child process."""
    out, err = child.communicate(stdin)
    return Run(child.returncode, out.decode(), err.decode())


class Purse:
    """See the module's docstring."""

    def __init__(self, folder: Path, name: str = "purse", **environment: str) -> None:
        self.folder, self.path = folder, folder / name
        self.environment = environment
        self.file = self.path / "wallet.json"
        self.passphrase = self.save(f"{name}.pw", f"{PASSPHRASE}\n")
        self.passphrase.chmod(0o600)
        StoreDirectory(self.path).create(
            Vault.create(PASSPHRASE, os.urandom, cheap), os.urandom
        )

    @property
    def options(self) -> tuple[object, ...]:
        return ("--store", self.path, "--passphrase-file", self.passphrase)

    def run(self, *words: object, **arguments: object) -> Run:
        """Run a command on this wallet."""
        return wallet(*words, *self.options, **self.environment, **arguments)

    def json(self, *words: object, **arguments: object) -> Run:
        """Run a command that prints JSON and asks nobody."""
        return self.run(*words, "--json", "--no-input", **arguments)

    def start(self, *words: object) -> Run:
        """Run a command in a child process."""
        return finish(start(*words, *self.options, **self.environment))

    def vault(self) -> Vault:
        """What the store holds now."""
        return open_vault(self.file.read_bytes(), PASSPHRASE)

    def open(self):
        """The store, unlocked, to be changed from beside the command line."""
        return StoreDirectory(self.path).open(PASSPHRASE, os.urandom)

    def save(self, name: str, text: str) -> Path:
        """Write a file beside the wallet."""
        path = self.folder / name
        path.write_text(text)
        return path


def _text(stream: TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()
