"""Buckets for tests: an S3 service in a child process, over real HTTP on loopback.

    with s3_service() as service:            # once a worker: tests/conftest.py, `s3`
        bucket = service.bucket()            # a fresh one
        blobs = bucket.blobs("gd")           # a `BlobStore` in it

The service is moto, which judges If-None-Match and If-Match; its answers are those of the real
one as far as the contract of the door goes. With S3_SERVICE=seaweed it is seaweedfs, which has
its objects on disk and judges signatures (`make soak PART=s3`). `Front` stands before either
and does what a store in trouble does.
"""

import itertools
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import obstore

from did_service.replica.serving import headers_of
from did_service.storage.bucket_access import BucketPlace, bucket_in
from did_service.storage.object_store import Bucket, BucketWaits, ObjectBlobs

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/bPxRfiCY"}
QUICK = BucketWaits(connect=5.0, answer=10.0, tries=15.0)
HASTY = BucketWaits(connect=0.4, answer=0.4, tries=1.0)  # where nothing answers anyway
_PATIENCE = 120
_NUMBERS = itertools.count(1)
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class TestBucket:
    """One bucket of a service.

    Attributes:
        name: Its name.
        endpoint: URL of the service.
    """

    __test__ = False
    name: str
    endpoint: str

    @property
    def url(self) -> str:
        """As a person writes it."""
        return f"s3://{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """What a program is told of it by variables."""
        return {**KEYS, "AWS_ENDPOINT_URL": self.endpoint}

    def blobs(self, prefix: str = "", waits: BucketWaits | None = None) -> ObjectBlobs:
        """A store in it, as a process of its own would open it."""
        place = self.place(prefix)
        return ObjectBlobs(Bucket(place, headers_of, waits), place.prefix)

    def place(self, prefix: str = "") -> BucketPlace:
        """Where it is."""
        return bucket_in(f"{self.url}/{prefix}".removesuffix("/"), self.endpoint, KEYS)

    def headers(self, path: str) -> tuple[str, str]:
        """What the service says over HTTP of an object: Cache-Control and Content-Type."""
        said = obstore.get(Bucket(self.place(), headers_of)._store, path).attributes
        return str(said["Cache-Control"]), str(said["Content-Type"])


@dataclass(frozen=True)
class S3Service:
    """A running service.

    Attributes:
        endpoint: Its URL.
    """

    endpoint: str

    def bucket(self) -> TestBucket:
        """Make a bucket of its own."""
        made = TestBucket(f"tiles-{os.getpid()}-{next(_NUMBERS)}", self.endpoint)
        store = Bucket(made.place(), headers_of)._store
        url = obstore.sign(store, "PUT", "", timedelta(minutes=1))
        with _DIRECTLY.open(urllib.request.Request(url, method="PUT")):
            return made


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        return wire.getsockname()[1]


@contextmanager
def s3_service() -> Iterator[S3Service]:
    """Run a service until the end: moto, or the one that S3_SERVICE names."""
    if os.environ.get("S3_SERVICE") == "seaweed":
        from tests.support import seaweed  # noqa: PLC0415 - it builds on this file

        with seaweed.running() as service:
            yield service
        return
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with child_at(command, port):
        yield S3Service(endpoint)


@contextmanager
def child_at(
    command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a child that listens on a port of loopback, until the end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(command, env=environment, **quiet)
    try:
        _until_open(port, child)
        yield
    finally:
        child.terminate()
        child.wait()


def _until_open(port: int, child: subprocess.Popen[bytes]) -> None:
    given_up = time.monotonic() + _PATIENCE
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if child.poll() is not None or time.monotonic() > given_up:
            raise RuntimeError("the S3 service has not come up")
        time.sleep(0.05)


@dataclass
class Front:
    """A front before a service, or before none, that changes what becomes of requests.

    Attributes:
        behind: Endpoint of the service.
        fate: Called with method and path: a status that it answers by itself, 0 to hand the
            request on, -1 to say nothing at all.
        unconditional: Hand requests on without their conditions, as some stores do.
        asked: Method and path of every request.
        headers: Of every request, by their names in small letters.
    """

    behind: str = ""
    fate: Callable[[str, str], int] = lambda _method, _path: 0
    unconditional: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    endpoint: str = ""

    @contextmanager
    def running(self) -> Iterator["Front"]:
        """Listen until the end."""
        ended = Event()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, ended))
        server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(front: Front, ended: Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

        def answer(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length") or 0))
            front.asked.append((self.command, self.path))
            front.headers.append({k.lower(): v for k, v in self.headers.items()})
            status = front.fate(self.command, self.path)
            if status < 0:
                ended.wait(_PATIENCE)
                self.close_connection = True
                return
            found, headers, body = (status, {}, b"") if status else self.handed_on(data)
            self.send_response_only(found)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handed_on(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
            own = {"content-length", "connection"}  # what is signed names our host
            if front.unconditional:
                own |= {"if-match", "if-none-match"}
            headers = {k: v for k, v in self.headers.items() if k.lower() not in own}
            asked = urllib.request.Request(
                front.behind + self.path, data or None, headers, method=self.command
            )
            try:
                answer = _DIRECTLY.open(asked)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                left = {"content-length", "connection", "transfer-encoding", "date", "server"}
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in left}
                return answer.status, kept, answer.read()

        do_GET = do_PUT = do_DELETE = do_POST = do_HEAD = answer  # noqa: N815

    return Handler
