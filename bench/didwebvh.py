"""Group `didwebvh`: verify the log of a DID with 100 versions, from bytes to its document.

The peer is `did-webvh` from PyPI on the same files. Both must come to the same document.
"""

from __future__ import annotations

import asyncio
import tempfile
from importlib.util import find_spec
from pathlib import Path

from bench.harness import Operation, Session, V, repeat
from did_service.core.did.webvh.history import verify_history
from did_service.core.encoding.strict_json import JsonObject
from tests.support.dids import Controller

NAME = "didwebvh.resolve-100"
PEER = "did-webvh"
_VERSIONS = 100


def run(session: Session) -> None:
    """Measure the group."""
    made = _controller()
    expected = made.state.version.document.raw
    log = made.log
    assert resolve(made, log) == expected
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        installed = find_spec("did_webvh") is not None
        peers = [_peer(made, Path(folder), expected)] if installed else []
        samples = session.measure([repeat("resolve", lambda: resolve(made, log)), *peers])
    session.compare(NAME, samples, "resolve", V, 230)
    if peers:
        session.compare(NAME, samples, "resolve", PEER, 1 / 12)
    else:
        session.skip(NAME, PEER, "did-webvh is not installed; make setup")


def _controller() -> Controller:
    """Make a DID with 100 versions."""
    made: Controller = Controller.create()
    document = made.state.version.document.raw
    for number in range(2, _VERSIONS + 1):
        made.update(document={**document, "alsoKnownAs": [f"did:example:{number}"]})
    return made


def resolve(made: Controller, log: bytes) -> JsonObject:
    """Verify the log and return its newest document."""
    history = verify_history(log, witness_file=None, did=made.did, now=made.now)
    return history.latest.version.document.raw


def _peer(made: Controller, folder: Path, expected: JsonObject) -> Operation:
    from did_webvh.core.resolver import DidResolver, LocalHistoryResolver  # noqa: PLC0415
    from did_webvh.verify import WebvhVerifier  # noqa: PLC0415
    from multiformats.multihash import Multihash  # noqa: PLC0415

    log = folder / "did.jsonl"
    log.write_bytes(made.log)

    # Its threads share a weak cache and lose a race for it, unless somebody holds the value.
    kept = Multihash(codec="sha2-256")

    def resolve_there() -> object:
        assert kept.name == "sha2-256"
        source = LocalHistoryResolver(log)
        answer = DidResolver(WebvhVerifier()).resolve(made.did, source)
        return asyncio.run(answer).serialize()["didDocument"]

    assert resolve_there() == expected
    return repeat(PEER, resolve_there)
