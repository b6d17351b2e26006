"""seaweedfs as an S3 service: a real store, on disk, in a folder of its own.

`make s3` installs it. Each bucket is a collection of its own, for which it would reserve seven
volumes at once, and refuse every object once there are no more: so one at a time, and many.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from did_service.core.errors import DidServiceError
from tests.support.buckets import KEYS, S3Service, child_at, free_port
from tests.support.optional import CHECKOUT

PROGRAM = CHECKOUT / ".venv-s3" / "bin" / "weed"
_PATIENCE = 120  # seconds until it takes an object
_VOLUMES = 1_000
_PARTS = ("master", "volume", "filer", "s3")


def program() -> str | None:
    """Return the program, None where it is not installed."""
    return str(PROGRAM) if PROGRAM.exists() else shutil.which("weed")


@contextmanager
def running() -> Iterator[S3Service]:
    """Run it until the end, and leave nothing."""
    found = program()
    assert found is not None, "seaweedfs is not installed: make s3"
    folder = Path(tempfile.mkdtemp(prefix="didsvc-s3-"))
    ports = {f"{part}.port{kind}": free_port() for part in _PARTS for kind in ("", ".grpc")}
    command = [found, "server", *_options(folder), *(f"-{k}={v}" for k, v in ports.items())]
    environment = {**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
    port = ports["s3.port"]
    try:
        with child_at(command, port, environment):
            service = S3Service(f"http://127.0.0.1:{port}")
            _until_it_takes_an_object(service)
            yield service
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options(folder: Path) -> list[str]:
    keys = folder / "keys.json"
    identity = {
        "name": "tests",
        "credentials": [
            {"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}
        ],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    keys.write_text(json.dumps({"identities": [identity]}))
    return [
        *(f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"),
        *(f"-s3.config={keys}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-volume.max={_VOLUMES}", "-master.volumeSizeLimitMB=64"),
    ]


def _until_it_takes_an_object(service: S3Service) -> None:
    """Wait until its parts have found each other; its door opens before that."""
    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            service.bucket().blobs().add({"first": b""})
        except (DidServiceError, URLError):
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)
        else:
            return
