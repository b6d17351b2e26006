"""Hosts that serve files and nothing else: what a mirror, a cache or a bucket is to a reader.

with static_host(blobs) as host:                 # GET over HTTP on loopback, of any `BlobStore`
    transport = Transport(Routes({"gd.example": host.route}))
    host.asked                                   # the paths that were asked for
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from did_service.client.routes import LoopbackRoute
from did_service.replica.serving import headers_of
from did_service.storage.blobs import BlobStore


@dataclass
class StaticHost:
    """A host that knows no log.

    Attributes:
        route: How it is reached.
        asked: The paths that were asked for, in order.
    """

    route: LoopbackRoute
    asked: list[str] = field(default_factory=list)


@contextmanager
def static_host(blobs: BlobStore) -> Iterator[StaticHost]:
    """Serve blobs by their names until the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    host = StaticHost(LoopbackRoute(f"127.0.0.1:{server.server_port}"))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            host.asked.append(name)
            data = blobs.get(name)
            self.send_response_only(404 if data is None else 200)
            if data is not None:
                headers = headers_of(name)
                self.send_header("Cache-Control", headers.cache_control)
                self.send_header("Content-Type", headers.content_type)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

    server.RequestHandlerClass = Handler
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
