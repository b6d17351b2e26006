"""Write openapi.yaml: one document for registry, witness and issuer, made from the apps.

    python scripts/make_openapi.py > openapi.yaml

Each app serves its own part of it as `/openapi.json`. A test compares the committed file with
what this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from did_service.client.transport import Transport
from did_service.core.did.webvh import write
from did_service.core.text import Bilingual
from did_service.issuer.agency import Agency
from did_service.node.founding import Plan, RegionPlan, create_identity, found_federation
from did_service.node.region import RegionSetup
from did_service.node.services import AgencySetup, open_service
from did_service.node.setting_table import ServiceKind
from did_service.node.storage_setup import StorageSetup
from did_service.program.clock import SYSTEM


def document() -> dict[str, Any]:
    """Return the document of all services: what each of their apps serves, joined."""
    with _apps() as apps:
        served = [app.openapi() for app in apps]
    paths = {path: each["paths"][path] for each in reversed(served) for path in each["paths"]}
    schemas: dict[str, Any] = {}
    logins: dict[str, Any] = {}
    for each in served:
        schemas |= each["components"]["schemas"]
        logins |= each["components"].get("securitySchemes", {})
    components = {"schemas": dict(sorted(schemas.items())), "securitySchemes": logins}
    return {**served[0], "paths": dict(sorted(paths.items())), "components": components}


def text() -> str:
    """Return the document as YAML."""
    dumper = yaml.SafeDumper
    dumper.ignore_aliases = lambda *_: True  # the same example twice is no reference
    return yaml.dump(document(), Dumper=dumper, sort_keys=False, allow_unicode=True, width=96)


@contextmanager
def _apps() -> Iterator[list[Any]]:
    """Open a region and an agency that exist on paper alone, and return their apps."""
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="didsvc-")))
        transport = running.enter_context(Transport())
        region = _region(folder, transport)
        agency = AgencySetup(_agency(), StorageSetup(folder), transport)
        opened = [running.enter_context(closing(open_service(s))) for s in (region, agency)]
        yield [service.app for service in opened]


def _region(folder: Path, transport: Transport) -> RegionSetup:
    """Found a federation of as many regions as a quorum takes, and return the first one's."""
    names = ("gd", "hn", "zj", "sc", "cn")
    regions = tuple(
        RegionPlan(name, Bilingual(name, name), f"{number}0000".zfill(6), f"{name}.example")
        for name, number in zip(names, (44, 43, 33, 51, 0), strict=True)
    )
    year = SYSTEM.clock().year
    plan = Plan("urn:didsvc:federation:paper", regions, (year, year + 1), 3, 3, 1, demo=True)
    founded = found_federation(plan, SYSTEM)
    keys = founded.keys["gd"]
    return RegionSetup(
        kind=ServiceKind.REGION,
        region="gd",
        host="gd.example",
        storage=StorageSetup(folder),
        policy=founded.policy,
        logs=keys.logs,
        cosigner=keys.witness,
        native=keys.native,
        transport=transport,
    )


def _agency() -> Agency:
    identity = create_identity("gz.gd.example", SYSTEM)
    return Agency(
        url="https://gz.gd.example/agencies/police",
        did=identity.did,
        method=identity.method,
        key=identity.sign,
        jurisdiction="440100",
        log_host="gd.example",
        statements=(),
        mirrors=(),
        items=(),
        officers=(),
        did_log=write.encode_log([identity.entry]),
    )


if __name__ == "__main__":
    sys.stdout.write(text())
