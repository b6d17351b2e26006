"""The blob door: one contract for a folder, a bucket and the store in memory of tests."""

import fcntl
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from did_service.replica.serving import headers_of
from did_service.storage import folder
from did_service.storage.blob_places import BlobPlace, open_blobs
from did_service.storage.blobs import BlobHeaders
from did_service.storage.bucket_access import bucket_in
from did_service.storage.folder import FolderBlobs
from tests.support import proxy
from tests.support.blobs import MemoryBlobs
from tests.support.buckets import HASTY, KEYS, QUICK, Front, TestBucket, free_port
from tests.support.refusals import refused

pytestmark = pytest.mark.clock

STORES = ["folder", "bucket", "memory"]
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture
def bucket(s3):
    return s3.bucket()


@pytest.fixture(params=STORES)
def blobs(request, tmp_path):
    return opened(request.param, request, tmp_path)


def opened(kind, request, place):
    if kind == "memory":
        return MemoryBlobs()
    if kind == "folder":
        return FolderBlobs(place / "blobs")
    return request.getfixturevalue("bucket").blobs("gd/reg")


# --- the contract -----------------------------------------------------------------------------


def test_what_was_added_is_read_and_listed(blobs):
    assert blobs.get("tile/0/000") is None
    assert blobs.names("tile/") == []
    blobs.add({"tile/0/000": b"one", "tile/0/x001/234": b"two", "content/ab": b""})
    assert blobs.get("tile/0/000") == b"one"
    assert blobs.get("content/ab") == b""
    assert sorted(blobs.names("tile/")) == ["tile/0/000", "tile/0/x001/234"]
    assert blobs.names("tile/0/x001/") == ["tile/0/x001/234"]
    assert blobs.get("tile/0") is None


def test_more_blobs_than_are_sent_at_once_are_all_there(blobs):
    many = {f"content/{number:064x}": bytes([number]) * 99 for number in range(80)}
    blobs.add(many)
    assert {name: blobs.get(name) for name in blobs.names("content/")} == many


def test_what_is_there_with_the_same_content_may_be_added_again(blobs):
    blobs.add({"a": b"one"})
    blobs.add({"a": b"one", "b": b"two"})
    assert (blobs.get("a"), blobs.get("b")) == (b"one", b"two")


def test_another_content_does_not_take_the_place_of_one_that_is_there(blobs):
    blobs.add({"a": b"one"})
    with refused("tile_differs", ConflictError):
        blobs.add({"a": b"other"})
    assert blobs.get("a") == b"one"


def test_a_swap_takes_the_place_of_what_was_read_and_of_nothing_else(blobs):
    blobs.swap("checkpoint", None, b"one")
    blobs.swap("checkpoint", b"one", b"two")
    for former in (None, b"one", b"three"):
        with refused("blob_moved", ConflictError):
            blobs.swap("checkpoint", former, b"four")
    assert blobs.get("checkpoint") == b"two"
    blobs.swap("checkpoint", b"one", b"two")  # somebody else has done it
    with refused("blob_moved", ConflictError):
        blobs.swap("epoch/1", b"one", b"two")
    assert blobs.get("epoch/1") is None


def test_a_repair_replaces_whatever_is_there(blobs):
    blobs.replace("tile/0/000", b"one")
    blobs.replace("tile/0/000", b"two")
    assert blobs.get("tile/0/000") == b"two"


def test_what_is_deleted_is_gone_and_may_be_deleted_again(blobs):
    blobs.add({"heads/a": b"one", "heads/b": b"two"})
    blobs.delete(["heads/a", "heads/none"])
    blobs.delete(["heads/a"])
    blobs.delete([])
    assert blobs.names("heads/") == ["heads/b"]


def test_a_part_of_a_store_has_its_own_names(blobs):
    below = blobs.below("ev").below("2026")
    below.add({"tile/0/000": b"one"})
    assert blobs.get("ev/2026/tile/0/000") == b"one"
    assert below.names("tile/") == ["tile/0/000"]
    assert blobs.below("reg").names("tile/") == []


# --- two writers ------------------------------------------------------------------------------

WRITERS = 6


@pytest.fixture(params=["folder", "bucket"])
def writers(request, tmp_path):
    """The same blobs as that many processes have them open."""
    return [opened(request.param, request, tmp_path) for _ in range(WRITERS)]


def at_once(writers, act):
    """Let all of them act, and return what each has come to."""
    together = threading.Barrier(len(writers))

    def attempt(number, blobs):
        together.wait()
        try:
            act(blobs, number)
        except DidServiceError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(len(writers)) as pool:
        return list(pool.map(attempt, range(len(writers)), writers))


def test_of_writers_of_different_bytes_one_makes_the_blob_and_the_others_are_told(writers):
    found = at_once(writers, lambda blobs, number: blobs.add({"tile/0/000": b"%d" % number}))
    assert sorted(found) == ["done", *["tile_differs"] * (WRITERS - 1)]
    assert writers[0].get("tile/0/000") == b"%d" % found.index("done")


def test_writers_of_the_same_bytes_do_not_disturb_each_other(writers):
    many = {f"tile/0/{number:03}": bytes(999) for number in range(20)}
    assert at_once(writers, lambda blobs, _: blobs.add(many)) == ["done"] * WRITERS
    assert len(writers[0].names("tile/")) == len(many)


def test_of_writers_that_replace_what_they_have_read_one_succeeds(writers):
    writers[0].swap("checkpoint", None, b"former")
    found = at_once(
        writers, lambda blobs, number: blobs.swap("checkpoint", b"former", b"%d" % number)
    )
    assert sorted(found) == [*["blob_moved"] * (WRITERS - 1), "done"]
    assert writers[0].get("checkpoint") == b"%d" % found.index("done")


def test_what_a_killed_process_has_staged_goes_and_what_another_stages_now_stays(tmp_path):
    """A second process that begins to write must not sweep away what the first one stages."""
    first, second = FolderBlobs(tmp_path), FolderBlobs(tmp_path)
    left = tmp_path / "staged" / "left"
    left.mkdir(parents=True)
    with first._alone(), first._staging() as staging:
        assert not left.exists()
        (staging / "0").write_bytes(b"half")
        late = threading.Thread(target=second.add, args=({"a": b"one"},))
        late.start()
        late.join(0.3)
        assert late.is_alive()
        assert (staging / "0").exists()
    late.join()
    assert first.get("a") == b"one"


def test_a_writer_that_never_ends_is_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_LOCK_SECONDS", 0.1)
    with FolderBlobs(tmp_path)._alone(), refused("tree_not_written", UnavailableError):
        FolderBlobs(tmp_path).add({"a": b"one"})


def test_a_writer_of_another_machine_holds_the_lock_of_a_file(tmp_path, monkeypatch):
    """NFS hands a lock on a file to its server, and one on a folder to nobody."""
    monkeypatch.setattr(folder, "_LOCK_SECONDS", 0.1)
    blobs = FolderBlobs(tmp_path)
    blobs.add({"a": b"one"})
    with (tmp_path / ".lock").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with refused("tree_not_written", UnavailableError):
            blobs.add({"b": b"two"})
        with refused("tree_not_written", UnavailableError):
            blobs.swap("a", b"one", b"two")
    assert blobs.names("") == ["a"]


def test_a_lock_is_no_link_to_elsewhere(tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / ".lock").symlink_to(tmp_path / "elsewhere")
    with refused("tree_not_written", UnavailableError):
        FolderBlobs(tmp_path / "www").add({"a": b"one"})
    assert not (tmp_path / "elsewhere").exists()


# --- a bucket in trouble ----------------------------------------------------------------------


def behind(front, bucket, waits=QUICK):
    return TestBucket(bucket.name, front.endpoint).blobs(waits=waits)


CALLS = {
    "get": ("tree_not_read", lambda blobs: blobs.get("a")),
    "names": ("tree_not_read", lambda blobs: blobs.names("tile/")),
    "add": ("tree_not_written", lambda blobs: blobs.add({f"{n}": b"x" for n in range(64)})),
    "swap": ("tree_not_written", lambda blobs: blobs.swap("a", None, b"x")),
    "replace": ("tree_not_written", lambda blobs: blobs.replace("a", b"x")),
    "delete": ("tree_not_written", lambda blobs: blobs.delete(["a"])),
}


@pytest.mark.parametrize("status", [-1, 503], ids=["hangs", "503"])
@pytest.mark.parametrize("call", CALLS)
def test_a_bucket_in_trouble_is_told_in_time(bucket, call, status):
    code, act = CALLS[call]
    with Front(fate=lambda *_: status).running() as front:
        begun = time.monotonic()
        with refused(code, UnavailableError):
            act(behind(front, bucket, HASTY))
        assert time.monotonic() - begun < 8


def test_why_nobody_is_reached_is_told_to_whoever_named_the_endpoint(bucket, tmp_path):
    file, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    proxy.Authority(tmp_path / "ca").certify("localhost", file, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    said = []
    for port in (server.server_port, free_port()):
        blobs = TestBucket(bucket.name, f"https://localhost:{port}").blobs(waits=HASTY)
        with pytest.raises(UnavailableError) as caught:
            blobs.get("a")
        said.append((caught.value.code, "certificate" in caught.value.message))
    server.shutdown()
    thread.join()
    server.server_close()
    assert said == [("tree_not_read", True), ("tree_not_read", False)]


def test_a_bucket_that_was_away_for_a_moment_is_asked_again(s3, bucket):
    answers = iter([503, 503])
    with Front(s3.endpoint, lambda *_: next(answers, 0)).running() as front:
        blobs = behind(front, bucket)
        blobs.add({"a": b"one"})
        assert blobs.get("a") == b"one"


def test_an_answer_that_is_lost_is_no_conflict_with_oneself(s3, bucket):
    """The store has done it, says 503 all the same, and is asked once more."""
    lost = []

    def fate(method, path):
        if method == "PUT" and path.endswith("/checkpoint") and not lost:
            lost.append(path)
            bucket.blobs().replace("checkpoint", b"two")
            return 503
        return 0

    with Front(s3.endpoint, fate).running() as front:
        behind(front, bucket).swap("checkpoint", None, b"two")
    assert lost
    assert bucket.blobs().get("checkpoint") == b"two"


def test_a_store_that_knows_no_conditions_is_not_written_to(s3, bucket):
    with Front(s3.endpoint, unconditional=True).running() as front:
        blobs = behind(front, bucket)
        for act in (
            lambda: blobs.add({"tile/0/000": b"x"}),
            lambda: blobs.swap("checkpoint", None, b"x"),
        ):
            with refused("bucket_unconditional", UnavailableError):
                act()
    assert bucket.blobs().get("tile/0/000") is None


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("call", CALLS)
def test_a_key_that_may_not_is_told_as_such(bucket, call, status):
    with (
        Front(fate=lambda *_: status).running() as front,
        refused("bucket_refused", UnavailableError),
    ):
        CALLS[call][1](behind(front, bucket))


@pytest.mark.parametrize("call", [each for each in CALLS if each != "delete"])
def test_a_bucket_that_is_not_there_is_no_empty_one(s3, call):
    blobs = TestBucket("nowhere-at-all", s3.endpoint).blobs(waits=QUICK)
    with refused("bucket_unknown", UnavailableError):
        CALLS[call][1](blobs)


def test_an_object_larger_than_any_file_of_a_log_is_not_read(bucket, monkeypatch):
    blobs = bucket.blobs()
    blobs.replace("content/a", bytes(100))
    monkeypatch.setattr("did_service.storage.object_store.MAX_BLOB_BYTES", 99)
    with refused("tree_not_read", UnavailableError):
        blobs.get("content/a")


def test_a_bucket_says_of_each_object_how_long_it_may_be_kept(s3, bucket):
    blobs = bucket.blobs("gd/reg")
    hexes = "ab" * 32
    kept = {
        "checkpoint": ("public, max-age=1", "text/plain; charset=utf-8"),
        "epoch/123": ("public, max-age=1", "text/plain; charset=utf-8"),
        "tile/0/x001/234": (FOREVER, "application/octet-stream"),
        "tile/entries/000": (FOREVER, "application/octet-stream"),
        "tile/0/001.p/7": ("public, max-age=60", "application/octet-stream"),
        "tile/entries/001.p/7": ("public, max-age=60", "application/octet-stream"),
        f"content/{hexes}": (FOREVER, "application/octet-stream"),
        f"heads/{hexes}": (FOREVER, "application/octet-stream"),
        "other": ("no-cache", "application/octet-stream"),
    }
    blobs.swap("checkpoint", None, b"x")
    blobs.add({name: b"x" for name in kept if name != "checkpoint"})
    for name, headers in kept.items():
        assert headers_of(name) == BlobHeaders(*headers), name
        assert bucket.headers(f"gd/reg/{name}") == headers, name


# --- where it is, and the key -----------------------------------------------------------------

ELSEWHERE = "https://s3.example"


@pytest.mark.parametrize(
    "url",
    [
        "s3://", "s3://ab", "s3://Bucket", "s3://bucket//x", "s3://bucket/../x",
        "s3://bucket/.x", "s3://word@bucket/x", "s3://bucket/x?y", "s3://bucket/x#y",
        "s3://bucket/a b", "S3://bucket", "https://bucket/x", "s3://bucket" + "/a" * 17,
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_bucket_is_refused_without_its_words(url):
    with pytest.raises(UsageError) as caught:
        bucket_in(url, ELSEWHERE, KEYS)
    assert caught.value.code == "bucket_url_wrong"
    assert "word" not in caught.value.message


@pytest.mark.parametrize(
    "endpoint",
    [
        "s3.example", "ftp://s3.example", "http://s3.example", "http://127.0.0.1.example",
        "https://user:word@s3.example", "https://s3.example/x", "https://s3.example?word",
        "https://", "https://s3.example:0", "https://s3.example:99999", "https://s3 .example",
        "https://[::1", "https://s3.example#word", "https://s3.example\n",
    ],
)  # fmt: skip
def test_an_endpoint_is_https_and_nothing_else_without_its_words(endpoint):
    with pytest.raises(UsageError) as caught:
        bucket_in("s3://bucket", endpoint, KEYS)
    assert caught.value.code == "endpoint_wrong"
    assert "word" not in caught.value.message


def test_the_endpoint_is_what_was_said_or_that_of_the_environment_or_of_the_region():
    told = {**KEYS, "AWS_ENDPOINT_URL": "https://told.example", "AWS_REGION": "eu-west-1"}
    assert bucket_in("s3://bucket/a/b/", ELSEWHERE, told).endpoint == ELSEWHERE
    assert bucket_in("s3://bucket", "", told).endpoint == "https://told.example"
    del told["AWS_ENDPOINT_URL"]
    assert bucket_in("s3://bucket", "", told).endpoint == "https://s3.eu-west-1.amazonaws.com"
    assert bucket_in("s3://bucket", "http://[::1]:9000/", KEYS).endpoint == "http://[::1]:9000"
    with refused("endpoint_wrong", UsageError):
        bucket_in("s3://bucket", "", {**KEYS, "AWS_REGION": "x.evil.example/#"})


def test_the_key_comes_from_the_environment_or_from_a_file_that_it_names(tmp_path):
    file = tmp_path / "keys"
    file.write_text(
        "[default]\naws_access_key_id = ID\naws_secret_access_key = S%(x)s\n"
        "[other]\naws_access_key_id=O\naws_secret_access_key=T\naws_session_token=U\n"
    )
    file.chmod(0o640)
    named = {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
    place = bucket_in("s3://bucket", ELSEWHERE, named)
    assert (place.key_id, place.secret, place.token) == ("ID", "S%(x)s", "")
    place = bucket_in("s3://bucket", ELSEWHERE, {**named, "AWS_PROFILE": "other"})
    assert (place.key_id, place.secret, place.token) == ("O", "T", "U")
    assert bucket_in("s3://bucket", ELSEWHERE, {**named, **KEYS}).key_id == "AKIDEXAMPLE"
    assert place.secret not in repr(place).replace("BucketPlace", "")
    with refused("access_key_invalid", UsageError):
        bucket_in("s3://bucket", ELSEWHERE, {**named, "AWS_PROFILE": "none"})
    file.chmod(0o644)
    with refused("access_key_open_to_others", UnavailableError):
        bucket_in("s3://bucket", ELSEWHERE, named)


@pytest.mark.parametrize(
    ("environment", "code", "kind"),
    [
        ({}, "access_key_missing", UsageError),
        ({"AWS_ACCESS_KEY_ID": "word"}, "access_key_invalid", UsageError),
        ({"AWS_SECRET_ACCESS_KEY": "word"}, "access_key_invalid", UsageError),
        ({**KEYS, "AWS_SECRET_ACCESS_KEY": "wo\nrd"}, "access_key_invalid", UsageError),
        ({"AWS_SHARED_CREDENTIALS_FILE": "/nowhere/keys"}, "file_missing", NotFoundError),
    ],
)
def test_half_a_key_is_none_and_is_not_repeated(environment, code, kind):
    with pytest.raises(kind) as caught:
        bucket_in("s3://bucket", ELSEWHERE, environment)
    assert caught.value.code == code
    assert "word" not in caught.value.message


def test_a_file_that_holds_no_keys_is_refused_without_its_lines(tmp_path):
    file = tmp_path / "keys"
    for text in (b"a secret word\n", b"[default\nword", b"\xff\xfe", b"[default]\nword"):
        file.write_bytes(text)
        file.chmod(0o600)
        with pytest.raises(UsageError) as caught:
            bucket_in("s3://bucket", ELSEWHERE, {"AWS_SHARED_CREDENTIALS_FILE": str(file)})
        assert caught.value.code == "access_key_invalid"
        assert "word" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_no_error_of_a_bucket_repeats_what_the_store_or_the_environment_says(bucket):
    def fate(*_):
        return 400

    with Front(fate=fate).running() as front:
        for act in (act for _, act in CALLS.values()):
            with pytest.raises(UnavailableError) as caught:
                act(behind(front, bucket))
            told = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.message}"
            assert not any(key in told for key in KEYS.values())
            assert front.endpoint not in told


def test_a_bucket_is_opened_with_what_was_checked_whatever_the_environment_says(
    s3, bucket, monkeypatch
):
    """The library reads variables by itself: another server, another key, a foreign token."""
    with Front().running() as other, Front(s3.endpoint).running() as front:
        stray = {
            "AWS_ACCESS_KEY_ID": "AKIDSTRAY",
            "AWS_SECRET_ACCESS_KEY": "stray",
            "AWS_SESSION_TOKEN": "stray",
            "AWS_ENDPOINT_URL": other.endpoint,
            "AWS_ENDPOINT_URL_S3": other.endpoint,
            "AWS_SKIP_SIGNATURE": "true",
            "AWS_S3_EXPRESS": "true",
            "AWS_CONDITIONAL_PUT": "disabled",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
            "AWS_UNSIGNED_PAYLOAD": "true",
            "HTTP_PROXY": other.endpoint,
            "http_proxy": other.endpoint,
        }
        for name, value in stray.items():
            monkeypatch.setenv(name, value)
        blobs = behind(front, bucket)
        blobs.add({"a": b"one"})
        assert blobs.get("a") == b"one"
        assert other.asked == []
        for headers in front.headers:
            assert f"Credential={KEYS['AWS_ACCESS_KEY_ID']}/" in headers["authorization"]
            assert not {"x-amz-security-token", "x-amz-s3session-token"} & {*headers}
            assert headers["x-amz-content-sha256"] != "UNSIGNED-PAYLOAD"


def test_a_variable_that_the_library_cannot_read_is_told_without_it(bucket, monkeypatch):
    monkeypatch.setenv("AWS_DISABLE_TAGGING", "word")
    with pytest.raises(UnavailableError) as caught:
        bucket.blobs()
    assert "word" not in str(caught.value)


def test_a_place_is_a_folder_or_a_bucket(tmp_path, bucket):
    here = open_blobs(BlobPlace(str(tmp_path / "out")), headers_of, {})
    here.add({"a": b"one"})
    assert (tmp_path / "out" / "a").read_bytes() == b"one"
    place = BlobPlace(f"{bucket.url}/gd", bucket.endpoint)
    assert place.is_bucket
    open_blobs(place, headers_of, KEYS).add({"a": b"two"})
    assert bucket.blobs().get("gd/a") == b"two"


def test_without_the_extra_it_is_said_how_to_install_it(tmp_path):
    """In a process of its own, which cannot import obstore: all else goes on."""
    code = f"""
import sys
sys.modules["obstore"] = None
from did_service.core.errors import UsageError
from did_service.replica.serving import headers_of
from did_service.storage.blob_places import BlobPlace, open_blobs
open_blobs(BlobPlace({str(tmp_path)!r}), headers_of, {{}}).add({{"a": b"x"}})
try:
    open_blobs(BlobPlace("s3://bucket", {ELSEWHERE!r}), headers_of, {KEYS!r})
except UsageError as error:
    print(error.code, error.details["extra"])
"""
    command = [sys.executable, "-c", code]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    assert child.stdout == "extra_missing buckets\n"
