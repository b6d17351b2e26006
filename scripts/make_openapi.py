"""Write openapi.yaml: one document for registry, witness and issuer, made from the apps.

    python scripts/make_openapi.py > openapi.yaml

The apps of a running federation have concrete paths, one for each log and agency; here these
become path parameters, so that the document is the same for every region. A test compares the
committed file with what this writes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from did_service.cli.demo.cast import POLICE
from did_service.cli.demo.world import DemoWorld, opened
from did_service.program.clock import SYSTEM
from did_service.program.version import __version__

_PARAMETERS = {
    "log": "log of the region: `reg`, the control log, or `ev/YEAR`, a data log",
    "mirror": "lower-case hex of the SHA-256 of the mirrored log's origin",
    "agency": "id of the agency on its host",
}
_PATHS = (
    (re.compile(r"^/(reg|ev/[0-9]{4})(?=/)"), "/{log}"),
    (re.compile(r"^/witness/[0-9a-f]{64}(?=/)"), "/witness/{mirror}"),
    (re.compile(r"^/agencies/[a-z0-9-]+(?=/)"), "/agencies/{agency}"),
)
_DESCRIPTION = """\
Errors are problem documents (RFC 9457) whose `type` is `urn:didsvc:problem:CODE`; titles and
next steps come in Chinese or English by Accept-Language. Shapes: docs/formats.md."""


def document() -> dict[str, Any]:
    """Return the document of all services."""
    with _apps() as apps:
        described = [app.openapi() for app in apps]
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    logins: dict[str, Any] = {}
    for each in described:
        schemas |= each["components"]["schemas"]
        logins |= each["components"].get("securitySchemes", {})
        for path, operations in each["paths"].items():
            paths.setdefault(*_generic(path, operations))
    return {
        "openapi": "3.1.0",
        "info": {"title": "did-service", "version": __version__, "description": _DESCRIPTION},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": logins},
    }


def text() -> str:
    """Return the document as YAML."""
    return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=96)


def _generic(path: str, operations: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Turn a concrete path into one with parameters."""
    generic = path
    for pattern, parameter in _PATHS:
        generic = pattern.sub(parameter, generic)
    names = [name for name in _PARAMETERS if f"{{{name}}}" in generic and name not in path]
    added = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "description": _PARAMETERS[name],
        }
        for name in names
    ]
    for method, operation in operations.items():
        operation["operationId"] = f"{method} {generic}"
        if added:
            own = operation.get("parameters", [])
            operation["parameters"] = [dict(each) for each in (*added, *own)]
    return generic, operations


@contextmanager
def _apps() -> Iterator[list[Any]]:
    """Start the story's services, and return the app of a region and that of an agency."""
    with TemporaryDirectory(prefix="didsvc-") as folder, opened(Path(folder), SYSTEM) as world:
        _begin(world)
        yield [world.apps["gd.example"], world.apps[POLICE.host]]


def _begin(world: DemoWorld) -> None:
    world.begin_logs()
    world.publish("gd")
    world.set_up_agency(POLICE)


if __name__ == "__main__":
    sys.stdout.write(text())
