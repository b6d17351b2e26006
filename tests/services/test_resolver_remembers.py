"""What a resolver remembers: answers follow from the newest entry and the newest checkpoint.

Nothing that is remembered may outlive what it follows from, nor fill the memory.
"""

import json

import pytest

from did_service.core.did.webvh import history
from did_service.core.limits import MAX_HISTORY_CACHED_BYTES
from did_service.resolver import histories
from did_service.resolver.histories import WebvhFiles
from did_service.resolver.remembered import WeighedMemory
from tests.support.dids import Controller
from tests.support.live import running


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("resolver")) as federation:
        federation.publish("gd")
        yield federation


@pytest.fixture
def verified(monkeypatch):
    """The DIDs whose histories were verified."""
    asked = []

    def counted(log, **options):
        asked.append(options["did"])
        return history.verify_history(log, **options)

    monkeypatch.setattr(histories, "verify_history", counted)
    return asked


def get(fed, did: str) -> dict:
    answer = fed.transport.request("GET", f"https://gd.example/1.0/identifiers/{did}")
    return {"status": answer.status, **json.loads(answer.body)}


def number_of(answer: dict) -> str:
    return answer["didDocumentMetadata"]["versionNumber"]


def proven_number(answer: dict) -> int:
    (proof,) = answer["didResolutionMetadata"]["proof"]
    return proof["evidence"]["items"][0]["entry"]["n"]


def test_a_did_is_verified_once_until_its_log_says_more(fed, verified):
    actor = fed.agency("once.gd.example")
    assert [number_of(get(fed, actor.did)) for _ in range(3)] == ["1"] * 3
    assert verified == [actor.did]
    fed.tick(60)  # a version dated ahead of the clock would be verified each time
    fed.rotate(actor)
    assert [number_of(get(fed, actor.did)) for _ in range(3)] == ["2"] * 3
    assert verified == [actor.did] * 2


def test_an_entry_is_seen_by_the_next_request_though_nothing_is_published(fed):
    """A key that was rotated away, being stolen, lasts no longer for being remembered."""
    actor = fed.agency("next.gd.example")
    fed.tick(60)
    fed.publish("gd")
    before = get(fed, actor.did)
    assert (number_of(before), proven_number(before)) == ("1", 1)
    fed.rotate(actor)
    after = get(fed, actor.did)
    assert number_of(after) == "2"
    assert after["didDocument"] != before["didDocument"]


def test_a_checkpoint_that_comes_brings_its_own_proof(fed):
    """The newest at hand is not the latest: a proof says which of them it is of."""
    actor = fed.agency("proof.gd.example")
    fed.tick(60)
    fed.publish("gd")
    get(fed, actor.did)
    fed.rotate(actor)
    assert proven_number(get(fed, actor.did)) == 1
    fed.tick(60)
    fed.publish("gd")
    assert proven_number(get(fed, actor.did)) == 2


def test_long_histories_take_the_room_of_several(fed, monkeypatch):
    """Whoever writes long versions into a log does not fill the memory of those who read it."""
    monkeypatch.setattr(histories, "MAX_HISTORIES_CACHED", 3)
    made = Controller.create(location="gd.example:long")
    short = WebvhFiles(made.log, None)
    made.update(
        document=made.state.version.document.raw | {"x": "x" * 2 * MAX_HISTORY_CACHED_BYTES}
    )
    long = WebvhFiles(made.log, None)
    kept = histories.Histories(lambda: made.state.version.time)
    for files in (short, long):
        for name in ("a", "b"):
            kept.named((files.size, name), lambda files=files: files, made.did)
    assert len(kept) == 1
    kept.named("c", lambda: short, made.did)
    assert len(kept) == 1


def test_values_are_kept_within_so_many_bytes_and_the_longest_unused_go():
    remembered: WeighedMemory[int, str] = WeighedMemory(100)
    for name in range(3):
        remembered.keep(name, f"value {name}", 30)
    assert remembered.get(0) == "value 0"  # asked for, so that 1 is the oldest
    remembered.keep(3, "value 3", 30)
    found = [remembered.get(name) for name in range(4)]
    assert found == ["value 0", None, "value 2", "value 3"]
    assert (len(remembered), remembered.bytes) == (3, 90)


def test_a_value_that_is_kept_twice_weighs_once():
    remembered: WeighedMemory[str, int] = WeighedMemory(100)
    remembered.keep("a", 1, 60)
    remembered.keep("a", 2, 70)
    assert (remembered.get("a"), len(remembered), remembered.bytes) == (2, 1, 70)


def test_a_value_that_is_heavier_than_all_room_drives_nothing_out():
    remembered: WeighedMemory[str, int] = WeighedMemory(100)
    remembered.keep("a", 1, 60)
    remembered.keep("b", 2, 101)
    assert (remembered.get("a"), remembered.get("b"), remembered.bytes) == (1, None, 60)
