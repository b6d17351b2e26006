"""The marks of a restored folder: what signed before may have signed more than is known here.

    FOLDER/restored           the second in which the backup was made; `pull` removes it, and
                              no log or witness signs before that
    DIR/federation/restored   the second of the restore; it stays. A draft of a policy that was
                              in the making then is signed only if a person knows that no other
                              one was (docs/adr/0073)

`restore` sets both before it writes anything else.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from did_service.core.encoding import timestamps
from did_service.core.errors import ConflictError, MalformedError, quote
from did_service.program.files import (
    make_private_directory,
    read_own_file,
    replace_file,
    whole,
)
from did_service.storage.disk import disk, sync

MARK = "restored"
_MARK_BYTES = 64


def mark(store: Path, made: str) -> None:
    """Mark a folder of data, durably."""
    replace_file(store / MARK, f"{made}\n".encode())


def mark_ceremony(federation: Path, now: datetime) -> None:
    """Mark the folder of a ceremony, durably."""
    make_private_directory(federation)
    replace_file(federation / MARK, f"{timestamps.encode(now)}\n".encode())


def ceremony_restored(federation: Path) -> datetime | None:
    """Return when the folder of a ceremony was restored, None where it never was.

    Raises:
        MalformedError: `time_invalid`: the mark is damaged.
    """
    data = read_own_file(federation / MARK, _MARK_BYTES)
    if data is None:
        return None
    try:
        return timestamps.parse_utc(data.decode("utf-8", "replace").rstrip("\n"))
    except MalformedError as error:
        raise MalformedError(
            error.code, f"{whole(federation / MARK)}: {error.message}"
        ) from error


def is_marked(store: Path) -> bool:
    """Say whether a folder was restored and not released since."""
    return (store / MARK).exists()


def remove_mark(store: Path) -> None:
    """Let the services of a folder be started."""
    with disk(store / MARK):
        (store / MARK).unlink(missing_ok=True)
        sync(store)


def check_released(store: Path) -> None:
    """Check that a folder of data may be served.

    Raises:
        ConflictError: `folder_restored`: what it had signed is not known to be here.
    """
    if is_marked(store):
        raise ConflictError("folder_restored", quote(store))
