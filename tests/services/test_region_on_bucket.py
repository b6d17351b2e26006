"""A region whose files lie in a bucket: served, read past it, without an answer, and killed."""

import signal

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
from did_service.registry.publisher import LogPublisher
from did_service.registry.store import CheckpointStore
from did_service.registry.witness_pool import WitnessPool
from did_service.replica.store import ReplicaStore
from did_service.replica.tree import StaticTree
from did_service.signer.last_signed import LastSigned
from did_service.signer.log_key import KeyHolder
from did_service.storage.blob_places import BlobPlace
from did_service.storage.object_store import ObjectBlobs
from tests.services import test_crash_matrix as on_disk
from tests.support.buckets import HASTY, Front, TestBucket
from tests.support.crashing import STRIDE, names_in, run, told
from tests.support.live import running
from tests.support.refusals import refused
from tests.support.static import static_host
from tests.support.storage import use_bucket

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("bucket")]

ORIGINS = REG, EV = ("gd.example/reg", "gd.example/ev/2026")
STEPS = [
    (ReplicaStore, "append"),
    (LogPublisher, "publish"),
    (KeyHolder, "sign"),
    (LastSigned, "advance"),
    (CheckpointStore, "swap"),
    (ObjectBlobs, "add"),
    (WitnessPool, "gather"),
    (StaticTree, "publish"),
    (ObjectBlobs, "swap"),
]


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


# --- killed -----------------------------------------------------------------------------------


def registry_at_work(say, bucket, *given):
    """What the registry on a disk does in its child, over the same bucket."""
    use_bucket("gd", bucket)
    on_disk.registry_at_work(say, *given)


class Case(on_disk.Case):
    """One run of the registry's child, beside four regions that live on."""

    def __init__(self, fed, bucket, name):
        super().__init__(fed, name)
        self.bucket = bucket

    def run(self, **fate):
        fed = self.fed
        fed.stop("gd")
        given = (fed.folder / "gd", dict(fed.places), fed.policy.members, fed.now, self.entries)
        try:
            return run(registry_at_work, (self.bucket, *given), STEPS, **fate)
        finally:
            fed.tick(5)
            fed.start("gd")

    def check_bucket(self):
        """Whoever reads the bucket past us finds every file of what it says."""
        for origin in ORIGINS:
            blobs = self.bucket.blobs(f"gd/{origin.partition('/')[2]}")
            note = blobs.get("checkpoint")
            head = checkpoint_in(note)
            assert tiles.root(lambda tile, blobs=blobs: blobs.get(tile.path()), head.size) == (
                head.root
            )


def test_a_registry_killed_between_any_two_steps_leaves_a_bucket_that_is_whole(fed, bucket):
    """Between the objects and the checkpoint that needs them above all."""
    whole = Case(fed, bucket, "bwhole")
    said, events, _, code = whole.run()
    assert code == 0
    whole.check(said)
    assert names_in(events) == {name for _, name in STEPS}
    stride = STRIDE if STRIDE == 1 else 3 * STRIDE
    for at in range(0, len(events), stride):
        case = Case(fed, bucket, f"bkill{at}-")
        said, _, _, code = case.run(at=at)
        assert code in (0, -signal.SIGKILL)
        case.check_bucket()
        case.check(said)
        case.check_bucket()
    told(f"registry on a bucket: {len(events)} events, killed before one of {stride}")
