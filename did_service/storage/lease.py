"""Who may write a folder: one process at a time, and always of the same service.

    FOLDER/NAME.lock     locked while the process lives; its one line says whose folder it is

The lock is the kernel's (flock) and ends with the process, however that ends; the line stays.
Where a server's database has the rows, several processes share a folder, and one of them leads
(`storage/leading`).
"""

from __future__ import annotations

import fcntl
import os
from enum import Enum
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Self

from did_service.core.errors import ConflictError, UnavailableError, quote
from did_service.core.limits import MAX_LEASE_BYTES
from did_service.program.files import read_file

_LOOKS, _PAUSE_SECONDS = 50, 0.02  # one second, while others say whose folder it is


class Use(Enum):
    """Who may have a folder beside us."""

    ALONE = "alone"
    SHARED = "shared"


class Lease:
    """A folder that is ours until `close`.

    Args:
        folder: It is made, with its parents, where it is missing.
        name: Of the kind of service; each kind may have a process on one folder.
        owner: Whose folder it is from now on: the origin of a log, the name of a witness, the
            DID of an agency.
        use: Whether others who share it may have it at the same time.

    Raises:
        ConflictError: `folder_in_use`: another process writes it; `folder_of_another`: it is
            that of another owner.
        UnavailableError: `file_not_written`.
    """

    def __init__(self, folder: Path, name: str, owner: str, use: Use = Use.ALONE) -> None:
        self._descriptor = _open(folder, f"{name}.lock")
        try:
            if use is Use.ALONE:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _claim(self._descriptor, owner)
            else:
                _claim_shared(self._descriptor, owner)
        except BlockingIOError as error:
            self.close()
            raise ConflictError("folder_in_use", f"another process writes {folder}") from error
        except OSError as error:
            self.close()
            what = f"{quote(name)}.lock: {error.strerror}"
            raise UnavailableError("file_not_written", what) from error
        except ConflictError:
            self.close()
            raise

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def owner_of(folder: Path, name: str) -> str | None:
    """Return whose folder it is, None where no service of this kind has written it."""
    line = read_file(folder / f"{name}.lock", MAX_LEASE_BYTES)
    return line.decode().strip() if line is not None and line.endswith(b"\n") else None


def _open(folder: Path, name: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / name, flags, 0o600)
    except OSError as error:
        raise UnavailableError("file_not_written", f"{name}: {error.strerror}") from error


def _claim_shared(descriptor: int, owner: str) -> None:
    """Share it; of several that begin at once each may be in another's way for a moment."""
    for _ in range(_LOOKS):
        try:
            return _share(descriptor, owner)
        except BlockingIOError:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            sleep(_PAUSE_SECONDS)
    return _share(descriptor, owner)


def _share(descriptor: int, owner: str) -> None:
    """Share it with others; who is the first has it alone, until he has said whose it is."""
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    held = os.pread(descriptor, MAX_LEASE_BYTES, 0)
    if held.endswith(b"\n"):
        _check_owner(held, f"{owner}\n".encode())
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _claim(descriptor, owner)
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _check_owner(held: bytes, line: bytes) -> None:
    if held != line:
        of, owner = quote(held.decode(errors="replace").strip()), line.decode().strip()
        raise ConflictError("folder_of_another", f"this folder is that of {of}, not of {owner}")


def _claim(descriptor: int, owner: str) -> None:
    """Read whose folder it is; write it where nobody has, or was killed while he did."""
    line = f"{owner}\n".encode()
    held = os.pread(descriptor, MAX_LEASE_BYTES, 0)
    if held.endswith(b"\n"):
        _check_owner(held, line)
    if held != line:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, line, 0)
        os.fsync(descriptor)
