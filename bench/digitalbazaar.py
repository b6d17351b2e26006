"""@digitalbazaar/vc in a Node process of its own, which times its own loops.

    {"verb","suite","document","secured"}  ─▶  operation number
    {"run": number, "count": n}            ─▶  seconds of processor time that n of them took

One JSON line each way. The packages are those of tests/interop (`make interop`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.fixtures import CHECKOUT, ISSUER
from bench.harness import Operation
from did_service.core.credentials import contexts
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject

_PACKAGES = CHECKOUT / "tests" / "interop"
_SCRIPT = Path(__file__).with_suffix(".mjs")


class DigitalBazaar:
    """A running peer; `started` makes one or says why there is none."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[DigitalBazaar | str]:
        """Yield the peer, or the reason for its absence."""
        node = shutil.which("node")
        if node is None:
            yield "node is not installed"
            return
        if not (_PACKAGES / "node_modules" / "@digitalbazaar").is_dir():
            yield "its packages are not installed; make interop"
            return
        # Text from the command line resolves packages from the working folder, a file does not.
        with subprocess.Popen(
            [node, "--input-type=module", "-e", _SCRIPT.read_text("utf-8")],
            cwd=_PACKAGES,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            peer = cls(process)
            peer.ask({"contexts": _contexts(), "seed": ISSUER.seed.hex()})
            yield peer
            assert process.stdin is not None
            process.stdin.close()

    def operation(
        self, verb: str, suite: str, document: JsonObject, secured: bytes
    ) -> Operation:
        """Return its way to issue or verify; it must agree with ours about `secured`."""
        ours = strict_json.load_object(secured, numbers=strict_json.Numbers.FINITE)
        asked = {"verb": verb, "suite": suite, "document": document, "secured": ours}
        number = self.ask(asked)
        return Operation(
            "digitalbazaar", lambda count: float(self.ask({"run": number, "count": count}))
        )

    def ask(self, question: object) -> Any:  # noqa: ANN401 - whatever the question is about
        """Send one line and read one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]


def _contexts() -> dict[str, JsonObject]:
    wanted = (contexts.CREDENTIALS_V2, contexts.DIDSVC_1)
    return {url: contexts.load(url) for url in wanted}
