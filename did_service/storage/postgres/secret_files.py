"""Files by which we prove who we are: read by nobody else, or the driver does without them.

libpq passes over a password file that its group may read, with a warning on stderr alone, and
then the server says that there is no password. A credential of systemd or a secret of
Kubernetes is such a file. Of a key it takes one that root owns and a group may read. So both
are looked at before anything is connected (libpq, "The Password File", "Client Certificates").
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from did_service.core.errors import NotFoundError, UnavailableError
from did_service.program.files import whole

_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OF_ROOT = _OF_OTHERS & ~stat.S_IRGRP  # what a key of root's may not have


def check_secret_files(options: Mapping[str, str]) -> None:
    """Check the files that a URL or PGPASSFILE names.

    Args:
        options: Of the URL.

    Raises:
        NotFoundError: `file_missing`: one that the URL names.
        UnavailableError: `database_secret_open`: not ours alone to read.
    """
    for name in ("passfile", "sslkey"):
        named = options.get(name)
        if named is not None:
            _check(name, Path(named))
    usual = os.environ.get("PGPASSFILE")
    if usual and "passfile" not in options and Path(usual).is_file():
        _check("passfile", Path(usual))


def _check(name: str, path: Path) -> None:
    try:
        found = path.stat()
    except OSError as error:
        raise NotFoundError("file_missing", whole(path)) from error
    is_of_root = name == "sslkey" and found.st_uid == 0
    if found.st_mode & (_OF_ROOT if is_of_root else _OF_OTHERS):
        raise UnavailableError("database_secret_open", whole(path))
