"""Resolution results and what DID URLs name."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core import errors
from did_service.core.did.dereferencing import ServiceUrl, dereference, implicit_services
from did_service.core.did.document import parse_document
from did_service.core.did.jwk import did_jwk_of
from did_service.core.did.key import did_key_of
from did_service.core.did.resolution import (
    ErrorType,
    error_type,
    failure,
    resolve_history,
    resolve_local,
    resolved,
)
from did_service.core.did.syntax import parse_did_url
from did_service.core.did.webvh import write
from did_service.core.did.webvh.history import verify_history
from did_service.core.errors import DidServiceError, MalformedError, NotFoundError
from tests.support.dids import NOW, Controller, key, rule_of

LATER = NOW + timedelta(days=1)


def resolve(made, query=""):
    witness_file = made.witness_file
    history = verify_history(made.log, witness_file=witness_file, did=made.did, now=LATER)
    return resolve_history(history, parse_did_url(made.did + query))


def two_versions():
    made = Controller.create(ttl=60, witness=rule_of(1, "w").encode(), watchers=["https://w/"])
    made.update()
    made.witness("w")
    return made


def test_metadata_describes_the_version_in_strings():
    made = two_versions()
    result = resolve(made)
    assert result.document == made.state.version.document.raw
    assert result.document_metadata == {
        "versionId": made.state.version.version_id,
        "versionNumber": "2",
        "versionTime": "2026-11-21T08:01:00Z",
        "created": "2026-11-21T08:00:00Z",
        "updated": "2026-11-21T08:01:00Z",
        "deactivated": False,
        "scid": made.state.scid,
        "portable": False,
        "ttl": "60",
        "witness": rule_of(1, "w").encode() | {"threshold": "1"},
        "watchers": ["https://w/"],
    }
    assert result.encode() == {
        "didDocument": result.document,
        "didDocumentMetadata": result.document_metadata,
        "didResolutionMetadata": {},
    }


@pytest.mark.parametrize(
    "query",
    [
        "?versionNumber=1",
        "?versionTime=2026-11-21T08:00:30Z",
        "?versionTime=2026-11-21T08:00:30%2B00:00",
    ],
)
def test_an_older_version_says_what_came_after_it(query):
    made = two_versions()
    metadata = resolve(made, query).document_metadata
    assert metadata["versionId"] == made.entries[0]["versionId"]
    assert metadata["nextVersionId"] == made.entries[1]["versionId"]
    assert metadata["nextUpdate"] == "2026-11-21T08:01:00Z"
    by_id = resolve(made, f"?versionId={made.entries[0]['versionId']}")
    assert by_id.document_metadata == metadata


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("?versionId=1-Qm", ErrorType.NOT_FOUND),
        ("?versionNumber=9", ErrorType.NOT_FOUND),
        ("?versionTime=2020-01-01T00:00:00Z", ErrorType.NOT_FOUND),
        ("?versionNumber=01", ErrorType.INVALID_DID_URL),
        ("?versionNumber=-1", ErrorType.INVALID_DID_URL),
        ("?versionTime=yesterday", ErrorType.INVALID_DID_URL),
        ("?versionNumber=1&versionNumber=2", ErrorType.INVALID_DID_URL),
        ("?versionId=%FF", ErrorType.INVALID_DID_URL),
    ],
)
def test_a_query_without_an_answer_is_an_error_of_its_kind(query, kind):
    with pytest.raises(DidServiceError) as refused:
        resolve(two_versions(), query)
    result = failure(refused.value)
    assert (result.error, result.document, result.document_metadata) == (kind, None, {})
    problem = result.resolution_metadata["error"]
    assert problem["type"] == f"https://www.w3.org/ns/did#{kind.name}"


def test_a_deactivated_did_shows_no_document_but_its_past():
    made = Controller.create()
    made.add(write.deactivate(made.state, key("update"), now=made.tick()))
    result = resolve(made)
    assert (result.document, result.deactivated, result.error) == (None, True, None)
    assert resolve(made, "?versionNumber=2").document is None
    past = resolve(made, "?versionNumber=1")
    assert past.document == made.entries[0]["state"]
    assert past.deactivated


def test_key_and_jwk_resolve_by_themselves():
    public = key("holder").public
    for did in (did_key_of(public), did_jwk_of(public)):
        result = resolve_local(parse_did_url(did))
        assert result.document["id"] == did
        assert not result.deactivated
    with pytest.raises(DidServiceError) as refused:
        resolve_local(parse_did_url("did:example:1"))
    assert error_type(refused.value) is ErrorType.METHOD_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.MalformedError("did_invalid", ""), ErrorType.INVALID_DID),
        (errors.MalformedError("did_url_invalid", ""), ErrorType.INVALID_DID_URL),
        (errors.MalformedError("controller_foreign", ""), ErrorType.INVALID_DID_DOCUMENT),
        (errors.UnsupportedError("did_method_unknown", ""), ErrorType.METHOD_NOT_SUPPORTED),
        (errors.UnsupportedError("key_type_unknown", ""), ErrorType.FEATURE_NOT_SUPPORTED),
        (errors.ProofError("scid_mismatch", ""), ErrorType.INVALID_DID),
        (errors.RuleError("not_portable", ""), ErrorType.INVALID_DID),
        (errors.NotFoundError("log_missing", ""), ErrorType.NOT_FOUND),
        (errors.UnavailableError("timeout", ""), ErrorType.INTERNAL_ERROR),
    ],
)
def test_every_error_has_its_type(error, kind):
    assert error_type(error) is kind


# --- dereferencing -----------------------------------------------------------------------

DID = Controller.create(location="gd.example:a").did
SERVICES = [
    {"id": "#docs", "type": "X", "serviceEndpoint": "https://docs.example/base"},
    {"id": f"{DID}#asked", "type": "X", "serviceEndpoint": "https://docs.example/?q=1"},
    {"id": "#many", "type": "X", "serviceEndpoint": ["https://one.example/"]},
    {"id": "#mail", "type": "X", "serviceEndpoint": "mailto:a@gd.example"},
    {"id": "#split", "type": "X", "serviceEndpoint": "https://a.example/\r\nX: y"},
]
METHOD = {"id": "#k", "type": "Multikey", "publicKeyMultibase": "z6Mk"}
DOCUMENT = parse_document({"id": DID, "service": SERVICES, "verificationMethod": [METHOD]}, DID)


def named_by(tail):
    return dereference(parse_did_url(DID + tail), DOCUMENT)


def test_a_bare_did_names_its_document_and_a_fragment_its_member():
    assert named_by("") == DOCUMENT.raw
    assert named_by("#k") == METHOD
    assert named_by("#docs") == SERVICES[0]
    assert named_by("#asked") == SERVICES[1]


@pytest.mark.parametrize(
    ("tail", "url"),
    [
        ("/x/y.pdf", "https://gd.example/a/x/y.pdf"),
        ("/x#p", "https://gd.example/a/x#p"),
        ("/", "https://gd.example/a/"),
        ("/whois", "https://gd.example/a/whois.vp"),
        ("?service=whois", "https://gd.example/a/whois.vp"),
        ("?service=files&relativeRef=%2Fx", "https://gd.example/a/x"),
        ("?service=docs", "https://docs.example/base"),
        ("?service=docs&relativeRef=/x%3Fy=1%23z", "https://docs.example/base/x?y=1#z"),
        ("?service=docs&relativeRef=x%23z#w", "https://docs.example/base/x#z"),
        ("?service=asked", "https://docs.example/?q=1"),
    ],
)
def test_services_and_paths_name_urls_under_their_endpoints(tail, url):
    assert named_by(tail) == ServiceUrl(url)


def test_an_explicit_service_overrides_the_implicit_one():
    files = {
        "id": f"{DID}#files",
        "type": "relativeRef",
        "serviceEndpoint": "https://f.example",
    }
    document = parse_document({"id": DID, "service": [files]}, DID)
    assert dereference(parse_did_url(DID + "/x"), document).url == "https://f.example/x"
    assert [s["serviceEndpoint"] for s in implicit_services(DID)] == [
        "https://gd.example/a/",
        "https://gd.example/a/whois.vp",
    ]


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        ("#none", "fragment_not_found"),
        ("?service=none", "service_not_found"),
        ("/x?service=docs", "did_url_invalid"),
        ("?relativeRef=/x", "did_url_invalid"),
        ("?service=many", "endpoint_unsupported"),
        ("?service=mail", "endpoint_unsupported"),
        ("?service=split", "endpoint_unsupported"),
        ("?service=asked&relativeRef=/x", "did_url_invalid"),
    ],
)
def test_what_names_nothing_is_refused(tail, code):
    with pytest.raises(DidServiceError) as refused:
        named_by(tail)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "reference",
    [
        "//evil.example/x",
        "/../x",
        "x/..",
        "./x",
        "/%252E%252E/x",
        "/a%252Fb",
        "%5C%5Cevil.example",
        "/x%0D%0AX:y",
        "/%20",
        "/%E5%B1%85",
    ],
)
def test_a_relative_reference_stays_under_its_endpoint(reference):
    with pytest.raises(MalformedError) as refused:
        named_by(f"?service=docs&relativeRef={reference}")
    assert refused.value.code == "did_url_invalid"


@given(st.from_regex(r"[/?#a-z.%0-9A-F:=&]{0,20}", fullmatch=True))
def test_whatever_is_appended_the_endpoint_stays_the_prefix(reference):
    for tail in (f"/{reference}", f"?service=files&relativeRef={reference}"):
        try:
            found = named_by(tail)
        except DidServiceError:
            continue
        if isinstance(found, ServiceUrl):
            assert found.url.startswith("https://gd.example/a/")
            assert "/../" not in found.url.partition("?")[0]


def test_paths_mean_nothing_in_other_methods():
    did = did_key_of(key("holder").public)
    url = parse_did_url(did + "/x")
    document = parse_document({"id": did}, did)
    with pytest.raises(NotFoundError):
        dereference(url, document)
    with pytest.raises(NotFoundError):
        dereference(parse_did_url(did + "?service=files"), document)
    assert resolved(document).document == {"id": did}
