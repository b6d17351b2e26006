"""DID Resolution over HTTP: forms, errors, versions, services, native files."""

import json
from urllib.parse import quote

import httpx
import pytest
from fastapi import Response

from did_service.core.did import syntax
from did_service.core.did.document import document_with_keys
from did_service.core.did.jwk import did_jwk_of
from did_service.core.did.key import did_key_of
from did_service.core.did.syntax import parse_did_url
from did_service.core.did.webvh.history import verify_history
from did_service.core.encoding import timestamps
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.core.limits import MAX_HISTORY_CACHED_BYTES, MAX_MEDIA_RANGES
from did_service.core.log.policy import LogPolicy
from did_service.node.region_app import resolver_sources
from did_service.resolver import store
from did_service.resolver.resolver import Resolver
from did_service.storage import database
from did_service.web.app import create_app
from did_service.web.serve import Server, unix_socket
from tests.support.dids import Controller, key, rule_of
from tests.support.live import running

# What they share is changed on the way: one worker runs them all, in their order.
pytestmark = [
    pytest.mark.xdist_group("registry-resolver"),
    pytest.mark.usefixtures("each_engine"),
]

REG = "gd.example/reg"
RESULT = "application/did-resolution"
DEREFERENCED = "application/did-url-dereferencing"


@pytest.fixture(scope="module")
def fed(each_engine, tmp_path_factory):
    with running(tmp_path_factory.mktemp("resolver")) as federation:
        federation.publish("gd")
        yield federation


@pytest.fixture(scope="module")
def psb(each_engine, fed):
    agency = fed.agency("gz.gd.example:dids:psb")
    fed.tick(60)
    fed.rotate(agency)
    fed.publish("gd")
    return agency


def get(fed, did: str, accept: str | None = RESULT):
    headers = {} if accept is None else {"accept": accept}
    url = f"https://gd.example/1.0/identifiers/{did}"
    return fed.transport.request("GET", url, headers=headers)


def document(answer) -> dict:
    return json.loads(answer.body)


def test_the_result_is_the_triple_in_its_own_media_type(fed, psb):
    answer = get(fed, psb.did)
    found = document(answer)
    assert (answer.status, answer.headers["content-type"]) == (200, RESULT)
    assert found["didDocument"]["id"] == psb.did
    assert found["didDocumentMetadata"]["versionNumber"] == "2"
    assert found["didResolutionMetadata"]["contentType"] == RESULT


@pytest.mark.parametrize(
    "form",
    ["application/did", "application/did+json", "application/did+ld+json", "application/json"],
)
def test_a_bare_document_comes_in_the_form_that_was_asked_for(fed, psb, form):
    answer = get(fed, psb.did, form)
    assert (answer.status, answer.headers["content-type"]) == (200, form)
    assert document(answer)["id"] == psb.did


def test_the_proof_of_the_log_and_its_time_stand_in_the_metadata(fed, psb):
    (proof,) = document(get(fed, psb.did))["didResolutionMetadata"]["proof"]
    evidence = parse_evidence(json.dumps(proof["evidence"]).encode())
    verified = fed.policy.log_policy(REG).verify(evidence.checkpoints[0])
    heads = evidence.items[-1].entry
    freshest = min(verified.fresh_at, heads.body["at"])
    assert proof["freshAt"] == timestamps.encode(timestamps.from_posix(freshest))
    assert evidence.items[0].entry.body["did"] == psb.did


def test_a_checkpoint_is_verified_once_and_the_next_one_anew(fed, psb, monkeypatch):
    """What is remembered belongs to a note: a newer one has a time, and a proof, of its own."""
    verified, verify = [], LogPolicy.verify
    monkeypatch.setattr(
        LogPolicy, "verify", lambda self, note: verified.append(note) or verify(self, note)
    )
    times = []
    for _ in range(2):
        fed.tick(60)
        fed.publish("gd")
        verified.clear()
        answers = [document(get(fed, psb.did)) for _ in range(3)]
        (proof,) = answers[0]["didResolutionMetadata"]["proof"]
        assert answers[1:] == answers[:1] * 2
        assert len(verified) == 1
        times.append(proof["freshAt"])
        evidence = verify_evidence([("answer", parse_evidence(proof["evidence"]))], fed.policy)
        assert evidence.dropped == ()
    assert times[0] < times[1]


def test_a_did_that_is_not_published_yet_has_no_proof(fed):
    actor = fed.agency("young.gd.example")
    assert "proof" not in document(get(fed, actor.did))["didResolutionMetadata"]


def test_whatever_else_is_accepted_is_406(fed, psb):
    answer = get(fed, psb.did, "text/html")
    error = document(answer)["didResolutionMetadata"]["error"]
    assert answer.status == 406
    assert error["type"] == "https://www.w3.org/ns/did#REPRESENTATION_NOT_SUPPORTED"
    assert get(fed, psb.did, "*/*").headers["content-type"] == RESULT
    assert get(fed, psb.did, f"text/html;q=0.9, {RESULT}").status == 200
    assert get(fed, psb.did, None).status == 200


OLD_RESULT = 'application/ld+json;profile="https://w3id.org/did-resolution"'
WEIGHED = {
    "application/did-resolution;q=0, application/did": "application/did",
    "application/json;q=0.1, application/did-resolution": RESULT,
    "application/did;q=0.5, application/did+json;q=0.9": "application/did+json",
    "application/did, application/did+json": "application/did",
    "*/*, application/did-resolution;q=0": "application/did",
    "application/*;q=0.2, application/did": "application/did",
    "application/did;q=nonsense, application/json": "application/json",
    "application/DID ; Q=1.000": "application/did",
    OLD_RESULT: OLD_RESULT,
    f'text/html;x=",", {OLD_RESULT};q=0.7, application/did;q=0.6': OLD_RESULT,
}


@pytest.mark.parametrize("accept", WEIGHED)
def test_the_form_that_is_liked_best_is_answered(fed, psb, accept):
    answer = get(fed, psb.did, accept)
    assert (answer.status, answer.headers["content-type"]) == (200, WEIGHED[accept])


REFUSED = (
    "application/did;q=0",
    "application/did;q=0.000, text/html",
    "application/ld+json",
    ",",
)


@pytest.mark.parametrize("accept", REFUSED)
def test_what_is_weighed_nothing_is_not_answered(fed, psb, accept):
    assert get(fed, psb.did, accept).status == 406


ERRORS = {
    "did:webvh:nonsense": (400, "INVALID_DID"),
    "not-a-did": (400, "INVALID_DID"),
    "did%3Aweb%3A%FF": (400, "INVALID_DID_URL"),
    "did%3Aweb%3Aa.example%23%C3": (400, "INVALID_DID_URL"),
    f"did:webvh:Qm{'1' * 44}:gd.example%3A443": (400, "INVALID_DID"),
    "did:key:zzzz": (501, "FEATURE_NOT_SUPPORTED"),
    "did:unknown:abc": (501, "METHOD_NOT_SUPPORTED"),
    f"did:webvh:Qm{'1' * 44}:gd.example": (404, "NOT_FOUND"),
    f"did:webvh:Qm{'1' * 44}:hn.example": (404, "NOT_FOUND"),
    "did:web:nowhere.invalid": (500, "INTERNAL_ERROR"),
}


@pytest.mark.parametrize("did", ERRORS)
def test_errors_have_their_status_and_type(fed, did):
    status, name = ERRORS[did]
    answer = get(fed, did)
    found = document(answer)
    assert answer.status == status
    assert found["didDocument"] is None
    assert found["didDocumentMetadata"] == {}
    assert found["didResolutionMetadata"]["error"]["type"].endswith(f"#{name}")


def test_an_error_is_the_triple_even_where_a_document_was_asked_for(fed):
    answer = get(fed, "did:unknown:abc", "application/did")
    assert (answer.status, answer.headers["content-type"]) == (501, RESULT)


def test_keys_resolve_by_themselves(fed):
    public = key("somebody").public
    for did in (did_jwk_of(public), did_key_of(public)):
        assert document(get(fed, did))["didDocument"]["id"] == did


def test_versions_are_chosen_by_the_query(fed, psb):
    first = fed.logs[REG].chain("did", psb.id)[0].entry.body["entry"]
    queries = {
        "versionNumber=1": "1",
        f"versionId={first['versionId']}": "1",
        f"versionTime={quote(first['versionTime'])}": "1",
        "versionNumber=2": "2",
    }
    for query, number in queries.items():
        found = document(get(fed, f"{psb.did}?{query}"))
        assert found["didDocumentMetadata"]["versionNumber"] == number, query
    assert get(fed, f"{psb.did}?versionNumber=9").status == 404
    assert get(fed, f"{psb.did}?versionNumber=x").status == 400


def test_the_did_may_be_encoded_as_a_whole(fed, psb):
    assert document(get(fed, quote(psb.did, safe="")))["didDocument"]["id"] == psb.did
    encoded = quote(f"{psb.did}?versionNumber=1", safe="")
    assert document(get(fed, encoded))["didDocumentMetadata"]["versionNumber"] == "1"


def test_options_stand_behind_an_encoded_did_url(fed, psb):
    """The second example of the HTTP(S) binding: options join the query, not the fragment."""
    named = quote(f"{psb.did}#key-2", safe="")
    found = document(get(fed, f"{named}?option1=value1", DEREFERENCED))
    assert found["contentStream"]["id"] == f"{psb.did}#key-2"
    numbered = quote(f"{psb.did}?versionNumber=1", safe="")
    for url in (
        f"{numbered}?option1=a&option2=b",
        f"{quote(psb.did, safe='')}?versionNumber=1",
    ):
        assert document(get(fed, url))["didDocumentMetadata"]["versionNumber"] == "1"
    assert get(fed, f"{numbered}?versionNumber=2").status == 400, "said twice"


def test_a_fragment_and_a_service_are_dereferenced(fed, psb):
    answer = get(fed, quote(f"{psb.did}#key-2", safe=""), DEREFERENCED)
    found = document(answer)
    assert found["contentStream"]["id"] == f"{psb.did}#key-2"
    assert found["dereferencingMetadata"]["contentType"] == DEREFERENCED
    assert get(fed, quote(f"{psb.did}#none", safe="")).status == 404
    way = httpx.HTTPTransport(uds=fed.places["gd.example"].path)
    with httpx.Client(transport=way) as client:
        answer = client.get(f"http://gd.example/1.0/identifiers/{psb.did}/terms.pdf")
    assert answer.status_code == 303
    assert answer.headers["location"] == "https://gz.gd.example/dids/psb/terms.pdf"


def test_a_deactivated_did_is_410(fed):
    actor = fed.agency("gone.gd.example")
    fed.tick(60)
    fed.deactivate(actor)
    answer = get(fed, actor.did)
    found = document(answer)
    assert answer.status == 410
    assert found["didDocument"] is None
    assert found["didDocumentMetadata"]["deactivated"] is True
    assert get(fed, actor.did, "application/did").status == 410


def test_a_did_of_another_region_comes_from_the_mirror_beside(fed):
    actor = fed.agency("far.hn.example")
    assert get(fed, actor.did).status == 404
    fed.publish("hn")
    found = document(get(fed, actor.did))
    assert found["didDocument"]["id"] == actor.did
    assert "proof" not in found["didResolutionMetadata"]


def test_the_native_files_are_served_by_host(fed, psb):
    did = syntax.parse_webvh(fed.root("gd").did)
    log = fed.transport.get(did.log_url).body
    witness = fed.transport.get(did.witness_url).body
    history = verify_history(log, witness_file=witness, did=str(did), now=fed.edge.clock())
    assert history.latest.did == str(did)
    url = "https://{}/dids/psb/did.jsonl"
    fed.route("gz.gd.example", "gd")
    assert len(fed.transport.get(url.format("gz.gd.example")).body.splitlines()) == 2
    assert fed.transport.request("GET", url.format("gd.example")).status == 404
    url = "https://gz.gd.example/dids/psb/did-witness.json"
    assert fed.transport.request("GET", url).status == 404


def test_a_place_stays_with_the_did_that_has_it_until_that_ends(fed):
    """Anybody may begin a DID at a host of the region, also under the path of another one."""
    fed.route("kx.gd.example", "gd")
    url = "https://kx.gd.example/dids/a/did.jsonl"

    def served():
        log = fed.transport.get(url).body
        return verify_history(log, witness_file=None, did=None, now=fed.edge.clock()).states[-1]

    first = fed.agency("kx.gd.example:dids:a")
    assert served().did == first.did
    fed.tick(1)
    second = fed.agency("kx.gd.example:dids:a")
    assert first.did != second.did
    assert served().did == first.did
    fed.tick(1)
    fed.deactivate(first)
    assert served().did == first.did  # its end is read there, until another one takes the place
    fed.tick(1)
    third = fed.agency("kx.gd.example:dids:a")
    assert served().did == third.did


@pytest.fixture
def elsewhere(fed):
    """A web server outside of the federation; the test says what it serves."""
    files: dict[str, bytes] = {}
    app = create_app("elsewhere")

    @app.get("/{path:path}")
    def serve(path: str) -> Response:
        return Response(files.get(path), 200 if path in files else 404)

    with Server(app, unix_socket(fed.route("elsewhere.org", "elsewhere"))):
        yield files


def test_a_foreign_did_is_fetched_and_fully_verified(fed, elsewhere):
    controller = Controller.create(location="elsewhere.org:a")
    elsewhere["a/did.jsonl"] = controller.log
    assert document(get(fed, controller.did))["didDocument"]["id"] == controller.did
    elsewhere["a/did.jsonl"] = controller.log.replace(b"key-1", b"key-2")
    assert get(fed, controller.did).status == 400


def test_the_escape_of_a_port_is_not_lost(fed, elsewhere):
    controller = Controller.create(location="elsewhere.org%3A8443:c")
    elsewhere["c/did.jsonl"] = controller.log
    for did in (controller.did, quote(controller.did, safe="")):
        assert document(get(fed, did))["didDocument"]["id"] == controller.did


@pytest.mark.parametrize("port", ["%3A443", "%3a8443"])
def test_a_foreign_did_may_spell_its_port_as_the_grammar_does(fed, elsewhere, port):
    controller = Controller.create(location=f"elsewhere.org{port}:c")
    elsewhere["c/did.jsonl"] = controller.log
    assert document(get(fed, controller.did))["didDocument"]["id"] == controller.did


def test_of_a_long_wish_list_only_the_beginning_is_read(fed, psb):
    wishes = ["text/html"] * MAX_MEDIA_RANGES
    assert get(fed, psb.did, ",".join([*wishes[1:], "application/did"])).status == 200
    assert get(fed, psb.did, ",".join([*wishes, "application/did"])).status == 406


def test_a_foreign_did_with_witnesses_needs_their_approval(fed, elsewhere):
    rule = rule_of(1, "w1").encode()
    controller = Controller.create(location="elsewhere.org:b", witness=rule)
    elsewhere["b/did.jsonl"] = controller.log
    assert get(fed, controller.did).status == 400
    controller.witness("w1")
    elsewhere["b/did-witness.json"] = controller.witness_file
    assert get(fed, controller.did).status == 200


def test_a_foreign_did_that_lost_a_version_is_refused(fed, elsewhere):
    controller = Controller.create(location="elsewhere.org:d")
    before = controller.log
    controller.update(ttl=60)
    elsewhere["d/did.jsonl"] = controller.log
    assert get(fed, controller.did).status == 200
    elsewhere["d/did.jsonl"] = before
    for query in ("", "?versionNumber=1"):
        answer = get(fed, controller.did + query)
        assert answer.status == 400
        error = document(answer)["didResolutionMetadata"]["error"]
        assert error["code"] == "did_rolled_back"
    controller.update(ttl=120)
    elsewhere["d/did.jsonl"] = controller.log
    assert get(fed, controller.did).status == 200


def test_a_stranger_does_not_fill_the_memory_with_long_histories(fed, elsewhere):
    resolver = Resolver(resolver_sources(fed.registry("gd")))
    for location, padding, kept in (("e", 0, 1), ("f", MAX_HISTORY_CACHED_BYTES, 1)):
        controller = Controller.create(location=f"elsewhere.org:{location}")
        controller.update(document=controller.state.version.document.raw | {"x": "x" * padding})
        elsewhere[f"{location}/did.jsonl"] = controller.log
        for _ in range(2):
            found = resolver.resolve(parse_did_url(controller.did))
            assert found.document_metadata["versionNumber"] == "2"
        assert len(resolver._histories) == kept


def test_of_foreign_dids_the_newest_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MAX_FOREIGN_DIDS_REMEMBERED", 2)
    engine = database.open_database(database.file_url(tmp_path / "registry.sqlite"))
    seen = store.ForeignDids(engine)
    for scid, version in (("a", "1-x"), ("b", "1-y"), ("a", "2-x"), ("c", "1-z")):
        seen.remember(scid, seen.seen(scid), version)
    again = store.ForeignDids(engine)
    assert [again.seen(scid) for scid in "abc"] == ["2-x", None, "1-z"]
    again.remember("a", "1-x", "1-x")  # of a slower request, which knew no other
    assert again.seen("a") == "2-x"
    engine.dispose()


def test_a_did_web_is_fetched_and_has_no_proof_behind_it(fed, elsewhere):
    did = "did:web:elsewhere.org"
    keys = document_with_keys(did, {"key-1": key("web").public})
    elsewhere[".well-known/did.json"] = json.dumps(keys).encode()
    found = document(get(fed, did))
    assert found["didDocument"]["id"] == did
    assert "proof" not in found["didResolutionMetadata"]
    assert get(fed, "did:web:elsewhere.org:nobody").status == 404
