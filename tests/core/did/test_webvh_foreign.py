"""An independent did:webvh resolver accepts the logs that our writer makes, and we its logs."""

import asyncio
import json

import pytest
from did_webvh.core.resolver import DidResolver, LocalHistoryResolver
from did_webvh.core.state import DocumentState
from did_webvh.verify import WebvhVerifier
from hypothesis import given, settings
from multiformats import multihash

from did_service.core.did.resolution import version_metadata
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh import write
from did_service.core.did.webvh.history import verify_history
from did_service.core.errors import MalformedError
from tests.support.dids import Author, Controller, hash_of, key, multikey_of, rule_of, steps

# The resolver checks in threads, and its hash package forgets an algorithm that nobody holds
# between asking whether it is known and taking it.
_HELD = multihash.get("sha2-256")


def resolve(made, tmp_path):
    log, witness = tmp_path / "did.jsonl", tmp_path / "did-witness.json"
    log.write_bytes(made.log)
    witness.write_bytes(made.witness_file)
    source = LocalHistoryResolver(log, witness)
    return asyncio.run(DidResolver(WebvhVerifier()).resolve(made.did, source)).serialize()


def pre_rotated():
    made = Controller.create(nextKeyHashes=[hash_of("k1")])
    for i in (1, 2):
        made.add(
            write.rotate(made.state, key(f"k{i}"), [hash_of(f"k{i + 1}")], now=made.tick())
        )
    return made


def created():
    return Controller.create(location="gd.example%3A8443:agencies:gz", ttl=60)


def updated():
    made = Controller.create()
    made.update(document=made.state.version.document.raw | {"alsoKnownAs": ["did:example:2"]})
    made.update(watchers=["https://w.example/"])
    return made


def rotated():
    made = Controller.create()
    made.update(updateKeys=[multikey_of("new")])
    made.update("new")
    return made


def witnessed():
    made = Controller.create(witness=rule_of(2, "w1", "w2", "w3").encode())
    made.witness("w1", "w2")
    made.update()
    made.witness("w1", "w3")
    return made


def ported():
    made = Controller.create(portable=True)
    made.add(write.migrate(made.state, key("update"), "hn.example:a", now=made.tick()))
    return made


def deactivated():
    made = Controller.create()
    made.add(write.deactivate(made.state, key("update"), now=made.tick()))
    return made


def deactivated_under_pre_rotation():
    made = pre_rotated()
    made.add(write.deactivate(made.state, key("k3"), now=made.tick()))
    return made


STORIES = [
    created,
    updated,
    rotated,
    pre_rotated,
    witnessed,
    ported,
    deactivated,
    deactivated_under_pre_rotation,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_our_logs_resolve_elsewhere_to_the_same_version(story, tmp_path):
    made = story()
    result = resolve(made, tmp_path)
    assert result["didDocument"] == made.state.version.document.raw
    metadata = result["didDocumentMetadata"]
    assert metadata["versionId"] == made.state.version.version_id
    assert metadata["deactivated"] is made.state.deactivated


@given(done=steps())
@settings(max_examples=25, deadline=None)
def test_whatever_a_controller_does_both_resolve_alike(done, tmp_path_factory):
    author = Author()
    for step in done:
        author.do(step)
    made = author.made
    result = resolve(made, tmp_path_factory.mktemp("log"))
    assert result["didDocument"] == made.state.version.document.raw
    metadata = result["didDocumentMetadata"]
    ours = version_metadata(
        verify_history(made.log, witness_file=made.witness_file, did=made.did, now=made.now),
        made.state.version,
    )
    same = ("versionId", "versionTime", "created", "updated", "portable", "scid")
    assert {name: str(metadata[name]) for name in same} == {
        name: str(ours[name]) for name in same
    }


def test_a_changed_log_of_ours_is_refused_elsewhere(tmp_path):
    made = updated()
    made.entries[1] = json.loads(
        json.dumps(made.entries[1]).replace("did:example:2", "did:x:2")
    )
    assert resolve(made, tmp_path)["didResolutionMetadata"]["error"] == "invalidDid"


def test_both_compute_the_same_next_key_hash():
    state = DocumentState.load_history_line(updated().entries[0], None)
    assert state.generate_next_key_hash(multikey_of("next")) == hash_of("next")


@pytest.mark.parametrize("path", ["..:..:admin", "%2E%2E:admin", "a%2F..%2Fb", "a%5C..%5Cb"])
def test_we_refuse_the_path_traversals_that_it_accepts(path):
    scid = updated().state.scid
    with pytest.raises(MalformedError):
        parse_webvh(f"did:webvh:{scid}:example.com:{path}")
