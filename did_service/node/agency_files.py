"""Who an agency is: its configuration, the files that it names, and its keyring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import Fields
from did_service.core.limits import MAX_DID_LOG_BYTES, MAX_JSON_BYTES, MAX_SCHEMA_BYTES
from did_service.issuer.agency import Agency, Item, Officer, Signer
from did_service.node.configuration import Configuration
from did_service.node.founding import did_of_log
from did_service.node.named_files import naming, required
from did_service.program.files import read_file
from did_service.signer.keyring import Keyring


def agency_of(configuration: Configuration, keyring: Keyring) -> Agency:
    """Return who an agency is, from its configuration, its DID log and its keyring."""
    path = configuration.path("agency.did_log")
    log = required(path, MAX_DID_LOG_BYTES, "file_missing")
    with naming(path):
        did = did_of_log(log)
    host = configuration.host
    anchored = keyring.all(KeyRole.ANCHOR, host)
    anchor = Signer(f"{did}#key-2", keyring.key(KeyRole.ANCHOR, host)) if anchored else None
    return Agency(
        url=configuration.text("agency.url"),
        did=did,
        method=f"{did}#key-1",
        key=keyring.key(KeyRole.ASSERTION, host),
        jurisdiction=configuration.text("agency.jurisdiction"),
        log_host=configuration.text("agency.log_host"),
        statements=configuration.texts("agency.statements"),
        mirrors=configuration.texts("agency.mirrors"),
        items=tuple(_items(configuration)),
        officers=tuple(_officers(configuration.path("agency.officers"))),
        did_log=log,
        status_period=timedelta(hours=configuration.whole("agency.status_hours")),
        anchor=anchor,
    )


def _items(configuration: Configuration) -> Iterator[Item]:
    for name, item in configuration.named["items"].items():
        path = configuration.below(str(item["schema"]))
        data = required(path, MAX_SCHEMA_BYTES, "file_missing")
        with naming(path):
            schema = strict_json.load_object(data)
        yield Item(
            id=name,
            type_name=str(item["type"]),
            schema_id=str(item["schema_id"]),
            schema=schema,
            cryptosuite=str(item["cryptosuite"]),
            valid_for=timedelta(days=int(item["valid_days"])),
        )


def _officers(path: Path) -> Iterator[Officer]:
    """Read `{NAME: {"token_sha256": "b64u", "roles": […]}}`; no file, no officers."""
    data = read_file(path, MAX_JSON_BYTES)
    with naming(path):
        fields = Fields(strict_json.load_object(data or b"{}"), "officers")
        for name in fields.names():
            officer = fields.fields(name)
            digest, roles = officer.data("token_sha256", size=32), officer.texts("roles")
            officer.close()
            yield Officer(name, digest, frozenset(roles))
