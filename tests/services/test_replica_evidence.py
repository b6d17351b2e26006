"""Evidence from a mirror on disk: as in memory, as a verifier wants it, over real HTTP."""

import socket
from dataclasses import replace
from urllib.parse import quote as percent

import pytest

from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.core.anchor.entry import parse_sequenced
from did_service.core.anchor.snapshot import parse_record, subject_key
from did_service.core.anchor.streams import stream_id
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, jcs, strict_json
from did_service.core.errors import MalformedError, NotFoundError, UnavailableError
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.core.log import merkle, tiles
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.replica.evidence_service import EvidenceService
from did_service.replica.routes import replica_routers
from did_service.web.app import create_app
from did_service.web.pools import Pools
from did_service.web.serve import Server, unix_socket
from tests.support.replicas import Mirror, small_world

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def fed():
    fed = small_world()
    psb = fed.actors["gz.gd.example"]
    fed.tick(60)
    fed.status_list(psb, revoked=[7, 8])
    fed.batch(psb, [b"three"])
    fed.publish("gd")
    return fed


@pytest.fixture(scope="module")
def mirror(fed, tmp_path_factory):
    mirror = Mirror(fed, tmp_path_factory.mktemp("mirror"))
    mirror.follow()
    return mirror


@pytest.fixture(scope="module")
def desks(mirror):
    control, data_log = mirror.replica(REG), mirror.replica(EV)
    return {REG: EvidenceService(control, control), EV: EvidenceService(data_log, control)}


def subjects(fed):
    psb = fed.actors["gz.gd.example"]
    grant = fed.logs[REG].statements_about(psb.did)[0]
    return [
        (REG, "did", psb.id),
        (REG, "did", fed.root("gd").id),
        (REG, "authority", grant.entry.subject),
        (REG, "policy", "urn:didsvc:federation:demo"),
        (EV, "status", psb.list_url()),
        (EV, "evidence", stream_id(psb.did, "issuance")),
    ]


def test_evidence_of_the_newest_entry_equals_that_of_a_log_in_memory(fed, desks):
    for origin, kind, subject in subjects(fed):
        found = desks[origin].newest(kind, subject, EvidenceMoment.NEWEST)
        expected = parse_evidence(fed.evidence((kind, subject)))
        assert found.items == expected.items
        assert found.checkpoints == expected.checkpoints
        assert dict(found.contents) == dict(expected.contents)


def test_a_verifier_believes_it_and_drops_nothing(fed, desks):
    for origin, kind, subject in subjects(fed):
        found = desks[origin].newest(kind, subject, EvidenceMoment.EPOCH)
        carried = parse_evidence(jcs.encode(found.encode()))
        evidence = _verify(fed, carried)
        assert not evidence.dropped
        latest = evidence.latest(kind, subject, fed.policy.region_of_log(origin))
        assert latest.as_received.entry == found.items[0].entry
        assert latest.as_of == fed.now


def _verify(fed, carried):
    return verify_evidence([("staple", carried)], fed.policy)


def test_evidence_of_an_older_ev_entry_is_its_earliest_tree(fed, desks):
    psb = fed.actors["gz.gd.example"]
    for kind, subject in (
        ("status", psb.list_url()),
        ("evidence", stream_id(psb.did, "issuance")),
    ):
        found = desks[EV].numbered(kind, subject, 1, EvidenceMoment.NEWEST)
        item, heads = found.items
        assert (item.entry.number, item.head, item.size) == (1, None, 2)
        assert heads.entry.number == 1
        assert fed.logs[REG].entries[heads.index].entry == heads.entry
        assert not _verify(fed, found).dropped


def test_an_entry_rests_on_heads_that_cover_it_and_not_on_those_before(fed, desks):
    url = fed.actors["gz.gd.example"].list_url()
    item, heads = desks[EV].numbered("status", url, 2, EvidenceMoment.NEWEST).items
    assert (item.index, item.size, heads.entry.number) == (2, 4, 2)


def test_evidence_of_an_older_reg_entry_has_no_head(fed, desks):
    psb = fed.actors["gz.gd.example"]
    item, _heads = desks[REG].numbered("did", psb.id, 1, EvidenceMoment.NEWEST).items
    assert item.head is None
    root = fed.logs[REG].root(item.size)
    merkle.check_inclusion(item.entry.leaf(), item.index, item.size, item.path, root)


def test_an_entry_number_that_is_not_there_is_not_found(fed, desks):
    with pytest.raises(NotFoundError) as caught:
        desks[EV].numbered(
            "status", fed.actors["gz.gd.example"].list_url(), 3, EvidenceMoment.NEWEST
        )
    assert caught.value.code == "entry_unknown"


def test_heads_themselves_are_given_without_head(fed, desks):
    found = desks[REG].newest("heads", EV, EvidenceMoment.NEWEST)
    assert [item.head for item in found.items] == [None]
    assert found.items[0].entry == fed.logs[REG].newest("heads", EV).entry
    with pytest.raises(NotFoundError):
        desks[REG].newest("heads", "hn.example/reg", EvidenceMoment.NEWEST)


def check_absence(document, kind, subject, root):
    """The two neighbours are in the tree of heads, side by side around the subject's key."""
    heads = parse_evidence(document["evidence"]).items[0].entry.body
    neighbours = document["neighbours"]
    assert b64.decode_url(heads["root"]) == root
    for each in neighbours:
        record = b64.decode_url(each["record"])
        path = [b64.decode_url(item) for item in each["path"]]
        leaf = merkle.leaf_hash(record)
        merkle.check_inclusion(leaf, each["position"], heads["count"], path, root)
    keys = [parse_record(b64.decode_url(each["record"])).key for each in neighbours]
    positions = [each["position"] for each in neighbours]
    key = subject_key(kind, subject)
    if len(neighbours) == 2:
        assert keys[0] < key < keys[1]
        assert positions[1] == positions[0] + 1
    elif positions == [0]:
        assert key < keys[0]
    else:
        assert keys[0] < key
        assert positions == [heads["count"] - 1]


def test_absence_is_proven_by_the_neighbours(fed, desks):
    root = fed.logs[REG].snapshot(fed.logs[REG].newest("heads", REG).index).root
    for number in range(40):
        document = desks[REG].absence("did", f"nobody {number}", EvidenceMoment.NEWEST)
        check_absence(document, "did", f"nobody {number}", root)


def test_a_young_log_says_what_is_missing(tmp_path):
    fed = small_world()
    mirror = Mirror(fed, tmp_path)
    control, data_log = mirror.replica(REG), mirror.replica(EV)
    desk = EvidenceService(control, control)
    with pytest.raises(UnavailableError) as caught:
        desk.newest("did", "x", EvidenceMoment.EPOCH)
    assert caught.value.code == "checkpoint_missing"
    mirror.grow(REG, 1)
    fed.logs[REG].entries, rest = fed.logs[REG].entries[:1], fed.logs[REG].entries
    control.tree.publish(fed.cosign(REG), fed.now)
    fed.logs[REG].entries = rest
    with pytest.raises(UnavailableError) as caught:
        EvidenceService(data_log, control).newest("status", "x", EvidenceMoment.EPOCH)
    assert caught.value.code == "heads_missing"


def test_an_entry_younger_than_the_checkpoint_is_not_covered(tmp_path):
    fed = small_world()
    psb = fed.actors["gz.gd.example"]
    mirror = Mirror(fed, tmp_path)
    mirror.follow()
    fed.tick(60)
    fed.status_list(psb)
    mirror.grow(EV, fed.logs[EV].size())
    desk = EvidenceService(mirror.replica(EV), mirror.replica(REG))
    with pytest.raises(UnavailableError) as caught:
        desk.numbered("status", psb.list_url(), 2, EvidenceMoment.NEWEST)
    assert caught.value.code == "not_covered_yet"


# --- over HTTP ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def socket_path(mirror, tmp_path_factory):
    """A mirror served on a Unix socket."""
    app = create_app("mirror")
    for origin in (REG, EV):
        base = origin.removeprefix("gd.example")
        log, control = mirror.replica(origin), mirror.replica(REG)
        for router in replica_routers(log, EvidenceService(log, control), base, Pools()):
            app.include_router(router)
    path = tmp_path_factory.mktemp("s") / "gd.sock"
    with Server(app, unix_socket(path)):
        yield path


@pytest.fixture(scope="module")
def site(socket_path):
    """A transport that reaches the mirror as gd.example."""
    with Transport(Routes({"gd.example": UnixRoute(str(socket_path))})) as transport:
        yield transport


def test_files_are_served_as_they_stand(fed, site):
    base, log = f"https://{REG}", fed.logs[REG]
    answer = site.get(f"{base}/checkpoint")
    assert answer.body == fed.notes[REG]
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "immutable" not in answer.headers["cache-control"]
    size = log.size()
    bundle = site.get(f"{base}/{TileId(ENTRIES, 0, size).path()}")
    assert tiles.parse_bundle(bundle.body, size) == [p.entry.encode() for p in log.entries]
    tile = site.get(f"{base}/{TileId(0, 0, size).path()}")
    assert tile.body == b"".join(placed.leaf for placed in log.entries)
    for each in (bundle, tile):
        assert each.content_type == "application/octet-stream"
        assert "immutable" in each.headers["cache-control"]


def test_heads_and_contents_are_served_by_their_hash(fed, site):
    snapshot = fed.logs[REG].snapshot(fed.logs[REG].size())
    served = site.get(f"https://{REG}/heads/{snapshot.root.hex()}")
    assert served.body == snapshot.encode()
    for digest, content in fed.logs[EV].contents.items():
        assert site.get(f"https://{EV}/content/{digest.hex()}").body == content


def test_evidence_is_asked_for_by_an_encoded_subject(fed, desks, site):
    for origin, kind, subject in subjects(fed):
        url = f"https://{origin}/evidence/{kind}/{percent(subject, safe='')}"
        for query, moment in (("", EvidenceMoment.EPOCH), ("?fresh", EvidenceMoment.NEWEST)):
            answer = site.get(url + query)
            assert answer.content_type == "application/json"
            found = desks[origin].newest(kind, subject, moment)
            assert answer.body == jcs.encode(found.encode())
            assert parse_evidence(answer.body).items == found.items
    url = f"https://{EV}/evidence/status/{percent(subjects(fed)[4][2], safe='')}?n=1"
    assert parse_evidence(site.get(url).body).items[0].entry.number == 1


def test_an_unknown_subject_is_answered_with_its_absence(fed, site):
    answer = site.request("GET", f"https://{REG}/evidence/did/QmNobody?fresh")
    document = strict_json.load_object(answer.body)
    assert (answer.status, document["code"]) == (404, "subject_unknown")
    root = fed.logs[REG].snapshot(fed.logs[REG].newest("heads", REG).index).root
    check_absence(document, "did", "QmNobody", root)
    other = site.request("GET", f"https://{REG}/evidence/did/QmNobody?n=4")
    assert strict_json.load_object(other.body)["code"] == "entry_unknown"


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/../../checkpoint",
        "tile/0/%2e%2e/%2e%2e/witness.sqlite",
        "tile/00/000",
        "tile/0/000.p/0",
        "tile/0/0000",
        "tile/8/0/000",
        "tile/entries/x000/000",
        "heads/..%2f..%2f..%2fwitness.sqlite",
        "heads/" + "A" * 64,
        "heads/" + "0" * 64,
        "content/%2e%2e%2fcheckpoint",
        "content/" + "0" * 63 + "%0a",
        "staged/",
        "epoch/1",
        "../witness.sqlite",
        "//etc/passwd",
    ],
)
def test_path_traversal_and_other_spellings_reach_nothing(socket_path, path):
    head, _, body = ask_raw(socket_path, f"/reg/{path}").partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404"))
    assert b"application/problem+json" in head
    assert b"root:" not in body


def ask_raw(socket_path, path):
    """Ask for a path exactly as written; clients resolve dots before they send."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(socket_path))
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: gd.example\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_number_that_is_none_is_malformed(site):
    with pytest.raises(MalformedError) as caught:
        site.get(f"https://{REG}/evidence/did/x?n=zero")
    assert caught.value.code == "request_malformed"


def test_a_log_without_checkpoint_says_so(tmp_path):
    fed = small_world()
    mirror = Mirror(fed, tmp_path)
    app = create_app("mirror")
    log = mirror.replica(REG)
    for router in replica_routers(log, EvidenceService(log, log), "/reg", Pools()):
        app.include_router(router)
    path = tmp_path / "gd.sock"
    routes = Routes({"gd.example": UnixRoute(str(path))})
    with Server(app, unix_socket(path)), Transport(routes) as transport:
        with pytest.raises(NotFoundError) as caught:
            transport.get(f"https://{REG}/checkpoint")
        assert caught.value.code == "checkpoint_missing"
        with pytest.raises(UnavailableError) as late:
            transport.get(f"https://{REG}/evidence/did/x")
        assert late.value.code == "checkpoint_missing"


def test_the_same_evidence_from_a_tampered_mirror_is_dropped(fed, desks):
    psb = fed.actors["gz.gd.example"]
    found = desks[EV].newest("status", psb.list_url(), EvidenceMoment.NEWEST)
    item, heads = found.items
    digest = b64.encode_url(sha256(b"another list"))
    forged = parse_sequenced({**item.entry.members, "d": digest})
    for spoilt in (replace(item, entry=forged), replace(item, index=item.index - 1)):
        assert _verify(fed, replace(found, items=(spoilt, heads))).dropped
