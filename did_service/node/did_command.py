"""What `did-service did …` does: files and a policy in, a change or a state out."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy, parse_policy
from did_service.core.did.webvh.state import HistoryState
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import NotFoundError, UsageError, quote
from did_service.core.limits import MAX_JSON_BYTES, MAX_PASSPHRASE_BYTES, MAX_WAIT_SECONDS
from did_service.node.did_folder import DidFolder
from did_service.node.did_keys import KeyFiles, KeySource
from did_service.node.dids import DidChange, Dids
from did_service.program.clock import ClockAndRandom
from did_service.program.files import read_file


@dataclass(frozen=True, slots=True)
class DidSettings:
    """What every command on a DID is told.

    Attributes:
        folder: Of the DID.
        policy: File of the federation's policy.
        passphrase: File whose first line opens the keys.
        wait_seconds: How long to wait for the witnesses of each log.
        routes: How hosts are reached.
    """

    folder: Path
    policy: Path
    passphrase: Path
    wait_seconds: int
    routes: Routes


def change(
    settings: DidSettings, act: Callable[[Dids], DidChange], edge: ClockAndRandom
) -> JsonObject:
    """Do one thing with the DID of a folder, alone in it.

    Returns:
        `describe`, with `operation` and `resumed`.

    Raises:
        NotFoundError: `file_missing`.
        UsageError: `passphrase_unreadable`.
        DidServiceError: as the operations of `Dids`.
    """
    policy = _read_policy(settings.policy)
    keys = key_source(settings.folder, settings.passphrase, edge)
    folder = DidFolder(settings.folder)
    waits = max(1, -(-settings.wait_seconds // MAX_WAIT_SECONDS))
    with folder.locked(), Transport(settings.routes) as transport:
        made = act(Dids(folder, keys, policy, transport, edge, waits))
    described = describe(folder, made.state)
    return {**described, "operation": made.operation, "resumed": made.resumed}


def show(path: Path, edge: ClockAndRandom) -> JsonObject:
    """Return `describe` of a folder, read and verified without a network.

    Raises:
        NotFoundError: `did_missing`.
        DidServiceError: the files are damaged, or no valid history.
    """
    folder = DidFolder(path)
    return describe(folder, folder.state(edge.clock()))


def describe(folder: DidFolder, state: HistoryState) -> JsonObject:
    """Return what a folder holds: the DID, its newest version, where it stands, what waits."""
    logged, pending = folder.logged(), folder.pending()
    version = state.version
    return {
        "did": state.did,
        "version": version.version_id,
        "updated": timestamps.encode(version.time),
        "deactivated": state.deactivated,
        "portable": version.parameters.portable,
        "keys": [method.id for method in version.document.methods],
        "files": [str(folder.path / name) for name in ("did.jsonl", "did-witness.json")],
        "number": None if logged is None else logged.entry.number,
        "index": None if logged is None else logged.index,
        "log": folder.log(),
        "pending": None if pending is None else pending.operation,
    }


def read_document(path: Path) -> JsonObject:
    """Read a DID document.

    Raises:
        NotFoundError: `file_missing`.
        MalformedError: no strict JSON object.
    """
    return strict_json.load_object(_read(path, MAX_JSON_BYTES).removeprefix(BOM_UTF8))


def key_source(folder: Path, passphrase: Path, edge: ClockAndRandom) -> KeySource:
    """Return where the keys of a DID come from: the one place that decides it."""
    return KeyFiles(folder / "keys", _first_line(passphrase), edge.rng)


def _read_policy(path: Path) -> Policy:
    data = _read(path, MAX_JSON_BYTES)
    return parse_policy(strict_json.load_object(data.removeprefix(BOM_UTF8)))


def _first_line(path: Path) -> str:
    line = _read(path, MAX_PASSPHRASE_BYTES).partition(b"\n")[0].removesuffix(b"\r")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError("passphrase_unreadable", "the passphrase is not UTF-8") from error
    if not text:
        raise UsageError("passphrase_unreadable", "the first line is empty")
    return text


def _read(path: Path, most: int) -> bytes:
    data = read_file(path, most)
    if data is None:
        raise NotFoundError("file_missing", quote(path))
    return data
