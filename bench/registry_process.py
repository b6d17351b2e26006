"""A registry in a process of its own: the real application on a Unix socket.

    python -m bench.registry_process FOLDER [--unsafe-without-signatures] [--judge]
        [--publish-at-once] [--database=URL]

FOLDER holds `policy.json`, and gets the socket and the data. On stdin, line by line:

    ORIGIN JSON     an entry that was judged elsewhere, for the store; answered by nothing
    publish         publish everything sequenced; answered by `published`
    (end)           stop; answered by the peak of memory in KiB

It says `ready` first. With the first flag no signature is checked, which tells what signatures
cost; with the second, a process beside it judges; with the third it does not wait between two
checkpoints; with the last, rows are kept in a server's database.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.peak import peak_kib
from bench.region import Witnesses, setup
from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.anchor.entry import LoggedEntry, parse_entry
from did_service.core.crypto import ed25519
from did_service.core.encoding import strict_json
from did_service.core.limits import MAX_BATCH_ENTRIES
from did_service.core.log.merkle import leaf_hash
from did_service.node.region import lone_registry
from did_service.node.region_app import registry_app
from did_service.program.quick_start import without_collection
from did_service.registry.region import PublishIntervals
from did_service.registry.registry import Registry
from did_service.web.serve import Server, prepare_process, unix_socket

SOCKET = "registry.sock"
POLICY = "policy.json"
WITHOUT_SIGNATURES = "--unsafe-without-signatures"
DATABASE = "--database="
JUDGE = "--judge"
AT_ONCE = "--publish-at-once"


def main(arguments: list[str]) -> None:
    """Serve until stdin ends."""
    folder, *flags = arguments
    with without_collection():  # what is loaded by now stays, as in the program
        prepare_process()
    if WITHOUT_SIGNATURES in flags:
        ed25519.verify = _unsafe_accept
    policy = parse_policy(strict_json.load_object(Path(folder, POLICY).read_bytes()))
    given = setup(policy, Witnesses(), Path(folder))
    for flag in (each for each in flags if each.startswith(DATABASE)):
        place = replace(given.storage, database=flag.removeprefix(DATABASE))
        given = replace(given, storage=place)
    if JUDGE in flags:
        given = replace(given, judges=1)
    if AT_ONCE in flags:
        given = replace(given, pace=PublishIntervals(least=0))
    with lone_registry(given, {}) as registry:
        registry.start()
        with Server(registry_app(registry), unix_socket(Path(folder, SOCKET))):
            print("ready", flush=True)
            for line in _stored(registry, sys.stdin.buffer):
                assert line == b"publish\n", line
                registry.publish_now()
                print("published", flush=True)
    print(peak_kib(), flush=True)


def _stored(registry: Registry, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Put entries into their stores, and yield the lines that are none."""
    waiting: dict[str, list[bytes]] = {}
    for line in lines:
        origin, _, data = line.removesuffix(b"\n").partition(b" ")
        if not data:
            for log in list(waiting):
                _store(registry, log, waiting.pop(log))
            yield line
            continue
        batch = waiting.setdefault(origin.decode(), [])
        batch.append(data)
        if len(batch) == MAX_BATCH_ENTRIES:
            _store(registry, origin.decode(), waiting.pop(origin.decode()))


def _store(registry: Registry, origin: str, batch: list[bytes]) -> None:
    store = registry.region.stores[origin]
    size = store.size()
    placed = [
        LoggedEntry(parse_entry(data), size + i, leaf_hash(data))
        for i, data in enumerate(batch)
    ]
    store.append(placed, {})


def _unsafe_accept(public: bytes, message: bytes, signature: bytes) -> None:
    del public, message, signature


if __name__ == "__main__":
    main(sys.argv[1:])
