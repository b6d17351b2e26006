"""What a signed thing is, whatever happened to its signatures, member order and white space.

For every object whose hash another object names: a policy (`previous`, fingerprint), an entry
(`p` of the next one, inclusion proofs, `identity`), a version of a did:webvh (`versionId`), a
status list (`d`), a credential (the record of its batch). Sources: docs/adr/0024.
"""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.anchor.entry import parse_sequenced, parse_submission
from did_service.core.credentials.record import record_of
from did_service.core.did.webvh.state import accept
from did_service.core.encoding import jcs, strict_json, timestamps
from did_service.core.errors import MalformedError, RuleError
from did_service.core.evidence.policy_succession import succeeding
from tests.support.counter import Scene
from tests.support.federation import founded
from tests.support.moving import observe, web_document
from tests.support.refusals import refused
from tests.support.rewriting import JUNK, spelled, strangers_proof

SCENE = Scene(federation=founded(rules=2))
SCENE.publish()
SCENE.fed.batch(SCENE.agency, [b"one"])
FED = SCENE.fed
SEEN = "did:web:ministry.example"
observe(FED, FED.root("gd"), SEEN, web_document(SEEN))
SECOND = FED.next_policy()
EVERY = [placed.entry for log in FED.logs.values() for placed in log.entries]
KINDS = {entry.type: entry for entry in EVERY}
SIGNED_INSIDE = {"did": "entry", "policy": "policy"}

seeds = st.integers(0, 2**32)
indents = st.sampled_from([None, 2])


def text_of(value, seed, indent=None):
    """The same JSON in other words."""
    return json.dumps(spelled(value, Random(seed)), indent=indent)


def shuffled(document, seed):
    """A document with its proofs in any order, some twice, some left out, foreign ones too."""
    random, held = Random(seed), document["proof"]
    listed = held if isinstance(held, list) else [held]
    proofs = [*listed, *random.choices(listed, k=2), JUNK, strangers_proof(document)]
    return {**document, "proof": random.sample(proofs, random.randint(1, len(proofs)))}


@given(seed=seeds, indent=indents)
def test_a_policy_is_one_in_all_its_forms(seed, indent):
    text = text_of(shuffled(SECOND.members, seed), seed, indent)
    policy = parse_policy(strict_json.loads(text))
    assert (policy.digest, policy.fingerprint) == (SECOND.digest, SECOND.fingerprint)


@given(some=st.lists(seeds, max_size=4))
def test_one_policy_in_many_forms_is_one_successor(some):
    forms = [SECOND.members, *(shuffled(SECOND.members, seed) for seed in some)]
    assert len(succeeding(FED.policy, forms)) == 1


def test_all_types_of_entries_are_among_those_tried():
    assert set(KINDS) == set(entries.TYPES)


@pytest.mark.parametrize("kind", entries.TYPES)
@given(seed=seeds)
def test_a_submission_is_the_same_whatever_became_of_its_proofs(kind, seed):
    sent = KINDS[kind].submission()
    body = dict(sent.body)
    if "proof" in body:
        body = shuffled(body, seed)
    elif kind in SIGNED_INSIDE:
        inner = SIGNED_INSIDE[kind]
        body[inner] = shuffled(body[inner], seed)
    if kind == "did" and seed % 2:
        body["witness"] = [JUNK]
    again = parse_submission(spelled({**sent.members, "b": body}, Random(seed)))
    assert entries.identity(again) == entries.identity(sent) == entries.identity(KINDS[kind])


@pytest.mark.parametrize("kind", entries.TYPES)
def test_another_subject_or_body_is_another_submission(kind):
    sent = KINDS[kind].submission()
    inner = SIGNED_INSIDE.get(kind)
    within = {**sent.body, inner: {**sent.body[inner], "more": 1}} if inner else sent.body
    others = [{"s": f"{sent.subject}x"}, {"b": {**sent.body, "more": 1}}, {"b": within}]
    made = {
        entries.identity(parse_submission({**sent.members, **each})) for each in (*others, {})
    }
    assert len(made) == (4 if inner else 3)


@pytest.mark.parametrize("kind", entries.TYPES)
@given(seed=seeds, indent=indents)
def test_an_entry_in_other_words_is_the_same_leaf_or_none(kind, seed, indent):
    entry = KINDS[kind]
    text = text_of(entry.members, seed, indent)
    assert parse_sequenced(strict_json.loads(text)).leaf() == entry.leaf()
    if text.encode() != entry.data:
        with refused("entry_not_canonical", MalformedError):
            entries.parse_entry(text.encode())


@given(seed=seeds, copies=st.integers(1, 3))
def test_a_version_of_a_did_is_named_without_its_proofs(seed, copies):
    logged = KINDS["did"].body["entry"]
    again = spelled({**logged, "proof": logged["proof"] * copies}, Random(seed))
    now = timestamps.from_posix(FED.now)
    assert accept(None, again, now=now).version.version_id == logged["versionId"]


@given(seed=seeds, indent=indents)
def test_a_record_of_a_batch_is_of_one_credential_in_all_its_spellings(seed, indent):
    text = text_of(SCENE.credential, seed, indent)
    assert record_of(strict_json.loads(text)) == record_of(SCENE.credential)


def test_a_record_of_a_batch_covers_the_signature():
    """It proves when a signature was made; with another one it would prove nothing."""
    for members in rewritten_single(SCENE.credential):
        assert record_of(members) != record_of(SCENE.credential)


def test_a_list_in_other_words_is_another_content_and_takes_no_place():
    url = SCENE.agency.list_url()
    placed = FED.logs[FED.data_of(SCENE.agency.did)].newest("status", url)
    content = strict_json.loads(FED.contents[placed.entry.digest])
    times = {name: placed.entry.body[name] for name in ("iat", "exp")}
    for other in (text_of(content, 1, 2).encode(), *map(jcs.encode, rewritten_single(content))):
        with refused("status_time_falls", RuleError):
            FED.anchor_list(SCENE.agency, url, other, **times)


def rewritten_single(document):
    """A document of one proof, the proof alone in a list, doubled, and beside a stranger's."""
    proof = document["proof"]
    yield {**document, "proof": [proof]}
    yield {**document, "proof": [proof, proof]}
    yield {**document, "proof": [proof, strangers_proof(document)]}
