"""The bill of materials of a release: CycloneDX 1.5 in JSON, read from the wheels themselves.

https://cyclonedx.org/docs/1.5/json/; names of packages as purl-spec has them for PyPI. The same
wheels give the same bytes: no time, and a serial number that follows from the digests.
"""

from __future__ import annotations

import re
import uuid
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from hashlib import sha256
from pathlib import Path

from did_service.core.encoding.strict_json import JsonObject, dumps

_REQUIRED = re.compile(r"([A-Za-z0-9._-]+)")
_NAMESPACE = uuid.UUID("f1f8ac0d-0f3a-5f0a-9a0e-6d1f5c1b7c11")


@dataclass(frozen=True)
class Wheel:
    """One wheel, by what it says of itself.

    Attributes:
        path: The file.
        about: Its METADATA.
        digest: SHA-256 of the file, hexadecimal.
    """

    path: Path
    about: Message
    digest: str

    @classmethod
    def read(cls, path: Path) -> Wheel:
        """Read a wheel's METADATA (PEP 427)."""
        with zipfile.ZipFile(path) as packed:
            (name,) = (n for n in packed.namelist() if n.endswith(".dist-info/METADATA"))
            about = HeaderParser().parsestr(packed.read(name).decode())
        return cls(path, about, sha256(path.read_bytes()).hexdigest())

    @property
    def name(self) -> str:
        """The project's name as indexes compare it (PEP 503)."""
        return normalized(self.about["Name"])

    @property
    def purl(self) -> str:
        """The package URL."""
        return f"pkg:pypi/{self.name}@{self.about['Version']}"

    @property
    def needs(self) -> set[str]:
        """Names of what it requires, on whatever platform, and of what its extras require."""
        rows = self.about.get_all("Requires-Dist", [])
        found = (_REQUIRED.match(row) for row in rows)
        return {normalized(match[1]) for match in found if match}

    def component(self, kind: str) -> JsonObject:
        """Return the component of a bill."""
        return {
            "type": kind,
            "bom-ref": self.purl,
            "name": self.name,
            "version": str(self.about["Version"]),
            "purl": self.purl,
            "hashes": [{"alg": "SHA-256", "content": self.digest}],
            "licenses": [{"license": {"name": each}} for each in self._licences()],
        }

    def _licences(self) -> list[str]:
        """Return what it says of its licence: PEP 639, else its classifiers, else its line."""
        told = self.about["License-Expression"]
        classified = [
            each.rpartition(" :: ")[2]
            for each in self.about.get_all("Classifier", [])
            if each.startswith("License :: ")
        ]
        line = str(self.about["License"] or "").strip().partition("\n")[0]
        return [str(told)] if told else classified or [line or "not stated"]


def normalized(name: str) -> str:
    """Return a project's name in its one form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bill(own: Wheel, others: Iterable[Wheel]) -> str:
    """Return the bill of a release as JSON text.

    Args:
        own: The project's wheel.
        others: Those that are installed with it.
    """
    parts = sorted(others, key=lambda wheel: wheel.purl)
    purls = {wheel.name: wheel.purl for wheel in parts}
    digests = "".join(wheel.digest for wheel in (own, *parts))
    members: JsonObject = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, digests)}",
        "version": 1,
        "metadata": {"component": own.component("application")},
        "components": [wheel.component("library") for wheel in parts],
        "dependencies": [
            {
                "ref": wheel.purl,
                "dependsOn": [purls[name] for name in sorted(wheel.needs) if name in purls],
            }
            for wheel in (own, *parts)
        ],
    }
    return f"{dumps(members)}\n"
