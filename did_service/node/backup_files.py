"""A backup as files: what it holds, and whether it still does.

    BACKUP/backup.json           kind, owners, logs and their sizes, when it was made
    BACKUP/did-service.toml      the configuration
    BACKUP/settings/PLACE        each file that the configuration names, by its setting
    BACKUP/federation, root/…    of a region: its ceremony, and the folder of its root DID
    BACKUP/data/…                database, blobs and owner of each service; never a guard
    BACKUP/SHA256SUMS            every file above, as `sha256sum --check` reads it
    BACKUP/SHA256SUMS.hmac       who made it: `backup_proof`

Keep it as you keep the keyring that is in it, sealed. Layout: docs/formats.md §8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.node.configuration import Configuration
from did_service.node.setting_kinds import PATH
from did_service.node.setting_table import ServiceKind, named_of, settings_of

FORMAT = "didsvc-backup/1"
ABOUT = "backup.json"
SUMS = "SHA256SUMS"
DATA = "data"
SETTINGS = "settings"
KEPT_KEYRING = f"{SETTINGS}/keys.keyring"
GUARDS = ("last-signed", "last-cosigned")
SERVICES = {  # of each kind; what is copied first may rest on what comes later
    ServiceKind.REGION: ("registry", "witness"),
    ServiceKind.REGISTRY: ("registry",),
    ServiceKind.WITNESS: ("witness",),
    ServiceKind.AGENCY: ("issuer",),
}
FEDERATION = "federation"
ROOT = "root"
_OF_CEREMONY = (
    "signatures.json",
    "approvals.json",
    "draft.json",
    "witness.json",
    "member.json",
    "standing.json",
)
_OF_ROOT = ("pending.json", "logged.json", "did.jsonl", "did-witness.json")
_OFFICE = re.compile(
    rf"{FEDERATION}/({'|'.join(map(re.escape, _OF_CEREMONY))})|"
    rf"{ROOT}/({'|'.join(map(re.escape, _OF_ROOT))}|keys/z6Mk[1-9A-HJ-NP-Za-km-z]{{44}}\.json)"
)


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """What a backup says of itself.

    Attributes:
        kind: The service that it was made of.
        made: When, as in credentials.
        logs: Entries that each log held, by origin; none for an agency.
        files: How many it has besides this record and the list of sums.
        examined: Whether its rows and files were compared with what was signed; not where its
            tables are those of another release.
    """

    kind: ServiceKind
    made: str
    logs: Mapping[str, int]
    files: int
    examined: bool

    def encode(self) -> JsonObject:
        """Return the content of `backup.json`."""
        return {
            "format": FORMAT,
            "kind": self.kind.value,
            "made": self.made,
            "logs": dict(self.logs),
            "files": self.files,
            "examined": self.examined,
        }


def parse_record(data: bytes) -> BackupRecord:
    """Read `backup.json`.

    Raises:
        MalformedError: it is none.
    """
    fields = Fields(strict_json.load_object(data), "backup")
    fields.constant("format", FORMAT)
    kind = ServiceKind(fields.choice("kind", tuple(ServiceKind)))
    logs = fields.fields("logs")
    record = BackupRecord(
        kind,
        fields.text("made"),
        {origin: logs.integer(origin) for origin in logs.names()},
        fields.integer("files"),
        fields.value("examined") is True,
    )
    fields.close()
    return record


def office_files(folder: Path) -> Iterator[str]:
    """Yield what a region's offices may have in its folder, in the order of copying.

    A signature of the copy then always has its draft: what comes later is as new, or newer.
    """
    yield from (f"{FEDERATION}/{name}" for name in _OF_CEREMONY)
    yield from (f"{ROOT}/{name}" for name in _OF_ROOT)
    keys = sorted(path.name for path in (folder / ROOT / "keys").glob("*.json"))
    yield from filter(is_of_office, (f"{ROOT}/keys/{name}" for name in keys))


def is_of_office(name: str) -> bool:
    """Say whether a name in a backup is that of such a file."""
    return _OFFICE.fullmatch(name) is not None


def named_files(configuration: Configuration) -> Iterator[tuple[str, Path]]:
    """Yield every file that a configuration names, with its name in a backup.

    The folder of data is not among them, nor the passphrase, which is never kept beside keys.
    """
    for row in settings_of(configuration.kind):
        place = f"{row.section}.{row.name}"
        if row.kind is PATH and place != "storage.folder":
            yield f"{SETTINGS}/{place}", configuration.path(place)
    for section, rows in named_of(configuration.kind).items():
        for own, values in configuration.named[section].items():
            for row in rows:
                if row.kind is PATH and values[row.name]:
                    path = configuration.below(str(values[row.name]))
                    yield f"{SETTINGS}/{section}.{own}.{row.name}", path


def files_below(folder: Path) -> Iterator[str]:
    """Yield the names of the files below a folder; no link is followed."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()
