"""A service made of a backup, in an empty folder; a guard that is there stays.

    maker proven, every sum checked ─► marked as restored ─► databases, blobs, offices, settings
        ─► configuration, last

Every file is compared once more as it is copied, before it has its final name.

Without its configuration a folder cannot be served, so whoever is killed on the way repeats the
command: what stands there already is compared and left. A region's folder bears the mark
`data/restored`, and is not served until `pull` has found that all it had signed is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.encoding import strict_json
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    MalformedError,
    UsageError,
    quote,
)
from did_service.core.limits import MAX_CONFIGURATION_BYTES, MAX_JSON_BYTES
from did_service.node.backup_files import (
    DATA,
    FEDERATION,
    GUARDS,
    ROOT,
    SERVICES,
    SETTINGS,
    SUMS,
    BackupRecord,
    files_below,
    is_of_office,
    named_files,
)
from did_service.node.configuration import FILE, Configuration, parse_configuration
from did_service.node.databases import Told
from did_service.node.kept_backup import KeptBackup, open_backup, sum_of
from did_service.node.restored_mark import MARK, mark, mark_ceremony
from did_service.node.restored_rows import move_rows
from did_service.node.setting_table import OF_REGION
from did_service.program.clock import ClockAndRandom
from did_service.program.files import make_private_directory
from did_service.storage.disk import disk, sync

_GUARD_LOCKS = tuple(f"{name}.lock" for name in GUARDS)
# Modes stand in no list of sums: nobody else may write what was restored, whatever they say.
_FILE_MODES, _FOLDER_MODES = 0o644, 0o755


@dataclass(frozen=True, slots=True)
class RestoreOrder:
    """What a person asks for.

    Attributes:
        backup: The backup's folder.
        folder: Made where it is missing. The places that the configuration names hold nothing
            but guards and locks, or what an earlier try has written.
        passphrase: Of the keyring in the backup. It comes from the person: whoever changed a
            backup may have changed where it says that its passphrase lies.
        given: Places outside of the folder that the person has named, by setting. A backup says
            by itself only where it writes below the folder.
    """

    backup: Path
    folder: Path
    passphrase: str = field(repr=False)
    given: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Attributes:
        record: What the backup says of itself.
        configuration: As it will be read.
        guards: The guards that were there and stay.
        missing_guards: Those that are lost, so that the peers have to say what was signed.
        fingerprint: Of the policy that came with it, for a person to compare.
    """

    record: BackupRecord
    configuration: Configuration
    guards: tuple[str, ...]
    missing_guards: tuple[str, ...]
    fingerprint: str


def restore(
    order: RestoreOrder, environment: Mapping[str, str], edge: ClockAndRandom, told: Told
) -> Restored:
    """Make a service's folder of a backup.

    Args:
        order: What is asked for.
        environment: Of the process: settings in it go before the file's.
        edge: Clock and randomness.
        told: Hears how far it is.

    Raises:
        NotFoundError: `backup_missing`.
        ProofError: `backup_unproven`, `backup_forged`: nothing was written.
        DecryptionError: `keyring_not_opened`: nothing was written.
        MalformedError: `backup_damaged`: it holds a guard or a mark, or what no backup holds,
            or its policy cannot be read: nothing was written. Or it was changed while it was
            copied: the folder has no configuration, so that nothing is served.
        UsageError: `place_outside`: nothing was written.
        ConflictError: `backup_place_taken`: nothing was written; `database_not_empty`: the
            server's database has other rows, which stay, and the folder no configuration.
        UsageError: `configuration_invalid`.
        UnavailableError: a disk.
    """
    folder = order.folder
    kept = open_backup(order.backup, order.passphrase, lambda *n: told(SUMS, *n))
    record, data = kept.record, kept.read(FILE, MAX_CONFIGURATION_BYTES)
    configuration = parse_configuration(
        folder / FILE, data, environment, record.kind, is_made=False
    )
    places = dict(_places(configuration, kept.sums))
    store = configuration.path("storage.folder")
    _check_below(folder, {"storage.folder": store, **places}, order.given)
    _check_never_kept(folder, store, places)
    fingerprint = _fingerprint(kept)
    _check_empty(kept, folder, places, store)
    make_private_directory(folder)
    make_private_directory(store)
    if record.kind in OF_REGION:
        mark(store, record.made)
        mark_ceremony(folder / FEDERATION, edge.clock())
    last = places.pop(FILE)
    for done, (name, place) in enumerate(places.items()):
        told(DATA, done, len(places))
        _copy(kept, name, place)
    move_rows(configuration, SERVICES[record.kind], told)
    _copy(kept, FILE, last)
    wanted = [GUARDS[s == "witness"] for s in SERVICES[record.kind] if record.kind in OF_REGION]
    there = tuple(name for name in wanted if (store / name).exists())
    lost = tuple(name for name in wanted if name not in there)
    return Restored(record, configuration, there, lost, fingerprint)


def _places(configuration: Configuration, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Yield where each file of a backup belongs.

    Raises:
        MalformedError: `backup_damaged`: no backup of this kind holds such a file.
    """
    named = {**dict(named_files(configuration)), FILE: configuration.file}
    store = configuration.path("storage.folder")
    for name in names:
        if name.startswith(f"{DATA}/"):
            yield name, store / name.removeprefix(f"{DATA}/")
        elif name in named:
            yield name, named[name]
        elif is_of_office(name) and configuration.kind in OF_REGION:
            yield name, configuration.file.parent / name
        elif not name.startswith(f"{SETTINGS}/"):  # the environment may name another peer now
            raise MalformedError("backup_damaged", f"{quote(name)} is in no backup")


def _check_below(folder: Path, places: Mapping[str, Path], given: Mapping[str, Path]) -> None:
    """Check that everything lies below the folder, or where a person has said.

    Raises:
        UsageError: `place_outside`.
    """
    base, store = folder.resolve(), given.get("storage.folder")
    for name, place in places.items():
        real = place.resolve()
        if real.is_relative_to(base):
            continue
        if name.startswith(f"{DATA}/"):
            allowed = store is not None and real.is_relative_to(store.resolve())
        else:
            named = given.get(name.removeprefix(f"{SETTINGS}/"))
            allowed = named is not None and real == named.resolve()
        if not allowed:
            setting = quote(name.removeprefix(f"{SETTINGS}/"))
            raise UsageError("place_outside", f"{setting}: {quote(place)}")


def _check_never_kept(folder: Path, store: Path, places: Mapping[str, Path]) -> None:
    """Check that a backup brings no guard, and no mark: it was changed if it does.

    Raises:
        MalformedError: `backup_damaged`.
    """
    never = {(store / name).resolve() for name in (*GUARDS, *_GUARD_LOCKS, MARK)}
    never.add((folder / FEDERATION / MARK).resolve())
    for name, place in places.items():
        if place.resolve() in never:
            raise MalformedError("backup_damaged", f"{quote(name)} is in no backup")


def _fingerprint(kept: KeptBackup) -> str:
    """Return the fingerprint of the policy in a backup, nothing where it has none."""
    name = f"{SETTINGS}/service.policy"
    if name not in kept.sums:
        return ""
    try:
        return parse_policy(
            strict_json.load_object(kept.read(name, MAX_JSON_BYTES))
        ).fingerprint
    except DidServiceError as error:
        raise MalformedError("backup_damaged", f"{name}: {error.code}") from error


def _check_empty(
    kept: KeptBackup, folder: Path, places: Mapping[str, Path], store: Path
) -> None:
    """Check that nothing of another history is there, before anything is written.

    Raises:
        ConflictError: `backup_place_taken`.
    """
    ours = {*places.values(), *(store / name for name in (*GUARDS, *_GUARD_LOCKS, MARK))}
    ours.add(folder / FEDERATION / MARK)
    for place in (store, folder / FEDERATION, folder / ROOT):
        for name in files_below(place) if place.exists() else ():
            path = place / name
            if path not in ours and ".didsvc-" not in path.name:
                raise ConflictError("backup_place_taken", quote(path))
    for name, place in places.items():
        if place.exists() and sum_of(place) != kept.sums[name]:
            raise ConflictError("backup_place_taken", quote(place))


def _copy(kept: KeptBackup, name: str, target: Path) -> None:
    """Copy a file durably; where the same one stands there it stays."""
    if target.exists() and sum_of(target) == kept.sums[name]:
        return
    part = target.parent / f".{target.name}.didsvc-restored.tmp"
    source = kept.path / name
    with disk(target):
        _make_folder(target.parent, source.parent.stat().st_mode)
        part.unlink(missing_ok=True)
        part.touch(0o600)
        kept.copy(name, part)
        part.chmod(source.stat().st_mode & _FILE_MODES)
        sync(part)
        part.replace(target)
        sync(target.parent)


def _make_folder(folder: Path, mode: int) -> None:
    """Make a folder as private as it is in the backup."""
    if not folder.exists():
        _make_folder(folder.parent, mode)
        folder.mkdir(mode & _FOLDER_MODES)
        sync(folder.parent)
