"""A consistent copy of a service that runs: its stores, its settings, never its guards.

    registry: blobs ─ database ─► witness: blobs ─ database ─► offices ─► settings ─► examined
        ─► sums ─► who made it ─► renamed

The blobs of a log follow from its rows, so they are copied first and those that came after
them are made of the copied rows. A registry rests on the copies that its witness keeps: those
are taken later. The copy is opened and examined as `fsck` does it, listed file by file, proven
to be of this keyring's owner, and bears its name only then (docs/adr/0068, 0072). What was
signed or made while it is copied needs keys that were there: the keyring is copied last.

A guard says what a key has signed last. One that came back from a backup would say less than
that, and let the key sign a second history (threat rule 9).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import dumps
from did_service.core.errors import ConflictError, NotFoundError, quote
from did_service.core.limits import MAX_LEASE_BYTES
from did_service.issuer.store import IssuerStore
from did_service.node.backup_files import (
    ABOUT,
    DATA,
    KEPT_KEYRING,
    ROOT,
    SERVICES,
    SUMS,
    BackupRecord,
    files_below,
    named_files,
    office_files,
)
from did_service.node.backup_proof import proving_key, write_mac
from did_service.node.configuration import FILE, Configuration
from did_service.node.databases import HISTORIES, Told
from did_service.node.did_folder import DidFolder
from did_service.node.fsck import check_folder
from did_service.node.kept_backup import kept_keyring, sum_of
from did_service.node.pinned_policy import read_policy, region_in
from did_service.node.setting_table import OF_AGENCY, OF_REGION
from did_service.node.storage_setup import StorageSetup, storage_of
from did_service.program.clock import ClockAndRandom
from did_service.program.files import read_file
from did_service.program.process import leave_no_core
from did_service.program.words import told_code
from did_service.replica.mirrors import folder_of
from did_service.replica.store import ReplicaStore
from did_service.signer.keyring_file import naming, read_keyring
from did_service.storage.backup import (
    copy_blobs,
    copy_database,
    settle_database,
)
from did_service.storage.copying import Progress
from did_service.storage.database import file_url, open_database
from did_service.storage.disk import disk, sync
from did_service.storage.folder import FolderBlobs

_OTHER_TABLES = ("database_outdated", "database_newer")
_CHANGING = ("checkpoint",)  # the one blob of a log that is replaced


def back_up(
    configuration: Configuration,
    out: Path,
    passphrase: str,
    edge: ClockAndRandom,
    told: Told,
) -> BackupRecord:
    """Write a backup of a service, which may be running.

    Args:
        configuration: Of the service.
        out: The folder to make; nothing may be there.
        passphrase: Of its keyring: whoever restores proves by the same one who made this.
        edge: Clock and randomness.
        told: Hears how far it is.

    Raises:
        ConflictError: `file_exists`; `backup_not_sound`: what the service keeps is not what it
            has signed, so that nothing was written: `fsck --repair` it first.
        NotFoundError: `directory_missing`, `keyring_missing`; `database_missing`: it has never
            run.
        DecryptionError: `keyring_not_opened`: also where the keyring was given another
            passphrase meanwhile.
        UnavailableError: a disk or a database does not answer, or is damaged.
    """
    if out.exists() or out.is_symlink():
        raise ConflictError("file_exists", quote(out))
    if not out.parent.is_dir():
        raise NotFoundError("directory_missing", quote(out.parent))
    derived = _opening(configuration.path("keys.keyring"), passphrase)
    with disk(out), _unfinished(out) as place:
        record = _Copying(configuration, place, told).run(timestamps.encode(edge.clock()))
        sums = write_sums(place, _part(told, SUMS))
        write_mac(place, proving_key(kept_keyring(place), derived), sums)
        _settle(place)
        place.rename(out)
        sync(out.parent)
    return record


def write_sums(backup: Path, progress: Progress) -> bytes:
    """Write the list of all files, and return it."""
    names = sorted(files_below(backup))
    lines = []
    for done, name in enumerate(names):
        progress(done, len(names))
        lines.append(f"{sum_of(backup / name)}  {name}\n")
    sums = "".join(lines).encode("ascii")
    (backup / SUMS).write_bytes(sums)
    return sums


def _opening(keyring: Path, passphrase: str) -> bytes:
    """Return what seals a keyring, once it has opened it: before anything is copied."""
    sealed = read_keyring(keyring)
    leave_no_core()
    with naming(keyring):
        derived = sealed.derive(passphrase)
        sealed.open(derived)
    return derived


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """Give a private folder beside a backup's; what is left of it goes."""
    place = Path(tempfile.mkdtemp(".tmp", f".{out.name}.didsvc-", out.parent))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Copying:
    """One backup being made."""

    configuration: Configuration
    place: Path
    told: Told

    def run(self, made: str) -> BackupRecord:
        kind = self.configuration.kind
        data = self.place / DATA
        data.mkdir(0o700)
        policy = None
        if kind not in OF_AGENCY:
            policy = read_policy(self.configuration.path("service.policy"))
        for service in SERVICES[kind]:
            self._service(service, policy, data)
        if kind in OF_REGION:
            self._offices()
        self._settings()
        examined = self._examine(policy, data)
        logs = {} if policy is None else self._logs(policy, data)
        for service in SERVICES[kind]:
            settle_database(file_url(data / f"{service}.sqlite"))
        files = sum(1 for _ in files_below(self.place))
        record = BackupRecord(kind, made, logs, files, examined)
        text = f"{dumps(record.encode())}\n"
        (self.place / ABOUT).write_text(text, encoding="utf-8")
        return record

    def _service(self, service: str, policy: Policy | None, data: Path) -> None:
        """Copy the owner, the blobs and then the database of one service."""
        storage = storage_of(self.configuration)
        owner = read_file(storage.folder / f"{service}.lock", MAX_LEASE_BYTES)
        if owner is not None:
            (data / f"{service}.lock").write_bytes(owner)
        storage = storage_of(self.configuration)
        for name in [] if policy is None else self._logs_in(service, policy):
            self.told(f"{DATA}/{name}", 0, 1)
            source = storage.blob_store(name)
            copy_blobs(source, FolderBlobs(data).below(name), _CHANGING)
        name = f"{service}.sqlite"
        part = _part(self.told, f"{DATA}/{name}")
        copy_database(storage.database_url(service), data / name, HISTORIES, part)

    def _logs_in(self, service: str, policy: Policy) -> list[str]:
        """Return the folders of the logs that a service keeps."""
        if service == "registry":
            region = region_in(policy, self.configuration)
            return [origin.partition("/")[2] for origin in region.logs]
        logs = (origin for region in policy.regions for origin in region.logs)
        return [f"mirror/{folder_of(origin)}" for origin in logs]

    def _offices(self) -> None:
        """Copy what the ceremony and the root's DID have left; no command works on it now."""
        folder = self.configuration.file.parent
        root = DidFolder(folder / ROOT)
        with root.locked() if root.path.exists() else nullcontext():
            for name in office_files(folder):
                self._file(name, folder / name)

    def _settings(self) -> None:
        """Copy the configuration and what it names, the keyring last."""
        named = dict(named_files(self.configuration))
        keyring = named.pop(KEPT_KEYRING)
        self._file(FILE, self.configuration.file)
        for name, path in named.items():
            self._file(name, path)
        self._file(KEPT_KEYRING, keyring)

    def _file(self, name: str, path: Path) -> None:
        """Copy a file; what is not there was not needed."""
        target = self.place / name
        with suppress(FileNotFoundError):
            data = path.read_bytes()
            target.parent.mkdir(0o700, parents=True, exist_ok=True)
            target.touch(0o600)
            target.write_bytes(data)

    def _examine(self, policy: Policy | None, data: Path) -> bool:
        """Open the copy; say whether its tables are those of this release.

        What a log has added between the copies of its blobs and of its database is made here.
        """
        self.told("fsck", 0, 1)
        try:
            if policy is None:
                _open_issuer(data)
                return True
            found = check_folder(StorageSetup(data), policy, mend=True)
        except ConflictError as error:
            if error.code not in _OTHER_TABLES:
                raise
            return False
        for log, findings in found.items():
            for each in findings:
                what = f"{log}: {told_code(each.code).en}: {quote(each.where)}"
                raise ConflictError("backup_not_sound", what)
        return True

    def _logs(self, policy: Policy, data: Path) -> dict[str, int]:
        """Return the sizes of the logs that the copy keeps as a registry, else as a witness."""
        service = SERVICES[self.configuration.kind][0]
        logs = [origin for region in policy.regions for origin in region.logs]
        if service == "registry":
            logs = [*region_in(policy, self.configuration).logs]
        engine = open_database(file_url(data / f"{service}.sqlite"), make=False)
        try:
            return {origin: ReplicaStore(engine, origin).size() for origin in logs}
        finally:
            engine.dispose()


def _open_issuer(data: Path) -> None:
    engine = open_database(file_url(data / "issuer.sqlite"), make=False)
    try:
        IssuerStore(engine)
    finally:
        engine.dispose()


def _settle(place: Path) -> None:
    """Have the disk keep every file and folder of a backup."""
    for path in (place, *place.rglob("*")):
        sync(path)


def _part(told: Told, what: str) -> Progress:
    return lambda done, total: told(what, done, total)
