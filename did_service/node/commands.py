"""What the commands of a service do: serve it, say what would be served, keep its keys."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import NotFoundError
from did_service.node.configuration import FILE, Configuration, read_configuration
from did_service.node.lifecycle import listening, serve
from did_service.node.opened_keyring import opened_keyring
from did_service.node.reading import ReplicaSetup, is_replica, prepare_replica
from did_service.node.services import AgencySetup, Setup
from did_service.node.setting_table import ServiceKind
from did_service.node.starting import prepare
from did_service.node.storage_setup import StorageSetup
from did_service.program.clock import SYSTEM
from did_service.program.logs import prepare_log
from did_service.program.service_manager import ServiceManager
from did_service.program.signals import Signals
from did_service.signer.keyring import Keyring
from did_service.storage.database import open_database
from did_service.web.serve import prepare_process

_LOG = logging.getLogger("did_service.node")
# The socket and the open keyring outlive a reload; all other settings are taken by it.
_AT_START = (
    "listen.address",
    "listen.shared",
    "keys.keyring",
    "keys.passphrase",
    "storage.replica",
)


def serve_service(
    folder: Path, kind: ServiceKind, place: str | None, environment: Mapping[str, str]
) -> None:
    """Serve what a folder's configuration says, until SIGTERM or SIGINT.

    Args:
        folder: Holds the configuration.
        kind: The service that it must be for.
        place: Of the passphrase, if not the configured one.
        environment: Of the process.

    Raises:
        DidServiceError: what keeps it from being served, with its file.
    """
    with Signals() as signals:  # before keys are opened: an early SIGTERM is not lost
        first = read_configuration(folder / FILE, environment, kind)
        prepare_log(first.text("log.format"), first.text("log.level"))
        prepare_process()
        keyring = _opened(first, place, environment)
        with listening(first) as listener:
            again = _preparing(first, keyring, environment)
            serve(again, listener, signals, ServiceManager(environment))


def _preparing(
    first: Configuration, keyring: Keyring | None, environment: Mapping[str, str]
) -> Callable[[], Setup]:
    """Return what reads configuration, log level, keyring and all that they name."""

    def again() -> Setup:
        configuration = read_configuration(first.file, environment, first.kind)
        if keyring is not None:
            keyring.refresh()
        setup = _prepared(configuration, keyring, environment)
        prepare_log(configuration.text("log.format"), configuration.text("log.level"))
        waiting = [
            place for place in _AT_START if _at(first, place) != _at(configuration, place)
        ]
        if waiting:
            _LOG.warning("not taken before a restart: %s", ", ".join(waiting))
        return setup

    return again


def _opened(
    configuration: Configuration, place: str | None, environment: Mapping[str, str]
) -> Keyring | None:
    """Open the keyring; a process that only reads has none."""
    if is_replica(configuration):
        return None
    return opened_keyring(configuration, place, environment)


def _prepared(
    configuration: Configuration, keyring: Keyring | None, environment: Mapping[str, str]
) -> Setup:
    if keyring is None:
        return prepare_replica(configuration, environment, SYSTEM)
    return prepare(configuration, keyring, environment, SYSTEM)


def _at(configuration: Configuration, place: str) -> object:
    section, _, name = place.partition(".")
    return configuration.sections[section].get(name)


def check_service(
    folder: Path, kind: ServiceKind, place: str | None, environment: Mapping[str, str]
) -> JsonObject:
    """Say what would be served; opens the keyring and reads all files, changes nothing.

    Raises:
        DidServiceError: as `serve_service`, up to the opening of databases.
    """
    configuration = read_configuration(folder / FILE, environment, kind)
    keyring = _opened(configuration, place, environment)
    setup = _prepared(configuration, keyring, environment)
    with closing(setup.transport):
        return {
            "service": kind.value,
            "file": str(configuration.file),
            "listen": configuration.text("listen.address"),
            "folder": str(setup.storage.folder),
            "database": configuration.text("storage.database"),
            "keys": [f"{r.role} {r.name}" for r in (keyring.records if keyring else ())],
            **_of_setup(setup),
        }


def _of_setup(setup: Setup) -> JsonObject:
    if isinstance(setup, AgencySetup):
        items: list[JsonValue] = [item.id for item in setup.agency.items]
        configured: list[JsonValue] = [officer.name for officer in setup.agency.officers]
        return {
            "did": setup.agency.did,
            "items": items,
            "officers_configured": configured,
            "officers_added": [*_added_officers(setup.storage)],
        }
    if isinstance(setup, ReplicaSetup):
        return {
            "region": setup.region.id,
            "policy": setup.policy.fingerprint,
            "logs": [*setup.region.logs],
            "witness": None,
        }
    return {
        "region": setup.region,
        "policy": setup.policy.fingerprint,
        "logs": [*setup.logs],
        "witness": setup.cosigner.name if setup.cosigner else None,
    }


def _added_officers(storage: StorageSetup) -> Iterator[str]:
    """Name whom `officer add` has added and nobody has revoked; `officer list` has the ends.

    There is nobody before the agency has a database.

    Raises:
        DidServiceError: what the database says when it is opened, as it says to `serve`.
    """
    from did_service.issuer.store import IssuerStore  # noqa: PLC0415 - a region has none

    try:
        engine = open_database(storage.database_url("issuer"), make=False)
    except NotFoundError:
        return
    try:
        for each in IssuerStore(engine).officers.listed():
            if each.revoked is None:
                yield each.name
    finally:
        engine.dispose()
