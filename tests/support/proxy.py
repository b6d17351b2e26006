"""The proxy of deploy/nginx, running: Debian's nginx over TLS in front of Unix sockets.

    authority = Authority(tmp_path / "ca")
    with proxied(tmp_path, "region", socket, authority) as proxy:
        transport = proxy.transport(authority.file)

The files are those that are shipped. Only places and the port are replaced, so that several can
run beside each other; `changes` replaces further text, such as a pace.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from did_service.client.transport import Transport
from did_service.node.configuration import parse_configuration
from did_service.node.configuration_file import configuration_text
from did_service.node.reaching import routes_of
from did_service.node.setting_table import ServiceKind
from tests.support import optional

FILES = optional.CHECKOUT / "deploy" / "nginx"
HOSTS = {"region": "gd.example", "agency": "gz.gd.example"}  # as the sites are written
PATIENCE = 30
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
_MAIN = """
{user}
pid {place}/nginx.pid;
error_log {place}/log/error.log info;
events {{}}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    include {place}/conf.d/*.conf;
    include {place}/site.conf;
}}
"""


class Authority:
    """An authority for certificates, made by openssl(1)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.file, self._key = folder / "ca.pem", folder / "ca.key"
        words = ["-subj", "/CN=authority", "-days", "2"]
        self._openssl("req", "-x509", *_KEY, *words, "-keyout", self._key, "-out", self.file)

    def certify(self, host: str, file: Path, key: Path, *, days: int = 2) -> None:
        """Write a certificate of a host and its key; 0 `days` give one that has ended."""
        asked = key.with_suffix(".csr")
        name = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
        self._openssl("req", "-new", *_KEY, *name, "-keyout", key, "-out", asked)
        own = ["-CA", self.file, "-CAkey", self._key, "-CAcreateserial", "-days", days]
        words = ["-req", "-copy_extensions", "copy", "-in", asked, "-out", file]
        self._openssl("x509", *words, *own)

    def _openssl(self, *words: object) -> None:
        openssl = optional.program("openssl")
        subprocess.run([openssl, *map(str, words)], check=True, capture_output=True)


@dataclass(frozen=True)
class Proxy:
    """A running proxy.

    Attributes:
        host: The name of its site.
        address: Where it listens.
        place: Folder of its files and logs.
    """

    host: str
    address: str
    place: Path

    def transport(self, ca: Path, host: str | None = None) -> Transport:
        """Return what a service has whose configuration names this peer and its authority."""
        chosen = {"service.region": "hn", "service.hosts": ["hn.example"]}
        place = f'address = "{self.address}"\nca = "{ca.absolute()}"'
        table = f'[peers."{host or self.host}"]\n{place}\n'
        text = f"{configuration_text(ServiceKind.REGION, chosen)}\n{table}".encode()
        return Transport(routes_of(parse_configuration(self.place / "x.toml", text, {}), {}))

    def logged(self, path: str, times: int = 1) -> str:
        """Return all that it has written into logs, once it has written of some requests.

        nginx writes of a request after its answer has gone, so who asks may look too soon.

        Args:
            path: As it stands in the log.
            times: How often it has been asked for since the proxy was started.
        """
        told, last = "", time.monotonic() + PATIENCE
        while told.count(f" {path} ") < times and time.monotonic() < last:
            told = "".join(each.read_text() for each in (self.place / "log").iterdir())
        return told


@contextmanager
def proxied(
    place: Path,
    site: str,
    upstream: Path,
    authority: Authority,
    *,
    days: int = 2,
    changes: Mapping[str, str] | None = None,
) -> Iterator[Proxy]:
    """Run nginx with a shipped site while a `with` lasts.

    Args:
        place: A folder of its own.
        site: One of `HOSTS`.
        upstream: The service's socket.
        authority: Certifies it.
        days: As `Authority.certify`.
        changes: Text of the files, and what to have instead.
    """
    address = f"127.0.0.1:{free_port()}"
    host = HOSTS[site]
    words = arranged(place, site, host, address, upstream, changes or {})
    authority.certify(host, *certificate_files(place, host), days=days)
    with started(words, place):
        yield Proxy(host, address, place)


def arranged(
    place: Path,
    site: str,
    host: str,
    address: str,
    upstream: Path,
    changes: Mapping[str, str],
) -> list[str]:
    """Write the files of a proxy but for its certificate, and return what starts it.

    Args:
        place: As `proxied`; `site`, `upstream` and `changes` likewise.
        host: In place of the site's.
        address: Where it listens.
    """
    written = HOSTS[site]
    replaced = {
        "/etc/nginx/": f"{place}/",
        "/var/log/nginx/": f"{place}/log/",
        "/var/cache/nginx/": f"{place}/cache/",
        f"/run/did-service/{written.partition('.')[0]}/service.sock": str(upstream),
        "listen 443": f"listen {address}",
        "    listen [::]:443 ssl;\n": "",
        "    listen [::]:443 ssl default_server;\n": "",
        **changes,
    }
    if host != written:
        replaced[written] = host
    for folder in ("log", "cache"):
        (place / folder).mkdir(parents=True)
    for file in FILES.glob("*/*.conf"):
        text = file.read_text()
        for old, new in replaced.items():
            text = text.replace(old, new)
        target = place / file.relative_to(FILES)
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    (place / "sites-available" / f"{site}.conf").rename(place / "site.conf")
    user = "user root;" if os.geteuid() == 0 else ""
    (place / "nginx.conf").write_text(_MAIN.format(place=place, user=user))
    nginx = optional.program("nginx")
    words = [nginx, "-p", place, "-c", place / "nginx.conf", "-e", place / "log" / "start.log"]
    return [*map(str, words), "-g", "daemon off;"]


def certificate_files(place: Path, host: str) -> tuple[Path, Path]:
    """Return where the site of a host expects certificate and key."""
    return place / "did-service" / f"{host}.pem", place / "did-service" / f"{host}.key"


@contextmanager
def started(words: Sequence[str], place: Path, pid: Path | None = None) -> Iterator[None]:
    """Run what `arranged` gave, from when it listens: its file of its id comes after that."""
    listening = pid or place / "nginx.pid"
    child = subprocess.Popen(words)
    deadline = time.monotonic() + PATIENCE
    try:
        while not listening.exists():
            assert child.poll() is None, "nginx ended before it listened"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield
    finally:
        child.terminate()
        child.wait(PATIENCE)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
