"""A region whose files lie in a bucket: served, read past it, and without an answer.

What becomes of it when it is killed is in `test_crash_matrix`.
"""

import pytest

from did_service.bundler.collect import collect, encode_checked
from did_service.client.registry import LogReader
from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.errors import UnavailableError
from did_service.core.log import tiles
from did_service.core.log.checkpoint import checkpoint_in
from did_service.node import publishing
from did_service.node.storage_setup import StorageSetup
from did_service.replica.tree import StaticTree
from did_service.storage.blob_places import BlobPlace
from tests.support.buckets import HASTY, Front, TestBucket
from tests.support.live import running
from tests.support.refusals import refused
from tests.support.static import static_host
from tests.support.storage import use_bucket

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("bucket")]

ORIGINS = REG, EV = ("gd.example/reg", "gd.example/ev/2026")


@pytest.fixture(scope="module")
def bucket(s3):
    made = s3.bucket()
    use_bucket("gd", made)
    yield made
    use_bucket("gd", None)


@pytest.fixture(scope="module")
def fed(tmp_path_factory, bucket):
    with running(tmp_path_factory.mktemp("bucket")) as live:
        live.psb = live.agency("gz.gd.example")
        live.grant(live.root("gd"), live.psb)
        live.listed = live.status_list(live.psb, revoked=[7])
        live.publish()
        yield live


def bundle(fed, transport):
    readers = {origin: LogReader(transport, f"https://{origin}") for origin in ORIGINS}
    return encode_checked(fed.policy, collect(fed.policy, readers))


def test_a_region_serves_out_of_the_bucket_and_the_bucket_alone_is_enough(fed, bucket):
    assert not (fed.folder / "gd" / "reg").exists()
    assert not (fed.folder / "gd" / "mirror").exists()
    assert bucket.headers("gd/reg/checkpoint")[0] == "public, max-age=1"
    blobs = bucket.blobs("gd")
    with static_host(blobs) as host, Transport(Routes({"gd.example": host.route})) as transport:
        assert bundle(fed, transport) == bundle(fed, fed.transport)
    fed.witness("hn").refresh_now()
    assert not fed.witness("hn").store.alarms()


@pytest.mark.parametrize(
    ("place", "endpoint", "overlaps"),
    [
        ("s3://did/gd", "https://one.example", True),
        ("s3://did/gd", "https://one.example/", True),
        ("s3://did/gd", "", True),
        ("s3://did", "https://one.example", True),
        ("s3://did/gd/copy", "https://one.example", True),
        ("s3://did/gd2", "https://one.example", False),
        ("s3://did/gd", "https://two.example", False),
    ],
)
def test_a_bucket_is_copied_to_one_of_the_same_name_elsewhere_and_never_to_itself(
    tmp_path, place, endpoint, overlaps
):
    storage = StorageSetup(tmp_path, blobs="s3://did/gd", endpoint="https://one.example")
    to = BlobPlace(place, endpoint)
    assert publishing._overlap(to, storage, "https://one.example") is overlaps


def test_what_a_bucket_has_lost_is_made_again_from_the_rows(fed, bucket):
    blobs = bucket.blobs("gd/ev/2026")  # where the status list is
    lost = [*blobs.names("tile/"), *blobs.names("content/")]
    before = {name: blobs.get(name) for name in lost}
    fed.stop("gd")
    blobs.delete(lost)
    fed.start("gd")
    fed.publish("gd")
    contents = {name: data for name, data in before.items() if name.startswith("content/")}
    assert contents
    assert {name: blobs.get(name) for name in contents} == contents
    size = checkpoint_in(blobs.get("checkpoint")).size
    assert all(blobs.get(tile.path()) for tile in tiles.files_between(0, size))


def test_a_tree_whose_bucket_hangs_is_told_in_time_and_is_published_by_the_next_round(
    fed, bucket
):
    fed.tick(5)
    fed.publish("gd")
    note = fed.notes[REG]
    with Front(fate=lambda *_: -1).running() as front:
        away = TestBucket(bucket.name, front.endpoint).blobs("gd/reg", HASTY)
        with refused("tree_not_read", UnavailableError):
            StaticTree(away).show(note)
    StaticTree(bucket.blobs("gd/reg")).show(note)
    assert bucket.blobs("gd/reg").get("checkpoint") == note
