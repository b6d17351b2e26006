"""Files that survive: private modes, atomic replacement, one writer at a time.

    write .NAME.didsvc-XXXXXXXX.tmp ── fsync ── rename over NAME ── fsync the directory

Whoever is killed, or meets a full disk, on the way leaves the former file whole. A file that a
person names is looked at first: nothing is replaced unasked, and a device never. Pipes and
devices are never waited for.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from did_service.core.errors import (
    ConflictError,
    MalformedError,
    NotFoundError,
    UnavailableError,
    quote,
)
from did_service.core.limits import MAX_SENTENCE_COLUMNS

_MARK = ".didsvc-"  # in the name of a temporary file: this one is ours
_NO_WAIT = os.O_NONBLOCK | os.O_CLOEXEC


def whole(path: Path) -> str:
    """Quote a path of ours to its end: its last name is what an operator looks for."""
    return quote(path, MAX_SENTENCE_COLUMNS)


def make_private_directory(path: Path) -> None:
    """Make a directory that only its owner may enter, and its parents; one that is there stays.

    Raises:
        UnavailableError: `file_not_written`.
    """
    with _writing(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


def read_file(path: Path, max_bytes: int) -> bytes | None:
    """Return the content of a file, or None where there is none.

    Raises:
        UnavailableError: `file_not_read`, also where a pipe, a device or a folder has the name.
        MalformedError: `file_damaged` above `max_bytes`: nothing of ours is that long.
    """
    return _read(path, max_bytes, os.O_RDONLY | _NO_WAIT)


def read_own_file(path: Path, max_bytes: int) -> bytes | None:
    """Do the same for a file that only this program writes: it is no link to another one."""
    return _read(path, max_bytes, os.O_RDONLY | os.O_NOFOLLOW | _NO_WAIT)


def _read(path: Path, max_bytes: int, flags: int) -> bytes | None:
    try:
        descriptor = os.open(path, flags)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnavailableError("file_not_read", f"{path.name} is no regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(max_bytes + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnavailableError("file_not_read", f"{path.name}: {error.strerror}") from error
    if len(data) > max_bytes:
        raise MalformedError("file_damaged", f"{path.name} has more than {max_bytes} bytes")
    return data


def check_output(path: Path, *, force: bool) -> None:
    """See to it that a file may be written where a person says, before work is spent on it.

    Args:
        path: The file.
        force: Whether one that is there may be replaced.

    Raises:
        NotFoundError: `directory_missing`.
        ConflictError: `file_exists`.
        UnavailableError: `file_not_written`: a folder, a device or a pipe of that name.
    """
    if not path.parent.is_dir():
        raise NotFoundError("directory_missing", quote(path.parent))
    if not path.exists():
        return
    if not path.is_file():
        raise UnavailableError("file_not_written", f"{quote(path)} is no regular file")
    if not force:
        raise ConflictError("file_exists", quote(path))


def replace_file(path: Path, data: bytes) -> None:
    """Write a file with mode 0600 so that there is always either the former or the new one.

    Raises:
        UnavailableError: `file_not_written`; the former file is whole.
    """
    _replace(path, data, 0o600)


def replace_public_file(path: Path, data: bytes) -> None:
    """Do the same for a file that everybody may read: another program may be what serves it."""
    _replace(path, data, 0o644)


def _replace(path: Path, data: bytes, mode: int) -> None:
    with _writing(path), _temporary(path, data) as temporary:
        temporary.chmod(mode)
        temporary.replace(path)
        _sync_directory(path.parent)


def sweep(path: Path) -> None:
    """Remove what killed writers of a file left; nobody else is writing it now.

    Args:
        path: The file; the name `*` stands for each file of its folder.
    """
    with suppress(FileNotFoundError):  # nothing was ever written there
        for each in path.parent.iterdir():
            if _is_left(each.name, path.name):
                with suppress(OSError):  # a folder of such a name, or not ours to remove
                    each.unlink()


def _is_left(name: str, of: str) -> bool:
    """Say whether a name is that of a temporary file `.NAME.didsvc-XXXXXXXX.tmp`."""
    stem, mark, ending = name.rpartition(_MARK)
    is_ours = mark != "" and len(ending) == len("XXXXXXXX.tmp") and ending.endswith(".tmp")
    return is_ours and (stem == f".{of}" or (of == "*" and stem.startswith(".")))


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; waits for other processes, and ends with its process.

    Raises:
        UnavailableError: `file_not_written` where the lock file cannot be made, or something
            else has its name: a link would make a file elsewhere.
    """
    with _writing(path):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | _NO_WAIT
        descriptor = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnavailableError("file_not_written", f"{path.name} is no regular file")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError("file_not_written", f"{path.name}: {error.strerror}") from error


@contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    """Write `data` durably beside `path`; what is left of it afterwards is removed."""
    import tempfile  # noqa: PLC0415 - a twentieth of a start, and most only read

    descriptor, name = tempfile.mkstemp(".tmp", f".{path.name}{_MARK}", path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        with suppress(FileNotFoundError):  # renamed
            Path(name).unlink()


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
