"""Handing entries in: every answer of `POST /LOG/entries`, over real HTTP."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import sleep

import pytest

from did_service.client.registry import RegistryClient
from did_service.core.anchor import entry as entries
from did_service.core.anchor.entry import compose
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs
from did_service.core.errors import OrderError, RuleError
from did_service.core.limits import (
    MAX_BATCH_BODY_BYTES,
    MAX_ENTRY_WAITERS,
    MAX_LOG_WAITERS,
    MAX_WAITING_ENTRIES,
)
from did_service.core.log.merkle import check_inclusion
from did_service.core.log.tiles import inclusion_path
from did_service.registry import submissions
from did_service.registry.sequencer import QueuedEntry
from did_service.registry.store import transaction
from did_service.replica import rows
from did_service.replica.statements import KEEP_CONTENT
from did_service.storage.database import writing
from tests.support.cosigners import signed_by
from tests.support.dids import hash_of
from tests.support.live import running
from tests.support.refusals import refused

# What they share is changed on the way: one worker runs them all, in their order.
pytestmark = [pytest.mark.xdist_group("registry"), pytest.mark.usefixtures("each_engine")]

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def fed(each_engine, tmp_path_factory):
    with running(tmp_path_factory.mktemp("registry")) as federation:
        yield federation


@pytest.fixture(scope="module")
def psb(each_engine, fed):
    """An agency with authority and a status list."""
    agency = fed.agency("gz.gd.example")
    fed.grant(fed.root("gd"), agency)
    return agency


def post(fed, body: bytes, path: str = REG, kind: str = "application/json", **headers):
    return fed.transport.request(
        "POST", f"https://{path}/entries", body=body, headers={"content-type": kind, **headers}
    )


def did_entry(fed, location: str):
    """A `did` entry that nobody has handed in yet."""
    actor, entry = fed._create(location, {"nextKeyHashes": [hash_of(f"{location} update 2")]})
    return fed.did_entry(actor, entry)


def test_an_entry_is_durable_at_once_and_witnessed_after_publishing(fed):
    receipt = fed.client(REG).submit(did_entry(fed, "a1.gd.example"))
    assert (receipt.log, receipt.witnessed, receipt.at) == (REG, False, fed.now)
    assert fed.registry("gd").region.stores[REG].placed(receipt.index).leaf == receipt.leaf
    fed.publish("gd")
    policy, note = fed.policy.log_policy(REG), fed.reader(REG).checkpoint()
    verified = policy.verify(note)
    assert verified.fresh_at == fed.now
    assert len(signed_by(policy, note)) == 4
    head = verified.checkpoint
    path = inclusion_path(fed.reader(REG).tile, receipt.index, head.size)
    check_inclusion(receipt.leaf, receipt.index, head.size, path, head.root)


def test_the_same_bytes_again_get_the_same_answer(fed):
    entry = did_entry(fed, "a2.gd.example")
    first = fed.client(REG).submit(entry)
    fed.tick(5)
    assert fed.client(REG).submit(entry) == first


def test_the_same_bytes_twice_in_one_batch_get_one_place(fed):
    entry = did_entry(fed, "a3.gd.example")
    first, second = fed.client(REG).submit_batch([(entry, None), (entry, None)])
    assert first == second


def test_another_entry_of_the_same_number_is_out_of_order(fed):
    entry = did_entry(fed, "a4.gd.example")
    receipt = fed.client(REG).submit(entry)
    other = compose("did", entry.subject, {**entry.body, "more": 1})
    with pytest.raises(OrderError) as caught:
        fed.client(REG).submit(other)
    assert caught.value.code == "out_of_order"
    assert caught.value.details == {"newest": 1, "leaf": receipt.leaf.hex()}
    assert post(fed, jcs.encode({"entry": other.members})).status == 409


def test_a_broken_rule_is_named_with_422(fed):
    entry = did_entry(fed, "a5.hn.example")
    answer = post(fed, jcs.encode({"entry": entry.members}))
    assert (answer.status, json.loads(answer.body)["code"]) == (422, "not_at_home")
    with refused("not_at_home", RuleError):
        fed.client(REG).submit(entry)


def test_a_batch_is_answered_row_by_row(fed):
    good, bad = did_entry(fed, "b1.gd.example"), did_entry(fed, "b2.hn.example")
    late = did_entry(fed, "b3.gd.example")
    first, second, third = fed.client(REG).submit_batch(
        [(good, None), (bad, None), (late, None)]
    )
    assert (second.code, third.index) == ("not_at_home", first.index + 1)


def test_a_malformed_row_costs_the_others_nothing(fed):
    row = jcs.encode({"entry": did_entry(fed, "b4.gd.example").members})
    answer = post(fed, b"{]\n" + row + b"\n[]\n", kind="application/jsonl")
    assert answer.status == 202
    rows = [json.loads(line) for line in answer.body.splitlines()]
    assert [each.get("code") for each in rows] == ["json_invalid", None, "member_invalid"]


def test_many_callers_share_the_log_without_gaps(fed):
    entries_ = [did_entry(fed, f"c{i}.gd.example") for i in range(12)]
    before = fed.logs[REG].size()
    with ThreadPoolExecutor(6) as pool:
        receipts = list(pool.map(fed.client(REG).submit, entries_))
    assert sorted(r.index for r in receipts) == list(range(before, before + 12))


BAD_BODIES = {
    "json_invalid": b"{",
    "duplicate_member": b'{"entry":1,"entry":2}',
    "member_missing": b"{}",
    "member_invalid": b'{"entry":[]}',
    "number_refused": b'{"entry":{"v":1.5}}',
    "utf8_invalid": b'{"entry":"\xff"}',
}


@pytest.mark.parametrize("code", BAD_BODIES)
def test_malformed_bodies_have_stable_codes(fed, code):
    answer = post(fed, BAD_BODIES[code])
    assert (answer.status, json.loads(answer.body)["code"]) == (400, code)
    assert answer.content_type == "application/problem+json"


def test_what_an_entry_may_not_be(fed):
    members = did_entry(fed, "d1.gd.example").members
    cases = {
        "member_unknown": {"entry": {**members, "z": 1}},
        "entry_malformed": {"entry": {**members, "a": 1}},
        "entry_type_unknown": {"entry": {**members, "t": "invented"}},
        "content_unexpected": {"entry": members, "content": "x"},
        "too_large": {"entry": {**members, "b": {"pad": "x" * 60_000}}},
    }
    found = {}
    for code, document in cases.items():
        answer = post(fed, jcs.encode(document))
        found[code] = json.loads(answer.body)["code"], answer.status
    assert found == {code: (code, 413 if code == "too_large" else 400) for code in cases}


def test_a_body_beyond_the_limit_is_refused_unread(fed):
    answer = post(fed, b" " * (MAX_BATCH_BODY_BYTES + 1))
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "too_large")


def test_a_batch_of_too_many_rows_is_refused_whole(fed):
    answer = post(fed, b"{}\n" * (MAX_WAITING_ENTRIES + 1), kind="application/jsonl")
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "too_many_rows")


def test_a_status_list_comes_with_its_entry_and_is_served_by_digest(fed, psb):
    placed = fed.status_list(psb, revoked=[7])
    fed.publish("gd")
    content = fed.reader(EV).content(placed.entry.digest)
    assert sha256(content) == placed.entry.digest


def test_a_status_list_that_did_not_come_is_asked_for(fed, psb):
    fed.tick()
    content = fed.list_content(psb, psb.list_url())
    body = {"issuer": psb.did, "kind": "bitstring", "iat": fed.now}
    body |= {"exp": fed.now + 604_800, "ttl": 3_600, "bits": 131_072}
    entry = fed.compose(EV, "status", psb.list_url(), body, sha256(content))
    with refused("content_missing"):
        fed.client(EV).submit(entry)
    with refused("digest_wrong"):
        fed.client(EV).submit(entry, content + b" ")
    assert fed.client(EV).submit(entry, content).leaf == entry.sequenced(fed.now).leaf()


def test_content_that_another_log_has_is_served_by_the_log_that_names_it(fed, psb):
    """Its witnesses ask for it there, and sign nothing without it."""
    fed.tick()
    content, region = fed.list_content(psb, psb.list_url()), fed.registry("gd").region
    body = {"issuer": psb.did, "kind": "bitstring", "iat": fed.now}
    body |= {"exp": fed.now + 604_800, "ttl": 3_600, "bits": 131_072}
    with writing(region.engine) as connection:
        other = rows.contents({sha256(content): content})
        KEEP_CONTENT.run_for(connection, [{"log": REG, **row} for row in other])
    before = region.stores[EV].written_since(0)[1]
    entry = fed.compose(EV, "status", psb.list_url(), body, sha256(content))
    fed.client(EV).submit(entry)
    fed.publish("gd")
    assert fed.reader(EV).content(sha256(content)) == content
    size = len(entry.sequenced(fed.now).encode()) + len(content)
    assert region.stores[EV].written_since(0)[1] - before == size


def test_entries_stand_in_the_log_of_their_kind(fed):
    with refused("type_elsewhere"):
        fed.client(EV).submit(did_entry(fed, "e1.gd.example"))


def test_an_unknown_log_is_404(fed):
    assert post(fed, b"{}", path="gd.example/ev/1999").status == 404


def test_reg_never_shares_a_second_with_ev_entries_before_it(fed, psb):
    fed.tick(10)
    listed = fed.batch(psb, [b"record"]).placed
    later = fed.client(REG).submit(did_entry(fed, "f1.gd.example"))
    again = fed.batch(psb, [b"another"]).placed
    assert listed.entry.at == fed.now
    assert later.at == fed.now + 1
    assert again.entry.at == later.at


def test_a_log_that_ran_ahead_of_the_clock_waits_for_it(fed, psb):
    fed.tick(3_600)
    fed.batch(psb, [b"in an hour"])
    fed.now -= 3_600
    with refused("log_ahead"):
        fed.client(REG).submit(did_entry(fed, "g1.gd.example"))
    fed.now += 3_600


def test_submitters_wait_for_the_quorum_if_they_ask(fed):
    registry = fed.registry("hn")
    client = RegistryClient(fed.transport, "hn.example/reg")
    entry = did_entry(fed, "w1.hn.example")
    assert client.submit(entry, wait_seconds=1).witnessed is False
    registry.start()
    receipt = client.submit(entry, wait_seconds=10)
    assert receipt.witnessed
    head = fed.policy.log_policy("hn.example/reg").verify(receipt.checkpoint.encode())
    assert receipt.item["size"] == head.checkpoint.size
    assert entries.parse_sequenced(receipt.item["entry"]).leaf() == receipt.leaf


def test_prefer_is_read_as_rfc_7240_has_it(fed):
    body = jcs.encode({"entry": did_entry(fed, "w2.gd.example").members})
    answer = post(fed, body, prefer="respond-async, wait=0")
    assert "preference-applied" not in answer.headers
    answer = post(fed, body, prefer="respond-async, wait=1")
    assert answer.headers["preference-applied"] == "wait=1"


def test_beyond_4096_waiting_entries_the_log_is_busy(fed):
    registry = fed.registry("sc")
    row = QueuedEntry(did_entry(fed, "h1.sc.example"), {})
    with transaction(registry.region.engine, registry.region.stores):
        answers = registry.sequencer.submit("sc.example/reg", [row])
        while registry.sequencer._waiting:  # until the writer has taken it, and waits itself
            sleep(0.01)
        answers += registry.sequencer.submit("sc.example/reg", [row] * MAX_WAITING_ENTRIES)
        answer = post(fed, jcs.encode({"entry": row.entry.members}), "sc.example/reg")
    assert (answer.status, json.loads(answer.body)["code"]) == (503, "log_busy")
    assert int(answer.headers["retry-after"]) > 0
    places = {placed.index for each in answers for placed in each.result()}
    assert len(places) == 1


def test_who_waits_for_the_quorum_holds_no_thread(fed):
    """More of them than a server has threads: each is answered once the log is published."""
    seen = fed.registry("gd").rounds.waiting
    before = threading.active_count()
    newest = fed.logs[REG].placed(fed.logs[REG].size() - 1)
    waiting = [
        seen.for_entry(REG, replace(newest, index=10_000 + number))
        for number in range(MAX_LOG_WAITERS - 1)
    ]
    assert threading.active_count() == before
    mine = seen.for_entry(REG, newest)
    fed.publish("gd")
    assert mine.done()
    for waiter in waiting:
        assert not waiter.done()
        waiter.cancel()
    assert not seen._waiting[REG]


def test_where_enough_wait_for_the_quorum_the_receipt_comes_at_once(fed):
    """RFC 7240 §3: an answer that does not say so has not applied the preference."""
    entry = did_entry(fed, "w3.gd.example")
    receipt, body = fed.client(REG).submit(entry), jcs.encode({"entry": entry.members})
    placed, waiting = fed.logs[REG].placed(receipt.index), fed.registry("gd").rounds.waiting
    waiters = [waiting.for_entry(REG, placed) for _ in range(MAX_ENTRY_WAITERS)]
    answer = post(fed, body, prefer="wait=10")
    assert (answer.status, json.loads(answer.body)["witnessed"]) == (202, False)
    assert "preference-applied" not in answer.headers
    for waiter in waiters:
        waiter.cancel()
    assert post(fed, body, prefer="wait=1").headers["preference-applied"] == "wait=1"


def test_large_document_is_read_beside_the_loop(fed, monkeypatch):
    """While one thread reads a megabyte, it serves everybody else."""
    read, readers = submissions.parse_submission_body, []

    def noted(body):
        readers.append((len(body), threading.current_thread().name.partition("_")[0]))
        return read(body)

    monkeypatch.setattr(submissions, "parse_submission_body", noted)
    small = jcs.encode({"entry": did_entry(fed, "w4.gd.example").members})
    large = jcs.encode({"entry": {"t": "did", "b": ["x" * 90] * 10_000}})
    assert [post(fed, each).status for each in (small, large)] == [202, 400]
    assert [size for size, _ in readers] == [len(small), len(large)]
    assert [name == "batches" for _, name in readers] == [False, True]
