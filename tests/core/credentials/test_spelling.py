"""One JSON spelling under eddsa-rdfc-2022: no rewriting with equal statements is taken.

signed document ──each rewriter, at each place──► other JSON
equal statements (oracle: their canonical form)?  ──► refused, or read as the same document
"""

import copy
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from did_service.core.credentials import (
    contexts,
    eddsa_rdfc_2022,
    proof_set,
    spelling,
    stated,
    term_tables,
)
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.credentials.model import parse_credential
from did_service.core.errors import DidServiceError, MalformedError, UnsupportedError
from did_service.core.limits import MAX_INLINE_TERMS
from tests.core.credentials.test_model import PRESENTATION
from tests.core.credentials.test_proof_set import (
    DEMAND,
    DOCUMENT,
    OTHER,
    options,
    resolve,
    signed,
)

RDFC = "eddsa-rdfc-2022"
HOLDER = "did:example:holder"
XSD = "http://www.w3.org/2001/XMLSchema#"
IRIS = {
    name: term.iri[1:-1]
    for name, term in term_tables.terms_of(2, contexts.load).items()
    if term is not None
}
SCOPED = {
    name: term.iri[1:-1]
    for kind in ("VerifiableCredential", "BitstringStatusListEntry", "DataIntegrityProof")
    for name, term in term_tables.terms_of(2, contexts.load)[kind].scope.items()
    if term is not None
}


def entry(purpose):
    return {
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": "7",
        "statusListCredential": f"https://gz.gd.example/status/{purpose}",
    }


RICH = {
    **DOCUMENT,
    "name": [
        {"@value": "居住证", "@language": "zh-Hans"},
        {"@value": "permit", "@language": "en", "@direction": "ltr"},
    ],
    "type": ["VerifiableCredential", "Education", "ResidencePermit"],
    "credentialStatus": [entry("revocation"), entry("suspension")],
    "credentialSubject": {
        "id": HOLDER,
        "grade": 9,
        "months": 1.5,
        "category": ["b", "a", 3],
        "insurances": [{"months": 5, "scheme": "pension"}],
        "guardian": {"id": "urn:x:guardian", "familyName": "王"},
        "employer": {"id": "urn:x:employer"},
        "major": True,
    },
}
SMALL = {
    **DOCUMENT,
    "issuer": {"id": DOCUMENT["issuer"], "name": "x"},
    "credentialSubject": {"id": HOLDER, "familyName": "王"},
}
SELF = {**DOCUMENT, "credentialSubject": {"id": DOCUMENT["issuer"], "grade": 1}}
NUMBERED = {
    **DOCUMENT,
    "credentialSubject": {"id": HOLDER, "iat": 5, "sub": "urn:x:y", "address": "x"},
}
DOCUMENTS = [RICH, SMALL, SELF, NUMBERED]


def same(value):
    """The JSON itself: no order of members, but true is not 1 and 5.0 not 5."""
    return json.dumps(value, sort_keys=True)


def spelled_out(name):
    return {**IRIS, **SCOPED}.get(name, name)


def with_split_object(value):
    names = [name for name in value if name not in {"id", "type"}]
    rest = {name: member for name, member in value.items() if name not in names[:1]}
    return (
        [{**value}, rest]
        if not names
        else [{"id": value["id"], names[0]: value[names[0]]}, rest]
    )


OF_A_VALUE = {
    "value object": lambda v: {"@value": v},
    "typed value": lambda v: {"@value": v, "@type": f"{XSD}string"},
    "list of one": lambda v: [v],
    "unwrapped": lambda v: v[0] if isinstance(v, list) else v,
    "repeated": lambda v: [*v, v[0]] if isinstance(v, list) else [v, v],
    "reversed": lambda v: v[::-1] if isinstance(v, list) else v,
    "nested list": lambda v: [[v]],
    "with a null": lambda v: [*v, None] if isinstance(v, list) else [v, None],
    "set object": lambda v: {"@set": v if isinstance(v, list) else [v]},
    "list object": lambda v: {"@list": v if isinstance(v, list) else [v]},
    "graph object": lambda v: {"@graph": v},
    "identified": lambda v: {"id": v},
    "identified by keyword": lambda v: {"@id": v},
    "only its identifier": lambda v: v["id"],
    "as a fraction": lambda v: float(v) if type(v) is int else v,
    "as digits": str,
    "as a number": int,
    "without direction": lambda v: {**v, "@direction": None},
    "louder": lambda v: {**v, "@language": v["@language"].upper()},
    "quieter": lambda v: {**v, "@language": v["@language"].lower()},
    "split": with_split_object,
    "blank": lambda v: {"id": "_:b", **v},
    "type in a list": lambda v: {**v, "type": [v["type"]]},
    "type by its IRI": lambda v: {**v, "type": spelled_out(v["type"])},
    "keyword type": lambda v: {
        **{k: m for k, m in v.items() if k != "type"},
        "@type": v["type"],
    },
    "empty list beside": lambda v: {**v, "name": []},
    "null beside": lambda v: {**v, "name": None},
    "language beside": lambda v: {**v, "@language": "revised: grade A"},
    "direction beside": lambda v: {**v, "@direction": "ltr"},
    "index beside": lambda v: {**v, "@index": "x"},
    "nest": lambda v: {"@nest": v},
    "included": lambda v: {**v, "@included": [{"id": HOLDER, "grade": 9}]},
    "reverse": lambda v: {**v, "@reverse": {}},
    "own context": lambda v: {**v, "@context": {"another": "urn:x:another"}},
    "names spelled out": lambda v: {spelled_out(name): member for name, member in v.items()},
    "keyword id": lambda v: {("@id" if n == "id" else n): member for n, member in v.items()},
    "types by IRI": lambda v: [spelled_out(name) for name in v],
}


def places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield from places(value[key], (*path, key))


def put(document, path, rewrite):
    """The document with the value at a place rewritten; None where that makes no sense."""
    made = copy.deepcopy(document)
    owner = made
    for key in path[:-1]:
        owner = owner[key]
    try:
        changed = rewrite(owner[path[-1]] if path else made)
    except (TypeError, KeyError, AttributeError, ValueError, IndexError):
        return None
    if not path:
        return changed if isinstance(changed, dict) else None
    owner[path[-1]] = changed
    return made


OF_A_DOCUMENT = {
    "context as text": lambda d: {**d, "@context": CREDENTIALS_V2},
    "second context gone": lambda d: {**d, "@context": [CREDENTIALS_V2]},
    "context added": lambda d: {
        **d,
        "@context": [*d["@context"], "https://w3id.org/security/v2"],
    },
    "context twice": lambda d: {**d, "@context": [*d["@context"], d["@context"][0]]},
    "empty context": lambda d: {**d, "@context": [*d["@context"], {}]},
    "own name": lambda d: {
        **{name: member for name, member in d.items() if name != "validUntil"},
        "@context": [
            *d["@context"],
            {
                "until": {
                    "@id": "https://www.w3.org/2018/credentials#validUntil",
                    "@type": f"{XSD}dateTime",
                }
            },
        ],
        "until": d["validUntil"],
    },
    "what is said of the issuer moved": lambda d: {
        **d,
        "issuer": d["issuer"]["id"],
        "evidence": d["issuer"],
    },
    "subject beside its issuer": lambda d: {
        **d,
        "issuer": d["credentialSubject"],
        "credentialSubject": {"id": d["credentialSubject"]["id"]},
    },
    "types by IRI": lambda d: {**d, "type": [spelled_out(name) for name in d["type"]]},
    "second context that nothing needs": lambda d: {
        **d,
        "@context": [CREDENTIALS_V2, DIDSVC_1],
    },
}


def rewritings(document):
    for name, rewrite in OF_A_DOCUMENT.items():
        yield name, put(document, (), rewrite)
    for path in places({k: v for k, v in document.items() if k not in {"@context", "proof"}}):
        for name, rewrite in OF_A_VALUE.items():
            made = put(document, path, rewrite)
            yield f"{name} at {path}", made


def statements(document):
    try:
        plain = {name: value for name, value in document.items() if name != "proof"}
        return eddsa_rdfc_2022.canonicalize(plain)
    except DidServiceError:
        return None


def taken(document):
    """The document as all readers see it, or why it is not taken."""
    try:
        proof_set.verify_proofs(document, resolve, DEMAND)
        return same(parse_credential(document).raw)
    except DidServiceError as error:
        return error


def equal_rewritings(document):
    expected = statements(document)
    for name, made in rewritings(document):
        if made is not None and same(made) != same(document) and statements(made) == expected:
            yield name, made


@pytest.mark.parametrize("document", DOCUMENTS, ids=["rich", "small", "self", "numbered"])
def test_no_rewriting_with_equal_statements_is_read_as_another_document(document):
    """The signature does hold: whoever rewrote it made it unreadable, not a forgery."""
    secured = signed(RDFC, document=document)
    as_signed = taken(secured)
    assert isinstance(as_signed, str)
    found = list(equal_rewritings(secured))
    assert len(found) > 20
    for name, made in found:
        outcome = taken(made)
        assert outcome == as_signed or isinstance(outcome, MalformedError), name


texts = st.sampled_from(["", "a", "王", "2026-11-21", "true", "5"])
scalars = texts | st.integers(-9, 9) | st.booleans() | st.sampled_from([0.5, -2.25, 1e-7])
names = st.sampled_from(["address", "grade", "major", "region", "name", "category"])
claims = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3)
        | st.dictionaries(names, inner, min_size=1, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=25)
@given(st.dictionaries(names, claims, min_size=1, max_size=3), st.data())
@example({"grade": 9}, None)
def test_no_generated_document_has_a_second_spelling(subject, data):
    document = {**DOCUMENT, "credentialSubject": {"id": HOLDER, **subject}}
    try:
        secured = signed(RDFC, document=document)
    except UnsupportedError:
        return
    as_signed, expected = taken(secured), statements(secured)
    assert isinstance(as_signed, str)
    paths = [path for path in places(secured) if path[:1] == ("credentialSubject",)]
    path = paths[-1] if data is None else data.draw(st.sampled_from(paths))
    for name, rewrite in OF_A_VALUE.items():
        made = put(secured, path, rewrite)
        if made is not None and same(made) != same(secured) and statements(made) == expected:
            outcome = taken(made)
            assert outcome == as_signed or isinstance(outcome, MalformedError), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=["rich", "small", "self", "numbered"])
def test_the_tables_and_the_rules_agree_on_what_is_plain(document):
    """Where the fast path is sure, the careful one must be so too."""
    for _, made in rewritings(document):
        if made is None:
            continue
        try:
            sure = term_tables.read(made, contexts.load).is_plain
        except DidServiceError:
            continue
        if sure:
            spelling.check(made)


def presentation(**members):
    whole = {**PRESENTATION, "holder": "did:example:holder", **members}
    return {**whole, "@context": members.get("@context", [CREDENTIALS_V2])}


@pytest.mark.parametrize(
    "context",
    [
        CREDENTIALS_V2,
        [CREDENTIALS_V2, {"z": "urn:x:z"}],
        [CREDENTIALS_V2, "https://w3id.org/security/v2"],
        [CREDENTIALS_V2, DIDSVC_1, CREDENTIALS_V2],
    ],
)
def test_presentation_is_under_our_contexts_alone(context):
    with pytest.raises(UnsupportedError) as refused:
        signed(RDFC, key=OTHER, document=presentation(**{"@context": context}))
    assert refused.value.code == "names_not_plain"
    signed(RDFC, key=OTHER, document=presentation())
    signed(RDFC, key=OTHER, document=presentation(**{"@context": [CREDENTIALS_V2, DIDSVC_1]}))


@pytest.mark.parametrize(
    ("name", "value"),
    [("@context", [CREDENTIALS_V2]), ("@language", "zh"), ("domain", ["a"])],
)
def test_proof_has_one_spelling_too(name, value):
    secured = signed(RDFC)
    made = {**secured, "proof": {**secured["proof"], name: value}}
    with pytest.raises(UnsupportedError) as refused:
        proof_set.verify_proofs(made, resolve, DEMAND)
    assert refused.value.code == "names_not_plain"


def test_readers_see_one_order_of_what_has_none():
    secured = signed(RDFC, document=RICH)
    turned = put(secured, ("credentialStatus",), lambda v: v[::-1])
    turned = put(turned, ("type",), lambda v: v[::-1])
    first, second = parse_credential(secured), parse_credential(turned)
    assert first == second
    assert first.types == ("VerifiableCredential", "Education", "ResidencePermit")
    assert first.subjects[0]["category"] == ["a", "b", 3]


@pytest.mark.parametrize("odd", [{"id": "urn:x:y"}, ["x"], None, 1])
def test_type_that_is_no_text_is_malformed_under_any_proof(odd):
    """Ordering a list must not fall over what no list of ours may hold."""
    made = put(signed(RDFC), ("type",), lambda types: [*types, odd])
    with pytest.raises(MalformedError) as refused:
        parse_credential(made)
    assert refused.value.code == "member_invalid"


def test_order_that_one_proof_keeps_and_another_does_not_is_unsupported():
    """Whoever adds a proof of his own over another order would choose what readers see."""
    secured = signed(RDFC, document={**RICH, "credentialSubject": {"grade": [9, 1]}})
    jcs_suite = proof_set.SUITES["eddsa-jcs-2022"]
    both = proof_set.sign(secured, OTHER, options(OTHER), jcs_suite)
    with pytest.raises(UnsupportedError) as refused:
        proof_set.verify_proofs(both, resolve, DEMAND)
    assert refused.value.code == "names_not_plain"
    ordered = signed(RDFC, document=stated.in_order(RICH))
    both = proof_set.sign(ordered, OTHER, options(OTHER), jcs_suite)
    assert len(proof_set.verify_proofs(both, resolve, DEMAND)) == 2


@pytest.mark.parametrize(
    "number", [2**53, 2.0**53, 1e20, 1e21, 1e300, 0.1 + 0.2, 9007199254740993.0]
)
def test_number_that_others_might_sign_otherwise_is_neither_signed_nor_called_forged(number):
    with pytest.raises(UnsupportedError) as refused:
        signed(RDFC, document={**DOCUMENT, "credentialSubject": {"grade": number}})
    assert refused.value.code == "number_refused"


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda f: not f.is_integer()))
def test_fraction_that_is_signed_is_the_only_one_with_its_text(number):
    try:
        signed(RDFC, document={**DOCUMENT, "credentialSubject": {"grade": number}})
    except UnsupportedError:
        return
    assert float(f"{number:.15e}") == number


def test_no_two_names_of_our_contexts_mean_the_same():
    """Else one could stand for the other, in equal statements."""
    terms = term_tables.terms_of(2, contexts.load)
    for scope in ({}, *(term.scope for term in terms.values() if term is not None)):
        seen = {}
        for name, term in {**terms, **scope}.items():
            if term is not None:
                assert seen.setdefault(term.iri, name) == name


def test_limit_of_inline_terms_is_above_any_type_of_ours():
    ours = contexts.load(DIDSVC_1)["@context"]
    assert len(ours) < MAX_INLINE_TERMS
