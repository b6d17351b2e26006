"""JSON-LD without forgiveness: whatever would not be signed is refused."""

import pytest
from hypothesis import given

from did_service.core.credentials import contexts, eddsa_rdfc_2022, jsonld, vocabulary
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.credentials.model import parse_credential
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs
from did_service.core.errors import DidServiceError, MalformedError
from tests.core.credentials.suites import load
from tests.core.credentials.test_model import CREDENTIAL
from tests.support import json_values

INLINE = {
    "T": "urn:example:T",
    "p": "urn:example:p",
    "list": {"@id": "urn:example:l", "@container": "@list"},
}


def with_inline(more=(), **members):
    return {
        **CREDENTIAL,
        "@context": [CREDENTIALS_V2, DIDSVC_1, {**INLINE, **dict(more)}],
        **members,
    }


REFUSED = {
    "undefined property": ({**CREDENTIAL, "shoeSize": 43}, "term_undefined"),
    "undefined nested": (
        {**CREDENTIAL, "credentialSubject": {"familyName": {"shoeSize": 43}}},
        "term_undefined",
    ),
    "undefined type": (
        {**CREDENTIAL, "type": ["VerifiableCredential", "Nothing"]},
        "iri_invalid",
    ),
    "relative id": ({**CREDENTIAL, "id": "a"}, "iri_invalid"),
    "null": ({**CREDENTIAL, "name": None}, "value_not_signed"),
    "null in a list": (with_inline(p=["x", None]), "value_not_signed"),
    "empty list": ({**CREDENTIAL, "name": []}, "value_not_signed"),
    "only a language": ({**CREDENTIAL, "name": {"@language": "zh"}}, "value_not_signed"),
    "index on a node": (with_inline(p={"@index": "x", "T": "y"}), None),
    "index on a value": (with_inline(p={"@value": "x", "@index": "y"}), "value_not_signed"),
    "index container": (
        with_inline({"q": {"@id": "urn:q", "@container": "@index"}}, q={"a": "x"}),
        "value_not_signed",
    ),
    "bad language tag": (
        with_inline(p={"@value": "x", "@language": "z h"}),
        "language_invalid",
    ),
    "relative datatype": (with_inline(p={"@value": "x", "@type": "rel"}), "jsonld_invalid"),
    "IRI with a space": (with_inline(p={"@id": "urn:a b"}), "iri_invalid"),
    "blank node property": (with_inline({"q": "_:q"}, q="x"), "iri_invalid"),
    "integer beyond 2^53": (with_inline(p=2**53), "number_refused"),
    "whole float beyond 2^53": (with_inline(p=1e20), "number_refused"),
    "infinite number": (with_inline(p=float("inf")), "number_refused"),
    "protected term redefined": (with_inline({"name": "urn:x"}), "jsonld_invalid"),
    "our term redefined": (with_inline({"familyName": "urn:x"}), "jsonld_invalid"),
    "vocabulary null": (with_inline({"@vocab": None}, zzz="x"), None),
    "context of a wrong type": (with_inline({"@version": 9}), "jsonld_invalid"),
    "nested unknown context": (
        with_inline(p={"@context": "https://evil.example/", "T": "x"}),
        "context_unknown",
    ),
    "imported unknown context": (
        with_inline({"@import": "https://evil.example/"}),
        "context_unknown",
    ),
}


@pytest.mark.parametrize("case", [pytest.param(v, id=k) for k, v in REFUSED.items()])
def test_document_is_refused(case):
    document, code = case
    with pytest.raises(MalformedError) as refused:
        eddsa_rdfc_2022.canonicalize(document)
    assert code is None or refused.value.code == code


def canonical(**members):
    return eddsa_rdfc_2022.canonicalize(with_inline(**members)).decode()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (5, '"5"^^<http://www.w3.org/2001/XMLSchema#integer>'),
        (5.0, '"5"^^<http://www.w3.org/2001/XMLSchema#integer>'),
        (1.5, '"1.5E0"^^<http://www.w3.org/2001/XMLSchema#double>'),
        (True, '"true"^^<http://www.w3.org/2001/XMLSchema#boolean>'),
        ("a\x00\x7f", '"a\\u0000\\u007F"'),
        ({"@value": "证", "@language": "zh-Hans"}, '"证"@zh-hans'),
        (
            {"@value": "x", "@language": "ar", "@direction": "rtl"},
            '"x"^^<https://www.w3.org/ns/i18n#ar_rtl>',
        ),
        ({"@id": "urn:a"}, "<urn:a>"),
        (
            {"@type": "@json", "@value": {"b": 1, "a": None}},
            '"{\\"a\\":null,\\"b\\":1}"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON>',
        ),
    ],
)
def test_value_is_written_as_json_ld_says(value, written):
    assert f"<urn:example:p> {written} ." in canonical(p=value)


def test_list_is_signed_in_its_order_and_also_when_empty():
    assert canonical(list=["a", "b"]) != canonical(list=["b", "a"])
    nil = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#nil>"
    assert f"<urn:example:l> {nil} ." in canonical(list=[])


def test_graph_of_a_proof_keeps_its_name():
    proof = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022"}
    lines = canonical(proof=proof).splitlines()
    assert sum(line.endswith(("_:c14n0 .", "_:c14n1 .")) for line in lines) >= 2


@given(json_values.values_with_fractions)
def test_any_claim_is_signed_or_refused(value):
    try:
        quads = jsonld.to_quads(jsonld.expand(with_inline(p=value), contexts.load))
    except DidServiceError:
        return
    assert any(quad[1] == "<urn:example:p>" for quad in quads)


def test_shipped_contexts_are_pinned_and_stay_unchanged():
    known = [*contexts._BUNDLED, *contexts._OURS]
    assert len(known) == 10
    before = {url: sha256(jcs.encode(contexts.load(url))) for url in known}
    eddsa_rdfc_2022.canonicalize(with_inline(p="x"))
    assert before == {url: sha256(jcs.encode(contexts.load(url))) for url in known}


def test_altered_context_file_is_refused(monkeypatch):
    read = (contexts.load, contexts._ours)
    monkeypatch.setitem(contexts._OURS, DIDSVC_1, ("didsvc-1.jsonld", "00" * 32))
    for cached in read:
        cached.cache_clear()
    with pytest.raises(DidServiceError) as refused:
        contexts.load(DIDSVC_1)
    for cached in read:
        cached.cache_clear()  # of the digest that is none
    assert refused.value.code == "context_altered"


def test_unknown_context_is_refused_by_name():
    with pytest.raises(MalformedError) as refused:
        contexts.load("https://www.w3.org/ns/credentials/examples/v2")
    assert refused.value.code == "context_unknown"


def test_types_of_a_document_under_foreign_contexts_are_expanded():
    document = with_inline(type=["VerifiableCredential", "T"])
    assert vocabulary.type_iris(parse_credential(document))[1] == "urn:example:T"
    assert vocabulary.expanded_type_iris(CREDENTIAL, load)[1] == "urn:didsvc:residence-permit:1"


def test_type_that_no_context_defines_is_refused():
    for document in (
        {**CREDENTIAL, "type": ["VerifiableCredential", "Nothing"]},
        with_inline(type=["VerifiableCredential", "Nothing"]),
        {**CREDENTIAL, "@context": [CREDENTIALS_V2]},
    ):
        with pytest.raises(MalformedError):
            vocabulary.type_iris(parse_credential(document))


def test_terms_are_checked_before_signing():
    vocabulary.check_terms(CREDENTIAL)
    with pytest.raises(MalformedError) as refused:
        vocabulary.check_terms({**CREDENTIAL, "shoeSize": 43})
    assert refused.value.code == "term_undefined"
    with pytest.raises(MalformedError) as refused:
        vocabulary.check_terms({"@context": CREDENTIALS_V2, "@graph": []})
    assert refused.value.code == "jsonld_invalid"


def test_absolute_type_is_itself():
    document = {**CREDENTIAL, "type": ["VerifiableCredential", "urn:example:T"]}
    assert vocabulary.type_iris(parse_credential(document))[1] == "urn:example:T"
