"""What a region publishes, read from anywhere but its service: a copy, a bucket, a cache.

A verifier trusts no host, so files that anybody serves have to be enough for it.
"""

import json
import os
import re
import shlex
import socket
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import event

from did_service.bundler.collect import collect, encode_checked
from did_service.cli import __main__ as program
from did_service.client.registry import LogReader
from did_service.client.routes import LoopbackRoute, Routes
from did_service.client.transport import Transport
from did_service.client.witness import mirror_url
from did_service.core.did.syntax import parse_webvh
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.core.log.checkpoint import checkpoint_in
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.monitor.monitor import LogState, Monitor
from did_service.node.configuration import FILE
from did_service.node.configuration_file import configuration_text
from did_service.node.setting_table import ServiceKind
from did_service.node.stores import monitor_stores
from did_service.replica.serving import headers_of
from did_service.storage.folder import FolderBlobs
from tests.support import optional, proxy
from tests.support.buckets import KEYS, Front, free_port
from tests.support.desk import did_verify
from tests.support.howtos import FOLDER, steps
from tests.support.live import running
from tests.support.static import static_host
from tests.support.storage import storage_in

pytestmark = pytest.mark.clock

ORIGINS = REG, EV = ("gd.example/reg", "gd.example/ev/2026")


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("fed")) as live:
        live.psb = live.agency("gz.gd.example")
        live.statement_ = live.grant(live.root("gd"), live.psb)
        live.listed = live.status_list(live.psb, revoked=[7])
        live.publish()
        yield live


@pytest.fixture
def office(fed, tmp_path, monkeypatch):
    """A folder with a region's configuration, as its operator has it."""
    chosen = {
        "service.region": "gd",
        "service.hosts": ["gd.example"],
        "storage.folder": str(fed.folder / "gd"),
    }
    (tmp_path / "gd").mkdir()
    (tmp_path / "gd" / "policy.json").write_text(json.dumps(fed.policy.members))
    (tmp_path / "gd" / FILE).write_text(configuration_text(ServiceKind.REGION, chosen))
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ENDPOINT_URL", "AWS_SHARED_CREDENTIALS_FILE", *KEYS):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["did-service", "registry", "publish", "gd", *words])
    return program.run()


def told(capsys):
    return json.loads(capsys.readouterr().out)["data"]["logs"]


def collected(fed, transport):
    readers = {origin: LogReader(transport, f"https://{origin}") for origin in ORIGINS}
    return encode_checked(fed.policy, collect(fed.policy, readers))


def check_verdict(fed, data, folder):
    """What the region says is proven, and a counter takes it in."""
    home = next(region for region in fed.policy.regions if region.id == "gd")
    proven = verify_evidence([("bundle", parse_bundle(data))], fed.policy)
    assert proven.dropped == ()
    assert proven.latest("status", fed.psb.list_url(), home) is not None
    assert proven.latest("authority", fed.statement_.entry.subject, home) is not None
    assert proven.content(fed.listed.entry.digest) is not None
    policy, bundle, trust = folder / "p.json", folder / "b.gz", folder / "trust"
    policy.write_text(json.dumps(fed.policy.members))
    bundle.write_bytes(data)
    words = ("--trust", trust, "--json")
    named = ("--fingerprint", fed.policy.fingerprint)
    assert did_verify("trust", "pin", policy, *named, *words, now=fed.now + 1).exit == 0
    imported = did_verify("trust", "import", bundle, *words, now=fed.now + 1)
    assert imported.exit == 0, imported.err


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_files_alone_are_enough_for_a_verifier(fed, office, s3, kind, monkeypatch, tmp_path):
    """The region's own service is not asked once: nothing but GET of files that were copied."""
    if kind == "folder":
        assert run(monkeypatch, "--to", "www") == 0
        blobs = FolderBlobs(office / "www")
    else:
        bucket = s3.bucket()
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        assert run(monkeypatch, "--to", f"{bucket.url}/gd") == 0
        blobs = bucket.blobs("gd")
    with static_host(blobs) as host, Transport(Routes({"gd.example": host.route})) as transport:
        data = collected(fed, transport)
    assert data == collected(fed, fed.transport)
    check_verdict(fed, data, tmp_path)
    assert {name.partition("/")[0] for name in host.asked} == {"reg", "ev"}


PAGES = ["published-elsewhere.md", "published-elsewhere.zh-CN.md"]


@pytest.mark.parametrize("page", PAGES)
def test_a_region_is_published_by_the_page(fed, office, s3, page, monkeypatch):
    bucket, key = s3.bucket(), office / "key"
    names = {name.lower(): value for name, value in KEYS.items()}
    key.write_text("\n".join(["[default]", *(f"{n} = {value}" for n, value in names.items())]))
    key.chmod(0o600)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(key))
    places = {"s3://gd-tiles/gd": f"{bucket.url}/gd", "https://s3.example": bucket.endpoint}
    for _, (line,) in steps(page):
        words = shlex.split(line)
        assert words[:4] == ["did-service", "registry", "publish", "gd"]
        assert run(monkeypatch, *(places.get(word, word) for word in words[4:])) == 0
    for part in ("reg", "ev/2026"):
        held, put = FolderBlobs(office / "www" / part), bucket.blobs(f"gd/{part}")
        for kind in ("tile/", "content/", "heads/", "epoch/"):
            found = {name: put.get(name) for name in put.names(kind)}
            assert found == {name: held.get(name) for name in held.names(kind)}
        assert put.get("checkpoint") == held.get("checkpoint")


SITE = """
worker_processes 1;
daemon off;
{user}
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        {locations}
    }}
}}
"""


def test_a_web_server_set_up_by_the_page_says_of_each_file_what_a_service_says(
    office, fed, monkeypatch, tmp_path
):
    nginx = optional.program("nginx")
    texts = [(FOLDER / page).read_text() for page in PAGES]
    blocks = [re.search(r"```nginx\n(.*?)```", text, re.DOTALL)[1] for text in texts]
    assert blocks[0] == blocks[1]
    assert run(monkeypatch, "--to", "www") == 0
    place, port = Path(tmp_path / "site"), free_port()
    place.mkdir()
    user = "user root;" if os.getuid() == 0 else ""
    named = {"place": place, "port": port, "user": user, "root": office / "www"}
    (place / "nginx.conf").write_text(SITE.format(locations=blocks[0], **named))
    www = FolderBlobs(office / "www")
    with proxy.started([str(nginx), "-c", str(place / "nginx.conf")], place):
        until_it_answers(port)
        for name in www.names("reg/") + www.names("ev/"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}") as answer:
                assert answer.read() == www.get(name)
                said = answer.headers["Cache-Control"], answer.headers["Content-Type"]
            meant = headers_of(name)
            assert said == (meant.cache_control, meant.content_type), name


def test_a_monitor_and_a_mirror_read_a_copy_and_wallets_that_mirror_while_the_region_is_off(
    fed, office, monkeypatch, tmp_path
):
    """Neither its processes nor its database answer anybody."""
    fed.tick(60)
    fed.publish("gd")
    assert run(monkeypatch, "--to", "www") == 0
    www = FolderBlobs(office / "www")
    fed.stop("gd")
    try:
        with (
            static_host(www) as host,
            monitor_stores(storage_in(tmp_path / "watch"), fed.policy.federation) as stores,
        ):
            fed.places["gd.example"] = host.route
            watching = Monitor(stores, fed.policy, fed.transport, fed.edge, 3_600)
            found = {each.log: each for each in watching.look()}
            asked = len(host.asked)
            fed.witness("hn").refresh_now()
            assert "reg/checkpoint" in host.asked[asked:]
            base = mirror_url("https://hn.example/witness", REG)
            scid = parse_webvh(fed.psb.did).scid
            shown = LogReader(fed.transport, base).evidence("did", scid)
    finally:
        fed.start("gd")
    assert {found[origin].state for origin in ORIGINS} == {LogState.GOOD}
    assert found[REG].size == checkpoint_in(www.get("reg/checkpoint")).size
    home = next(region for region in fed.policy.regions if region.id == "gd")
    evidence = parse_evidence(json.loads(shown))
    proven = verify_evidence([("mirror", evidence)], fed.policy)
    assert proven.latest("did", scid, home) is not None


CACHE = """
worker_processes 1;
daemon off;
{user}
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    proxy_cache_path {place}/cache keys_zone=tiles:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://{upstream};
            proxy_cache tiles;
        }}
    }}
}}
"""


def test_a_cache_in_front_asks_again_for_checkpoints_alone(fed, office, monkeypatch, tmp_path):
    nginx = optional.program("nginx")
    assert run(monkeypatch, "--to", "www") == 0
    place, port = Path(tmp_path / "nginx"), free_port()
    place.mkdir()
    with static_host(FolderBlobs(office / "www")) as host:
        user = "user root;" if os.getuid() == 0 else ""
        text = CACHE.format(place=place, port=port, upstream=host.route.address, user=user)
        (place / "nginx.conf").write_text(text)
        with proxy.started([str(nginx), "-c", str(place / "nginx.conf")], place):
            until_it_answers(port)
            route = LoopbackRoute(f"127.0.0.1:{port}")
            with Transport(Routes({"gd.example": route})) as transport:
                first = collected(fed, transport)
                asked = len(host.asked)
                assert collected(fed, transport) == first
                again = host.asked[asked:]
                assert {name.rpartition("/")[2] for name in again} <= {"checkpoint"}
    check_verdict(fed, first, tmp_path)


def until_it_answers(port):
    given_up = time.monotonic() + 30
    while time.monotonic() < given_up:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not answer")


def test_no_file_of_a_log_is_read_out_of_the_database(fed):
    region = fed.registry("gd").region
    engine = region.stores[REG]._engine
    size = fed.registry("gd").logs[REG].published_size()
    here, asked = threading.get_ident(), []

    def note_down(_connection, _cursor, statement, *_rest):
        asked.append((threading.get_ident() != here, statement))

    tiles = (TileId(0, 0, size), TileId(0, 0, 1), TileId(ENTRIES, 0, size))
    heads = region.replicas[REG].tree.blobs.names("heads/")
    paths = ["checkpoint", *heads, *(tile.path() for tile in tiles)]
    event.listen(engine, "before_cursor_execute", note_down)
    try:
        for path in paths:
            assert fed.transport.get(f"https://{REG}/{path}").body
        digest = fed.listed.entry.digest.hex()
        assert fed.transport.get(f"https://{EV}/content/{digest}").body
    finally:
        event.remove(engine, "before_cursor_execute", note_down)
    assert asked == []


# --- the command ------------------------------------------------------------------------------


def test_the_command_says_of_each_log_what_became_of_it(fed, office, monkeypatch, capsys):
    assert run(monkeypatch, "--to", "www", "--json") == 0
    first = told(capsys)
    assert {log["verdict"] for log in first.values()} == {"served"}
    assert all(log["made"] > 0 and log["there"] == 0 for log in first.values())
    assert run(monkeypatch, "--to", "www", "--json") == 0
    assert [log["made"] for log in told(capsys).values()] == [0, 0]
    assert run(monkeypatch, "--to", "www", "--new", "--lang", "en") == 0
    assert (
        f"{REG}: {first[REG]['size']} entries, served; 0 files put" in capsys.readouterr().out
    )


def test_bytes_that_differ_end_the_command_as_damage(fed, office, monkeypatch, capsys):
    assert run(monkeypatch, "--to", "www") == 0
    capsys.readouterr()
    (bundle,) = (office / "www" / "reg" / "tile" / "entries").rglob("*.p/*")
    bundle.write_bytes(b"another")
    assert run(monkeypatch, "--to", "www", "--json") == 11
    found = told(capsys)
    assert found[REG]["differing"] == [bundle.relative_to(office / "www" / "reg").as_posix()]
    assert (found[REG]["verdict"], found[EV]["verdict"]) == ("withheld", "served")
    assert run(monkeypatch, "--to", "www", "--lang", "zh") == 11
    assert "内容不符" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--to", "s3://bucket/x"), "access_key_missing"),
        (("--to", "s3://key:word@bucket"), "bucket_url_wrong"),
        (("--to", "s3://bucket", "--endpoint", "http://u:word@x"), "endpoint_wrong"),
    ],
)
def test_the_command_says_what_is_wrong_and_repeats_no_key(
    office, monkeypatch, capsys, words, code
):
    assert run(monkeypatch, *words, "--json") == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["code"] == code
    assert "word" not in said.out + said.err


def test_a_copy_is_not_put_into_the_data_nor_around_them(fed, office, monkeypatch, capsys):
    for place in (fed.folder / "gd", fed.folder / "gd" / "reg", fed.folder):
        assert run(monkeypatch, "--to", str(place), "--json") == 2
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "place_is_source"


def test_a_bucket_that_refuses_the_key_is_told_without_it(fed, office, monkeypatch, capsys):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with Front(fate=lambda *_: 403).running() as front:
        words = ("--to", "s3://bucket", "--endpoint", front.endpoint, "--json")
        assert run(monkeypatch, *words) == 8
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["code"] == "bucket_refused"
    assert not any(key in said.out + said.err for key in KEYS.values())
