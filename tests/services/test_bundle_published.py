"""Trust bundles in a folder or a bucket: named by their bytes, the newest by a file of its own.

Nobody trusts the place. What counts is that whoever reads finds what is named, and that of
several who publish nobody takes back what another has shown.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from did_service.bundler.collect import BundledLog
from did_service.bundler.published import (
    BUNDLES_KEPT,
    NEWEST,
    Shown,
    headers_of,
    publish_bundle,
)
from did_service.cli import __main__ as program
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import UnavailableError
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.evidence.proofs import verify_evidence
from did_service.storage.folder import FolderBlobs
from did_service.storage.object_store import Bucket, ObjectBlobs
from tests.support.buckets import HASTY, KEYS, Front, TestBucket
from tests.support.live import running
from tests.support.refusals import refused

pytestmark = pytest.mark.clock

REG, EV = "gd.example/reg", "gd.example/ev/2026"


def opened(bucket, prefix="gd", waits=None):
    """A store in a bucket, as the command opens it."""
    place = bucket.place(prefix)
    return ObjectBlobs(Bucket(place, headers_of, waits), place.prefix)


@pytest.fixture(params=["folder", "bucket"])
def blobs(request, tmp_path):
    if request.param == "folder":
        return FolderBlobs(tmp_path / "www")
    return opened(request.getfixturevalue("s3").bucket())


def about(reg, ev=1, as_of=None):
    """Two logs of these sizes, as of a second that grows with them."""
    second = 1_790_000_000 + (reg if as_of is None else as_of)
    return (BundledLog(REG, reg, second), BundledLog(EV, ev, second))


def named(blobs):
    """What `newest.json` names, which has to be there."""
    newest = json.loads(blobs.get(NEWEST))
    data = blobs.get(newest["bundle"])
    assert newest["bundle"] == f"bundle/{sha256(data).hex()}.jsonl.gz"
    assert newest["bytes"] == len(data)
    return data


def test_a_bundle_has_a_name_for_good_and_the_newest_is_named(blobs):
    first = publish_bundle(blobs, b"one", about(1))
    assert (named(blobs), first.shown) == (b"one", Shown.NEWEST)
    publish_bundle(blobs, b"two", about(2))
    assert named(blobs) == b"two"
    assert blobs.get(first.name) == b"one"  # for whoever read newest.json a moment ago
    again = publish_bundle(blobs, b"two", about(2))
    assert (again.shown, again.removed) == (Shown.NEWEST, 0)


@pytest.mark.parametrize(
    "behind", [about(4, 9, 9), about(9, 4, 9), about(9, 9, 4)], ids=["reg", "ev", "as-of"]
)
def test_who_has_less_of_any_log_takes_nothing_back(blobs, behind):
    publish_bundle(blobs, b"newer", about(5, 5, 5))
    slow = publish_bundle(blobs, b"older", behind)
    assert slow.shown is Shown.BEHIND
    assert named(blobs) == b"newer"


def test_a_log_that_one_of_them_leaves_out_keeps_nobody_back(blobs):
    publish_bundle(blobs, b"both", about(5, 5))
    only = publish_bundle(blobs, b"one", about(6)[:1])
    assert (only.shown, named(blobs)) == (Shown.NEWEST, b"one")


class Overtaken:
    """A store where another process publishes between our look and our swap."""

    def __init__(self, blobs, data, logs):
        self._blobs, self._other = blobs, (data, logs)

    def swap(self, *given):
        if self._other:
            other, self._other = self._other, None
            publish_bundle(self._blobs, *other)
        self._blobs.swap(*given)

    def __getattr__(self, name):
        return getattr(self._blobs, name)


@pytest.mark.parametrize(("other", "newest"), [(9, b"other"), (4, b"ours")])
def test_who_is_overtaken_looks_again(blobs, other, newest):
    publish_bundle(blobs, b"before", about(1))
    publish_bundle(Overtaken(blobs, b"other", about(other)), b"ours", about(5))
    assert named(blobs) == newest


def test_of_many_at_once_the_newest_is_named_and_is_there(s3):
    bucket = s3.bucket()

    def publish(number):
        publish_bundle(opened(bucket), b"%d" % number, about(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, [3, 8, 1, 7, 2, 6, 5, 4]))
    assert named(opened(bucket)) == b"8"


def test_old_bundles_go_and_the_named_one_never(blobs):
    for number in range(BUNDLES_KEPT + 3):
        publish_bundle(blobs, b"%03d" % number, about(number))
    there = blobs.names("bundle/")
    assert BUNDLES_KEPT <= len(there) <= BUNDLES_KEPT + 1  # a clock may count whole seconds
    assert named(blobs) == b"%03d" % (BUNDLES_KEPT + 2)


def test_an_old_bundle_that_is_named_again_stays(blobs):
    for number in range(BUNDLES_KEPT + 1):
        publish_bundle(blobs, b"%03d" % number, about(number))
    oldest = publish_bundle(blobs, b"001", about(99))
    assert (oldest.shown, named(blobs)) == (Shown.NEWEST, b"001")


class Swept:
    """A store where another process removes our bundle as an old one before it is named."""

    def __init__(self, blobs):
        self._blobs = blobs

    def swap(self, *given):
        self._blobs.delete(self._blobs.names("bundle/"))
        self._blobs.swap(*given)

    def __getattr__(self, name):
        return getattr(self._blobs, name)


def test_a_bundle_that_another_has_just_removed_is_put_again(blobs):
    publish_bundle(Swept(blobs), b"one", about(1))
    assert named(blobs) == b"one"


@pytest.mark.parametrize(
    "damaged", [b"", b"{}", b"\xff", b'{"format":"didsvc-newest-bundle/1","logs":{"x":1}}']
)
def test_what_is_no_such_file_is_replaced(blobs, damaged):
    blobs.replace(NEWEST, damaged)
    publish_bundle(blobs, b"one", about(1))
    assert named(blobs) == b"one"


def test_caches_keep_a_bundle_and_ask_again_for_its_name(s3):
    bucket = s3.bucket()
    done = publish_bundle(opened(bucket), b"one", about(1))
    forever = ("public, max-age=31536000, immutable", "application/gzip")
    assert bucket.headers(f"gd/{done.name}") == forever
    assert bucket.headers(f"gd/{NEWEST}") == ("public, max-age=60", "application/json")


def test_a_bucket_that_fails_names_what_it_named_before(s3):
    bucket = s3.bucket()
    publish_bundle(opened(bucket), b"one", about(1))

    def fate(method, path):
        return 503 if method == "PUT" and path.endswith(NEWEST) else 0

    with Front(bucket.endpoint, fate=fate).running() as front:
        failing = opened(TestBucket(bucket.name, front.endpoint), waits=HASTY)
        with refused("tree_not_written", UnavailableError):
            publish_bundle(failing, b"two", about(2))
    assert named(opened(bucket)) == b"one"


# --- the command ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("bundle")) as live:
        live.publish()
        yield live


@pytest.fixture
def office(fed, tmp_path, monkeypatch):
    routes = {host: f"unix:{place.path}" for host, place in fed.places.items()}
    (tmp_path / "routes.json").write_text(json.dumps(routes))
    (tmp_path / "policy.json").write_text(json.dumps(fed.policy.members))
    monkeypatch.setenv("DIDSVC_ROUTES", str(tmp_path / "routes.json"))
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ENDPOINT_URL", "AWS_SHARED_CREDENTIALS_FILE", *KEYS):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(monkeypatch, *words):
    given = ["did-service", "bundle", "--policy", "policy.json", *words]
    monkeypatch.setattr(sys, "argv", given)
    return program.run()


def test_the_command_publishes_what_a_counter_believes(fed, office, s3, monkeypatch, capsys):
    bucket = s3.bucket()
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    words = ("--to", f"{bucket.url}/gd", "--endpoint", bucket.endpoint)
    assert run(monkeypatch, *words, "--json") == 0
    told = json.loads(capsys.readouterr().out)["data"]
    assert (told["to"], told["shown"], told["removed"]) == (f"{bucket.url}/gd", "newest", 0)
    assert "out" not in told
    data = named(opened(bucket))
    assert verify_evidence([("b", parse_bundle(data))], fed.policy).dropped == ()
    assert run(monkeypatch, *words, "--lang", "zh") == 0
    assert f"newest.json 现指向 {told['name']}" in capsys.readouterr().err


def test_a_folder_is_a_place_as_well_and_the_second_one_says_that_it_is_behind(
    fed, office, monkeypatch, capsys
):
    blobs = FolderBlobs(office / "www")
    publish_bundle(blobs, b"later", (BundledLog(REG, 10**6, fed.now + 9),))
    assert run(monkeypatch, "--to", "www", "--lang", "en") == 0
    assert "newest.json stays" in capsys.readouterr().err
    assert named(blobs) == b"later"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "usage"),
        (("--out", "x.gz", "--to", "www"), "usage"),
        (("--to", "s3://counters/gd"), "access_key_missing"),
        (("--to", "s3://key:tiger@counters"), "bucket_url_wrong"),
        (("--to", "s3://counters", "--endpoint", "http://u:tiger@x"), "endpoint_wrong"),
        (("--to", "s3://counters", "--every", "10"), "access_key_missing"),  # at once
    ],
)
def test_the_command_says_what_is_wrong_and_repeats_no_key(
    office, monkeypatch, capsys, words, code
):
    assert run(monkeypatch, *words, "--json") == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["code"] == code
    assert "tiger" not in said.out + said.err
