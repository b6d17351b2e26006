"""Blobs as the files of a folder: complete or not there, readable by whatever serves them.

    write staged/… ── fsync ── link under the final name ── fsync the folders

A file counts as written when its bytes and then the name in its folder have reached the disk.
What a killed process has staged nobody looks at; the next one removes it before it writes.
Whoever writes holds a lock on the file `.lock` in the folder, so that two processes may publish
into it: on NFS a lock on a folder reaches no other machine, one on a file does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from did_service.core.errors import ConflictError, UnavailableError, quote
from did_service.program.files import replace_public_file
from did_service.storage.blobs import MOVED, NOT_SYNCED

_STAGED = "staged"
_LOCK = ".lock"
_LOCK_SECONDS = 30.0  # a round of 64 files takes far less, also on a slow disk
_LOOK_SECONDS = 0.02


class FolderBlobs:
    """A `BlobStore` in a folder; it is made, with its parents, by the first blob.

    Args:
        folder: Written through this class alone, by any number of processes.
    """

    read_by_others = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swept = False

    def get(self, name: str) -> bytes | None:
        """Return the content of a file; see `BlobStore.get`."""
        try:
            return (self._folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise UnavailableError(
                "tree_not_read", f"{quote(name)}: {error.strerror}"
            ) from error

    def add(self, blobs: Mapping[str, bytes]) -> None:
        """Make files; see `BlobStore.add`."""
        with self._disk(), self._alone(), self._staging() as staging:
            staged = {name: staging / str(number) for number, name in enumerate(blobs)}
            for name, path in staged.items():
                _write(path, blobs[name], name)
            for name, path in staged.items():
                _link(path, self._folder / name)
            for folder in {(self._folder / name).parent for name in staged}:
                _sync_folder(folder)

    def swap(self, name: str, former: bytes | None, data: bytes) -> None:
        """Replace a file by renaming, if it is the one that was read; see `BlobStore.swap`."""
        with self._disk(), self._alone():
            held = self.get(name)
            if held == data:
                return
            if held != former:
                raise ConflictError(MOVED, f"another {quote(name)} is there by now")
            self.replace(name, data)

    def replace(self, name: str, data: bytes) -> None:
        """Replace a file by renaming; see `BlobStore.replace`."""
        path = self._folder / name
        with self._disk():
            _make_folder(path.parent)
        replace_public_file(path, data)

    def names(self, prefix: str) -> list[str]:
        """Return the files below a folder; see `BlobStore.names`."""
        found: list[tuple[int, str]] = []
        with self._disk("tree_not_read"):
            for path in _files(self._folder / prefix):
                with suppress(FileNotFoundError):  # it went meanwhile
                    written = path.stat().st_mtime_ns
                    found.append((written, path.relative_to(self._folder).as_posix()))
        return [name for _, name in sorted(found)]

    def delete(self, names: Iterable[str]) -> None:
        """Remove files; see `BlobStore.delete`."""
        with self._disk():
            for name in names:
                (self._folder / name).unlink(missing_ok=True)

    def below(self, prefix: str) -> FolderBlobs:
        """Return a folder within this one as a store of its own."""
        return FolderBlobs(self._folder / prefix)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other writers out of this folder, those of other processes as well.

        Raises:
            UnavailableError: `tree_not_written`: another one does not come to an end.
        """
        _make_folder(self._folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._folder / _LOCK, flags, 0o600)
        try:
            _lock(descriptor, self._folder.name)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """Give a fresh folder on the same disk; what killed processes left there goes."""
        place = self._folder / _STAGED
        if not self._swept:
            shutil.rmtree(place, ignore_errors=True)
            self._swept = True
        place.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=place))
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    @contextmanager
    def _disk(self, code: str = "tree_not_written") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"{quote(self._folder.name)}: {error.strerror}"
            raise UnavailableError(code, what) from error


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder but for its locks, none where it is not there."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in folder.iterdir():
            if path.is_dir():
                yield from _files(path)
            elif path.name != _LOCK:
                yield path


def _lock(descriptor: int, name: str) -> None:
    given_up = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > given_up:
                what = f"{quote(name)}: another process goes on writing into it"
                raise UnavailableError("tree_not_written", what) from error
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _write(path: Path, data: bytes, name: str) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        _sync(file.fileno(), name)


def _link(source: Path, target: Path) -> None:
    """Give a file its final name unless one with the same content has it."""
    _make_folder(target.parent)
    try:
        os.link(source, target)
    except FileExistsError as error:
        if target.read_bytes() != source.read_bytes():
            raise ConflictError(
                "tile_differs", f"another {quote(target.name)} is there"
            ) from error


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _sync(descriptor, folder.name)
    finally:
        os.close(descriptor)


def _sync(descriptor: int, name: str) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise UnavailableError(NOT_SYNCED, f"{quote(name)}: {error.strerror}") from error
