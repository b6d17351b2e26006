"""One of several processes of an agency, and what starts them.

    child = start(given, socket)     # python -m tests.support.issuer_process GIVEN SOCKET

GIVEN is a file that `write_given` has made: who the agency is, its database, its region. The
process serves on a Unix socket until SIGTERM, and says `ready` when it answers.
"""

import pickle
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.issuer.agency import Agency
from did_service.node.services import AgencySetup, open_service
from did_service.node.storage_setup import StorageSetup
from did_service.program.clock import SYSTEM
from did_service.web.serve import run, unix_socket
from tests.support.optional import CHECKOUT


def write_given(
    file: Path, agency: Agency, storage: StorageSetup, places: dict, tick_seconds: float
) -> Path:
    """Write what the processes of an agency are given."""
    given = (agency, storage.folder, storage.database, dict(places), tick_seconds)
    file.write_bytes(pickle.dumps(given))
    return file


def start(given: Path, socket: Path) -> subprocess.Popen[bytes]:
    """Start a process; it answers once it has printed a line."""
    command = [sys.executable, "-m", "tests.support.issuer_process", given, socket]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE)


def main(given: str, socket: str) -> None:
    """Serve until SIGTERM."""
    agency, folder, database, places, tick_seconds = pickle.loads(Path(given).read_bytes())
    with closing(Transport(Routes(places))) as transport:
        storage = StorageSetup(folder, database)
        setup = AgencySetup(agency, storage, transport, SYSTEM, tick_seconds)
        with closing(open_service(setup)) as service:
            service.start()
            listener = unix_socket(Path(socket))
            sys.stdout.write("ready\n")  # who connects from now on waits for the server
            sys.stdout.flush()
            run(service.app, listener)


if __name__ == "__main__":
    main(*sys.argv[1:])
